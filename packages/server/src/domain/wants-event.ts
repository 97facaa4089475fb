import { isReservedType, subscriptionMatches } from '@broxi/events/names';
import type { RecordedEvent } from './event.ts';
import { createMatcher, type Match, OWN_URL } from './filter/matcher.ts';
import type { WebhookConfig } from './webhook-config.ts';

/**
 * Whether a webhook, as it is configured now, is to get an event that was published before, and by which route: the one place
 * where a backfill decides. Operational events are not: they were meant for one webhook, at that time.
 * @returns asks about one event; null: it is not to get it. An event's `dataText` may be read from the store when it is asked
 * for, which is done last, and only where filters, conditions or routes need it
 */
export function createWants(
  config: Pick<WebhookConfig, 'events' | 'filters' | 'conditions' | 'routes'>,
): (event: Pick<RecordedEvent, 'type' | 'dataText'>) => Match | null {
  const matcher = createMatcher(config);
  return (event) => {
    const { type } = event;
    const isSubscribed = !isReservedType(type) && config.events.some((pattern) => subscriptionMatches(pattern, type));
    if (!isSubscribed) return null;
    return matcher === null ? OWN_URL : matcher({ event: type, data: JSON.parse(event.dataText) as unknown });
  };
}

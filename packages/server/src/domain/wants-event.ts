import { isReservedType, subscriptionMatches } from '@broxi/events/names';
import type { RecordedEvent } from './event.ts';
import type { WebhookConfig } from './webhook-config.ts';

/**
 * Whether a webhook, as it is configured now, is to get an event that was published before: the one place where a backfill
 * decides. Operational events are not: they were meant for one webhook, at that time.
 * @param event its `dataText` may be read from the store when it is asked for, so ask last
 */
export function wantsEvent(
  config: Pick<WebhookConfig, 'events'>,
  event: Pick<RecordedEvent, 'type' | 'dataText'>,
): boolean {
  return !isReservedType(event.type) && config.events.some((pattern) => subscriptionMatches(pattern, event.type));
}

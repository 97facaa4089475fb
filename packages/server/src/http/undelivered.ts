import { isReservedType, subscriptionMatches } from '@broxi/events/names';
import Type, { type Static } from 'typebox';
import type { RecordedEvent } from '../domain/event.ts';
import { createExplainer } from '../domain/filter/matcher.ts';
import type { WebhookConfig } from '../domain/webhook-config.ts';
import type { EventLog } from '../store/store.ts';
import { failedTestSchema, presentFailedTests } from './present-failed-test.ts';

export const undeliveredSchema = Type.Object({
  webhook_id: Type.String(),
  webhook_version: Type.Integer({ description: 'Its version at that time.' }),
  reason: Type.Enum(['inactive', 'filtered', 'unknown'], {
    description:
      'inactive: it took no events then. filtered: its filters or conditions did not hold. unknown: it should have got it, and no delivery is recorded.',
  }),
  failed: Type.Array(failedTestSchema, {
    description: 'What of its filters and conditions of that time did not hold.',
  }),
});

type Undelivered = Static<typeof undeliveredSchema>;

/**
 * The webhooks that subscribed to an event's type when it was published, and that got no delivery of it, each with the
 * reason in its configuration of that time. Operational events go to one webhook only, so nobody missed them.
 */
export async function findUndelivered(
  store: Pick<EventLog, 'webhooksAt'>,
  event: RecordedEvent,
  deliveredTo: ReadonlySet<string>,
): Promise<Undelivered[]> {
  if (isReservedType(event.type)) return [];
  const webhooks = await store.webhooksAt(event.workspaceId, event.revision);
  const subject = { event: event.type, data: JSON.parse(event.dataText) as unknown };
  return webhooks
    .filter(
      ({ id, config }) => !deliveredTo.has(id) && config.events.some((name) => subscriptionMatches(name, event.type)),
    )
    .map(({ id, version, config }) => ({ webhook_id: id, webhook_version: version, ...reasonIn(config, subject) }));
}

function reasonIn(
  config: WebhookConfig,
  subject: Parameters<ReturnType<typeof createExplainer>>[0],
): Pick<Undelivered, 'reason' | 'failed'> {
  if (!config.active) return { reason: 'inactive', failed: [] };
  const { matches, failed } = createExplainer(config)(subject);
  return { reason: matches ? 'unknown' : 'filtered', failed: presentFailedTests(failed) };
}

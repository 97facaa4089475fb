import { isReservedType, subscriptionMatches } from '@broxi/events/names';
import Type, { type Static } from 'typebox';
import type { RecordedEvent } from '../domain/event.ts';
import type { EventLog } from '../store/store.ts';

export const undeliveredSchema = Type.Object({
  webhook_id: Type.String(),
  webhook_version: Type.Integer({ description: 'Its version at that time.' }),
  reason: Type.Enum(['inactive', 'unknown'], {
    description: 'inactive: it took no events then. unknown: it should have got it, and no delivery is recorded.',
  }),
});

/**
 * The webhooks that subscribed to an event's type when it was published, and that got no delivery of it, each with the
 * reason in its configuration of that time. Operational events go to one webhook only, so nobody missed them.
 */
export async function findUndelivered(
  store: Pick<EventLog, 'webhooksAt'>,
  event: RecordedEvent,
  deliveredTo: ReadonlySet<string>,
): Promise<Static<typeof undeliveredSchema>[]> {
  if (isReservedType(event.type)) return [];
  const webhooks = await store.webhooksAt(event.workspaceId, event.revision);
  return webhooks
    .filter(
      ({ id, config }) => !deliveredTo.has(id) && config.events.some((name) => subscriptionMatches(name, event.type)),
    )
    .map(({ id, version, config }) => ({
      webhook_id: id,
      webhook_version: version,
      reason: config.active ? 'unknown' : 'inactive',
    }));
}

import { DELIVERY_CLASS } from '../../domain/delivery.ts';
import type { RecordedEvent } from '../../domain/event.ts';
import type { PlannedEvent } from '../store.ts';
import { bigintArray, textArray } from './array-parameter.ts';
import { prepared } from './database.ts';
import { isAside } from './days.ts';
import { withoutNul } from './nul-free-text.ts';
import type { Transaction } from './transaction.ts';

type Owed = Pick<PlannedEvent, 'event' | 'deliveries'>;

/** The types of {@link eventColumns}. */
const EVENT_ARRAYS =
  '$1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[]';

export const ADD_EVENTS = `
  INSERT INTO broxi.events (workspace_id, id, type, occurred_at, accepted_at, run_id, revision, data, aside)
  SELECT workspace_id, id, type, occurred_at, accepted_at, run_id, revision, data, ${isAside('e.id', 'evt')}
  FROM unnest(${EVENT_ARRAYS}) WITH ORDINALITY
    AS e (data, workspace_id, id, type, occurred_at, accepted_at, run_id, revision, position)
  ORDER BY position`;

/**
 * Parameters: the columns of the events, then those of the deliveries, each as an array; last, when these are due. The rows of each table are inserted
 * in the order of the arrays, so that `seq` is. Result: the `seq` of each delivery.
 */
const OWE_EVENTS = prepared(`
  WITH added AS (${ADD_EVENTS}),
  owed AS (
    INSERT INTO broxi.queue (workspace_id, webhook_id, class, due_at, id, event_id, origin, route, run, thin, created_at)
    SELECT workspace_id, webhook_id, class, $18, id, event_id, 'event', route, run, payload = 'thin', created_at
    FROM unnest($9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::bigint[], $15::text[], $16::text[],
        $17::bigint[])
      WITH ORDINALITY AS d (workspace_id, webhook_id, class, id, event_id, route, run, payload, created_at, position)
    ORDER BY position
    RETURNING seq
  )
  SELECT seq FROM owed ORDER BY seq`);

/** Records events, without anything that is owed for them. */
export async function addEvents(tx: Transaction, events: readonly RecordedEvent[]): Promise<void> {
  await tx.query(ADD_EVENTS, eventColumns(events));
}

/**
 * Records events with deliveries that are owed from now on, and news of them for their lanes: one statement.
 * @param dueAt an instant that never goes back: what is read in order of it is not overtaken by what this process takes in
 */
export async function oweEvents(tx: Transaction, planned: readonly Owed[], dueAt: number): Promise<void> {
  if (planned.length === 0) return;
  const events = planned.map(({ event }) => event);
  const deliveries = planned.flatMap(({ event, deliveries }) =>
    deliveries.map(({ id, webhookId, route = null, run = null, payload = 'full', gathers }) => ({
      ...{ event, id, webhookId, route, run, payload },
      class: gathers ? DELIVERY_CLASS.gathering : DELIVERY_CLASS.first,
    })),
  );
  const rows = await tx.run<{ seq: number }>(OWE_EVENTS, [
    ...eventColumns(events),
    textArray(deliveries.map(({ event }) => event.workspaceId)),
    textArray(deliveries.map(({ webhookId }) => webhookId)),
    bigintArray(deliveries.map((delivery) => delivery.class)),
    textArray(deliveries.map(({ id }) => id)),
    textArray(deliveries.map(({ event }) => event.id)),
    bigintArray(deliveries.map(({ route }) => route)),
    textArray(deliveries.map(({ run }) => withoutNul(run))),
    textArray(deliveries.map(({ payload }) => payload)),
    bigintArray(deliveries.map(({ event }) => event.acceptedAt)),
    dueAt,
  ]);
  for (const [i, delivery] of deliveries.entries()) {
    const seq = rows[i]?.seq;
    if (seq === undefined) throw new Error('a delivery that was inserted has a number');
    const { event, id, webhookId, route, run, payload } = delivery;
    const lane = { workspaceId: event.workspaceId, webhookId };
    if (delivery.class === DELIVERY_CLASS.gathering) {
      tx.wakes.addGathering(lane, { dueAt, seq });
      continue;
    }
    const place = { class: delivery.class, dueAt, seq };
    const fresh = { origin: 'event', attempts: 0, seriesFrom: 0, atFallback: false } as const;
    tx.wakes.addFirst({ lane, id, createdAt: event.acceptedAt, ...place, ...fresh, route, run, payload, event });
  }
  tx.counts.deliveriesCreated += deliveries.length;
}

/**
 * The columns of events, each as an array: the first parameters of {@link ADD_EVENTS}. The largest is the first, for `pg` makes
 * room for one parameter after the other, and copies what it has each time.
 */
export function eventColumns(events: readonly RecordedEvent[]): Buffer[] {
  return [
    textArray(events.map(({ dataText }) => dataText)),
    textArray(events.map(({ workspaceId }) => workspaceId)),
    textArray(events.map(({ id }) => id)),
    textArray(events.map(({ type }) => type)),
    bigintArray(events.map(({ occurredAt }) => occurredAt)),
    bigintArray(events.map(({ acceptedAt }) => acceptedAt)),
    textArray(events.map(({ runId }) => withoutNul(runId))),
    bigintArray(events.map(({ revision }) => revision)),
  ];
}

import type { Clock } from '../../clock.ts';
import { DELIVERY_CLASS, type DeliveryOrigin, type PayloadKind } from '../../domain/delivery.ts';
import type { Lane } from '../../domain/webhook.ts';
import { bigintArray, textArray } from './array-parameter.ts';
import { isToStay } from './days.ts';
import { LASTING, SO_FAR } from './delivery-columns.ts';
import { withNul, withoutNul } from './nul-free-text.ts';
import type { Transaction } from './transaction.ts';

/** The ways back into the queue, due now and in the class of what is recovered. Each runs inside the caller's transaction. */
export interface Recover {
  /**
   * Deliveries of a lane that failed or were cancelled, again, with a fresh schedule, where they went at first; no batches whose
   * members went on in others. @returns how many there were
   */
  putBack(tx: Transaction, lane: Lane, ids: readonly string[]): Promise<number>;
  /** Events once more, as new deliveries: behind all of their runs. @throws if there is a delivery of one of these ids */
  oweAnew(tx: Transaction, lane: Lane, deliveries: readonly NewDelivery[]): Promise<void>;
}

export interface NewDelivery {
  id: string;
  eventId: string;
  origin: DeliveryOrigin;
  route: number | null;
  run: string | null;
  payload: PayloadKind;
}

/**
 * Moves rows from history to the queue, but for those whose day is being removed; their place among what is due at the same
 * instant is the one of their `seq`.
 */
const PUT_BACK = `
  WITH back AS (
    DELETE FROM broxi.deliveries d
    WHERE workspace_id = $1 AND webhook_id = $2 AND id = ANY ($3::text[]) AND state IN ('failed', 'cancelled')
      AND ${isToStay('d', 'del')} AND (origin <> 'batch' OR EXISTS (
        SELECT 1 FROM broxi.deliveries m WHERE m.workspace_id = $1 AND m.batch = d.id AND ${isToStay('m', 'del')}))
    RETURNING *
  )
  INSERT INTO broxi.queue (${LASTING}, ${SO_FAR}, class, due_at, series_from)
  SELECT ${LASTING}, ${SO_FAR}, ${DELIVERY_CLASS.recovered}, $4, attempts FROM back RETURNING run`;

const OWE_ANEW = `
  INSERT INTO broxi.queue (workspace_id, webhook_id, class, due_at, created_at, id, event_id, origin, route, run, thin)
  SELECT $1, $2, ${DELIVERY_CLASS.recovered}, $3::bigint, $4::bigint, id, event_id, origin, route, run, payload = 'thin'
  FROM unnest($5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::text[]) WITH ORDINALITY
    AS d (id, event_id, origin, route, run, payload, position)
  WHERE NOT EXISTS (SELECT 1 FROM broxi.deliveries WHERE workspace_id = $1 AND deliveries.id = ANY ($5::text[]))
  ORDER BY position RETURNING seq`;

export function createRecover({ clock, dueNow }: { clock: Clock; dueNow: () => number }): Recover {
  return {
    async putBack(tx, lane, ids) {
      if (ids.length === 0) return 0;
      const values = [lane.workspaceId, lane.webhookId, textArray(ids), dueNow()];
      const rows = await tx.query<{ run: string | null }>(PUT_BACK, values);
      if (rows.length > 0) tx.wakes.add(lane, 'recovered');
      for (const { run } of rows) tx.wakes.addRun(lane, 'putBack', withNul(run));
      tx.counts.deliveriesPutBack += rows.length;
      return rows.length;
    },
    async oweAnew(tx, lane, deliveries) {
      if (deliveries.length === 0) return;
      const owed = await tx.query(OWE_ANEW, [
        lane.workspaceId,
        lane.webhookId,
        dueNow(),
        clock.now(),
        textArray(deliveries.map(({ id }) => id)),
        textArray(deliveries.map(({ eventId }) => eventId)),
        textArray(deliveries.map(({ origin }) => origin)),
        bigintArray(deliveries.map(({ route }) => route)),
        textArray(deliveries.map(({ run }) => withoutNul(run))),
        textArray(deliveries.map(({ payload }) => payload)),
      ]);
      if (owed.length < deliveries.length) throw new Error('there is a delivery of that id already');
      tx.wakes.add(lane, 'recovered');
      for (const { run } of deliveries) tx.wakes.addRun(lane, 'putBack', run);
      tx.counts.deliveriesCreated += deliveries.length;
    },
  };
}

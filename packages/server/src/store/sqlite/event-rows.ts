import type { DatabaseSync } from 'node:sqlite';
import { DELIVERY_CLASS } from '../../domain/delivery.ts';
import type { RecordedEvent } from '../../domain/event.ts';
import type { PlannedDelivery, StoreCounters } from '../store.ts';
import type { WakeList } from '../wake-list.ts';
import type { DeliveryRows } from './delivery-rows.ts';
import type { RowNumbers } from './row-numbers.ts';

/** The ways in for events. Each runs inside the caller's transaction. */
export interface EventRows {
  /** @returns its `seq` */
  add(event: RecordedEvent): number;
  /** With deliveries that are owed from now on, and news of them for their lanes. */
  owe(event: RecordedEvent, deliveries: readonly PlannedDelivery[]): void;
}

export function createEventRows(options: {
  database: DatabaseSync;
  wakes: WakeList;
  rows: DeliveryRows;
  numbers: RowNumbers;
  counters: StoreCounters;
  /** An instant that never goes back, for due times: what is read in order of it is never overtaken. */
  dueNow: () => number;
}): EventRows {
  const { database, wakes, rows, numbers, counters, dueNow } = options;
  const insertEvent = database.prepare(`
    INSERT INTO events (workspace, id, type, occurred_at, accepted_at, run_id, revision, data)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);

  const add = (event: RecordedEvent): number => {
    const { lastInsertRowid } = insertEvent.run(
      numbers.ofWorkspace(event.workspaceId),
      event.id,
      event.type,
      event.occurredAt,
      event.acceptedAt,
      event.runId,
      event.revision,
      event.dataText,
    );
    return Number(lastInsertRowid);
  };

  return {
    add,
    owe(event, deliveries) {
      const seq = add(event);
      const dueAt = dueNow();
      for (const delivery of deliveries) {
        const lane = { workspaceId: event.workspaceId, webhookId: delivery.webhookId };
        const { id, route = null, run = null, payload = 'full', gathers } = delivery;
        const created = { lane, id, route, run, payload, createdAt: event.acceptedAt, dueAt, origin: 'event' as const };
        if (gathers) {
          const member = rows.create({ ...created, event: seq, class: DELIVERY_CLASS.gathering });
          wakes.addGathering(lane, { dueAt, seq: member });
          continue;
        }
        const first = { ...created, class: DELIVERY_CLASS.first };
        const fresh = { seq: rows.create({ ...first, event: seq }), attempts: 0, seriesFrom: 0, atFallback: false };
        wakes.addFirst({ ...first, ...fresh, event });
      }
      counters.deliveriesCreated += deliveries.length;
      counters.pending += deliveries.length;
    },
  };
}

import type { Clock } from '../../clock.ts';
import { DELIVERY_CLASS, type DeliveryOrigin, type PayloadKind } from '../../domain/delivery.ts';
import type { Lane } from '../../domain/webhook.ts';
import type { StoreCounters } from '../store.ts';
import type { WakeList } from '../wake-list.ts';
import type { DeliveryRows } from './delivery-rows.ts';

/** The ways back into the queue, due now and in the class of what is recovered. Each runs inside the caller's transaction. */
export interface Recover {
  /** The same delivery again, with a fresh schedule. */
  putBack(lane: Lane, seq: number): void;
  /** An event once more, as a new delivery: behind all of its run. @param delivery.event its `seq` */
  oweAnew(lane: Lane, delivery: OwedAnew): void;
}

interface OwedAnew {
  id: string;
  event: number;
  origin: DeliveryOrigin;
  route: number | null;
  run: string | null;
  payload: PayloadKind;
}

export function createRecover(options: {
  clock: Clock;
  wakes: WakeList;
  rows: DeliveryRows;
  counters: StoreCounters;
  dueNow: () => number;
}): Recover {
  const { clock, wakes, rows, counters, dueNow } = options;
  const waits = (lane: Lane, run: string | null) => {
    counters.pending += 1;
    wakes.add(lane, 'recovered');
    wakes.addRun(lane, 'putBack', run);
  };
  return {
    putBack(lane, seq) {
      const run = rows.recover(lane, { class: DELIVERY_CLASS.recovered, dueAt: dueNow(), seq });
      counters.deliveriesPutBack += 1;
      waits(lane, run);
    },
    oweAnew(lane, delivery) {
      const place = { class: DELIVERY_CLASS.recovered, dueAt: dueNow(), createdAt: clock.now() };
      rows.create({ lane, ...delivery, ...place });
      counters.deliveriesCreated += 1;
      waits(lane, delivery.run);
    },
  };
}

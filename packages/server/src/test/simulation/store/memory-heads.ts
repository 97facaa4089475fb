import type { OnExhausted } from '../../../domain/ordering.ts';
import type { QueuedDelivery } from '../../../store/store.ts';
import { type DeliveryRow, type Disk, isLane } from './disk.ts';

/** What stands before a delivery in the run that they go in order with, in order; nothing where it has none. */
export function runBefore(disk: Disk, { lane, run, seq }: Pick<DeliveryRow, 'lane' | 'run' | 'seq'>): DeliveryRow[] {
  if (run === null) return [];
  return disk.deliveries
    .all()
    .filter((row) => row.run === run && row.seq < seq && isLane(row.lane, lane))
    .toSorted((a, b) => a.seq - b.seq);
}

export function isHead(disk: Disk, delivery: QueuedDelivery, onExhausted: OnExhausted): boolean {
  return runBefore(disk, delivery).every(
    ({ state }) => state !== 'pending' && (state !== 'failed' || onExhausted === 'skip'),
  );
}

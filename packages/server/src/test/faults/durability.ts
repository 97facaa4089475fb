import { crashTable } from './crash-table.ts';
import type { Finding } from './finding.ts';
import { losePower } from './lose-power.ts';
import { watchSyncOrder } from './sync-order.ts';

const WATCHED_EVENTS = 2_500;
/** A kill finds one sync out only if the latest group that was answered held an event: some do not. */
const CONTROL_KILLS = 20;

/** What lies below the page cache: the order of syncs and answers, and a disk that forgets what was not synced. */
export async function durability(options: { kills: number; seed: number; ratePerSecond: number }): Promise<Finding> {
  const order = await watchSyncOrder({ ratePerSecond: options.ratePerSecond, events: WATCHED_EVENTS });
  const report = await losePower(options);
  const control = await losePower({ ...options, kills: CONTROL_KILLS, shortestLifeMs: 300, syncsEarly: 1 });
  const breaches = [...order.breaches, ...report.breaches];
  if (control.breaches.length === 0)
    breaches.push('the control, which answers one sync early, broke no promise: this program proves nothing');
  return {
    title: `below the page cache, seed ${options.seed}`,
    table: [
      ...crashTable([
        ['unsynced writes dropped', report],
        ['control: answers one sync early', control],
      ]),
      ['answers that left before their sync', `${order.breaches.length} of ${order.acknowledged}`, ''],
    ],
    breaches,
  };
}

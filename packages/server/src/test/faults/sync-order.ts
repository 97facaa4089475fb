import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '../start-server.ts';
import { waitUntil } from '../wait-until.ts';
import { buildShim } from './build-shim.ts';
import { Load } from './load.ts';
import { withFolder } from './with-folder.ts';

export interface SyncOrder {
  acknowledged: number;
  syncs: number;
  /** One sentence for each answer that left before a sync that covers its event had returned. */
  breaches: string[];
}

const STEP_MS = 60_000;

/** Publishes events, and reads from the server's system calls whether each 202 left after the sync of its event. */
export function watchSyncOrder(options: { ratePerSecond: number; events: number }): Promise<SyncOrder> {
  return withFolder(async (folder) => {
    const timeline = join(folder, 'timeline');
    const env = { ...buildShim('disk-timeline', folder), TIMELINE: timeline, TIMELINE_LOG: 'broxi.db-wal' };
    const server = await startServer(folder, [], env);
    const load = new Load({ ratePerSecond: options.ratePerSecond, era: () => 0 });
    try {
      load.resume([server.url]);
      await waitUntil('answers', () => load.acknowledged.length >= options.events, STEP_MS);
    } finally {
      await load.pause();
      await server.stop();
    }
    const order = readTimeline(readFileSync(timeline, 'utf8'));
    const answered = load.acknowledged.length;
    if (order.acknowledged !== answered)
      order.breaches.push(`${answered} answers came, and ${order.acknowledged} were seen to leave`);
    return order;
  });
}

/** @param timeline as `disk-timeline.c` describes it */
export function readTimeline(timeline: string): SyncOrder {
  const order: SyncOrder = { acknowledged: 0, syncs: 0, breaches: [] };
  /** How many syncs had begun when an event was first in the log. */
  const writtenAfter = new Map<string, number>();
  let begun = 0;
  let latestReturned = 0;
  for (const line of timeline.split('\n')) {
    const [kind, what = ''] = line.split(' ');
    if (kind === 'W' && !writtenAfter.has(what)) writtenAfter.set(what, begun);
    if (kind === 'S') begun = Number(what);
    if (kind === 'E') {
      latestReturned = Math.max(latestReturned, Number(what));
      order.syncs += 1;
    }
    if (kind === 'A') {
      order.acknowledged += 1;
      const before = writtenAfter.get(what);
      if (before === undefined) order.breaches.push(`${what} was acknowledged and never written`);
      // The first sync that covers it is the one that began next.
      else if (latestReturned <= before) order.breaches.push(`${what} was acknowledged before its sync had returned`);
    }
  }
  return order;
}

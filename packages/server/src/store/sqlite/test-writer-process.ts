import { systemClock } from '../../clock.ts';
import { plannedEvent, submission } from '../conformance/samples.ts';
import { createVault } from '../vault.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

/**
 * A process to be killed: opens a store and owes deliveries in one lane until it dies. Every third one it settles. It
 * prints a line for each write that was acknowledged: `recorded <delivery>`, `settled <delivery>`.
 */

export const WRITER_KEY = Buffer.alloc(32, 7);
export const WRITER_LANE = { workspaceId: 'ws_writer', webhookId: 'wh_writer' };

async function write(path: string): Promise<never> {
  const store = openSqliteStore({ path, vault: createVault(WRITER_KEY), clock: systemClock });
  const attempt = {
    url: 'https://receiver.example/',
    route: null,
    webhookVersion: 1,
    startedAt: 0,
    durationMs: 1,
    exchanges: [],
  };
  for (let count = 1; ; count += 1) {
    const planned = [1, 2, 3].map(() => plannedEvent([WRITER_LANE]));
    const recording = planned.map(async (event) => {
      await store.record(submission([event]));
      process.stdout.write(`recorded ${event.deliveries[0]?.id}\n`);
    });
    await Promise.all(recording);
    const due = { lane: WRITER_LANE, class: 0, after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 1 } as const;
    const [delivery] = await store.readDue(due);
    if (delivery === undefined) throw new Error('What was recorded waits.');
    const made = { ...attempt, id: `att_${count}`, number: 1, outcome: 'delivered', reason: null } as const;
    await store.settle({ delivery, attempt: made, next: { state: 'delivered' }, destination: null });
    process.stdout.write(`settled ${delivery.id}\n`);
  }
}

const [, script, path] = process.argv;
if (script === import.meta.filename && path !== undefined) await write(path);

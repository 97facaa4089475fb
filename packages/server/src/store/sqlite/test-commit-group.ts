import { DatabaseSync } from 'node:sqlite';
import { createFakeClock } from '../../test/fake-clock.ts';
import { CommitGroup } from './commit-group.ts';

export const LINGER_MS = 10;
export const ENOUGH_JOBS = 5;

/** A group on a database in memory, whose syncs end when the test says so. `log` tells what happened in what order. */
export function openGroup({ syncsBySelf = true } = {}) {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE rows (name TEXT PRIMARY KEY, filler TEXT)');
  const insert = database.prepare('INSERT INTO rows (name, filler) VALUES (?, ?)');
  const clock = createFakeClock();
  const log: string[] = [];
  const syncs: PromiseWithResolvers<void>[] = [];
  const group = new CommitGroup({
    database,
    clock,
    lingerMs: LINGER_MS,
    enoughJobs: ENOUGH_JOBS,
    sync() {
      log.push('sync');
      const sync = Promise.withResolvers<void>();
      syncs.push(sync);
      if (syncsBySelf) sync.resolve();
      return sync.promise;
    },
    afterCommit() {
      log.push('written');
      return () => {
        log.push('on disk');
      };
    },
    afterRollback: () => log.push('undone'),
    onBroken: (error) => log.push(`broken: ${error.message}`),
  });
  const add = (name: string, filler = '') => {
    const promise = group.run(() => {
      insert.run(name, filler);
      return `${name} of ${clock.monotonic()}`;
    });
    promise.then(
      () => log.push(`${name} done`),
      () => log.push(`${name} failed`),
    );
    return promise;
  };
  const rows = () =>
    database
      .prepare('SELECT name FROM rows ORDER BY name')
      .all()
      .map(({ name }) => name);
  return { database, group, clock, log, syncs, add, rows };
}

/** Whose callers were told, in that order. */
export function doneIn(log: readonly string[]): string[] {
  return log.filter((line) => line.endsWith(' done')).map((line) => line.slice(0, -5));
}

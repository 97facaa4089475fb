import type { Mutant } from '../mutant.ts';

/** Errors that the simulation found, put back. */
export const FORMER_ERRORS: readonly Mutant[] = [
  {
    name: 'found: a probe that is not the oldest, after a cancel that the disk refused',
    file: 'deliver/waiting-lines.ts',
    find: 'if (oldest === undefined || isDueBefore(delivery, oldest)) oldest = delivery;',
    replace:
      'if (oldest?.class === delivery.class) continue;\n      if (oldest === undefined || isDueBefore(delivery, oldest)) oldest = delivery;',
  },
  {
    name: 'found: a retry stays behind a read that came past it',
    file: 'deliver/read-progress.ts',
    find: 'if (cursor !== null && !isDueBefore(cursor, place)) this.rewind([DELIVERY_CLASS.retry]);',
    replace: '',
  },
  {
    name: 'found: late news brings back what was cancelled',
    file: 'deliver/engine.ts',
    find: 'clock.after(0, () => {',
    replace: 'lane.forget(deliveryId);\n      clock.after(0, () => {',
  },
  {
    name: 'found: a 410 of the old URL stops the new one',
    file: 'deliver/engine.ts',
    find: 'if (landed.disable !== undefined) lane.disablingEnded();',
    replace: '',
  },
  {
    name: 'found: a write is refused although the disk may keep it',
    file: 'store/sqlite/commit-group.ts',
    find: `        this.#breakDown(cause);`,
    replace: `        for (const job of jobs) job.failed(new StoreUnavailableError('', cause));\n        this.#breakDown(cause);`,
  },
  {
    name: 'found: an outcome from before a resume undoes it',
    file: 'test/simulation/store/memory-queue.ts',
    find: 'hold.resumedAt >= at || ',
    replace: '',
  },
  {
    name: 'found: what a former secret taught comes back',
    file: 'test/simulation/store/memory-deliveries.ts',
    find: 'if (!isKept) return;',
    replace: 'if (isKept === null) return;',
  },
  {
    name: 'found: a read that began before an outcome was written brings its delivery back',
    file: 'deliver/lane.ts',
    find: ' || this.#isGone(delivery)',
    replace: '',
  },
  {
    name: 'found: what lands while the requests of a lane are read is not counted',
    file: 'deliver/lane-reader.ts',
    find: 'Array.from({ length: lane.unsettled }, () => now)',
    replace: '[]',
  },
  {
    name: 'found: what was put back while one class was read is passed by when the next one is',
    file: 'deliver/lane.ts',
    find: `    this.#progress.begin(deliveryClass);
    this.#goneSince.clear();`,
    replace: '    this.#progress.begin(deliveryClass);',
  },
  {
    name: 'found: news is lost with the answer to its taking',
    file: 'test/simulation/store/memory-shared-tables.ts',
    find: `      told(togetherByLane(prepared.taken));
      await ask(() => {
        prepared.transaction.commit();
        watch.passed('took news', nodeId);
      });`,
    replace: `      await ask(() => {
        prepared.transaction.commit();
        watch.passed('took news', nodeId);
      });
      told(togetherByLane(prepared.taken));`,
  },
  {
    name: 'found: a webhook was changed as its lane went away, and its owner was not told',
    file: 'store/postgres/cluster.ts',
    find: 'wake.changed || !own.has(wake)',
    replace: '!own.has(wake)',
  },
  {
    name: 'found: a read that is under way passes by what is put off meanwhile',
    file: 'deliver/read-progress.ts',
    find: 'this.#bound(DELIVERY_CLASS.retry, place);',
    replace: '',
  },
];

import type { Clock } from '../../../clock.ts';
import type { OpenedStore } from '../../../store/conformance/harness.ts';
import type { JobLog, Retention } from '../../../store/store.ts';
import { Disk } from './disk.ts';
import { openMemoryReader, openMemoryStore } from './open-memory-store.ts';

const refuse = async (): Promise<never> => {
  throw new Error('the simulated store has no jobs and no retention');
};
const READS = { getJob: async () => null, listJobs: async () => [], estimateJob: refuse };
const UPKEEP: JobLog & Retention = {
  ...READS,
  ...{ createJob: async () => null, cancelJob: refuse, unfinishedJobs: refuse, advanceJob: refuse, prune: refuse },
};

/** The simulation's store, for the conformance suite. A sync lasts one turn of the clock. */
export async function openMemoryHarness(clock: Clock): Promise<OpenedStore> {
  const disk = new Disk();
  const open = () => ({
    ...UPKEEP,
    ...openMemoryStore({
      disk,
      clock,
      sync: () => new Promise((resolve) => clock.after(1, resolve)),
      onBroken: () => {
        throw new Error('no sync of this harness fails');
      },
    }),
  });
  const reader = { ...READS, ...openMemoryReader(disk) };
  let store = open();
  return {
    get store() {
      return store;
    },
    reader,
    async addWorkspace(id) {
      disk.journal.begin();
      disk.workspaces.insert(id, { id, name: 'test', revision: 0 });
      disk.journal.commit();
    },
    async reopen() {
      await store.close();
      // Everything that was acknowledged is on disk: to lose the rest must change nothing.
      disk.journal.crash(0);
      store = open();
    },
    close: () => store.close(),
    async fill() {
      disk.fault = 'full';
      return async () => {
        disk.fault = null;
      };
    },
  };
}

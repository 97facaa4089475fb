import type { Machine } from './machine.ts';

/** For tests of reports. */
export const SAMPLE_MACHINE: Machine = {
  processors: 2,
  model: 'M',
  architecture: 'x64',
  kernel: '6',
  memoryBytes: 2 ** 33,
  node: 'v26',
  loadBefore: 0.1,
  databaseInMemory: false,
};

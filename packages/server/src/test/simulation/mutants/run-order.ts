import type { Mutant } from '../mutant.ts';

/** Of the order of runs. */
export const RUN_ORDER: readonly Mutant[] = [
  {
    name: 'two of a run at a time',
    file: 'deliver/run-order.ts',
    find: 'this.keeps(run) ? this.#held.get(run)?.[0] : undefined',
    replace: 'undefined',
  },
  {
    name: 'news is taken for the heads of its runs',
    file: 'deliver/lane.ts',
    find: 'handedOver.filter(({ run }) => !this.runs.keeps(run))',
    replace: 'handedOver',
  },
  {
    name: 'nobody looks for the next of a run',
    file: 'deliver/engine.ts',
    find: 'lane.runs.lookAt(delivery.run);',
    replace: '',
  },
  {
    name: 'the next of a run does not wait until the outcome is on disk',
    file: 'deliver/engine.ts',
    find: 'const outcome = this.#concluded(input, landed);',
    replace: 'const outcome = this.#concluded(input, landed);\n      lane.forget(delivery.id);',
  },
  {
    name: 'one that failed blocks nothing',
    file: 'deliver/lane-reader.ts',
    find: 'onExhausted: ordering.on_exhausted',
    replace: `onExhausted: 'skip'`,
  },
  {
    name: 'one that failed blocks all that are read after it',
    file: 'deliver/lane-reader.ts',
    find: `ordering?.on_exhausted ?? 'block'`,
    replace: `'block' as const`,
  },
  {
    name: 'one that is put back goes behind what waits in memory',
    file: 'deliver/lane.ts',
    find: 'delivery.seq < holder.seq &&',
    replace: 'delivery.seq < 0 &&',
  },
  {
    name: 'news of a run whose head is cancelled is not heard',
    file: 'deliver/engine.ts',
    find: 'for (const run of wake.freed) lane.runs.lookAt(run);',
    replace: '',
  },
  {
    name: 'the next of a run does not wait until a cancelling is on disk',
    file: 'deliver/lane.ts',
    find: 'this.runs.ordering !== null && this.#cancelling > 0',
    replace: 'false',
  },
  {
    name: 'what was read without an order goes without it',
    file: 'deliver/lane.ts',
    find: 'if (isSame) return;',
    replace: 'return;',
  },
];

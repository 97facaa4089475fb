import { setFlagsFromString } from 'node:v8';

/**
 * V8 collects the old generation when it has grown to a multiple of what lived in it last, for it takes memory to be free.
 * A server that waits for receivers has little that lives long: a third more is enough, and costs no throughput that can
 * be measured. Process-wide; before threads are launched.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=30');
}

/** Of a thread: three semi-spaces of a third of this each. Objects that outlive an attempt are few. */
export const YOUNG_GENERATION_MB = 16;

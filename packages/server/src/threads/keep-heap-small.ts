import { setFlagsFromString } from 'node:v8';

/**
 * V8 collects the old generation when it has grown to a multiple of what lived in it last, for it takes memory to be free.
 * A server that waits for receivers has little that lives long: a third more is enough. Beside PostgreSQL it is twice as much:
 * the buffers of its statements count as growth, 10 kB for each event, and a third more would be there four times a second.
 * Process-wide; before threads are launched.
 * @param store what the server keeps its data in
 */
export function keepHeapSmall(store: 'sqlite' | 'postgres'): void {
  setFlagsFromString(`--heap-growing-percent=${store === 'sqlite' ? 30 : 100}`);
}

/**
 * Of a thread: three semi-spaces of a third of this each. Under full load one is filled in twice the time that a delivery takes:
 * what is alive then is copied, and nearly all of it is gone before it would be a second time.
 */
export const YOUNG_GENERATION_MB = 48;

import { setFlagsFromString } from 'node:v8';

/**
 * How V8 trades memory and compile time for speed. Process-wide; before threads are launched, for what is compiled before stays
 * as it is.
 * @param store what the server keeps its data in
 */
export function setV8Flags(store: 'sqlite' | 'postgres'): void {
  // The old generation is collected when it has grown to a multiple of what lived in it last, for V8 takes memory to be free.
  // A server that waits for receivers has little that lives long: a third more is enough. Beside PostgreSQL it is twice as much:
  // the buffers of its statements count as growth, 10 kB for each event, and a third more would be there four times a second.
  setFlagsFromString(`--heap-growing-percent=${store === 'sqlite' ? 30 : 100}`);
  // An event runs through many short functions, here and in Node's streams: more of them are compiled into their callers. The
  // defaults are 460 and 920 bytes of bytecode, one function and all of them.
  setFlagsFromString('--max-inlined-bytecode-size=1000');
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=2500');
  // What compiled code knows of objects stays known while there is none of them, as between two bursts: else a collection at rest
  // throws the code away with it, and the next burst takes half as much time again for each event. The default is two collections.
  setFlagsFromString('--retain-maps-for-n-gc=1000000');
  // `settleDown` collects what a burst leaves behind; V8 would do it once more, and with nothing in the air (see there).
  setFlagsFromString('--no-memory-reducer');
}

/**
 * Of a thread: three semi-spaces of a third of this each. Under full load one is filled in twice the time that a delivery takes:
 * what is alive then is copied, and nearly all of it is gone before it would be a second time.
 */
export const YOUNG_GENERATION_MB = 48;

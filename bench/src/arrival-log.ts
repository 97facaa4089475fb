import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Nothing new for so long, with events still missing, and they are taken as lost. */
const SILENCE_MS = 5_000;
/** The receiver writes its buffer every 200 ms; what is there after this has been written. */
const SETTLE_MS = 500;

/** What reached the receiver in one round. Times are seconds since the epoch, resolution 1 ms. */
export interface Arrivals {
  /** Deliveries by their id, each counted once: when each arrived first, in the order of arrival. */
  times: number[];
  /** How many bytes the body of each had, in the order of the log. */
  lengths: number[];
  /** Arrivals of a delivery that had arrived in the same round before. */
  duplicates: number;
}

/** How many arrived in each second, from the first arrival to the last. Throws a `RangeError` for less than two moments. */
export function arrivalRate(times: readonly number[]): number {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined || last <= first) {
    throw new RangeError('A rate needs arrivals at two different moments.');
  }
  return times.length / (last - first);
}

function noArrivals(): Arrivals {
  return { times: [], lengths: [], duplicates: 0 };
}

/** Reads the receiver's access log, lines of `<seconds> <delivery id> <bytes of the body>`, as it grows. */
export class ArrivalLog {
  readonly #path: string;
  #offset = 0;
  #partialLine = '';
  #seen = new Set<string>();
  #arrivals = noArrivals();

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Waits until `expected` deliveries have arrived since the last call, or none for 5 s, and answers them all.
   * The next call starts from here.
   */
  async collect(expected: number): Promise<Arrivals> {
    let grewAt = performance.now();
    while (this.#arrivals.times.length < expected && performance.now() - grewAt < SILENCE_MS) {
      if (await this.#readNew()) grewAt = performance.now();
      else await sleep(100);
    }
    await sleep(SETTLE_MS);
    await this.#readNew();
    const collected = this.#arrivals;
    collected.times.sort((a, b) => a - b);
    this.#arrivals = noArrivals();
    this.#seen = new Set();
    return collected;
  }

  async #readNew(): Promise<boolean> {
    const file = await open(this.#path, 'r');
    try {
      return await this.#readFrom(file);
    } finally {
      await file.close();
    }
  }

  async #readFrom(file: FileHandle): Promise<boolean> {
    const buffer = Buffer.allocUnsafe(1 << 20);
    const start = this.#offset;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#offset);
      if (bytesRead === 0) return this.#offset > start;
      this.#offset += bytesRead;
      // Times and ids are ASCII, so a chunk never ends inside a character.
      const lines = (this.#partialLine + buffer.toString('latin1', 0, bytesRead)).split('\n');
      this.#partialLine = lines.pop() ?? '';
      for (const line of lines) this.#add(line);
    }
  }

  #add(line: string): void {
    const [seconds, deliveryId = '-', length] = line.split(' ');
    // Something other than a delivery, a probe of the port for example, is logged without an id.
    if (deliveryId === '-') return;
    if (this.#seen.has(deliveryId)) {
      this.#arrivals.duplicates += 1;
      return;
    }
    this.#seen.add(deliveryId);
    this.#arrivals.times.push(Number(seconds));
    this.#arrivals.lengths.push(Number(length));
  }
}

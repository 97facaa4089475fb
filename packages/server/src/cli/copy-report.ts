import type { Clock } from '../clock.ts';
import { type CopyCounts, nothingCopied } from '../store/copy-store.ts';

const EVERY_MS = { terminal: 250, file: 5_000 };

/** Says how a copy goes on: in one line that changes where a person looks on, else in a line every few seconds. */
export class CopyReport {
  readonly #out: { write(text: string): unknown; isTTY?: boolean };
  readonly #clock: Clock;
  #startedAt: number;
  #saidAt = Number.NEGATIVE_INFINITY;
  #total = nothingCopied();

  constructor({ out, clock }: { out: { write(text: string): unknown; isTTY?: boolean }; clock: Clock }) {
    this.#out = out;
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
  }

  /** A step is over, in which so much was copied. */
  add(counts: Readonly<CopyCounts>): void {
    this.#total = sumOf(this.#total, counts);
  }

  /** A step goes on. @param share 0 to 1, of what it has to do */
  tell(what: string, counts: Readonly<CopyCounts>, share: number): void {
    const now = this.#clock.monotonic();
    const isTerminal = this.#out.isTTY === true;
    if (now - this.#saidAt < (isTerminal ? EVERY_MS.terminal : EVERY_MS.file)) return;
    this.#saidAt = now;
    const line = `${what}: ${Math.floor(share * 100)} %, ${describe(sumOf(this.#total, counts))}`;
    this.#out.write(isTerminal ? `\r\u001b[K${line}` : `${line}\n`);
  }

  say(text: string): void {
    this.#out.write(`${this.#out.isTTY === true ? '\r\u001b[K' : ''}${text}\n`);
  }

  /** All that was copied, and how fast. */
  summary(): string {
    const seconds = Math.max(0.001, (this.#clock.monotonic() - this.#startedAt) / 1_000);
    const { events, deliveries, attempts, others } = this.#total;
    const rows = events + deliveries + attempts + others;
    return `${describe(this.#total)}: ${number(rows)} rows in ${seconds.toFixed(1)} s, ${number(Math.round(rows / seconds))} a second`;
  }

  /** So long nothing was done. */
  waited(ms: number): void {
    this.#startedAt += ms;
  }
}

function describe({ events, deliveries, attempts }: CopyCounts): string {
  return `${number(events)} events, ${number(deliveries)} deliveries, ${number(attempts)} attempts`;
}

function sumOf(one: CopyCounts, other: CopyCounts): CopyCounts {
  return {
    events: one.events + other.events,
    deliveries: one.deliveries + other.deliveries,
    attempts: one.attempts + other.attempts,
    others: one.others + other.others,
  };
}

export function number(value: number): string {
  return value.toLocaleString('en-US');
}

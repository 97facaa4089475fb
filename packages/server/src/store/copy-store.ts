import { setImmediate as turn } from 'node:timers/promises';
import { InvalidSettingError } from '../errors.ts';
import { ALIKE_TABLES, type AlikeTable, type CopiedRow } from './copied-tables.ts';

/*
 * Moves everything from one database into another that is empty.
 *
 *   copyHistory   as often as you like, also while a server writes to the source: what will never change again
 *   copyRest      once, when nothing writes to the source any more: what may still change, in one transaction
 *
 * Each page of history is one transaction of the target, with how far it has come; so a copy that was killed goes on where it
 * was. Killed in the rest, it has written nothing of it, and the source may be used again: what was owed has moved as a whole,
 * or not at all.
 *
 * Events never change. Deliveries are final when they are delivered, alone or in a batch; all others may be put back, so they
 * are remembered by their number, and looked at again. Rows that retention removes from the source after they were copied are
 * as old in the target, whose own retention finds them. What was read beside a server is copied once it is on the source's
 * disk: a failure of power takes back what is not, and its numbers are given again.
 */

/** Rows that were read together. */
export interface Page<Row> {
  rows: Row[];
  /** Where to go on. */
  through: number;
  /** There was nothing behind it when it was read. */
  isLast: boolean;
}

/** A delivery of the source, with what either of the target's tables keeps of it. */
export type SourceDelivery = CopiedRow<'deliveries'> & CopiedRow<'queue'> & { seq: number; isFinal: boolean };

export interface DeliveriesPage extends Page<SourceDelivery> {
  attempts: CopiedRow<'attempts'>[];
}

/** Reads are short, each by itself, so that a server that writes meanwhile is not held up. */
export interface CopySource {
  readEvents(after: number): Page<CopiedRow<'events'>>;
  /** @param chosen.among only these, in ascending order, of which some may be gone; default: all */
  readDeliveries(chosen: { after: number; among?: readonly number[]; attemptsOf: 'final' | 'all' }): DeliveriesPage;
  /** Idempotency keys, by when they expire. */
  readKeys(after: number): Page<CopiedRow<'idempotency'>>;
  readTable<Table extends AlikeTable>(table: Table): CopiedRow<Table>[];
  readJobLanes(): CopiedRow<'job_lanes'>[];
  /** Resolves when all that was read before the call is on the source's disk. */
  onDisk(): Promise<void>;
  /** The greatest numbers that were given so far. */
  extent(): { events: number; deliveries: number };
  countWaiting(): number;
}

/** How far a page brings the copy. */
export interface CopyProgress {
  eventsThrough: number;
  deliveriesThrough: number;
  keysThrough: number;
}

export interface DeliveriesStep {
  deliveries: readonly SourceDelivery[];
  attempts: readonly CopiedRow<'attempts'>[];
}

export interface CopyTarget {
  readonly progress: Readonly<CopyProgress>;
  addEvents(rows: readonly CopiedRow<'events'>[], through: number): Promise<void>;
  /** @param left numbers of those to look at again */
  addFinal(step: DeliveriesStep & { left: readonly number[] }, through: number): Promise<void>;
  /** Replaces those that are there. */
  addKeys(rows: readonly CopiedRow<'idempotency'>[], through: number): Promise<void>;
  readLeft(after: number, limit: number): Promise<number[]>;
  countLeft(): Promise<number>;
  /** @param sorted numbers that need not be looked at again */
  addLeft(step: DeliveriesStep & { sorted: readonly number[] }): Promise<void>;
  /**
   * Writes the rest in one transaction.
   * @param settle called when all of it is written; once it has returned, the source is not used any more
   */
  finish(write: (rest: RestTarget) => Promise<void>, settle: () => void): Promise<void>;
}

/** Writes within the last transaction. */
export interface RestTarget {
  addDeliveries(step: DeliveriesStep): Promise<void>;
  addKeys(rows: readonly CopiedRow<'idempotency'>[]): Promise<void>;
  addTable<Table extends AlikeTable | 'job_lanes'>(table: Table, rows: readonly CopiedRow<Table>[]): Promise<void>;
  readLeft(after: number, limit: number): Promise<number[]>;
  countWaiting(): Promise<number>;
  /** New rows get greater numbers than these. */
  continueAfter(extent: { events: number; deliveries: number }): Promise<void>;
}

/** What one call has copied. */
export interface CopyCounts {
  events: number;
  deliveries: number;
  attempts: number;
  others: number;
}

export interface CopyOptions {
  source: CopySource;
  target: CopyTarget;
  /** Told after each page. @param share 0 to 1, of all that this call has to do */
  onProgress?: (counts: Readonly<CopyCounts>, share: number) => void;
}

/** Keys were given their time by the machine's clock: so much it may have gone back since the last one that was seen. */
const KEYS_AGAIN_MS = 600_000;
const LEFT_AT_ONCE = 2_000;

export function nothingCopied(): CopyCounts {
  return { events: 0, deliveries: 0, attempts: 0, others: 0 };
}

/**
 * Copies what is final now, and was not copied before.
 * @throws InvalidSettingError if the source is behind what was copied of it: a backup, say
 */
export async function copyHistory({ source, target, onProgress = () => {} }: CopyOptions): Promise<CopyCounts> {
  assertNotBehind(source, target);
  const counts = nothingCopied();
  const tell = () => {
    const { events, deliveries } = source.extent();
    const { eventsThrough, deliveriesThrough } = target.progress;
    onProgress(counts, (eventsThrough + deliveriesThrough) / Math.max(1, events + deliveries));
  };
  await eachPage(
    source,
    target.progress.eventsThrough,
    (after) => source.readEvents(after),
    async ({ rows, through }) => {
      await target.addEvents(rows, through);
      counts.events += rows.length;
      tell();
    },
  );
  const readFinal = (after: number) => source.readDeliveries({ after, attemptsOf: 'final' });
  await eachPage(source, target.progress.deliveriesThrough, readFinal, async ({ rows, attempts, through }) => {
    const deliveries = rows.filter(({ isFinal }) => isFinal);
    const left = rows.filter(({ isFinal }) => !isFinal).map(({ seq }) => seq);
    await target.addFinal({ deliveries, attempts, left }, through);
    counts.deliveries += deliveries.length;
    counts.attempts += attempts.length;
    tell();
  });
  await eachPage(
    source,
    target.progress.keysThrough,
    (after) => source.readKeys(after),
    async ({ rows, through }) => {
      await target.addKeys(rows, through);
      counts.others += rows.length;
      tell();
    },
  );
  return counts;
}

/** Looks again at deliveries that were not final, and copies those that are by now. */
export async function copyLeft({ source, target, onProgress = () => {} }: CopyOptions): Promise<CopyCounts> {
  const counts = nothingCopied();
  const all = await target.countLeft();
  let seen = 0;
  for await (const { among, page } of leftPages(source, target, 'final')) {
    const deliveries = page.rows.filter(({ isFinal }) => isFinal);
    const remaining = new Set(page.rows.filter(({ isFinal }) => !isFinal).map(({ seq }) => seq));
    const sorted = among.filter((seq) => !remaining.has(seq));
    if (sorted.length > 0) await target.addLeft({ deliveries, attempts: page.attempts, sorted });
    counts.deliveries += deliveries.length;
    counts.attempts += page.attempts.length;
    seen += among.length;
    onProgress(counts, seen / all);
  }
  return counts;
}

/**
 * Copies everything else. Nothing writes to the source, and {@link copyHistory} has come to its end since that is so.
 * @param options.settle called when all of it is written, and nothing of it to be seen yet: marks the source as moved
 */
export async function copyRest(options: CopyOptions & { settle: () => void }): Promise<CopyCounts> {
  const { source, target, settle, onProgress = () => {} } = options;
  const counts = nothingCopied();
  const all = await target.countLeft();
  const write = async (rest: RestTarget) => {
    let seen = 0;
    for await (const { among, page } of leftPages(source, rest, 'all')) {
      await rest.addDeliveries({ deliveries: page.rows, attempts: page.attempts });
      counts.deliveries += page.rows.length;
      counts.attempts += page.attempts.length;
      seen += among.length;
      onProgress(counts, seen / all);
    }
    const keysFrom = target.progress.keysThrough - KEYS_AGAIN_MS;
    await eachPage(
      source,
      keysFrom,
      (after) => source.readKeys(after),
      async ({ rows }) => await rest.addKeys(rows),
    );
    const add = async <Table extends AlikeTable | 'job_lanes'>(table: Table, rows: readonly CopiedRow<Table>[]) => {
      await rest.addTable(table, rows);
      counts.others += rows.length;
    };
    for (const table of SMALL_TABLES) await add(table, source.readTable(table));
    await add('job_lanes', source.readJobLanes());
    await rest.continueAfter(source.extent());
    const [waiting, copied] = [source.countWaiting(), await rest.countWaiting()];
    if (waiting !== copied) throw new Error(`${waiting} deliveries are owed, and ${copied} of them were copied`);
  };
  await target.finish(write, settle);
  return counts;
}

/** Copied as a whole, in the end; keys come page by page. */
const SMALL_TABLES = (Object.keys(ALIKE_TABLES) as AlikeTable[]).filter((table) => table !== 'idempotency');

function assertNotBehind(source: CopySource, { progress }: CopyTarget): void {
  const { events, deliveries } = source.extent();
  if (events >= progress.eventsThrough && deliveries >= progress.deliveriesThrough) return;
  throw new InvalidSettingError(
    'What was copied before is of a later state of this database: was it put back from a backup? Copy into an empty database.',
  );
}

/** Reads a page while the one before it is written. */
async function eachPage<P extends Page<unknown>>(
  source: Pick<CopySource, 'onDisk'>,
  from: number,
  read: (after: number) => P,
  write: (page: P) => Promise<void>,
): Promise<void> {
  let writing = Promise.resolve();
  for (let after = from, isLast = false; !isLast; ) {
    const page = read(after);
    await Promise.all([source.onDisk(), writing]);
    if (page.through === after) return;
    writing = write(page);
    // Looked at with the next page, or at the end.
    writing.catch(() => {});
    // So that it leaves before the next read, which nothing interrupts.
    await turn();
    ({ through: after, isLast } = page);
  }
  await writing;
}

/** The deliveries that were not final, page by page, with the numbers that each page is about. */
async function* leftPages(
  source: CopySource,
  target: Pick<CopyTarget, 'readLeft'>,
  attemptsOf: 'final' | 'all',
): AsyncGenerator<{ among: readonly number[]; page: DeliveriesPage }> {
  for (let after = 0; ; ) {
    const left = await target.readLeft(after, LEFT_AT_ONCE);
    if (left.length === 0) return;
    const page = source.readDeliveries({ after, among: left, attemptsOf });
    await source.onDisk();
    const through = page.isLast ? (left.at(-1) ?? after) : page.through;
    yield { among: left.filter((seq) => seq <= through), page };
    after = through;
  }
}

/** A change, undone by calling it. */
type Undo = () => void;

/**
 * What was written to a disk, in order, and how it is undone: by a rollback, or by a crash that loses what is not synced.
 *
 * ```
 *   begin ──▶ open ──commit──▶ committed ──sync──▶ on disk for good
 *               └─rollback       └─crash: lost, but for as many of the first as the disk kept by chance
 * ```
 */
export class Journal {
  #open: Undo[] | null = null;
  /** By transaction; the first one is number `synced + 1`. */
  readonly #unsynced: Undo[][] = [];
  #synced = 0;

  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** Transactions that are on disk for good. */
  get synced(): number {
    return this.#synced;
  }

  /** Transactions that were committed and not lost. */
  get committed(): number {
    return this.#synced + this.#unsynced.length;
  }

  begin(): void {
    this.#open = [];
  }

  /** @param undo how to take back a change that was just made */
  note(undo: Undo): void {
    if (this.#open === null) throw new Error('Rows change inside a transaction only.');
    this.#open.push(undo);
  }

  commit(): void {
    if (this.#open !== null) this.#unsynced.push(this.#open);
    this.#open = null;
  }

  rollback(): void {
    for (const undo of this.#open?.toReversed() ?? []) undo();
    this.#open = null;
  }

  /** All transactions up to this number are on disk. */
  sync(upTo: number): void {
    const count = upTo - this.#synced;
    if (count <= 0) return;
    this.#unsynced.splice(0, count);
    this.#synced = upTo;
  }

  /** @param kept transactions that reached the disk although nobody was told so; at most as many as there are */
  crash(kept: number): void {
    this.rollback();
    this.sync(this.#synced + kept);
    for (const transaction of this.#unsynced.toReversed()) for (const undo of transaction.toReversed()) undo();
    this.#unsynced.length = 0;
  }
}

/** Rows by key. A row is never changed in place, so that what was read stays as it was. */
export class Table<Row> {
  readonly #journal: Journal;
  readonly #rows = new Map<string, Row>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  values(): Iterable<Row> {
    return this.#rows.values();
  }

  all(): Row[] {
    return [...this.#rows.values()];
  }

  put(key: string, row: Row): void {
    const before = this.#rows.get(key);
    this.#rows.set(key, row);
    this.#journal.note(() => {
      if (before === undefined) this.#rows.delete(key);
      else this.#rows.set(key, before);
    });
  }

  /** @throws Error if there is a row of this key */
  insert(key: string, row: Row): void {
    if (this.#rows.has(key)) throw new Error(`there is a row ${key} already`);
    this.put(key, row);
  }

  /** @returns false if there was none */
  delete(key: string): boolean {
    const before = this.#rows.get(key);
    if (before === undefined) return false;
    this.#rows.delete(key);
    this.#journal.note(() => this.#rows.set(key, before));
    return true;
  }
}

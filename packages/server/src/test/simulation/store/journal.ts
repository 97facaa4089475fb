/** A change of one row, or that one was read. */
interface Entry {
  undo(): void;
  redo(): void;
  /** The row is as it was before. */
  isAsBefore(): boolean;
}

/** A transaction that nobody else sees yet. */
export interface Prepared {
  /**
   * @param also writes more, at the same instant
   * @returns false if what it read or wrote was changed meanwhile: then it leaves nothing behind
   */
  commit(also?: () => void): boolean;
}

/**
 * What was written to a disk, in order, and how it is undone: by a rollback, or by a crash that loses what is not synced.
 *
 * ```
 *   begin ──▶ open ──commit──▶ committed ──sync──▶ on disk for good
 *               │                └─crash: lost, but for as many of the first as the disk kept by chance
 *               ├─rollback
 *               └─prepare: out of sight ──commit──▶ committed and on disk, as a server's database does it
 * ```
 */
export class Journal {
  #open: Entry[] | null = null;
  #notesReads = false;
  /** By transaction; the first one is number `synced + 1`. */
  readonly #unsynced: Entry[][] = [];
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

  /** @param options.notesReads what it reads by key has to be the same when it is committed later */
  begin({ notesReads = false } = {}): void {
    this.#open = [];
    this.#notesReads = notesReads;
  }

  get notesReads(): boolean {
    return this.#open !== null && this.#notesReads;
  }

  /** A change that was just made. */
  note(entry: Entry): void {
    if (this.#open === null) throw new Error('Rows change inside a transaction only.');
    this.#open.push(entry);
  }

  /** A row was read: what the open transaction does may depend on it. */
  noteRead(isAsBefore: () => boolean): void {
    this.#open?.push({ undo: () => {}, redo: () => {}, isAsBefore });
  }

  commit(): void {
    if (this.#open !== null) this.#unsynced.push(this.#open);
    this.#open = null;
  }

  rollback(): void {
    for (const { undo } of this.#open?.toReversed() ?? []) undo();
    this.#open = null;
  }

  /** Takes what is open out of sight, to be committed later. */
  prepare(): Prepared {
    const entries = this.#open ?? [];
    this.rollback();
    return {
      commit: (also = () => {}) => {
        this.begin();
        for (const entry of entries) {
          if (!entry.isAsBefore()) {
            this.rollback();
            return false;
          }
          entry.redo();
          this.note(entry);
        }
        also();
        this.commit();
        this.sync(this.committed);
        return true;
      },
    };
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
    for (const transaction of this.#unsynced.toReversed()) for (const { undo } of transaction.toReversed()) undo();
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
    const row = this.#rows.get(key);
    if (this.#journal.notesReads) this.#journal.noteRead(() => this.#rows.get(key) === row);
    return row;
  }

  values(): Iterable<Row> {
    return this.#rows.values();
  }

  keys(): string[] {
    return [...this.#rows.keys()];
  }

  all(): Row[] {
    return [...this.#rows.values()];
  }

  put(key: string, row: Row): void {
    this.#change(key, row);
  }

  /** @throws Error if there is a row of this key */
  insert(key: string, row: Row): void {
    if (this.#rows.has(key)) throw new Error(`there is a row ${key} already`);
    this.put(key, row);
  }

  /** @returns false if there was none */
  delete(key: string): boolean {
    if (!this.#rows.has(key)) return false;
    this.#change(key, undefined);
    return true;
  }

  #change(key: string, after: Row | undefined): void {
    const before = this.#rows.get(key);
    const set = (row: Row | undefined) => {
      if (row === undefined) this.#rows.delete(key);
      else this.#rows.set(key, row);
    };
    set(after);
    this.#journal.note({
      undo: () => set(before),
      redo: () => set(after),
      isAsBefore: () => this.#rows.get(key) === before,
    });
  }
}

import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import { PAGE_BYTES } from './database.ts';

const EVERY_MS = 1_000;
/** Below this the log is left as it is: pages that are written again and again are then copied once. */
const WORTH_A_CHECKPOINT_BYTES = 8 * 1024 * 1024;
/**
 * Above this the log is begun anew, for which the writer has to wait a moment. The file keeps its length: to write again
 * what the page cache holds costs half of what it costs to make a file longer.
 */
const BEGIN_ANEW_BYTES = 64 * 1024 * 1024;
/** Above this, which only a long read makes it reach, the file is given back as well. */
const CUT_BYTES = 4 * BEGIN_ANEW_BYTES;

/**
 * Moves what is in the write-ahead log into the database, on a thread of its own: within the commits of the writer it would
 * make some of them wait for a third of a second.
 */
export class Checkpointer {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  #database: DatabaseSync | null = null;
  #cancel: () => void = () => {};

  constructor({ path, clock, onError }: { path: string; clock: Clock; onError: (error: unknown) => void }) {
    this.#path = path;
    this.#clock = clock;
    this.#onError = onError;
  }

  start(): void {
    if (this.#database !== null) return;
    this.#database = new DatabaseSync(this.#path, { timeout: 5_000 });
    this.#database.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -1024;');
    this.#plan();
  }

  stop(): void {
    this.#cancel();
    this.#database?.close();
    this.#database = null;
  }

  #plan(): void {
    this.#cancel = this.#clock.after(EVERY_MS, () => {
      try {
        this.#checkpoint();
      } catch (error) {
        this.#onError(error);
      }
      if (this.#database !== null) this.#plan();
    });
  }

  #checkpoint(): void {
    const { log, checkpointed } = this.#run('NOOP');
    if (log * PAGE_BYTES > BEGIN_ANEW_BYTES) {
      // The bulk first, while the writer goes on; then the little that came meanwhile, with the writer waiting.
      this.#run('PASSIVE');
      this.#run(log * PAGE_BYTES > CUT_BYTES ? 'TRUNCATE' : 'RESTART');
    } else if ((log - checkpointed) * PAGE_BYTES > WORTH_A_CHECKPOINT_BYTES) {
      this.#run('PASSIVE');
    }
  }

  /** @returns pages in the log, and how many of them are in the database */
  #run(mode: 'NOOP' | 'PASSIVE' | 'RESTART' | 'TRUNCATE'): { log: number; checkpointed: number } {
    const row = this.#database?.prepare(`PRAGMA wal_checkpoint(${mode})`).get();
    return { log: Number(row?.['log'] ?? 0), checkpointed: Number(row?.['checkpointed'] ?? 0) };
  }
}

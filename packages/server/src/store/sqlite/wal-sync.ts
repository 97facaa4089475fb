import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/** Brings the write-ahead log to disk without holding up the thread. */
export interface WalSync {
  /** Resolves when every transaction that was committed before the call is on disk. */
  sync(): Promise<void>;
  close(): void;
}

/**
 * With `synchronous = NORMAL` SQLite writes a commit to its log and leaves the sync to us; all that `FULL` does beyond is to
 * sync the log within the commit (https://sqlite.org/pragma.html#pragma_synchronous), where the thread would wait for it.
 * SQLite takes no lock on the log file, so that a descriptor of ours loses none when it is closed.
 * @param databasePath of a database that is open in WAL mode and was written to, so that its log exists
 */
export function openWalSync(databasePath: string): WalSync {
  const log = openSync(`${databasePath}-wal`, 'r+');
  syncFolder(dirname(databasePath));
  return {
    sync: () =>
      new Promise((resolve, reject) => {
        fdatasync(log, (error) => (error === null ? resolve() : reject(error)));
      }),
    close: () => closeSync(log),
  };
}

/** The names of new files are part of the folder. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

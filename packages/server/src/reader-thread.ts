import { parentPort } from 'node:worker_threads';
import { systemClock } from './clock.ts';
import { Checkpointer } from './store/sqlite/checkpointer.ts';
import { openSqliteReader } from './store/sqlite/open-sqlite-store.ts';
import { createVault } from './store/vault.ts';
import { answerCalls } from './threads/calls.ts';
import { startThread } from './threads/open-thread.ts';

/** What the reader's thread is started with. */
export interface ReaderThreadData {
  databasePath: string;
  encryptionKey: Uint8Array;
}

/** The thread that answers lists and single reads, and moves the write-ahead log into the database. */
await startThread<ReaderThreadData>(parentPort, async ({ databasePath, encryptionKey }, port) => {
  const reader = openSqliteReader({ path: databasePath, vault: createVault(encryptionKey) });
  const checkpointer = new Checkpointer({
    path: databasePath,
    clock: systemClock,
    onError: (error) => console.error('broxi-webhooks: checkpoint:', error),
  });
  checkpointer.start();
  answerCalls(port, {
    ...reader,
    async close() {
      checkpointer.stop();
      await reader.close();
    },
  });
});

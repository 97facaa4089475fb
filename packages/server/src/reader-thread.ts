import { parentPort } from 'node:worker_threads';
import { systemClock } from './clock.ts';
import { openReader, type StoreAddress } from './store/open-store.ts';
import { createVault } from './store/vault.ts';
import { answerCalls } from './threads/calls.ts';
import { startThread } from './threads/open-thread.ts';

/** What the reader's thread is started with. */
export interface ReaderThreadData {
  address: StoreAddress;
  encryptionKey: Uint8Array;
}

/** The thread that answers lists and single reads, and keeps house beside the writer where the database needs it. */
await startThread<ReaderThreadData>(parentPort, async ({ address, encryptionKey }, port) => {
  const reader = await openReader(address, {
    vault: createVault(encryptionKey),
    clock: systemClock,
    onError: (error) => console.error('broxi-webhooks: store:', error),
  });
  answerCalls(port, { ...reader });
});

import { parentPort } from 'node:worker_threads';
import { systemClock } from './clock.ts';
import { createGuardedAgent } from './deliver/address-guard.ts';
import { Engine } from './deliver/engine.ts';
import { Pruner } from './deliver/prune.ts';
import { JobRunner } from './deliver/run-jobs.ts';
import { createSendRequest } from './deliver/send-request.ts';
import { createTestSender } from './deliver/send-test.ts';
import { createAddressPolicy } from './domain/public-address.ts';
import type { EngineThreadData, EngineThreadMethods } from './engine-thread-methods.ts';
import { openStore } from './store/open-store.ts';
import { unpackingRecord } from './store/packed-submission.ts';
import { createVault } from './store/vault.ts';
import { answerCalls } from './threads/calls.ts';
import { startThread } from './threads/open-thread.ts';

/** Another server may have made a job that is partly for this one. */
const OTHERS_JOBS_MS = 5_000;

/**
 * The thread that owns the store and sends. HTTP in runs on the main thread, so that neither starves the other; store and
 * engine are together because what is recorded is sent next.
 */
await startThread<EngineThreadData>(parentPort, async (data, port) => {
  const { store, clock } = await openStore(data.address, {
    vault: createVault(data.encryptionKey),
    clock: systemClock,
    isOwner: data.sends,
    onError: (error) => console.error('broxi-webhooks: store:', error),
    onWait: (reason) => console.error(`broxi-webhooks: waiting for the database: ${reason}`),
  });
  const agent = createGuardedAgent(createAddressPolicy(data.addresses));
  const send = createSendRequest(agent, clock);
  const engine = new Engine({
    // Sending takes the thread for a while: the answers about what is recorded leave before it.
    queue: { ...store, onWake: (listener) => store.onWake((wakes) => setImmediate(listener, wakes)) },
    ownership: store,
    clock,
    random: Math.random,
    send,
    template: data.template,
    onError: (error) => console.error('broxi-webhooks: delivery:', error),
  });
  const onUpkeepError = (error: unknown) => console.error('broxi-webhooks: upkeep:', error);
  const lookAgain = data.address.databasePath === null ? { lookAgainMs: OTHERS_JOBS_MS } : {};
  const jobRunner = new JobRunner({ jobs: store, clock, onError: onUpkeepError, ...lookAgain });
  const pruner = new Pruner({ store, clock, retentionMs: data.retentionMs, onError: onUpkeepError });
  const { owns: _, onOwnership: __, record: ___, ...calls } = store;
  const methods: EngineThreadMethods = {
    ...calls,
    ...unpackingRecord(store),
    async createJob(job) {
      const created = await store.createJob(job);
      jobRunner.wake();
      return created;
    },
    sendTest: createTestSender({ engine, events: store, send, clock, dataText: data.testDataText }),
    cancelDelivery: (workspaceId, webhookId, deliveryId) => engine.cancel({ workspaceId, webhookId }, deliveryId),
    sendingAmong: async (workspaceId, webhookId, ids) => engine.sendingAmong({ workspaceId, webhookId }, ids),
    async startDelivering() {
      if (!data.sends) return;
      await engine.start();
      jobRunner.start();
      pruner.start();
    },
    async close() {
      await Promise.all([jobRunner.stop(), pruner.stop()]);
      await engine.stop(data.graceMs);
      await store.close();
      await agent.destroy();
    },
  };
  answerCalls(port, { ...methods });
});

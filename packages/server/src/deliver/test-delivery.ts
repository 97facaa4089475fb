import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, type TestContext } from 'node:test';
import { runIdOf } from '../domain/event.ts';
import type { Hold, HoldChange } from '../domain/hold.ts';
import { runInOrder } from '../domain/ordering.ts';
import { createAddressPolicy } from '../domain/public-address.ts';
import type { Lane, Webhook } from '../domain/webhook.ts';
import { parseWebhookConfig } from '../domain/webhook-config.ts';
import { newId } from '../ids.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import type { Delivery, DeliveryQueue, Ownership, PlannedDelivery, Store } from '../store/store.ts';
import { createVault } from '../store/vault.ts';
import { createFakeClock, type FakeClock } from '../test/fake-clock.ts';
import { Engine, type EngineLimits } from './engine.ts';
import { createFakeSend, type FakeSend } from './fake-send.ts';
import { OWNS_EVERYTHING } from './ownership.ts';
import { createTestSender } from './send-test.ts';

// Virtual time cannot wait for a disk, and nothing here is about one: a commit is over as soon as it is written.
mock.method(fs, 'fdatasync', (_file: number, done: (error: null) => void) => done(null));
syncBuiltinESMExports();

export const TEST_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const DATA = { workflow_id: 'wf', run_id: 'run' };
export const TEST_TEMPLATE = { headerPrefix: 'X-Broxi-', userAgent: 'Broxi-Webhooks/1.2.3' };
const RULES = {
  allowHttp: true,
  addressPolicy: createAddressPolicy({ allowNetworks: [], allowLoopback: true }),
  headerPrefix: 'X-Broxi-',
};

/** A webhook of the first version, that takes every event at `https://<host>/hook` unless `config` says otherwise. */
export function testWebhook(config: Record<string, unknown> = {}, workspaceId: string = newId('ws')): Webhook {
  const { config: parsed } = parseWebhookConfig({ url: 'https://a.example/hook', events: ['*'], ...config }, RULES);
  return {
    workspaceId,
    id: newId('wh'),
    version: 1,
    revision: 1,
    config: parsed,
    secret: TEST_SECRET,
    createdAt: 0,
    updatedAt: 0,
    deletedAt: null,
  };
}

/** A real store on virtual time, and an engine whose receivers are doubles. */
export interface TestDelivery {
  clock: FakeClock;
  store: Store;
  /** The engine that was opened last. */
  readonly engine: Engine;
  receivers: FakeSend;
  /** Told by the engine. A test that expects none fails at its end if there are any. */
  errors: unknown[];
  workspaceId: string;
  /** What waits for a commit goes through with it. */
  commit<Result>(work: Promise<Result>): Promise<Result>;
  addWebhook(config?: Record<string, unknown>): Promise<Webhook>;
  /** A new version. */
  change(webhook: Webhook, config: Record<string, unknown>): Promise<Webhook>;
  remove(webhook: Webhook): Promise<Webhook>;
  /** What a person does to it. */
  changeHold(webhook: Webhook, change: HoldChange): Promise<Hold>;
  sendTest(webhook: Webhook): Promise<{ success: boolean }>;
  /** Records one event for each of these webhooks, `count` times over, in one commit. @returns the deliveries' ids */
  publish(webhooks: Webhook | readonly Webhook[], count?: number, data?: unknown): Promise<string[]>;
  /** The same for one webhook, of another type. */
  publishAs(type: string, webhook: Webhook, count?: number, data?: unknown): Promise<string[]>;
  /** The same for one webhook, with the route (by its position) that was decided on. */
  publishTo(webhook: Webhook, route: number, count?: number, data?: unknown): Promise<string[]>;
  delivery(id: string): Promise<Delivery>;
  /** Lets `ms` pass, or all that is due now happen. */
  pass(ms?: number): Promise<void>;
  start(): Promise<void>;
  /** The process dies: another engine starts from the rows alone. */
  restart(): Promise<void>;
}

export interface TestDeliveryOptions {
  limits?: Partial<EngineLimits>;
  random?: () => number;
  ownership?: Ownership;
  /** Comes between engine and store. */
  wrap?: (queue: DeliveryQueue) => DeliveryQueue;
  lingerMs?: number;
  /** The test looks at `errors` itself. */
  expectsErrors?: boolean;
}

export async function openTestDelivery(t: TestContext, options: TestDeliveryOptions = {}): Promise<TestDelivery> {
  const {
    limits = {},
    ownership = OWNS_EVERYTHING,
    random = () => 0.5,
    wrap = (queue) => queue,
    lingerMs = 0,
  } = options;
  const folder = await mkdtemp(join(tmpdir(), 'broxi-deliver-'));
  const clock = createFakeClock();
  const store = openSqliteStore({ path: join(folder, 'b.db'), vault: createVault(randomBytes(32)), clock, lingerMs });
  const receivers = createFakeSend(clock);
  const errors: unknown[] = [];
  const openEngine = () =>
    new Engine({
      queue: wrap(store),
      ownership,
      clock,
      random,
      send: receivers.send,
      template: TEST_TEMPLATE,
      onError: (error) => errors.push(error),
      limits,
    });
  let engine = openEngine();
  const commit = async <Result>(work: Promise<Result>): Promise<Result> => {
    const written = clock.advance(lingerMs);
    try {
      return await work;
    } finally {
      await written;
    }
  };
  const { id: workspaceId } = await commit(store.ensureWorkspace({ id: newId('ws'), name: 'test' }));
  const record = async (
    deliveries: () => PlannedDelivery[],
    { count, data = DATA, type = 'workflow.started' }: { count: number; data?: unknown; type?: string },
  ) => {
    const planned = Array.from({ length: count }, () => ({
      event: {
        workspaceId,
        id: newId('evt'),
        type,
        occurredAt: clock.now(),
        acceptedAt: clock.now(),
        runId: runIdOf(data),
        revision: 1,
        dataText: JSON.stringify(data),
      },
      deliveries: deliveries(),
      idempotency: null,
    }));
    await commit(store.record({ workspaceId, events: planned, idempotency: null, note: null }));
    return planned.flatMap(({ deliveries: owed }) => owed.map(({ id }) => id));
  };
  const put = (webhook: Webhook, expectedVersion: number | null) => {
    const audit = { workspaceId, id: newId('aud'), at: clock.now(), actor: 'test', action: 'put', subject: webhook.id };
    return commit(store.putWebhook({ webhook, expectedVersion, audit: { ...audit, detail: null } }));
  };

  t.after(async () => {
    await Promise.all([engine.stop(0), clock.advance(0)]);
    await store.close();
    await rm(folder, { recursive: true, force: true });
    if (!options.expectsErrors && errors.length > 0) throw errors[0];
  });
  return {
    clock,
    store,
    get engine() {
      return engine;
    },
    receivers,
    errors,
    workspaceId,
    commit,
    addWebhook: (config) => put(testWebhook(config, workspaceId), null),
    change(webhook, config) {
      const { config: changed } = testWebhook({ ...webhook.config, ...config });
      return put({ ...webhook, config: changed, updatedAt: clock.now() }, webhook.version);
    },
    changeHold(webhook, change) {
      const audit = {
        workspaceId,
        id: newId('aud'),
        at: clock.now(),
        actor: 'test',
        action: change,
        subject: webhook.id,
      };
      return commit(store.changeHold({ lane: laneOf(webhook), change, audit: { ...audit, detail: null } }));
    },
    sendTest(webhook) {
      const send = createTestSender({ engine, events: store, send: receivers.send, clock, dataText: '{}' });
      return commit(send(webhook));
    },
    remove: (webhook) => put({ ...webhook, deletedAt: clock.now() }, webhook.version),
    publish(webhooks, count = 1, data = DATA) {
      return record(() => [webhooks].flat().map((webhook) => planFor(webhook, data)), { count, data });
    },
    publishAs(type, webhook, count = 1, data = DATA) {
      return record(() => [planFor(webhook, data)], { count, data, type });
    },
    publishTo(webhook, position, count = 1, data = DATA) {
      const route = webhook.config.routes?.[position]?.id;
      if (route === undefined) throw new Error(`there is no route ${position}`);
      return record(() => [{ ...planFor(webhook, data), route }], { count, data });
    },
    async delivery(id) {
      const found = await store.getDelivery(workspaceId, id);
      if (found === null) throw new Error(`there is no delivery ${id}`);
      return found;
    },
    pass: (ms = 0) => clock.advance(ms),
    async start() {
      await engine.start();
      await clock.advance(0);
    },
    async restart() {
      // The old one still holds what it had in the air, and nothing of it reaches the store.
      engine.stop(0);
      await clock.advance(0);
      engine = openEngine();
      await engine.start();
      await clock.advance(0);
    },
  };
}

function planFor({ id, config }: Webhook, data: unknown): PlannedDelivery {
  const { ordering, payload, batch } = config;
  const run = runInOrder(ordering, runIdOf(data));
  return {
    id: newId('del'),
    webhookId: id,
    payload,
    ...(run !== null && { run }),
    ...(batch !== null && { gathers: true }),
  };
}

export function laneOf({ workspaceId, id }: Webhook): Lane {
  return { workspaceId, webhookId: id };
}

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { systemClock } from '../clock.ts';
import type { AttemptRecord, ExchangeResult, ExchangeTiming } from '../domain/attempt.ts';
import type { NextStep } from '../domain/delivery.ts';
import { createAddressPolicy } from '../domain/public-address.ts';
import { targetOf } from '../domain/target.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { createDataSchemas } from '../publish/data-schemas.ts';
import { createPublisher } from '../publish/publish-event.ts';
import { WorkspaceCache } from '../publish/workspace-cache.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import type { QueuedDelivery, Store } from '../store/store.ts';
import { createVault } from '../store/vault.ts';
import { createApp } from './app.ts';
import { type AnswerCheck, createAnswerCheck } from './check-answers.ts';
import { hashToken } from './read-token.ts';
import { createTestEngine, type TestEngine } from './test-engine.ts';

export const TEST_KEY = 'test-key-0123456789abcdef';
const OTHER_KEY = 'other-key-0123456789abcdef';

/** What the API answered. */
export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  /** Parsed where it is JSON, and otherwise the text. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose shape they assert
  body: any;
}

export type CallOptions = Omit<InjectOptions, 'method' | 'url'> & { key?: string | null };

/** The API on a real store in a temporary folder, with a real publisher; only the engine is a double. */
export interface TestApp {
  app: FastifyInstance;
  store: Store;
  engine: TestEngine;
  workspaceId: string;
  /** A key of another workspace. */
  otherKey: string;
  /** Logged as unexpected: a test that ends with any has found a bug. */
  unexpected: unknown[];
  ready: boolean;
  /** Moves the clock forward. */
  advance(ms: number): void;
  /** Calls with the test key, and holds every answer against the OpenAPI document. A plain object is sent as JSON. */
  call(method: string, url: string, body?: unknown, options?: CallOptions): Promise<Answer>;
  /** Makes one attempt at everything that is due for a webhook, with this answer. Without a timing: as it was once recorded. */
  attempt(
    webhookId: string,
    result: ExchangeResult,
    next: NextStep,
    timing?: ExchangeTiming,
  ): Promise<QueuedDelivery[]>;
  close(): Promise<void>;
}

export async function openTestApp(): Promise<TestApp> {
  const folder = await mkdtemp(join(tmpdir(), 'broxi-http-'));
  let offset = 0;
  const clock = {
    now: () => systemClock.now() + offset,
    monotonic: () => systemClock.monotonic() + offset,
    after: systemClock.after,
  };
  const store = acrossThreads(
    openSqliteStore({ path: join(folder, 'broxi.db'), vault: createVault(randomBytes(32)), clock, lingerMs: 0 }),
  );
  const workspace = await store.ensureWorkspace({ id: newId('ws'), name: 'test' });
  const addKey = (key: string, workspaceId: string) =>
    store.putApiKey({ id: newId('key'), workspaceId, name: 'test', hash: hashToken(key), createdAt: clock.now() });
  await addKey(TEST_KEY, workspace.id);
  await addKey(OTHER_KEY, newId('ws'));
  const workspaces = new WorkspaceCache(store, { clock });
  const schemas = createDataSchemas();
  const engine = createTestEngine(store, clock);
  const unexpected: unknown[] = [];
  const test = { ready: true };
  const app = createApp({
    store,
    workspaces,
    schemas,
    publisher: createPublisher({ events: store, workspaces, schemas, clock }),
    engine,
    clock,
    webhookRules: {
      allowHttp: false,
      addressPolicy: createAddressPolicy({ allowNetworks: [] }),
      headerPrefix: 'X-Broxi-',
    },
    version: '1.2.3',
    isReady: () => test.ready,
    log: { error: (_message, error) => unexpected.push(error) },
  });
  await app.ready();
  let check: AnswerCheck | undefined;

  return Object.assign(test, {
    app,
    store,
    engine,
    workspaceId: workspace.id,
    otherKey: OTHER_KEY,
    unexpected,
    advance(ms: number) {
      offset += ms;
    },
    async call(method: string, url: string, body?: unknown, { key = TEST_KEY, headers, ...rest }: CallOptions = {}) {
      check ??= createAnswerCheck((await app.inject('/openapi.json')).json());
      const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      const response = await app.inject({
        method: method as 'GET',
        url,
        headers: {
          ...(key !== null && { authorization: `Bearer ${key}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(payload !== undefined && { payload }),
        ...rest,
      });
      const type = String(response.headers['content-type'] ?? '');
      const parsed: unknown = type.includes('json') ? response.json() : response.body;
      check({ method, url, status: response.statusCode, type, body: parsed });
      return { status: response.statusCode, headers: response.headers, body: parsed };
    },
    async attempt(webhookId: string, result: ExchangeResult, next: NextStep, timing?: ExchangeTiming) {
      const lane = { workspaceId: workspace.id, webhookId };
      const loaded = await store.loadLane(lane);
      const due: QueuedDelivery[] = [];
      for (const deliveryClass of [0, 1, 2] as const) {
        due.push(
          ...(await store.readDue({ lane, class: deliveryClass, after: null, dueBy: clock.now() + 1, limit: 100 })),
        );
      }
      for (const delivery of due) {
        const target = loaded && targetOf(loaded.webhook.config, delivery);
        const attempt: AttemptRecord = {
          id: newId('att'),
          number: delivery.attempts + 1,
          startedAt: clock.now(),
          durationMs: 120,
          url: target?.url ?? '',
          route: target?.route ?? null,
          webhookVersion: loaded?.webhook.version ?? 0,
          outcome: next.state === 'delivered' ? 'delivered' : next.state === 'failed' ? 'permanent' : 'retryable',
          reason: next.state === 'delivered' ? null : 'answered 500',
          exchanges: [
            {
              scheme: 'timestamped',
              secret: 0,
              sentAt: clock.now(),
              durationMs: 118,
              ...(timing && { timing }),
              result,
            },
          ],
        };
        await store.settle({ delivery, attempt, next, destination: null });
      }
      return due;
    },
    async close() {
      await app.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

/** Errors lose their class on the way from the store's thread; the API has to live with their code. */
function acrossThreads(store: Store): Store {
  return {
    ...store,
    putWebhook: (change) =>
      store.putWebhook(change).catch((error: unknown) => {
        throw error instanceof AppError ? new AppError(error.code, error.message, { fields: error.fields }) : error;
      }),
  };
}

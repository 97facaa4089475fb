import { randomBytes } from 'node:crypto';
import { systemClock } from './clock.ts';
import { type Config, placeOf } from './config.ts';
import { createAddressPolicy } from './domain/public-address.ts';
import type { EngineThreadData, EngineThreadMethods } from './engine-thread-methods.ts';
import { promptClose } from './http/prompt-close.ts';
import { hashToken } from './http/read-token.ts';
import { openWaitingRoom } from './http/waiting-room.ts';
import { newId } from './ids.ts';
import { keepDevApiKey, readEncryptionKey } from './key-files.ts';
import type { ReaderThreadData } from './reader-thread.ts';
import { packingRecord } from './store/packed-submission.ts';
import type { ReadStore } from './store/store.ts';
import { callsTo } from './threads/calls.ts';
import { launchThread } from './threads/open-thread.ts';
import { settleDown } from './threads/settle-down.ts';
import { setV8Flags } from './threads/v8-flags.ts';
import { VERSION } from './version.ts';

/** A running server. */
export interface Server {
  /** `http://host:port`, with the port that it really listens on. */
  url: string;
  /** The operator's key, where it may be shown: when it was generated just now, and always in dev mode. */
  apiKey: string | null;
  /** The database file, or where its server is. */
  dataPlace: string;
  firstStart: boolean;
  /** Takes nothing new, lets what is in the air land or gives it back, and closes the store. Within 10 s; idempotent. */
  stop(): Promise<void>;
}

/** How long a stop waits for attempts in the air; the rest of the ten seconds is for closing. */
const STOP_GRACE_MS = 8_000;
const DAY_MS = 86_400_000;

const READS = [
  'findApiKey',
  'findReadToken',
  'revealReadToken',
  'loadWorkspace',
  'listWebhookVersions',
  'listDestinations',
  'listHolds',
  'getEvent',
  'listEvents',
  'webhooksAt',
  'getDelivery',
  'listDeliveries',
  'listAttempts',
  'getJob',
  'listJobs',
  'estimateJob',
  'close',
] as const satisfies (keyof ReadStore)[];

const ENGINE_CALLS = [
  'ensureWorkspace',
  'putApiKey',
  'putWebhook',
  'changeHold',
  'putEventType',
  'deleteEventType',
  'appendAudit',
  'recordPacked',
  'requeue',
  'replay',
  'createJob',
  'cancelJob',
  'counters',
  'sendTest',
  'cancelDelivery',
  'sendingAmong',
  'startDelivering',
  'close',
] as const satisfies (keyof EngineThreadMethods)[];

type EngineCalls = Pick<EngineThreadMethods, (typeof ENGINE_CALLS)[number]>;

/**
 * The composition root: puts the rooms together, on three threads. Waits for a database that is away.
 * @param ended ends the wait
 * @throws InvalidSettingError for what stops the start; the reason of `ended`
 */
export async function createServer(config: Config, ended: AbortSignal): Promise<Server> {
  const { databaseUrl, databasePath, headerPrefix } = config;
  setV8Flags(databasePath === null ? 'postgres' : 'sqlite');
  const encryptionKey = readEncryptionKey({ given: config.encryptionKey, databasePath });
  const addresses = { allowNetworks: config.allowNetworks, allowLoopback: config.allowLoopback };
  // All threads load their code at the same time; what this one needs is the largest part.
  const threads = [
    launchThread(new URL('./engine-thread.ts', import.meta.url)),
    launchThread(new URL('./reader-thread.ts', import.meta.url)),
  ] as const;
  let stop = async () => {
    await Promise.all(threads.map((thread) => thread.terminate()));
  };
  try {
    const { createApi, testData } = await import('./create-api.ts');
    const engineData: EngineThreadData = {
      address: { databaseUrl, databasePath },
      sends: config.role !== 'api',
      encryptionKey,
      addresses,
      template: { headerPrefix, userAgent: `Broxi-Webhooks/${VERSION}` },
      testDataText: JSON.stringify(testData),
      graceMs: STOP_GRACE_MS,
      retentionMs: config.retentionDays * DAY_MS,
    };
    const engineThread = await waitingFor(threads[0].start(engineData), config, ended);
    const engine = callsTo<EngineCalls>(engineThread, ENGINE_CALLS);
    // Only now there is a database to read from.
    const readerData: ReaderThreadData = { address: engineData.address, encryptionKey };
    const reader = callsTo<ReadStore>(await threads[1].start(readerData), READS);
    const store = { ...engine, ...packingRecord(engine), ...reader };
    let ready = false;
    const app = createApi({
      config,
      store,
      engine,
      addressPolicy: createAddressPolicy(addresses),
      isReady: () => ready,
    });

    const closeApp = promptClose(app);
    const endThreads = stop;
    let stopping: Promise<void> | null = null;
    const stopAll = async () => {
      ready = false;
      await closeApp();
      await engine.close();
      await reader.close();
      await endThreads();
    };
    stop = () => {
      stopping ??= stopAll();
      return stopping;
    };
    const { apiKey, isFirst } = await ensureOperatorKey(config, store);
    const url = await app.listen({ host: config.host, port: config.port });
    await engine.startDelivering();
    ready = true;
    settleDown();
    return { url, apiKey, dataPlace: databasePath ?? placeOf(databaseUrl), firstStart: isFirst, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Somebody answers on the server's address while its start takes long. */
async function waitingFor<Result>(start: Promise<Result>, address: Config, ended: AbortSignal): Promise<Result> {
  const room = openWaitingRoom({ host: address.host, port: address.port });
  const aborted = new Promise<never>((_, reject) => ended.addEventListener('abort', () => reject(ended.reason)));
  try {
    return await Promise.race([start, room.failed, aborted]);
  } finally {
    await room.close();
  }
}

/**
 * The operator's key belongs to the default workspace. Given: kept in step with the setting. Not given: generated on the
 * first start; in dev mode it also lies beside the database, if that is a file, so that it can be shown again.
 * @returns the key, if it may be shown; and whether nobody started a server on this database before
 */
async function ensureOperatorKey(
  config: Config,
  store: Pick<EngineThreadMethods, 'ensureWorkspace' | 'putApiKey'>,
): Promise<{ apiKey: string | null; isFirst: boolean }> {
  const proposed = newId('ws');
  const workspace = await store.ensureWorkspace({ id: proposed, name: 'default' });
  const isFirst = workspace.id === proposed;
  const put = (key: string) =>
    store.putApiKey({
      id: OPERATOR_KEY_ID,
      workspaceId: workspace.id,
      name: 'operator',
      hash: hashToken(key),
      createdAt: systemClock.now(),
    });
  if (config.apiKey !== null) {
    await put(config.apiKey);
    return { apiKey: config.mode === 'dev' ? config.apiKey : null, isFirst };
  }
  if (config.mode === 'dev' && config.databasePath !== null) {
    const key = keepDevApiKey(config.databasePath, generateApiKey);
    await put(key);
    return { apiKey: key, isFirst };
  }
  if (!isFirst) return { apiKey: null, isFirst };
  const key = generateApiKey();
  await put(key);
  return { apiKey: key, isFirst };
}

const OPERATOR_KEY_ID = 'key_operator';

function generateApiKey(): string {
  return `broxi_${randomBytes(24).toString('base64url')}`;
}

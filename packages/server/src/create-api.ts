import { catalog } from '@broxi/events';
import type { FastifyInstance } from 'fastify';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import type { AddressPolicy } from './domain/public-address.ts';
import { createApp } from './http/app.ts';
import type { EnginePort, HttpStore } from './http/ports.ts';
import { createDataSchemas } from './publish/data-schemas.ts';
import { createPublisher } from './publish/publish-event.ts';
import { WorkspaceCache } from './publish/workspace-cache.ts';
import type { Directory, EventLog } from './store/store.ts';
import { VERSION } from './version.ts';

/** What another server on the same database changed counts here after so long at the latest. */
const WORKSPACE_MAX_AGE_MS = 1_000;

/** What a `webhook.test` tells. */
export const testData = catalog['webhook.test'].sample;

/** The part of the server on the main thread: HTTP in, and publishing. Not listening yet. */
export function createApi(parts: {
  config: Pick<Config, 'allowHttp' | 'headerPrefix' | 'databasePath' | 'role'>;
  store: HttpStore & Directory & Pick<EventLog, 'record'>;
  engine: EnginePort;
  addressPolicy: AddressPolicy;
  isReady: () => boolean;
}): FastifyInstance {
  const { config, store, engine, addressPolicy, isReady } = parts;
  // On a file there is nobody else.
  const age = config.databasePath === null ? { maxAgeMs: WORKSPACE_MAX_AGE_MS } : {};
  const workspaces = new WorkspaceCache(store, { clock: systemClock, ...age });
  const schemas = createDataSchemas();
  return createApp({
    store,
    workspaces,
    schemas,
    publisher: createPublisher({ events: store, workspaces, schemas, clock: systemClock }),
    engine,
    clock: systemClock,
    webhookRules: { allowHttp: config.allowHttp, addressPolicy, headerPrefix: config.headerPrefix },
    version: VERSION,
    isReady,
    hasApi: config.role !== 'deliver',
    log: { error: (message, error) => console.error(`broxi-webhooks: ${message}`, error) },
  });
}

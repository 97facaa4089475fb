import type { Clock } from '../clock.ts';
import type { AttemptRecord } from '../domain/attempt.ts';
import type { Webhook } from '../domain/webhook.ts';
import type { WebhookRules } from '../domain/webhook-config.ts';
import type { DataSchemas } from '../publish/data-schemas.ts';
import type { Publisher } from '../publish/publish-event.ts';
import type { WorkspaceCache } from '../publish/workspace-cache.ts';
import type { DeliveryQueue, Directory, EventLog, History, JobLog } from '../store/store.ts';

/** Everything that the HTTP API needs of the other rooms; the composition root hands it over. */
export interface AppDeps {
  store: HttpStore;
  publisher: Publisher;
  workspaces: WorkspaceCache;
  engine: EnginePort;
  schemas: DataSchemas;
  clock: Clock;
  /** What a webhook's configuration may hold in this deployment; its `headerPrefix` also names the headers that are shown. */
  webhookRules: WebhookRules;
  /** Of this software, as `User-Agent` and OpenAPI show it. */
  version: string;
  log: Log;
  /** Whether `/v1` is there; default true. A server that only sends has health, metrics and documents alone. */
  hasApi?: boolean;
  /** Whether events can be taken now; `/readyz` answers it. */
  isReady(): boolean;
}

/** What may be asked of the delivery engine. */
export interface EnginePort {
  /** Sends a `webhook.test` at once, past everything that waits, and records it. */
  sendTest(webhook: Pick<Webhook, 'workspaceId' | 'id'>): Promise<TestResult>;
  /** Cancels one waiting delivery. `sending`: it is in the air. `missing`: it is not waiting. */
  cancelDelivery(
    workspaceId: string,
    webhookId: string,
    deliveryId: string,
  ): Promise<'cancelled' | 'sending' | 'missing'>;
  /** Ids of those deliveries of a webhook that are in the air now. */
  sendingAmong(workspaceId: string, webhookId: string, deliveryIds: readonly string[]): Promise<string[]>;
}

export interface TestResult {
  deliveryId: string;
  eventId: string;
  /** The body that was sent. */
  body: string;
  success: boolean;
  attempt: AttemptRecord;
}

/** The part of the store that the API calls: reads, and the writes that are neither publishing nor settling. */
export type HttpStore = Pick<
  Directory,
  | 'findApiKey'
  | 'findReadToken'
  | 'revealReadToken'
  | 'listWebhookVersions'
  | 'listDestinations'
  | 'listHolds'
  | 'changeHold'
  | 'appendAudit'
> &
  Pick<EventLog, 'getEvent' | 'listEvents' | 'webhooksAt'> &
  Pick<DeliveryQueue, 'requeue' | 'replay'> &
  Omit<JobLog, 'unfinishedJobs' | 'advanceJob'> &
  History;

/** Where unexpected errors go; what a client can cause is answered and not logged. */
export interface Log {
  error(message: string, error: unknown): void;
}

import type { AttemptRecord } from './domain/attempt.ts';
import type { Webhook } from './domain/webhook.ts';
import type { StoreAddress } from './store/open-store.ts';
import type { PackedRecord } from './store/packed-submission.ts';
import type { Ownership, Store } from './store/store.ts';

/** What the engine's thread is started with. */
export interface EngineThreadData {
  address: StoreAddress;
  /** Whether it sends; else it only writes. */
  sends: boolean;
  /** 32 bytes. */
  encryptionKey: Uint8Array;
  addresses: { allowNetworks: readonly string[]; allowLoopback: boolean };
  template: { headerPrefix: string; userAgent: string };
  /** `data` of a `webhook.test`, as JSON. */
  testDataText: string;
  /** How long a stop waits for attempts in the air. */
  graceMs: number;
  /** What is older, and over, is removed. */
  retentionMs: number;
}

/** What the main thread asks of the engine's thread: the store's writes, and what only the owner of the lanes knows. */
export interface EngineThreadMethods extends Omit<Store, 'onWake' | 'record' | keyof Ownership>, PackedRecord {
  /** Sends a `webhook.test` at once, past everything that waits, and records it. */
  sendTest(webhook: Pick<Webhook, 'workspaceId' | 'id'>): Promise<TestResult>;
  /** Cancels one waiting delivery. `sending`: it is in the air. `missing`: it is not waiting. */
  cancelDelivery(
    workspaceId: string,
    webhookId: string,
    deliveryId: string,
  ): Promise<'cancelled' | 'sending' | 'missing'>;
  /** Which of these deliveries of a webhook are in the air now. */
  sendingAmong(workspaceId: string, webhookId: string, deliveryIds: readonly string[]): Promise<string[]>;
  /** Begins to send what is owed. */
  startDelivering(): Promise<void>;
}

export interface TestResult {
  deliveryId: string;
  eventId: string;
  /** The body that was sent. */
  body: string;
  success: boolean;
  attempt: AttemptRecord;
}

import type { Webhook } from '../domain/webhook.ts';
import type { AttemptRecord } from '../domain/attempt.ts';

/** What others may ask of the engine; the composition root hands it over. */
export interface EnginePort {
  /** Sends a `webhook.test` at once, past everything that waits, and records it. */
  sendTest(webhook: Pick<Webhook, 'workspaceId' | 'id'>): Promise<TestResult>;
  /** Cancels one waiting delivery. `sending`: it is in the air. `missing`: it is not waiting. */
  cancelDelivery(workspaceId: string, webhookId: string, deliveryId: string): Promise<'cancelled' | 'sending' | 'missing'>;
  /** Which of these deliveries are in the air now. */
  sendingAmong(deliveryIds: readonly string[]): Promise<string[]>;
}

export interface TestResult {
  deliveryId: string;
  eventId: string;
  /** The body that was sent. */
  body: string;
  success: boolean;
  attempt: AttemptRecord;
}

import { catalog } from '@broxi/events';
import type { Clock } from '../clock.ts';
import type { ExchangeResult } from '../domain/attempt.ts';
import { deliveryBody } from '../domain/delivery-body.ts';
import { NotFoundError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Store } from '../store/store.ts';
import type { EnginePort } from './ports.ts';

/** An engine that sends nothing: what is in the air, and what a test send is answered, is set by hand. What it records is real. */
export interface TestEngine extends EnginePort {
  readonly sending: Set<string>;
  answer: ExchangeResult;
}

export function createTestEngine(store: Store, clock: Clock): TestEngine {
  return {
    sending: new Set(),
    answer: { kind: 'answered', status: 204, headers: ['Server', 'test'], body: '', truncated: false },
    async sendTest({ workspaceId, id: webhookId }) {
      const lane = await store.loadLane({ workspaceId, webhookId });
      if (lane === null) throw new NotFoundError(`webhook ${webhookId}`);
      const now = clock.now();
      const success = this.answer.kind === 'answered' && this.answer.status < 300;
      const event = {
        workspaceId,
        id: newId('evt'),
        type: 'webhook.test',
        occurredAt: now,
        acceptedAt: now,
        runId: null,
        revision: lane.webhook.revision,
        dataText: JSON.stringify(catalog['webhook.test'].sample),
      };
      const deliveryId = newId('del');
      const { payload } = lane.webhook.config;
      const attempt = {
        id: newId('att'),
        number: 1,
        startedAt: now,
        durationMs: 12,
        url: lane.webhook.config.url,
        route: null,
        webhookVersion: lane.webhook.version,
        outcome: success ? ('delivered' as const) : ('permanent' as const),
        reason: success ? null : 'no success',
        exchanges: [{ scheme: 'timestamped' as const, secret: 0, sentAt: now, durationMs: 12, result: this.answer }],
      };
      const state = success ? 'delivered' : 'failed';
      const at = { workspaceId, webhookId };
      await store.recordTest({
        event,
        lane: at,
        deliveryId,
        payload,
        state,
        reason: attempt.reason,
        attempt,
        destination: null,
      });
      const body = deliveryBody({ webhookId, deliveryId, event, payload });
      return { deliveryId, eventId: event.id, body, success, attempt };
    },
    async cancelDelivery(workspaceId, webhookId, deliveryId) {
      if (this.sending.has(deliveryId)) return 'sending';
      const lane = { workspaceId, webhookId };
      const count = await store.cancel({ lane, deliveryId, limit: 1, reason: 'cancelled by request' });
      return count === 1 ? 'cancelled' : 'missing';
    },
    async sendingAmong(_workspaceId, _webhookId, deliveryIds) {
      return deliveryIds.filter((id) => this.sending.has(id));
    },
  };
}

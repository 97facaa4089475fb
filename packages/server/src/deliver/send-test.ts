import type { Clock } from '../clock.ts';
import type { AttemptRecord } from '../domain/attempt.ts';
import type { Lane as LaneId } from '../domain/webhook.ts';
import { NotFoundError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { EventLog } from '../store/store.ts';
import { attemptDelivery } from './attempt-delivery.ts';
import type { Engine } from './engine.ts';
import type { SendRequest } from './send-request.ts';

/** Sends `webhook.test` at once: past what waits, also while the webhook is inactive. One attempt; it is recorded. */
export function createTestSender(options: {
  engine: Engine;
  events: Pick<EventLog, 'recordTest'>;
  send: SendRequest;
  clock: Clock;
  /** `data` of the event that is sent, as JSON. */
  dataText: string;
}) {
  const { engine, events, send, clock, dataText } = options;
  return async ({ workspaceId, id }: { workspaceId: string; id: string }): Promise<TestOutcome> => {
    const laneId: LaneId = { workspaceId, webhookId: id };
    const lane = await engine.configuredLane(laneId);
    const sender = lane?.sender;
    if (!lane || !sender) throw new NotFoundError(`webhook ${id}`);
    const now = clock.now();
    const event = {
      workspaceId,
      id: newId('evt'),
      type: 'webhook.test',
      occurredAt: now,
      acceptedAt: now,
      runId: null,
      revision: sender.webhook.revision,
      dataText,
    };
    const { payload } = sender.webhook.config;
    const delivery = { id: newId('del'), event, payload, attempts: 0 };
    // It counts in the rate limit, and does not wait for it.
    lane.pacer?.start();
    const { record, outcome, learned } = await attemptDelivery(
      { ...sender, delivery, anotherExchange: lane.anotherExchange },
      { clock, send },
    );
    const sent = { webhook: sender.webhook, url: record.url };
    const known = learned && lane.learn(sent, learned);
    const success = outcome.kind === 'delivered';
    // A test that fails counts against nobody; one that succeeds closes the circuit as a probe would.
    const landed = { evidence: 'success', startedAt: record.startedAt, isProbe: true, now: clock.now() } as const;
    const news = success ? lane.observe(sent, landed) : null;
    if (news?.isNews) engine.resume(lane);
    const destination = news?.isNews || known !== null ? lane.toWrite(record.url) : null;
    await events.recordTest({
      event,
      lane: laneId,
      deliveryId: delivery.id,
      payload,
      state: success ? 'delivered' : 'failed',
      reason: record.reason,
      attempt: record,
      destination: destination && { url: record.url, value: destination },
    });
    return {
      deliveryId: delivery.id,
      eventId: event.id,
      body: sender.template.body(delivery),
      success,
      attempt: record,
    };
  };
}

interface TestOutcome {
  deliveryId: string;
  eventId: string;
  body: string;
  success: boolean;
  attempt: AttemptRecord;
}

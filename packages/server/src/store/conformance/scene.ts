import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { ExchangeResult } from '../../domain/attempt.ts';
import type { NextStep, SentClass } from '../../domain/delivery.ts';
import type { RecordedEvent } from '../../domain/event.ts';
import { type Destination, type Lane, UNKNOWN_DESTINATION, type Webhook } from '../../domain/webhook.ts';
import { newId } from '../../ids.ts';
import type {
  Delivery,
  DueQuery,
  GatheringMember,
  NewBatch,
  QueuedDelivery,
  ReadStore,
  Settlement,
  Store,
} from '../store.ts';
import type { OpenedStore, StoreHarness } from './harness.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';
import { answered, nextAttempt, plannedEvent, SAMPLE_URL, sampleChange, submission } from './samples.ts';

/** A store that is open while the tests of one `describe` run. Each test works in a workspace of its own. */
export class Scene {
  readonly clock: ManualClock;
  #opened: OpenedStore | null = null;

  constructor(harness: StoreHarness, clock = createManualClock()) {
    this.clock = clock;
    before(async () => {
      this.#opened = await harness.open(this.clock);
    });
    after(() => this.opened.close());
  }

  get opened(): OpenedStore {
    if (this.#opened === null) throw new Error('The store is open only while tests run.');
    return this.#opened;
  }

  get store(): Store {
    return this.opened.store;
  }

  /** Asks both connections, which must agree: what a write was acknowledged for is seen by everybody. */
  async read<Result>(question: (reads: ReadStore) => Promise<Result>): Promise<Result> {
    const answer = await question(this.opened.store);
    assert.deepEqual(await question(this.opened.reader), answer, 'the reader sees what the writer sees');
    return answer;
  }

  async workspace(): Promise<string> {
    const workspaceId = newId('ws');
    await this.opened.addWorkspace(workspaceId);
    return workspaceId;
  }

  /** A lane without a webhook: enough for what is about deliveries alone. */
  async lane(workspaceId?: string): Promise<Lane> {
    return { workspaceId: workspaceId ?? (await this.workspace()), webhookId: newId('wh') };
  }

  async webhook(workspaceId?: string): Promise<Webhook> {
    return await this.store.putWebhook(sampleChange(await this.lane(workspaceId)));
  }

  /** Records an event of its own for each delivery. @returns their ids, in order */
  async owe(lane: Lane, count = 1): Promise<string[]> {
    const events = Array.from({ length: count }, () => plannedEvent([lane]));
    const [first, ...rest] = events;
    if (first === undefined) return [];
    await this.store.record(submission([first, ...rest]));
    return events.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
  }

  /** The same, of events of one type that wait for company in a batch. */
  async gather(lane: Lane, count = 1, event: Partial<RecordedEvent> = {}): Promise<string[]> {
    const events = Array.from({ length: count }, () => {
      const planned = plannedEvent([lane], { acceptedAt: this.clock.now(), ...event });
      return { ...planned, deliveries: planned.deliveries.map((each) => ({ ...each, gathers: true as const })) };
    });
    const [first, ...rest] = events;
    if (first === undefined) return [];
    await this.store.record(submission([first, ...rest]));
    return events.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
  }

  gathering(lane: Lane): Promise<GatheringMember[]> {
    return this.store.readGathering({ lane, after: null, limit: 1_000 });
  }

  /** Makes a batch of all that waits for company. @returns it, read as the lane's owner reads it */
  async form(lane: Lane, changes: Partial<NewBatch> = {}): Promise<QueuedDelivery> {
    const members = await this.gathering(lane);
    const id = newId('del');
    const batch = { id, eventId: newId('evt'), eventType: 'workflow.completed', route: null, ...changes };
    await this.store.formBatch({ lane, members, formedAt: this.clock.now(), ...batch });
    const formed = (await this.due(lane, 0)).find((each) => each.id === batch.id);
    assert.ok(formed, 'the batch is due');
    return formed;
  }

  /** What is in a class of a lane, due now or ever. */
  due(lane: Lane, deliveryClass: SentClass, query: Partial<DueQuery> = {}): Promise<QueuedDelivery[]> {
    const everything = { after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 1_000 };
    return this.store.readDue({ lane, class: deliveryClass, ...everything, ...query });
  }

  async waiting(lane: Lane): Promise<QueuedDelivery[]> {
    return [...(await this.due(lane, 0)), ...(await this.due(lane, 1)), ...(await this.due(lane, 2))];
  }

  /** One delivery, read as the lane's owner reads it. */
  async take(lane: Lane): Promise<QueuedDelivery> {
    const [delivery] = await this.waiting(lane);
    assert.ok(delivery, 'something waits');
    return delivery;
  }

  settle(
    delivery: QueuedDelivery,
    next: NextStep,
    { result = resultFor(next), ...changes }: Partial<Settlement> & { result?: ExchangeResult } = {},
  ): Promise<boolean> {
    return this.store.settle({ delivery, attempt: nextAttempt(delivery, result), next, destination: null, ...changes });
  }

  /** A delivery in its own lane that came to this end after one attempt. */
  async ended(state: 'delivered' | 'failed' | 'cancelled'): Promise<{ lane: Lane; id: string }> {
    const lane = await this.lane();
    await this.owe(lane);
    const delivery = await this.take(lane);
    if (state === 'cancelled') {
      await this.settle(delivery, { state: 'pending', dueAt: this.clock.now() + 1_000 });
      await this.store.cancel({ lane, limit: 1, reason: 'cancelled by request' });
    } else {
      await this.settle(delivery, state === 'failed' ? { state, reason: 'gave up' } : { state });
    }
    return { lane, id: delivery.id };
  }

  /** What the lane's owner knows of a destination. */
  async destination(lane: Lane, url = SAMPLE_URL): Promise<Destination> {
    const loaded = await this.store.loadLane(lane);
    return loaded?.destinations.get(url) ?? UNKNOWN_DESTINATION;
  }

  /** Deliveries of a lane that failed after one attempt each. @returns their ids, oldest first */
  async fail(lane: Lane, count = 1, result?: ExchangeResult): Promise<string[]> {
    const ids = await this.owe(lane, count);
    for (const delivery of await this.due(lane, 0)) {
      if (ids.includes(delivery.id)) {
        await this.settle(delivery, { state: 'failed', reason: 'gave up' }, result && { result });
      }
    }
    return ids;
  }

  async delivery(lane: Lane, id: string): Promise<Delivery> {
    const delivery = await this.read((reads) => reads.getDelivery(lane.workspaceId, id));
    assert.ok(delivery, `delivery ${id} exists`);
    return delivery;
  }
}

function resultFor(next: NextStep): ExchangeResult {
  return answered(next.state === 'delivered' ? 200 : 500);
}

export function idsOf(rows: readonly { id: string }[]): string[] {
  return rows.map(({ id }) => id);
}

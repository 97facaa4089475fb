import assert from 'node:assert/strict';
import { type NextStep, SENT_CLASSES, type SentClass } from '../../domain/delivery.ts';
import type { OnExhausted } from '../../domain/ordering.ts';
import { newId } from '../../ids.ts';
import type { HeadsRead, Position, QueuedDelivery } from '../store.ts';
import { DeliveryModel, type ModelDelivery } from './delivery-model.ts';
import type { OpenedStore, StoreHarness } from './harness.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';
import { answered, nextAttempt, plannedEvent, SAMPLE_AT, submission } from './samples.ts';
import { idsOf } from './scene.ts';

/** What is done to a store and to its model. Numbers choose among what there is. */
export type Action =
  | { kind: 'record'; lanes: number[]; run: string | null; salt: string }
  | { kind: 'read'; lane: number; class: SentClass; limit: number }
  | { kind: 'settle'; handle: number; state: NextStep['state']; mark: Mark | null; delayMs: number }
  | { kind: 'cancel'; delivery: number }
  | { kind: 'cancelLane'; lane: number; limit: number }
  | { kind: 'requeue'; delivery: number }
  | { kind: 'replay'; delivery: number; salt: string }
  | { kind: 'step'; ms: number }
  | { kind: 'reopen' };

/** Runs that deliveries go in order with. */
export const RUNS = ['run_b', 'run_a'] as const;

/** What else an outcome may say of a delivery that goes on. */
type Mark = 'uncharged' | 'atFallback';

const LANES = ['wh_b', 'wh_a', 'wh_c'] as const;
const WORKSPACE = 'ws_model';

/** A store and the model beside it. */
export class ModelRun {
  readonly #opened: OpenedStore;
  readonly #clock: ManualClock;
  readonly #model: DeliveryModel;
  /** All that was ever read: most of them are stale. */
  readonly #handles: QueuedDelivery[] = [];
  /** When a delivery was put off to last: never twice to one instant, so that a stale handle is told from a fresh one. */
  readonly #putOffTo = new Map<string, number>();
  /** What the model said of a lane when that was found to be as in the store; since it was last reopened. */
  readonly #compared = new Map<number, string>();
  #ids = 0;

  private constructor(opened: OpenedStore, clock: ManualClock) {
    this.#opened = opened;
    this.#clock = clock;
    this.#model = new DeliveryModel(() => clock.now());
  }

  static async begin(harness: StoreHarness): Promise<ModelRun> {
    const clock = createManualClock();
    const opened = await harness.open(clock);
    await opened.addWorkspace(WORKSPACE);
    return new ModelRun(opened, clock);
  }

  end(): Promise<void> {
    return this.#opened.close();
  }

  /** Does one thing to both, which must answer alike. @returns what was done, and whether it was refused */
  async perform(action: Action): Promise<string> {
    const { store } = this.#opened;
    switch (action.kind) {
      case 'record':
        return await this.#record(action);
      case 'read': {
        const { lane, class: deliveryClass, limit } = action;
        const query = { lane: laneOf(lane), class: deliveryClass, after: null, dueBy: this.#clock.now(), limit };
        this.#handles.push(...(await store.readDue(query)));
        return 'read';
      }
      case 'settle':
        return await this.#settle(action);
      case 'cancel': {
        const { lane, id } = this.#pick(action.delivery) ?? UNKNOWN;
        const cancellation = {
          lane: { workspaceId: WORKSPACE, webhookId: lane },
          deliveryId: id,
          limit: 1,
          reason: 'one',
        };
        const expected = this.#model.cancel(lane, [id], 'one');
        assert.equal(await store.cancel(cancellation), expected);
        return expected === 1 ? 'cancel' : 'cancel refused';
      }
      case 'cancelLane':
        return await this.#cancelLane(action);
      case 'requeue': {
        this.#clock.step(1);
        const { lane, id } = this.#pick(action.delivery) ?? UNKNOWN;
        const expected = this.#model.requeue(lane, id);
        assert.equal(await store.requeue({ workspaceId: WORKSPACE, webhookId: lane }, id), expected);
        return expected ? 'requeue' : 'requeue refused';
      }
      case 'replay': {
        const { lane, id } = this.#pick(action.delivery) ?? UNKNOWN;
        const fresh = this.#newId(action.salt);
        const expected = this.#model.replay(lane, id, fresh);
        assert.equal(await store.replay({ workspaceId: WORKSPACE, webhookId: lane }, id, fresh), expected);
        return expected ? 'replay' : 'replay refused';
      }
      case 'step':
        this.#clock.step(action.ms);
        return 'step';
      case 'reopen':
        await this.#opened.reopen();
        this.#compared.clear();
        return 'reopen';
    }
  }

  /** Everything that can be seen is as in the model; lanes are read through if the model says anything new of them. */
  async compare(): Promise<void> {
    const { store, reader } = this.#opened;
    const expected = this.#model.deliveries.toSorted((a, b) => (a.id < b.id ? 1 : -1)).map(shown);
    const failedBefore = Object.fromEntries(
      this.#model.deliveries.map((each) => [each.id, this.#model.failedBefore(each)]),
    );
    for (const reads of [store, reader]) {
      const listed = await reads.listDeliveries({ workspaceId: WORKSPACE, limit: 1_000 });
      assert.deepEqual(
        listed.map(({ workspaceId: _, eventType: __, runId: ___, failedBefore: ____, ...delivery }) => delivery),
        expected,
      );
      assert.deepEqual(Object.fromEntries(listed.map((each) => [each.id, each.failedBefore])), failedBefore);
    }
    const owing = LANES.filter((webhookId) => this.#model.waiting(webhookId).length > 0);
    const swept = (await store.sweep()).map(({ webhookId }) => webhookId);
    assert.deepEqual(swept.toSorted(), owing.toSorted());
    await Promise.all(LANES.keys().map((lane) => this.#compareLane(lane)));
  }

  async #compareLane(lane: number): Promise<void> {
    const { store } = this.#opened;
    const { webhookId } = laneOf(lane);
    const now = this.#clock.now();
    const due = SENT_CLASSES.map((each) => idsOf(this.#model.due(webhookId, each, now)));
    const said = JSON.stringify([due, this.#model.deliveries.filter((each) => each.lane === webhookId)]);
    if (this.#compared.get(lane) === said) return;
    this.#compared.set(lane, said);
    assert.equal(await store.nextDueAt(laneOf(lane), now), this.#model.nextDueAt(webhookId, now));
    for (const deliveryClass of SENT_CLASSES) {
      for (const dueBy of [now, Number.MAX_SAFE_INTEGER]) {
        const expected = this.#model.due(webhookId, deliveryClass, dueBy);
        const found = await this.#readInPages(lane, deliveryClass, dueBy);
        assert.deepEqual(
          found.map(({ event, ...each }) => [...placeOf(each), event.id]),
          expected.map(({ eventId, ...each }) => [...placeOf(each), eventId]),
        );
        for (const onExhausted of ['block', 'skip'] as const) {
          const heads = this.#model.heads(webhookId, deliveryClass, { dueBy, onExhausted });
          assert.deepEqual(idsOf(await this.#headsInPages(lane, deliveryClass, { dueBy, onExhausted })), idsOf(heads));
        }
      }
    }
    for (const onExhausted of ['block', 'skip'] as const) await this.#compareRuns(lane, onExhausted);
  }

  async #headsInPages(
    lane: number,
    deliveryClass: SentClass,
    at: { dueBy: number; onExhausted: OnExhausted },
  ): Promise<QueuedDelivery[]> {
    const found: QueuedDelivery[] = [];
    let after: Position | null = null;
    for (let isMore = true; isMore; ) {
      const query = { lane: laneOf(lane), class: deliveryClass, after, limit: 2, ...at };
      const { heads, through, hasMore }: HeadsRead = await this.#opened.store.readHeads(query);
      found.push(...heads);
      after = through;
      isMore = hasMore;
    }
    return found;
  }

  async #compareRuns(lane: number, onExhausted: OnExhausted): Promise<void> {
    const dueBy = this.#clock.now();
    const query = { lane: laneOf(lane), runs: [...RUNS, 'run_unknown'], onExhausted, dueBy };
    const heads = SENT_CLASSES.flatMap((each) =>
      this.#model.heads(laneOf(lane).webhookId, each, { dueBy, onExhausted }),
    ).filter(({ run }) => run !== null);
    const found = await this.#opened.store.headsOf(query);
    const place = (each: Parameters<typeof placeOf>[0]) => placeOf(each).join();
    assert.deepEqual(found.map(place).toSorted(), heads.map(place).toSorted());
  }

  async #readInPages(lane: number, deliveryClass: SentClass, dueBy: number): Promise<QueuedDelivery[]> {
    const found: QueuedDelivery[] = [];
    for (let after: Position | null = null; ; after = found.at(-1) ?? null) {
      const query = { lane: laneOf(lane), class: deliveryClass, after, dueBy, limit: 2 };
      const page: QueuedDelivery[] = await this.#opened.store.readDue(query);
      found.push(...page);
      if (page.length < 2) return found;
    }
  }

  async #record({ lanes, run, salt }: Extract<Action, { kind: 'record' }>): Promise<string> {
    const [first, ...rest] = lanes.map(laneOf);
    assert.ok(first);
    const ids = lanes.map(() => this.#newId(salt));
    const planned = plannedEvent([first, ...rest], { ids });
    const decided = [{}, { route: 1, payload: 'thin' }, { route: 2, payload: 'full' }] as const;
    const inRun = run === null ? {} : { run };
    const deliveries = planned.deliveries.map((delivery, i) => ({ ...delivery, ...decided[i], ...inRun }));
    await this.#opened.store.record(submission([{ ...planned, deliveries }]));
    for (const { id, webhookId: lane, route = null, payload = 'full' } of deliveries) {
      this.#model.record({ lane, id, eventId: planned.event.id, createdAt: SAMPLE_AT, route, run, payload });
    }
    return 'record';
  }

  async #settle({ handle, state, mark, delayMs }: Extract<Action, { kind: 'settle' }>): Promise<string> {
    const delivery = this.#handles[handle % Math.max(1, this.#handles.length)];
    if (delivery === undefined) return 'nothing to settle';
    const { id } = delivery;
    const dueAt = Math.max(this.#clock.now() + delayMs, (this.#putOffTo.get(id) ?? 0) + 1);
    if (state === 'pending') this.#putOffTo.set(id, dueAt);
    const next = nextStep(state, dueAt, mark);
    const status = state === 'delivered' ? 200 : 500;
    const attempt = nextAttempt(delivery, answered(status));
    const expected = this.#model.settle(delivery, next, { reason: attempt.reason, status });
    assert.equal(await this.#opened.store.settle({ delivery, attempt, next, destination: null }), expected);
    const attempts = await this.#opened.reader.listAttempts(WORKSPACE, id);
    const made = this.#model.deliveries.find((each) => each.id === id)?.attempts;
    assert.deepEqual(
      attempts.map(({ number }) => number),
      Array.from({ length: made ?? 0 }, (_, i) => i + 1),
    );
    return expected ? 'settle' : 'settle refused';
  }

  /** Which of them are cancelled is for the store to choose; how many is not. */
  async #cancelLane({ lane, limit }: { lane: number; limit: number }): Promise<string> {
    const { webhookId } = laneOf(lane);
    const count = await this.#opened.store.cancel({ lane: laneOf(lane), limit, reason: 'lane' });
    const waiting = this.#model.waiting(webhookId).map(({ id }) => id);
    assert.equal(count, Math.min(limit, waiting.length));
    const listed = await this.#opened.store.listDeliveries({
      workspaceId: WORKSPACE,
      state: 'cancelled',
      limit: 1_000,
    });
    const gone = listed.map(({ id }) => id).filter((id) => waiting.includes(id));
    assert.equal(this.#model.cancel(webhookId, gone, 'lane'), count);
    return 'cancelLane';
  }

  #pick(number: number): ModelDelivery | undefined {
    const { deliveries } = this.#model;
    return deliveries[number % Math.max(1, deliveries.length)];
  }

  #newId(salt: string): string {
    this.#ids += 1;
    return `del_${salt}_${this.#ids}_${newId('del')}`;
  }
}

const UNKNOWN = { lane: LANES[0], id: 'del_unknown' };

function laneOf(lane: number) {
  return { workspaceId: WORKSPACE, webhookId: LANES[lane] ?? LANES[0] };
}

function placeOf({
  id,
  dueAt,
  attempts,
  seriesFrom,
  route,
  run,
  atFallback,
  payload,
}: Pick<ModelDelivery, 'id' | 'dueAt' | 'attempts' | 'seriesFrom' | 'route' | 'run' | 'atFallback' | 'payload'>) {
  return [id, dueAt, attempts, seriesFrom, route, run, atFallback, payload];
}

function nextStep(state: NextStep['state'], dueAt: number, mark: Mark | null): NextStep {
  if (state === 'pending') return { state, dueAt, ...(mark && { [mark]: true }) };
  return state === 'delivered' ? { state } : { state, reason: 'gave up' };
}

function shown({ lane: webhookId, class: _, seriesFrom: __, run: ___, ...delivery }: ModelDelivery) {
  return { webhookId, batch: null, ...delivery };
}

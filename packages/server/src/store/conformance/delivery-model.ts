import type { NextStep, PayloadKind, SentClass } from '../../domain/delivery.ts';
import type { OnExhausted } from '../../domain/ordering.ts';
import type { QueuedDelivery } from '../store.ts';

/** A delivery as the model knows it. */
export interface ModelDelivery {
  lane: string;
  id: string;
  eventId: string;
  origin: 'event' | 'replay';
  route: number | null;
  run: string | null;
  atFallback: boolean;
  payload: PayloadKind;
  state: 'pending' | 'delivered' | 'failed' | 'cancelled';
  class: SentClass;
  dueAt: number | null;
  createdAt: number;
  finishedAt: number | null;
  attempts: number;
  seriesFrom: number;
  reason: string | null;
  lastStatus: number | null;
}

type NewDelivery = Pick<
  ModelDelivery,
  'lane' | 'id' | 'eventId' | 'route' | 'run' | 'payload' | 'origin' | 'class' | 'createdAt'
>;

/** What a store has to do with deliveries, said in the simplest way: a list in memory. `lane` is a webhook's id. */
export class DeliveryModel {
  readonly deliveries: ModelDelivery[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  record(delivery: Pick<ModelDelivery, 'lane' | 'id' | 'eventId' | 'createdAt' | 'route' | 'run' | 'payload'>): void {
    this.#add({ ...delivery, origin: 'event', class: 0 });
  }

  settle(delivery: QueuedDelivery, next: NextStep, attempt: { reason: string | null; status: number }): boolean {
    const { webhookId } = delivery.lane;
    const found = this.#find(webhookId, delivery.id);
    if (found?.state !== 'pending' || found.class !== delivery.class || found.dueAt !== delivery.dueAt) return false;
    found.attempts += 1;
    found.lastStatus = attempt.status;
    if (next.state === 'pending') {
      if (next.uncharged === true) found.seriesFrom += 1;
      if (next.atFallback === true) Object.assign(found, { atFallback: true, seriesFrom: found.attempts });
      Object.assign(found, { class: 1, dueAt: next.dueAt, reason: attempt.reason });
    } else this.#end(found, next.state, next.state === 'failed' ? next.reason : null);
    return true;
  }

  cancel(lane: string, ids: readonly string[], reason: string): number {
    const found = this.deliveries.filter(
      (each) => each.lane === lane && ids.includes(each.id) && (each.state === 'pending' || isLeftBehind(each)),
    );
    for (const each of found) this.#end(each, 'cancelled', reason);
    return found.length;
  }

  requeue(lane: string, id: string): boolean {
    const found = this.#find(lane, id);
    if (found?.state !== 'failed' && found?.state !== 'cancelled') return false;
    const fresh = { seriesFrom: found.attempts, atFallback: false };
    Object.assign(found, { state: 'pending', class: 2, dueAt: this.#now(), finishedAt: null, ...fresh });
    return true;
  }

  replay(lane: string, id: string, newId: string): boolean {
    const found = this.#find(lane, id);
    if (found === undefined || found.state === 'pending') return false;
    const { eventId, route, run, payload } = found;
    const decided = { route, run, payload };
    this.#add({ lane, id: newId, eventId, ...decided, origin: 'replay', class: 2, createdAt: this.#now() });
    return true;
  }

  waiting(lane: string): ModelDelivery[] {
    return this.deliveries.filter((each) => each.lane === lane && each.state === 'pending');
  }

  /** What of a class is due by an instant, in order of that; what is due at one instant as it was taken in. */
  due(lane: string, deliveryClass: SentClass, dueBy: number): ModelDelivery[] {
    return this.waiting(lane)
      .filter((each) => each.class === deliveryClass && Number(each.dueAt) <= dueBy)
      .toSorted((a, b) => Number(a.dueAt) - Number(b.dueAt));
  }

  /** What of that is not behind another one of its run. */
  heads(lane: string, deliveryClass: SentClass, at: { dueBy: number; onExhausted: OnExhausted }): ModelDelivery[] {
    const states = at.onExhausted === 'block' ? ['pending', 'failed'] : ['pending'];
    return this.due(lane, deliveryClass, at.dueBy).filter((each) => this.#before(each, states).length === 0);
  }

  /** The first that failed before it in its run. */
  failedBefore(delivery: ModelDelivery): string | null {
    return (delivery.state === 'pending' && this.#before(delivery, ['failed'])[0]?.id) || null;
  }

  /** What stands before it in its run. The list is in the order in which deliveries were taken in. */
  #before(delivery: ModelDelivery, states: readonly string[]): ModelDelivery[] {
    const { lane, run } = delivery;
    const before = this.deliveries.slice(0, this.deliveries.indexOf(delivery));
    return run === null
      ? []
      : before.filter((each) => each.lane === lane && each.run === run && states.includes(each.state));
  }

  nextDueAt(lane: string, after: number): number | null {
    const retries = this.due(lane, 1, Number.POSITIVE_INFINITY);
    return retries.find((each) => Number(each.dueAt) > after)?.dueAt ?? null;
  }

  #find(lane: string, id: string): ModelDelivery | undefined {
    return this.deliveries.find((each) => each.lane === lane && each.id === id);
  }

  #add(delivery: NewDelivery): void {
    const fresh = { state: 'pending', dueAt: this.#now(), finishedAt: null, reason: null, lastStatus: null } as const;
    this.deliveries.push({ ...delivery, ...fresh, attempts: 0, seriesFrom: 0, atFallback: false });
  }

  #end(delivery: ModelDelivery, state: 'delivered' | 'failed' | 'cancelled', reason: string | null): void {
    Object.assign(delivery, { state, reason, dueAt: null, finishedAt: this.#now() });
  }
}

/** It failed, and may block its run. */
function isLeftBehind({ state, run }: ModelDelivery): boolean {
  return state === 'failed' && run !== null;
}

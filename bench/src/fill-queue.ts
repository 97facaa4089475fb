import { BenchError } from './bench-error.ts';
import { SAMPLE_TYPE, sampleEvent, typeInTurn } from './sample-event.ts';
import { callSystem, type System } from './system.ts';

/** Limits of `POST /v1/events/batch`: items of one call, and what one call should cause at most. */
const MOST_ITEMS = 1_000;
const MOST_DELIVERIES = 10_000;

export interface Filling {
  pending: number;
  /** To how many webhooks each event goes. */
  webhooks: number;
  /** The types that the events have in turn. Default: the sample's own. */
  types?: readonly string[];
}

/**
 * Publishes until `pending` deliveries are owed, `pending / webhooks` events. Throws a `BenchError` when a batch is refused
 * or an event goes to another number of webhooks.
 */
export async function fillQueue(system: System, filling: Filling): Promise<void> {
  const { pending, webhooks, types = [SAMPLE_TYPE] } = filling;
  const total = pending / webhooks;
  const perBatch = Math.max(1, Math.min(MOST_ITEMS, Math.floor(MOST_DELIVERIES / webhooks)));
  for (let sent = 0; sent < total; sent += perBatch) {
    const count = Math.min(perBatch, total - sent);
    const events = Array.from({ length: count }, (_, index) =>
      sampleEvent(sent + index, typeInTurn(sent + index, types)),
    );
    const body = `{"events":[${events.join(',')}]}`;
    checkResults(await callSystem(system, '/v1/events/batch', { method: 'POST', body }), webhooks);
  }
}

/** A batch is answered 202 as a whole even when items of it were refused. */
function checkResults(answer: string, webhooks: number): void {
  const { results } = JSON.parse(answer) as { results: { deliveries?: number }[] };
  const wrong = results.find((result) => result.deliveries !== webhooks);
  if (wrong !== undefined) throw new BenchError(`An event should go to ${webhooks} webhooks: ${JSON.stringify(wrong)}`);
}

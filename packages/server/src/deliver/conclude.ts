import { type BatchMember, batchDataText, readBatchData } from '../domain/batch.ts';
import { type Decision, decideNext } from '../domain/delivery.ts';
import { newId } from '../ids.ts';
import type { QueuedDelivery, Settlement, SuccessorBatch } from '../store/store.ts';

/**
 * What becomes of a delivery after an attempt. A batch that is not delivered as a whole ends, and others carry on its members:
 *
 * - Those that the receiver names as failed go on in one, due by the schedule. It has another id, and the attempts that are left;
 *   after the last of them it goes to the webhook's fallback, with attempts of its own.
 * - One that is too large goes on in two halves, each due at once with attempts of its own.
 *
 * What carries on members of a batch at the fallback stays there.
 */
export function conclude(
  delivery: Pick<QueuedDelivery, 'event' | 'atFallback'>,
  decision: Decision,
): Pick<Settlement, 'next' | 'successors'> {
  const { outcome } = decision;
  const next = decideNext(decision);
  if (outcome.kind === 'partly_delivered') {
    const { eventType, members } = readBatchData(delivery.event.dataText);
    const failed = new Set(outcome.failed);
    const left = members.filter(({ id }) => failed.has(id));
    return { next, successors: [{ ...carrier(eventType, left), ...retry(outcome.reason, delivery, decision) }] };
  }
  if (outcome.kind === 'too_large') {
    const { eventType, members } = readBatchData(delivery.event.dataText);
    const middle = Math.ceil(members.length / 2);
    const start = anew(delivery, decision);
    const halves = [members.slice(0, middle), members.slice(middle)].map((half): SuccessorBatch => {
      return { ...carrier(eventType, half), ...start };
    });
    const reason = `${outcome.reason}; split into ${halves.map(({ id }) => id).join(' and ')}`;
    return { next: { state: 'cancelled', reason }, successors: halves };
  }
  return { next };
}

/** When, and where, a batch goes on. */
type Course = Pick<SuccessorBatch, 'atFallback' | 'attemptsUsed' | 'start' | 'formedAt'>;

/** It goes on with the series, as a batch that was not taken at all does. */
function retry(reason: string, { atFallback }: Pick<QueuedDelivery, 'atFallback'>, decision: Decision): Course {
  const { attemptsInSeries, now: formedAt } = decision;
  const next = decideNext({ ...decision, outcome: { kind: 'retryable', reason, retryAfterMs: null } });
  switch (next.state) {
    case 'failed':
      return { atFallback, attemptsUsed: attemptsInSeries, start: next, formedAt };
    case 'pending': {
      const { state, dueAt } = next;
      if (next.atFallback) return { atFallback: true, attemptsUsed: 0, start: { state, dueAt }, formedAt };
      return { atFallback, attemptsUsed: attemptsInSeries, start: { state, dueAt }, formedAt };
    }
    default:
      throw new Error('what is retryable waits, or has failed');
  }
}

/** It begins a series. What is at the fallback is no first attempt, so that it does not wait for the own URL. */
function anew({ atFallback }: Pick<QueuedDelivery, 'atFallback'>, { now: formedAt }: Decision): Course {
  const start = atFallback ? ({ state: 'pending', dueAt: formedAt + 1 } as const) : 'at once';
  return { atFallback, attemptsUsed: 0, start, formedAt };
}

function carrier(
  eventType: string,
  members: readonly BatchMember[],
): Pick<SuccessorBatch, 'id' | 'eventId' | 'dataText' | 'members'> {
  return {
    id: newId('del'),
    eventId: newId('evt'),
    dataText: batchDataText(
      eventType,
      members.map(({ body }) => body),
    ),
    members: members.map(({ id }) => id),
  };
}

import { type BatchMember, batchDataText, readBatchData } from '../domain/batch.ts';
import { type Decision, decideNext } from '../domain/delivery.ts';
import { newId } from '../ids.ts';
import type { QueuedDelivery, Settlement, SuccessorBatch } from '../store/store.ts';

/**
 * What becomes of a delivery after an attempt. A batch that is not delivered as a whole ends, and others carry on its members:
 *
 * - Those that the receiver names as failed go on in one, due by the schedule. It has another id, and the attempts that are left.
 * - One that is too large goes on in two halves, each due at once with attempts of its own.
 */
export function conclude(
  delivery: Pick<QueuedDelivery, 'event'>,
  decision: Decision,
): Pick<Settlement, 'next' | 'successors'> {
  const { outcome, attemptsInSeries, now } = decision;
  const next = decideNext(decision);
  if (outcome.kind === 'partly_delivered') {
    const { eventType, members } = readBatchData(delivery.event.dataText);
    const failed = new Set(outcome.failed);
    const left = members.filter(({ id }) => failed.has(id));
    const retry = decideNext({
      ...decision,
      outcome: { kind: 'retryable', reason: outcome.reason, retryAfterMs: null },
    });
    if (retry.state !== 'pending' && retry.state !== 'failed')
      throw new Error('what is retryable waits, or has failed');
    const start = { attemptsUsed: attemptsInSeries, start: retry, formedAt: now };
    return { next, successors: [{ ...carrier(eventType, left), ...start }] };
  }
  if (outcome.kind === 'too_large') {
    const { eventType, members } = readBatchData(delivery.event.dataText);
    const middle = Math.ceil(members.length / 2);
    const halves = [members.slice(0, middle), members.slice(middle)].map((half): SuccessorBatch => {
      return { ...carrier(eventType, half), attemptsUsed: 0, start: 'at once', formedAt: now };
    });
    const reason = `${outcome.reason}; split into ${halves.map(({ id }) => id).join(' and ')}`;
    return { next: { state: 'cancelled', reason }, successors: halves };
  }
  return { next };
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

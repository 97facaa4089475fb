import { evidenceOf } from '../domain/circuit.ts';
import type { Position, QueuedDelivery, Settlement } from '../store/store.ts';
import type { AttemptInput, AttemptResult } from './attempt-delivery.ts';
import type { Lane } from './lane.ts';

/** An attempt in the air. */
export type Flight = AttemptInput & { delivery: QueuedDelivery; isProbe: boolean };

export type LandedAttempt = Pick<AttemptResult, 'record' | 'outcome'> &
  Pick<Settlement, 'destination' | 'disable'> & {
    /** The attempt charges nobody, and its delivery is tried again then; null: it counts. */
    excusedUntil: number | null;
  };

/** What the attempt means for the lane, and what of that is to be written with its outcome. */
export function observeLanding(
  lane: Lane,
  { webhook, template, isProbe }: Flight,
  { record, outcome, learned, offerNext, now }: AttemptResult & { now: number },
): LandedAttempt {
  const last = record.exchanges.at(-1);
  if (last === undefined) throw new Error('an attempt has at least one exchange');
  const evidence = evidenceOf(last.result);
  const sent = { webhook, url: record.url };
  const news = lane.observe(sent, { evidence, startedAt: record.startedAt, isProbe, offerNext, now });
  const known = learned && lane.learn(sent, learned);
  const landed: LandedAttempt = { record, outcome, destination: null, excusedUntil: null };
  const isExcused = evidence === 'own_failure' || (isProbe && evidence === 'counted_failure');
  if (isExcused) landed.excusedUntil = lane.waitsUntilFor(record.url, now);
  // The webhook leads elsewhere by now: what its old receiver says counts for the attempt alone.
  if (news === null) return landed;
  const isHopeless = news.isHopeless && !template.target.isFallback;
  const reason = outcome.kind === 'gone' ? 'gone' : isHopeless ? 'no_success' : null;
  if (reason !== null && lane.disable(reason, now)) landed.disable = { reason, at: now };
  if (news.isNews || known !== null || landed.disable !== undefined) {
    landed.destination = { url: record.url, value: lane.toWrite(record.url) };
  }
  return landed;
}

/** When the lane is to be read for what an outcome put off, or handed on to be tried later. */
export function retriesIn(settlement: Settlement | null): Position[] {
  if (settlement === null) return [];
  const { next, delivery, successors = [] } = settlement;
  const places: Position[] = next.state === 'pending' ? [{ dueAt: next.dueAt, seq: delivery.seq }] : [];
  for (const { start } of successors) {
    // Where the store put it among those of that instant is not known here.
    if (start !== 'at once' && start.state === 'pending') places.push({ dueAt: start.dueAt, seq: 0 });
  }
  return places;
}

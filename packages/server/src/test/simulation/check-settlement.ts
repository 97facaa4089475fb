import type { ExchangeResult } from '../../domain/attempt.ts';
import type { NextStep } from '../../domain/delivery.ts';
import type { RetryPolicyConfig } from '../../domain/retry-policy-config.ts';
import type { Settlement } from '../../store/store.ts';
import { checkSuccessors, meaningOf } from './batch-check.ts';
import { attemptsAllowed } from './check-start.ts';
import { evidenceOf } from './destination-oracle.ts';
import type { AttemptFacts } from './facts.ts';
import type { State } from './reached.ts';
import { type DeliveryRow, keyOf } from './store/disk.ts';
import { versionsOf } from './store/memory-directory.ts';
import type { Witness } from './witness.ts';

const DAY_MS = 24 * 3600 * 1000;
const EXTENDED = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];

/** An outcome is handed to the store: is it what the answers came to? */
export function checkSettlement(
  witness: Witness,
  settled: {
    settlement: Settlement;
    attempt: AttemptFacts;
    /** Of a batch; null: it is none. */
    members: readonly string[] | null;
    cutShort: boolean;
    row: DeliveryRow | undefined;
  },
): void {
  const { settlement, attempt, members, cutShort, row } = settled;
  const { next, attempt: record } = settlement;
  const { now } = witness.time;
  const breach = (what: string) => witness.breach(`attempt ${attempt.number} of ${attempt.deliveryId} ${what}`);
  const results = attempt.exchanges.map(({ result }) => result);
  if (record.exchanges.some(({ result }, i) => result !== results[i]) || record.exchanges.length !== results.length) {
    breach('is recorded with other exchanges than there were');
  }
  const last = results.at(-1);
  const version = versionsOf(witness.disk, attempt.webhook.lane).find((one) => one.version === record.webhookVersion);
  if (!last || version === undefined || row === undefined) {
    breach('cannot be checked');
    return;
  }
  const policy = version.config.retry_policy;
  const charged = row.attempts - row.seriesFrom;
  const meaning = meaningOf(last, members);
  const verdict =
    meaning === 'unclear' || meaning === 'split'
      ? ({ unclear: 'retryable', split: 'cancelled' } as const)[meaning]
      : judge(last, { policy, cutShort, attempt });
  note(witness, { last, verdict, row, cutShort });
  if (attempt.isFallback) noteFallback(witness, { last, verdict, next });
  if (attempt.isFallback && members !== null) witness.reached.note('a batch went to the fallback');
  const is = marked(next);
  const allowed = attemptsAllowed(policy);
  const isOver = verdict === 'failed' || (verdict === 'retryable' && charged + 1 >= allowed);
  const givenUp = row.atFallback || version.config.fallback_url === null ? 'failed' : 'diverted';
  if (members !== null) checkSuccessors(witness, { settlement, members, last, row, policy, givenUp });
  else if (settlement.successors !== undefined) breach('hands on members, and is no batch');
  const expected = isOver ? givenUp : verdict === 'retryable' ? 'pending' : verdict;
  if (is !== expected) {
    breach(`ended as ${is} instead of ${expected}, with ${charged} of ${allowed} used up before`);
    return;
  }
  if (verdict === 'retryable' && isOver) witness.reached.note('all attempts used up');
  if (is === 'diverted' && next.state === 'pending' && next.dueAt > now + 1)
    breach('does not go to the fallback at once');
  if (is === 'pending' && next.state === 'pending') {
    const waitMs = cutShort ? 0 : (retryAfterMs(last, now) ?? 0);
    const [shortest, longest] = delayBounds(policy, charged + 1).map((delayMs) => Math.max(delayMs, waitMs, 1));
    const delayMs = next.dueAt - now;
    if (delayMs < Number(shortest) - 1 || delayMs > Number(longest) + 1) {
      breach(`is followed by a retry after ${delayMs} ms, where ${shortest} to ${longest} were agreed`);
    }
  }
  checkDisabling(witness, { settlement, attempt, last });
  const opens = settlement.destination?.value.circuit.state === 'open';
  if (opens && attempt.destination.circuit.state !== 'open') breach('opened a circuit without a cause');
}

type Verdict = 'delivered' | 'failed' | 'uncharged' | 'retryable' | 'cancelled';

function marked(next: NextStep): string {
  if (next.state !== 'pending') return next.state;
  return next.atFallback ? 'diverted' : next.uncharged ? 'uncharged' : next.state;
}

function judge(
  last: ExchangeResult,
  given: { policy: RetryPolicyConfig; cutShort: boolean; attempt: AttemptFacts },
): Verdict {
  const { isProbe, isFallback } = given.attempt;
  const evidence = evidenceOf(last);
  if (evidence === 'success') return 'delivered';
  if (evidence === 'own' || (evidence === 'counted' && isProbe)) return 'uncharged';
  if (last.kind === 'answered' && last.status === 410) return isFallback ? 'failed' : 'uncharged';
  return given.cutShort || isRetriedBy(last, given.policy) ? 'retryable' : 'failed';
}

function isRetriedBy(
  last: ExchangeResult,
  { retry_conditions: retry, non_retry_conditions: never }: RetryPolicyConfig,
): boolean {
  if (last.kind === 'failed') {
    if (last.failure === 'timeout') return retry.timeouts;
    if (last.failure === 'malformed_response') return !never.malformed_response;
    return last.failure !== 'address_refused' && retry.network_errors;
  }
  const names = (codes: readonly (number | string)[]) =>
    codes.some((code) => {
      const [from, to] = String(code).split('-').map(Number);
      return last.status >= Number(from) && last.status <= Number(to ?? from);
    });
  return names(retry.status_codes) && !names(never.status_codes);
}

/** How long the receiver asked to wait; null: it did not. */
export function retryAfterMs(result: ExchangeResult, now: number): number | null {
  if (result.kind !== 'answered' || (result.status !== 429 && result.status !== 503)) return null;
  const asked = result.headers[1];
  if (result.headers[0] !== 'Retry-After' || asked === undefined) return null;
  const waitMs = /^\d+$/.test(asked) ? Number(asked) * 1000 : Date.parse(asked) - now;
  return Math.min(Math.max(0, waitMs), DAY_MS);
}

/** The shortest and the longest delay before a retry. */
function delayBounds(policy: RetryPolicyConfig, retry: number): [number, number] {
  const schedule = policy.schedule === 'extended' ? EXTENDED : policy.schedule;
  const doubled = policy.retry_delay * (policy.exponential_backoff ? 2 ** (retry - 1) : 1);
  const plain =
    1000 * (schedule === null ? Math.min(doubled, policy.max_delay) : (schedule[retry - 1] ?? schedule.at(-1) ?? 0));
  return [plain * (1 - policy.jitter), plain * (1 + policy.jitter)];
}

function checkDisabling(
  { disk, reached, breach }: Witness,
  { settlement, attempt, last }: { settlement: Settlement; attempt: AttemptFacts; last: ExchangeResult },
): void {
  const { webhook, deliveryId } = attempt;
  const { workspaceId, webhookId } = webhook.lane;
  const isGone = !attempt.isFallback && last.kind === 'answered' && last.status === 410;
  const reason = settlement.disable?.reason;
  if (reason === 'gone') reached.note('a webhook disabled by 410');
  if (reason === 'no_success') reached.note('a webhook disabled after days without a success');
  if (reason === 'gone' && !isGone) breach(`${deliveryId} disabled its webhook without a 410`);
  const wasDisabled = disk.holds.get(keyOf(workspaceId, webhookId))?.hold.disabledAt != null || webhook.disabling > 0;
  const isChanged = webhook.changing || webhook.changedUntil >= attempt.startedAt;
  if (isGone && reason === undefined && !wasDisabled && !isChanged)
    breach(`${deliveryId} was answered 410 and disabled nothing`);
  const isHopeless = !attempt.isFallback && evidenceOf(last) !== 'own' && attempt.destination.isHopeless();
  if (attempt.isFallback && reason !== undefined)
    breach(`${deliveryId} disabled its webhook by an answer of the fallback`);
  if (reason === 'no_success' && !isHopeless && !isChanged)
    breach(`${deliveryId} disabled its webhook before its time`);
  if (isHopeless && reason === undefined && !wasDisabled && !isChanged) {
    breach(`${deliveryId} did not disable a webhook that took nothing for days`);
  }
}

function noteFallback(
  { reached }: Witness,
  { last, verdict, next }: { last: ExchangeResult; verdict: Verdict; next: NextStep },
): void {
  if (verdict === 'delivered') reached.note('the fallback took a delivery');
  if (next.state === 'failed') reached.note('the fallback did not take a delivery either');
  if (last.kind === 'answered' && last.status === 410) reached.note('a fallback was gone');
  if (next.state === 'pending' && next.uncharged && evidenceOf(last) === 'counted')
    reached.note('a probe of a fallback failed');
}

function note(
  { reached }: Witness,
  { last, verdict, row, cutShort }: { last: ExchangeResult; verdict: Verdict; row: DeliveryRow; cutShort: boolean },
): void {
  if (cutShort) reached.note('no time for the other signature');
  if (verdict === 'failed') reached.note('an answer that is not retried');
  if (verdict === 'delivered') {
    if (row.payload === 'thin') reached.note('a thin delivery delivered');
    const by: readonly State[] = ['a first attempt delivered', 'a retry delivered', 'a recovered delivery delivered'];
    reached.note(
      row.origin === 'replay' && row.class === 2
        ? 'a replay delivered'
        : (by[row.class] ?? 'a first attempt delivered'),
    );
  }
  if (last.kind === 'failed') {
    if (last.failure === 'timeout') reached.note('a timeout');
    else if (last.failure === 'malformed_response') reached.note('an answer that is no HTTP');
    else if (evidenceOf(last) === 'counted') reached.note('a network error');
  } else if (last.headers[0] === 'Retry-After' && verdict === 'retryable') {
    reached.note(/^\d+$/.test(last.headers[1] ?? '') ? 'Retry-After in seconds' : 'Retry-After as a date');
  }
}

import type { AttemptOutcome, ExchangeResult } from './attempt.ts';
import { isPlainObject } from './field-reader.ts';

/**
 * Pure: what an attempt at a batch comes to, where its answer says more than that to a single delivery would.
 *
 * A 2xx takes every member, unless its body is JSON with a list of delivery ids, `{"failed": ["del_…"]}`: then the rest is
 * taken. Where that list cannot be relied on nothing is: the batch is sent again. 413 is too large, as long as there is
 * something to split.
 *
 * @param outcome what the answer means to a single delivery
 * @param memberIds asked for only where they matter
 */
export function classifyBatch(
  outcome: AttemptOutcome,
  result: ExchangeResult,
  memberIds: () => readonly string[],
): AttemptOutcome {
  if (result.kind !== 'answered') return outcome;
  if (result.status === 413 && memberIds().length > 1) return { kind: 'too_large', reason: 'answered 413' };
  if (outcome.kind !== 'delivered') return outcome;
  const failed = readFailed(result);
  if (failed.length === 0) return outcome;
  const unclear = (reason: string): AttemptOutcome => {
    return { kind: 'retryable', reason: `answered ${result.status}, ${reason}`, retryAfterMs: null };
  };
  if (failed === CUT_OFF) return unclear('and the JSON that would say which members failed is cut off');
  const members = new Set<unknown>(memberIds());
  const unknown = failed.find((id) => !members.has(id));
  if (unknown !== undefined) return unclear(`and names as failed what is not in the batch: ${shorten(unknown)}`);
  const named = [...new Set(failed.map(String))];
  const reason = `answered ${result.status}, and names ${named.length} of ${members.size} as failed`;
  return { kind: 'partly_delivered', reason, failed: named };
}

const CUT_OFF: readonly unknown[] = ['cut off'];

/** The list under `failed`; empty: the answer has none, or is no JSON. */
function readFailed({ body, truncated }: Extract<ExchangeResult, { kind: 'answered' }>): readonly unknown[] {
  const text = body.trim();
  if (!text.startsWith('{')) return [];
  try {
    const answer: unknown = JSON.parse(text);
    return isPlainObject(answer) && Array.isArray(answer['failed']) ? answer['failed'] : [];
  } catch {
    // Of an answer that went on behind what was read nobody knows what it named.
    return truncated || /"failed"\s*:/.test(text) ? CUT_OFF : [];
  }
}

const SHOWN_CHARACTERS = 60;

function shorten(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

import type { ExchangeResult } from '../../domain/attempt.ts';
import type { Webhook } from '../../domain/webhook.ts';
import type { NewBatch, Settlement, SuccessorBatch } from '../../store/store.ts';
import { attemptsAllowed } from './check-start.ts';
import type { DeliveryFacts, WebhookFacts } from './facts.ts';
import { type DeliveryRow, keyOf } from './store/disk.ts';
import { versionsOf } from './store/memory-directory.ts';
import type { Witness } from './witness.ts';

/** What the body of a batch holds. */
interface BatchBody {
  data: { event_type: string; count: number; events: { event: string; delivery_id: string }[] };
}

/** Bodies of the members that a batch carries, by their ids, in order. */
export function carriedIn(data: BatchBody['data']): Map<string, string> {
  return new Map(data.events.map((event) => [event.delivery_id, JSON.stringify(event)]));
}

export function batchDataIn(body: string): BatchBody['data'] {
  return (JSON.parse(body) as BatchBody).data;
}

/**
 * What an answer says about the members of a batch, in the forms that the simulated receivers use.
 * `plain`: what it would say to a single delivery; `unclear`: it cannot be relied on.
 */
export function meaningOf(
  result: ExchangeResult,
  members: readonly string[] | null,
): 'plain' | 'unclear' | 'split' | { failed: readonly string[] } {
  if (members === null || result.kind !== 'answered') return 'plain';
  if (result.status === 413) return members.length > 1 ? 'split' : 'plain';
  if (result.status >= 300 || !result.body.startsWith('{"failed":')) return 'plain';
  if (!result.body.endsWith(']}')) return 'unclear';
  const { failed } = JSON.parse(result.body) as { failed: string[] };
  if (failed.some((id) => !members.includes(id))) return 'unclear';
  return failed.length === 0 ? 'plain' : { failed };
}

/** A batch is to be made: is it time, and may it be? */
export function checkForming(
  { disk, reached, time, breach }: Witness,
  { webhook, versions, batch }: { webhook: WebhookFacts; versions: readonly Webhook[]; batch: NewBatch },
): void {
  const { now } = time;
  const { members, lane } = batch;
  const rows = members.map(({ seq }) =>
    disk.deliveries.all().find((row) => row.seq === seq && row.lane.webhookId === lane.webhookId),
  );
  const oldestAt = Math.min(...rows.map((row) => row?.createdAt ?? now));
  const allowed = versions.map(({ config }) => {
    if (config.batch === null) return 'its webhook takes none';
    const { size, timeout } = config.batch;
    if (members.length > size) return `there may be ${size} in one`;
    const leftMs = oldestAt + timeout * 1000 - now;
    return members.length === size || leftMs <= 0 ? null : `it may grow to ${size} for ${leftMs} ms`;
  });
  if (!allowed.includes(null)) breach(`a batch of ${members.length} is made for ${webhook.host}, and ${allowed[0]}`);
  const isFull = versions.some(({ config }) => config.batch?.size === members.length);
  reached.note(isFull ? 'a batch was made because it was full' : 'a batch was made because its time was over');
  if (webhook.changing || webhook.changedUntil >= now) return;
  const { deletedAt, config } = versionsOf(disk, lane).at(-1) ?? {};
  const hold = disk.holds.get(keyOf(lane.workspaceId, lane.webhookId))?.hold;
  if (deletedAt !== null || config?.active === false || hold?.pausedAt != null || hold?.disabledAt != null)
    breach(`a batch is made for ${webhook.host}, which takes nothing`);
}

/** A batch is sent: does it carry what it has to, and nothing else? */
export function checkCarried(
  witness: Witness,
  sent: {
    delivery: DeliveryFacts;
    row: DeliveryRow | undefined;
    body: string;
    others: ReadonlyMap<string, DeliveryFacts>;
  },
): void {
  const { disk } = witness;
  const { delivery, row, body, others } = sent;
  const breach = (what: string) => witness.breach(`batch ${delivery.id} ${what}`);
  const { workspaceId, webhookId } = delivery.webhook.lane;
  const data = batchDataIn(body);
  const carried = carriedIn(data);
  if (carried.size !== data.count || data.events.length !== data.count || data.count === 0)
    breach(`says that it carries ${data.count}, and carries ${data.events.length}`);
  for (const [id, text] of carried) {
    const member = disk.deliveries.get(keyOf(workspaceId, id));
    const event = member && disk.events.get(member.event);
    if (member === undefined || event === undefined || member.lane.webhookId !== webhookId) {
      breach(`carries ${id}, which is none of its webhook`);
      continue;
    }
    const { type, occurredAt, dataText } = event;
    const timestamp = new Date(occurredAt).toISOString();
    const { n, ...identifiers } = JSON.parse(dataText) as { n: number };
    const told = others.get(id)?.payload === 'thin' ? identifiers : { ...identifiers, n };
    const expected = { event: type, timestamp, webhook_id: webhookId, delivery_id: id, data: told };
    if (text !== JSON.stringify(expected)) breach(`carries ${id} otherwise than it would go by itself`);
    if (type !== data.event_type) breach(`of ${data.event_type} carries a ${type}`);
    if (delivery.isReplay) continue;
    if (member.state !== 'batched' || member.batch !== row?.key) breach(`carries ${id}, which is not in it`);
    if (others.get(id)?.taken) breach(`carries ${id}, which was delivered`);
  }
  const inIt = disk.deliveries.all().filter(({ batch }) => batch === row?.key);
  // Those that failed in it went on in another.
  if (!delivery.isReplay && inIt.some(({ id }) => !carried.has(id))) breach('does not carry all that is in it');
}

/** An outcome of a batch hands on members: are these the ones, and on what terms? */
export function checkSuccessors(
  witness: Witness,
  given: {
    settlement: Settlement;
    members: readonly string[];
    last: ExchangeResult;
    row: DeliveryRow;
    policy: Webhook['config']['retry_policy'];
    /** What becomes of what is given up. */
    givenUp: 'failed' | 'diverted';
  },
): void {
  const { settlement, members, last, row, policy, givenUp } = given;
  const { delivery, successors = [] } = settlement;
  const breach = (what: string) => witness.breach(`batch ${delivery.id} ${what}`);
  const { reached } = witness;
  const meaning = meaningOf(last, members);
  if (meaning === 'unclear') reached.note('an answer to a batch that could not be relied on');
  const handedOn =
    meaning === 'split'
      ? members
      : typeof meaning === 'object'
        ? members.filter((id) => meaning.failed.includes(id))
        : [];
  const passed = successors.flatMap((successor) => successor.members);
  if (passed.join() !== handedOn.join())
    breach(`hands on ${passed.length} members, and not the ${handedOn.length} that it has to`);
  const before = carriedIn(JSON.parse(delivery.event.dataText) as BatchBody['data']);
  for (const successor of successors) {
    const after = carriedIn(JSON.parse(successor.dataText) as BatchBody['data']);
    const isSame = [...after].every(([id, text]) => before.get(id) === text);
    if ([...after.keys()].join() !== successor.members.join() || !isSame) breach('hands on members in another form');
  }
  const used = row.attempts - row.seriesFrom + 1;
  if (meaning === 'split') {
    reached.note('a batch was split');
    const [one, two] = successors.map((successor) => successor.members.length);
    if (successors.length !== 2 || Math.abs(Number(one) - Number(two)) > 1) breach('is not split in halves');
    if (row.atFallback) reached.note('a batch was split at the fallback');
    const isFresh = row.atFallback ? isNewAtFallback : isNew;
    if (!successors.every((half) => isFresh(half, witness.time.now)))
      breach('is split, and its halves are not as if they were new');
  } else if (typeof meaning === 'object') {
    reached.note('members of a batch failed, and went on in another');
    const [successor] = successors;
    if (successor === undefined || successors.length !== 1) {
      breach(`hands on members in ${successors.length} batches`);
      return;
    }
    const expected = used >= attemptsAllowed(policy) ? givenUp : 'pending';
    if (expected === 'failed') reached.note('members of a batch failed with its last attempt');
    if (expected === 'diverted') {
      reached.note('members of a batch that failed with its last attempt went to the fallback');
      if (!isNewAtFallback(successor, witness.time.now)) breach('does not hand on to the fallback as if it was new');
      return;
    }
    const { start, attemptsUsed, atFallback } = successor;
    const is = typeof start === 'object' ? start.state : start;
    if (is !== expected) breach(`hands on members as ${is} instead of ${expected}, after ${used} attempts`);
    if (attemptsUsed !== used) breach(`hands on members with ${attemptsUsed} of ${used} attempts used`);
    if (atFallback !== row.atFallback) breach(`hands on members ${atFallback ? 'to' : 'away from'} the fallback`);
    if (atFallback) reached.note('members of a batch that failed at the fallback stayed there');
  }
}

function isNew({ start, attemptsUsed, atFallback }: SuccessorBatch): boolean {
  return start === 'at once' && attemptsUsed === 0 && !atFallback;
}

function isNewAtFallback({ start, attemptsUsed, atFallback }: SuccessorBatch, now: number): boolean {
  const isAtOnce = typeof start === 'object' && start.state === 'pending' && start.dueAt <= now + 1;
  return isAtOnce && attemptsUsed === 0 && atFallback;
}

import type { Clock } from '../../clock.ts';
import { lastStatusOf } from '../../domain/attempt.ts';
import { DELIVERY_CLASS } from '../../domain/delivery.ts';
import { ownUrls } from '../../domain/target.ts';
import type { Lane } from '../../domain/webhook.ts';
import { webhookFromRow } from '../rows/webhook-row.ts';
import type { Settlement, SuccessorBatch } from '../store.ts';
import type { Vault } from '../vault.ts';
import { bigintArray, textArray } from './array-parameter.ts';
import { addAuditOfSystem } from './audit-rows.ts';
import type { BatchRows } from './batch-rows.ts';
import type { Batch } from './commit-group.ts';
import { prepared } from './database.ts';
import { isAside } from './days.ts';
import { LASTING, SO_FAR } from './delivery-columns.ts';
import { learnDestination } from './destination-rows.ts';
import { ATTEMPT_COLUMNS, attemptArrays, attemptParameters } from './history-rows.ts';
import { findHold, putHold } from './hold-rows.ts';
import type { News } from './news.ts';
import { withoutNul } from './nul-free-text.ts';
import { recoverOutage } from './outage-recovery.ts';
import { shardOf } from './shards.ts';
import type { Transaction } from './transaction.ts';
import { lockLatestVersion } from './webhook-rows.ts';

const GIVEN = `${attemptParameters(1)}, $13::text[], $14::text[], $15::bigint[], $16::bigint[], $17::bigint[], $18::text[],
  $19::bigint[], $20::bigint[], $21::bigint[], $22::text[], $23::bigint[], $24::bigint[], $25::bigint[]`;

/** Columns of an attempt, by names of their own: the outcome of a delivery has some of the same name. */
const TRIED_COLUMNS = ATTEMPT_COLUMNS.split(/,\s+/).map((name) => `tried_${name}`);
const TRIED = TRIED_COLUMNS.join(', ');
const GIVEN_TRIED = TRIED_COLUMNS.map((name) => `i.${name}`).join(', ');

/** The place in which a delivery waits. */
const PLACE = ['workspace_id', 'webhook_id', 'class', 'due_at', 'seq'];

/** A row that was found. What moves in this very moment is looked at once more by PostgreSQL, and then by all of this. */
const IS_THERE = ['q.ctid = i.found_at', ...PLACE.map((name) => `q.${name} = i.${name}`)].join(' AND ');

/**
 * Writes the outcomes of deliveries of which each is there once: ends them, moving their rows to history, or puts them off,
 * and adds their attempts.
 *
 * The fence: this node still has the lane, and the delivery waits where it was read. Whoever takes its row away, or moves it,
 * has settled it first. Each is looked up by itself, in the order of the primary key: the plan is kept, and may have been made
 * when the queue was empty, so that any other index, or all of it, seemed as good.
 *
 * Parameters: arrays of the attempt of each, of its place, of what becomes of it, of the shard of its lane, and of whether it
 * goes to the fallback from now on; the present instant; this node. Result: the positions in the arrays of those that were
 * where they had been read. Locks their rows.
 */
const SETTLE = prepared(`
  WITH given AS MATERIALIZED (
    SELECT * FROM unnest(${GIVEN}) WITH ORDINALITY AS i (${TRIED}, workspace_id, webhook_id, class, due_at, seq, state,
      next_due_at, attempts, uncharged, reason, last_status, shard, diverted, position)
  ),
  there AS MATERIALIZED (
    SELECT i.*, q.found_at
    FROM given i CROSS JOIN LATERAL (
      SELECT ctid AS found_at FROM broxi.queue q
      WHERE q.workspace_id = i.workspace_id AND q.webhook_id = i.webhook_id AND q.class = i.class AND q.due_at = i.due_at
        AND q.seq BETWEEN i.seq AND i.seq
      ORDER BY q.seq LIMIT 1) q
    WHERE i.shard IN (SELECT number FROM broxi.shards WHERE node_id = $27)
  ),
  ended AS (
    DELETE FROM broxi.queue q USING there i WHERE ${IS_THERE} AND i.state <> 'pending'
    RETURNING i.position, i.state, i.attempts AS made, i.reason AS ended_by, i.last_status AS answered, ${GIVEN_TRIED}, q.*
  ),
  put_off AS (
    UPDATE broxi.queue q
    SET class = ${DELIVERY_CLASS.retry}, due_at = i.next_due_at, attempts = i.attempts,
      series_from = CASE WHEN i.diverted = 1 THEN i.attempts ELSE q.series_from + i.uncharged END,
      at_fallback = q.at_fallback OR i.diverted = 1, reason = i.reason, last_status = i.last_status
    FROM there i WHERE ${IS_THERE} AND i.state = 'pending'
    RETURNING i.position, ${GIVEN_TRIED}
  ),
  moved AS (
    INSERT INTO broxi.deliveries (${LASTING}, ${SO_FAR}, at_fallback, state, finished_at, aside)
    SELECT ${LASTING}, made, ended_by, answered, at_fallback, state, $26, ${isAside('id', 'del')} FROM ended
  ),
  settled AS (SELECT position, ${TRIED} FROM ended UNION ALL SELECT position, ${TRIED} FROM put_off),
  recorded AS (
    INSERT INTO broxi.attempts (${ATTEMPT_COLUMNS}, aside)
    SELECT ${TRIED}, ${isAside('tried_delivery_id', 'del')} FROM settled
  )
  SELECT position FROM settled`);

export function createSettle(options: {
  clock: Clock;
  vault: Vault;
  news: News;
  batches: BatchRows;
  nodeId: string;
}): Batch<Settlement, boolean> {
  const { clock, vault, news, batches, nodeId } = options;

  /**
   * What was disabled before stays so from then on, and what a person resumed since stays resumed. A receiver that is
   * configured no more says nothing about the present one.
   * @returns whether it did anything
   */
  const disable = async (
    tx: Transaction,
    lane: Lane,
    { url, reason, at }: NonNullable<Settlement['disable']> & { url: string },
  ): Promise<boolean> => {
    const row = await lockLatestVersion(tx.query, lane);
    const hold = await findHold(tx.query, lane);
    if (row === null || hold.disabledAt !== null || hold.resumedAt >= at) return false;
    if (!ownUrls(webhookFromRow(row, vault).config).includes(url)) return false;
    await putHold(tx.query, lane, { ...hold, disabledAt: at, disabledReason: reason });
    const { workspaceId, webhookId: subject } = lane;
    await addAuditOfSystem(tx, { workspaceId, at, action: 'webhook.disabled', subject, detail: `${reason} at ${url}` });
    return true;
  };

  /** Batches take over what one did not deliver; those that are given up as they are made are told of. */
  const carryOn = async (
    tx: Transaction,
    { delivery, attempt }: Settlement,
    successors: readonly SuccessorBatch[],
  ): Promise<void> => {
    const events = await batches.succeed(tx, { ...delivery, lastStatus: lastStatusOf(attempt) }, successors);
    for (const [i, { id, start }] of successors.entries()) {
      const event = events[i];
      if (event === undefined || start === 'at once' || start.state === 'pending') continue;
      const told = { delivery: { id, event }, attempt, next: start, destination: null, disabled: null };
      await news.tell(tx, delivery.lane, told);
    }
  };

  /** What an outcome brings about beside itself: nearly always nothing. */
  const follow = async (tx: Transaction, settlement: Settlement): Promise<void> => {
    const { delivery, attempt, next, destination: learned, disable: disabling, successors = [] } = settlement;
    const isAlone = successors.length === 0;
    if (learned === null && disabling === undefined && next.state !== 'failed' && isAlone) return;
    const { lane } = delivery;
    const { webhookVersion, url } = attempt;
    const destination = await learnDestination(tx, { lane, learned, webhookVersion, vault, clock });
    const isDisabled = disabling !== undefined && (await disable(tx, lane, { ...disabling, url }));
    await news.tell(tx, lane, { delivery, attempt, next, destination, disabled: isDisabled ? disabling : null });
    if (!isAlone) await carryOn(tx, settlement, successors);
    await recoverOutage(tx, lane, destination, clock.now());
  };

  /** @param settlements of different deliveries */
  const settleOnce = async (tx: Transaction, settlements: readonly Settlement[]): Promise<boolean[]> => {
    const rows = await tx.run<{ position: number }>(SETTLE, [
      ...attemptArrays(settlements.map(attemptOf)),
      ...placeArrays(settlements),
      ...outcomeArrays(settlements),
      bigintArray(settlements.map(({ delivery }) => shardOf(delivery.lane))),
      bigintArray(settlements.map(({ next }) => Number(next.state === 'pending' && next.atFallback === true))),
      clock.now(),
      nodeId,
    ]);
    const settled = new Set(rows.map(({ position }) => position - 1));
    for (const [i, settlement] of settlements.entries()) {
      if (!settled.has(i)) continue;
      count(tx, settlement);
      await follow(tx, settlement);
    }
    return settlements.map((_, i) => settled.has(i));
  };

  return async (tx, settlements) => {
    const answers = new Map<Settlement, boolean>();
    for (let left = settlements; left.length > 0; left = left.filter((each) => !answers.has(each))) {
      const distinct = firstOfEach(left);
      const settled = await settleOnce(tx, distinct);
      for (const [i, each] of distinct.entries()) answers.set(each, settled[i] === true);
    }
    return settlements.map((each) => answers.get(each) === true);
  };
}

/** The first settlement of each delivery. */
function firstOfEach(settlements: readonly Settlement[]): Settlement[] {
  const first = new Map<number, Settlement>();
  for (const settlement of settlements) {
    const { seq } = settlement.delivery;
    if (!first.has(seq)) first.set(seq, settlement);
  }
  return [...first.values()];
}

function placeArrays(settlements: readonly Settlement[]): Buffer[] {
  const deliveries = settlements.map(({ delivery }) => delivery);
  return [
    textArray(deliveries.map(({ lane }) => lane.workspaceId)),
    textArray(deliveries.map(({ lane }) => lane.webhookId)),
    bigintArray(deliveries.map((delivery) => delivery.class)),
    bigintArray(deliveries.map(({ dueAt }) => dueAt)),
    bigintArray(deliveries.map(({ seq }) => seq)),
  ];
}

function outcomeArrays(settlements: readonly Settlement[]): Buffer[] {
  return [
    textArray(settlements.map(({ next }) => next.state)),
    bigintArray(settlements.map(({ next }) => (next.state === 'pending' ? next.dueAt : null))),
    bigintArray(settlements.map(({ attempt }) => attempt.number)),
    bigintArray(settlements.map(({ next }) => (next.state === 'pending' && next.uncharged === true ? 1 : 0))),
    textArray(settlements.map((settlement) => withoutNul(reasonOf(settlement)))),
    bigintArray(settlements.map(({ attempt }) => lastStatusOf(attempt))),
  ];
}

function reasonOf({ next, attempt }: Settlement): string | null {
  if (next.state === 'pending') return attempt.reason;
  return next.state === 'delivered' ? null : next.reason;
}

function attemptOf({ delivery, attempt }: Settlement) {
  return { workspaceId: delivery.lane.workspaceId, deliveryId: delivery.id, attempt };
}

function count({ counts }: Transaction, { next }: Settlement): void {
  if (next.state === 'pending') counts.settledRetried += 1;
  else if (next.state === 'delivered') counts.settledDelivered += 1;
  else if (next.state === 'failed') counts.settledFailed += 1;
  else counts.settledCancelled += 1;
}

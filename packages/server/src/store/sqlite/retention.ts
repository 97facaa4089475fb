import type { DatabaseSync } from 'node:sqlite';
import type { PruneResult, PruneStep, Retention } from '../store.ts';
import type { CommitGroup } from './commit-group.ts';
import { allRows, oneRow } from './database.ts';
import { IN_ORDER } from './head-rows.ts';

/**
 * Goes from event to event in order of ingest, which is all but the order in which they were accepted. An event with more
 * deliveries than one step removes goes over several: its deliveries first, itself last. A member of a batch is as old as that,
 * and a batch stays as long as any of its members. What failed stays while something waits behind it in its run: else time would
 * free what a person is to decide on. The last event and the last delivery of all stay: SQLite would give their numbers away again.
 */
export function retention(database: DatabaseSync, group: CommitGroup): Retention {
  const page = database.prepare('SELECT seq, accepted_at FROM events WHERE seq > ? ORDER BY seq LIMIT ?');
  const lastEvent = database.prepare('SELECT max(seq) AS seq FROM events');
  const lastDelivery = database.prepare('SELECT max(seq) AS seq FROM deliveries');
  const kept = database.prepare(`
    SELECT 1 FROM deliveries d LEFT JOIN deliveries b ON b.seq = d.batch
    WHERE d.event = :event AND (d.state = 'pending' OR d.finished_at >= :before OR d.seq = :latest
      OR b.state = 'pending' OR b.finished_at >= :before OR EXISTS (SELECT 1 FROM deliveries m WHERE m.batch = d.seq)
      OR (d.state = 'failed' AND d.run IS NOT NULL AND EXISTS (
        SELECT 1 FROM deliveries w
        WHERE w.lane = d.lane AND w.run = d.run AND w.state = 'pending' AND w.seq > d.seq AND ${IN_ORDER('w')})))
    LIMIT 1`);
  const deliveriesOf = database.prepare('SELECT seq FROM deliveries WHERE event = ? LIMIT ?');
  const removeAttempts = database.prepare('DELETE FROM attempts WHERE delivery = ?');
  const removeDelivery = database.prepare('DELETE FROM deliveries WHERE seq = ?');
  const removeEvent = database.prepare('DELETE FROM events WHERE seq = ?');
  const removeJobs = database.prepare(`
    DELETE FROM jobs WHERE (workspace_id, id) IN (SELECT workspace_id, id FROM jobs WHERE finished_at < ? LIMIT ?)`);

  /** @returns how many deliveries and rows are gone; `isAll`: the event has none left */
  const removeDeliveries = (event: number, most: number): { deliveries: number; rows: number; isAll: boolean } => {
    const gone = { deliveries: 0, rows: 0 };
    const found = allRows<Numbered>(deliveriesOf, event, most + 1);
    for (const { seq } of found) {
      if (gone.rows >= most) return { ...gone, isAll: false };
      gone.rows += Number(removeAttempts.run(seq).changes) + 1;
      removeDelivery.run(seq);
      gone.deliveries += 1;
    }
    return { ...gone, isAll: found.length <= most };
  };

  const prune = ({ before, after, limit }: PruneStep): PruneResult => {
    const result: PruneResult = { next: null, events: 0, deliveries: 0, jobs: 0 };
    const events = allRows<Numbered & { accepted_at: number }>(page, after, limit);
    const latest = oneRow<Numbered>(lastEvent)?.seq;
    const latestDelivery = oneRow<Numbered>(lastDelivery)?.seq ?? 0;
    let left = limit;
    let position = after;
    for (const { seq, accepted_at: acceptedAt } of events) {
      if (left <= 0) return { ...result, next: position };
      const isKept =
        acceptedAt >= before ||
        seq === latest ||
        kept.get({ event: seq, before, latest: latestDelivery }) !== undefined;
      if (!isKept) {
        const gone = removeDeliveries(seq, left);
        result.deliveries += gone.deliveries;
        left -= gone.rows;
        if (!gone.isAll) return { ...result, next: position };
        removeEvent.run(seq);
        result.events += 1;
        left -= 1;
      }
      position = seq;
    }
    const mayBeMore = events.length === limit && events.some(({ accepted_at }) => accepted_at < before);
    if (mayBeMore) return { ...result, next: position };
    result.jobs = Number(removeJobs.run(before, limit).changes);
    return result;
  };

  return { prune: (step) => group.run(() => prune(step)) };
}

interface Numbered {
  seq: number;
}

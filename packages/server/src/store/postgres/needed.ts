import { textArray } from './array-parameter.ts';

/** What names an event or a delivery. */
export interface Key {
  workspace_id: string;
  id: string;
}

/** The values of {@link isAmong}. */
export function keyArrays(keys: readonly Key[]): Buffer[] {
  return [textArray(keys.map((key) => key.workspace_id)), textArray(keys.map(({ id }) => id))];
}

/**
 * Whether a row is one of those whose workspaces are $1 and whose ids are $2. The lists of each by itself are what partitions
 * are left out by, and indexes used.
 */
export function isAmong(id: string): string {
  const [workspaces, ids] = ['$1::text[]', '$2::text[]'];
  return `workspace_id = ANY (${workspaces}) AND ${id} = ANY (${ids})
    AND (workspace_id, ${id}) IN (SELECT * FROM unnest(${workspaces}, ${ids}))`;
}

/**
 * Whether an event was accepted after an instant, or anything of it is owed, by itself or in a batch, or came to its end after
 * that, or is to be decided on by a person.
 * @param event how it is called in SQL
 * @param since the instant
 * @param orElse of a delivery `d`, what else keeps its event
 */
export function needed(event: string, since: string, orElse = 'false'): string {
  return `(
    ${event}.accepted_at >= ${since}
    OR EXISTS (SELECT 1 FROM broxi.queue q WHERE q.workspace_id = ${event}.workspace_id AND q.event_id = ${event}.id)
    OR EXISTS (
      SELECT 1 FROM broxi.deliveries d
      WHERE d.workspace_id = ${event}.workspace_id AND d.event_id = ${event}.id AND (
        d.finished_at >= ${since} OR ${orElse}
        OR EXISTS (SELECT 1 FROM broxi.queue b WHERE b.workspace_id = d.workspace_id AND b.id = d.batch)
        OR EXISTS (
          SELECT 1 FROM broxi.deliveries b
          WHERE b.workspace_id = d.workspace_id AND b.id = d.batch AND b.finished_at >= ${since})
        OR d.state = 'failed' AND EXISTS (
          SELECT 1 FROM broxi.queue w
          WHERE w.workspace_id = d.workspace_id AND w.webhook_id = d.webhook_id AND w.run = d.run AND w.seq > d.seq))))`;
}

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Lane } from '../../domain/webhook.ts';
import { type OpenedPostgres, openOnPostgres } from '../../test/postgres/postgres-harness.ts';
import type { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { createManualClock } from '../conformance/manual-clock.ts';
import { plannedEvent, submission } from '../conformance/samples.ts';
import { Scene } from '../conformance/scene.ts';
import type { PruneResult } from '../store.ts';
import { openPool, transactOn } from './database.ts';
import { DAY_MS, digitsOf } from './days.ts';

interface DayRow {
  first: string;
  until: string;
}

export const daysOf = (opened: OpenedPostgres) =>
  opened.query<DayRow>('SELECT first, until FROM broxi.days ORDER BY first');

/** Where the row of an event, a delivery or its attempts is. */
export async function placesOf(opened: OpenedPostgres, table: string, id: string, key = 'id'): Promise<string[]> {
  const rows = await opened.query<{ place: string }>(
    `SELECT DISTINCT tableoid::regclass::text AS place FROM broxi.${table} WHERE ${key} = '${id}'`,
  );
  return rows.map(({ place }) => place);
}

/** An id that was made at an instant. */
const idAt = (prefix: 'evt' | 'del', at: number) => `${prefix}_${digitsOf(at)}${randomBytes(10).toString('hex')}`;

/** Runs work in a transaction of its own. */
export async function transact<Result>(url: string, work: Parameters<typeof transactOn<Result>>[2]): Promise<Result> {
  const pool = openPool(url, 1);
  try {
    return await transactOn(pool, 'BEGIN', work);
  } finally {
    await pool.end();
  }
}

/** A scene on PostgreSQL, at the present time: PostgreSQL makes and closes days by its own clock, which no test can set. */
export class DaysScene extends Scene {
  constructor(postgres: () => ThrowawayPostgres) {
    super({ open: (clock) => openOnPostgres(postgres(), clock) }, createManualClock(Date.now()));
  }

  override get opened(): OpenedPostgres {
    return super.opened as OpenedPostgres;
  }

  /** An event with a delivery, whose ids were made at an instant. */
  async recordAt(lane: Lane, at: number, deliveryAt = at) {
    const planned = plannedEvent([lane], { id: idAt('evt', at), ids: [idAt('del', deliveryAt)], acceptedAt: at });
    await this.store.record(submission([planned]));
    return { eventId: planned.event.id, id: planned.deliveries[0]?.id ?? '' };
  }

  /** Whether there is no day any more that ended before an instant. */
  async hasNoDayBefore(at: number): Promise<boolean> {
    return (await daysOf(this.opened)).every(({ until }) => until > digitsOf(at));
  }

  /** Removes all that is old, also where days have to wait for what others are in the middle of. */
  async pruneAll(before: number): Promise<Pick<PruneResult, 'events' | 'deliveries'>> {
    const sum = { events: 0, deliveries: 0 };
    let after: number | null = 0;
    for (let steps = 0; after !== null; steps += 1) {
      assert.ok(steps < 5_000, 'it comes to an end');
      const result: PruneResult = await this.store.prune({ before, after, limit: 100 });
      sum.events += result.events;
      sum.deliveries += result.deliveries;
      after = result.next === null && !(await this.hasNoDayBefore(before)) ? 0 : result.next;
    }
    return sum;
  }
}

export const TODAY = Date.now() - (Date.now() % DAY_MS);

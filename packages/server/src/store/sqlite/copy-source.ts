import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { InvalidSettingError } from '../../errors.ts';
import { ALIKE_TABLES, type AlikeTable, type CopiedRow } from '../copied-tables.ts';
import type { CopySource, DeliveriesPage, Page, SourceDelivery } from '../copy-store.ts';
import type { Vault } from '../vault.ts';
import { allRows, oneRow, openForReading, openForWriting } from './database.ts';
import { findMovedMark, type MovedMark, markAsMoved } from './moved-mark.ts';
import { MIGRATIONS } from './schema.ts';
import { openWalSync } from './wal-sync.ts';

/** A page ends with the row that fills it. */
const MOST_ROWS = 4_000;
const MOST_CHARACTERS = 4_000_000;
const MOST_KEYS = 4_000;

const EVENTS = `
  SELECT e.seq, w.workspace_id, e.id, e.type, e.occurred_at, e.accepted_at, e.run_id, e.revision, e.data
  FROM events e CROSS JOIN workspace_numbers w ON w.number = e.workspace
  WHERE e.seq > ? ORDER BY e.seq`;

const DELIVERY_COLUMNS = `
  d.seq, d.id, l.workspace_id, l.webhook_id, e.id AS event_id, d.origin, d.route, d.run, d.at_fallback, d.thin, d.state,
  d.class, d.due_at, d.attempts, d.series_from, d.created_at, d.finished_at, d.reason, d.last_status, b.id AS batch,
  d.state = 'delivered' OR (d.state = 'batched' AND b.state = 'delivered') AS is_final`;
const WITH_NAMES = `
  CROSS JOIN lanes l ON l.number = d.lane CROSS JOIN events e ON e.seq = d.event LEFT JOIN deliveries b ON b.seq = d.batch`;

const DELIVERIES = `SELECT ${DELIVERY_COLUMNS} FROM deliveries d ${WITH_NAMES} WHERE d.seq > ? ORDER BY d.seq`;

/** Parameters: numbers, as JSON in ascending order; the one after which to go on. */
const AMONG = `
  SELECT ${DELIVERY_COLUMNS} FROM json_each(?) p CROSS JOIN deliveries d ON d.seq = p.value ${WITH_NAMES}
  WHERE p.value > ? ORDER BY p.key`;

const ATTEMPTS = `
  SELECT number, id, started_at, duration_ms, url, route, webhook_version, outcome, reason, exchanges
  FROM attempts WHERE delivery = ? ORDER BY number`;

/** All keys of one instant go together: that is where the next page begins. */
const LAST_EXPIRY = `
  SELECT max(expires_at) AS last, count(*) AS count FROM (
    SELECT expires_at FROM idempotency WHERE expires_at > ? ORDER BY expires_at LIMIT ${MOST_KEYS})`;

const LANES_OF_JOBS = `
  SELECT j.workspace_id, j.job_id, j.lane AS number, l.webhook_id, j.position FROM job_lanes j JOIN lanes l ON l.number = j.lane`;

/** The earliest instant at which an event of the workspace after this one was accepted. */
const NEXT_ACCEPTED = `
  SELECT min(e.accepted_at) AS at FROM events e JOIN workspace_numbers w ON w.number = e.workspace
  WHERE w.workspace_id = ? AND e.seq > ?`;

/** The event behind the first hundredth of all. */
const NEARLY_FIRST_EVENT = `
  SELECT id FROM events WHERE seq >= (SELECT min(seq) + (max(seq) - min(seq)) / 100 FROM events) ORDER BY seq LIMIT 1`;

/** A database file that is copied. */
export interface OpenedCopySource extends CopySource {
  /** Tells the database from others: its first workspace. */
  readonly id: string;
  /** Since when the ids of nearly all of its events were made; the oldest may have been kept for long because they are owed. */
  readonly since: number;
  /** Null: it was not moved yet. */
  readonly movedTo: MovedMark | null;
  /** @throws InvalidSettingError if its secrets were sealed with another key */
  assertKey(vault: Vault): void;
  markAsMoved(mark: MovedMark): void;
  close(): void;
}

/**
 * @param options.isAlone whether this process holds the lock of the data folder; else a server may be running on the file
 * @throws InvalidSettingError if no server was ever started on it, or another version of it is running
 */
export function openCopySource({ path, isAlone }: { path: string; isAlone: boolean }): OpenedCopySource {
  const database = isAlone ? openForWriting(path) : openForReading(path);
  try {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version !== MIGRATIONS.length) {
      throw new InvalidSettingError(
        `The server that is running on ${path} is of another version (schema ${version}, and ${MIGRATIONS.length} here). Stop it, or start it with this version first.`,
      );
    }
    const first = oneRow<{ id: string | null }>(database.prepare('SELECT min(id) AS id FROM workspaces'));
    if (first === null || first.id === null) {
      throw new InvalidSettingError(`There is nothing in ${path} to copy: no server was ever started on it.`);
    }
    const source = createCopySource(database);
    const since = instantOf(oneRow<{ id: string }>(database.prepare(NEARLY_FIRST_EVENT))?.id);
    const movedTo = findMovedMark(database);
    const log = openWalSync(path);
    return {
      ...source,
      onDisk: () => log.sync(),
      id: first.id,
      since,
      movedTo,
      assertKey(vault) {
        const sealed = database.prepare(`
          SELECT sealed FROM (SELECT sealed FROM webhook_versions ORDER BY rowid DESC LIMIT 1)
          UNION ALL SELECT sealed FROM (SELECT sealed FROM read_tokens LIMIT 1)`);
        for (const row of allRows<{ sealed: string }>(sealed)) vault.open(row.sealed);
      },
      markAsMoved: (mark) => markAsMoved(database, mark),
      close() {
        log.close();
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

function createCopySource(database: DatabaseSync): Omit<CopySource, 'onDisk'> {
  const events = database.prepare(EVENTS);
  const deliveries = database.prepare(DELIVERIES);
  const among = database.prepare(AMONG);
  const attempts = database.prepare(ATTEMPTS);
  const lastExpiry = database.prepare(LAST_EXPIRY);
  const keys = database.prepare(`
    SELECT ${columnsOf('idempotency')} FROM idempotency WHERE expires_at > ? AND expires_at <= ? ORDER BY expires_at`);
  const nextAccepted = database.prepare(NEXT_ACCEPTED);
  const extent = database.prepare(`
    SELECT (SELECT ifnull(max(seq), 0) FROM events) AS events, (SELECT ifnull(max(seq), 0) FROM deliveries) AS deliveries`);
  const countWaiting = database.prepare('SELECT count(*) AS count FROM queue');

  const attemptsOf = ({ seq, workspace_id, id }: SourceDelivery): CopiedRow<'attempts'>[] =>
    allRows<Omit<CopiedRow<'attempts'>, 'workspace_id' | 'delivery_id'>>(attempts, seq).map((attempt) => ({
      workspace_id,
      delivery_id: id,
      ...attempt,
    }));

  const deliveriesPage = (rows: Iterable<DeliveryRow>, after: number, of: 'final' | 'all'): DeliveriesPage => {
    const page: DeliveriesPage = { rows: [], attempts: [], through: after, isLast: true };
    let characters = 0;
    for (const row of rows) {
      const delivery: SourceDelivery = { ...row, isFinal: row.is_final === 1 };
      const made = delivery.isFinal || of === 'all' ? attemptsOf(delivery) : [];
      for (const attempt of made) {
        page.attempts.push(attempt);
        characters += String(attempt.exchanges).length;
      }
      page.rows.push(delivery);
      page.through = delivery.seq;
      if (isFull(page.rows.length + page.attempts.length, characters)) return { ...page, isLast: false };
    }
    return page;
  };

  return {
    readEvents(after) {
      const page: Page<EventRow> = { rows: [], through: after, isLast: true };
      let characters = 0;
      for (const row of eachRow<EventRow>(events, after)) {
        page.rows.push(row);
        page.through = row.seq;
        characters += row.data.length;
        if (isFull(page.rows.length, characters)) return { ...page, isLast: false };
      }
      return page;
    },
    readDeliveries({ after, among: chosen, attemptsOf: of }) {
      const rows =
        chosen === undefined
          ? eachRow<DeliveryRow>(deliveries, after)
          : eachRow<DeliveryRow>(among, JSON.stringify(chosen), after);
      return deliveriesPage(rows, after, of);
    },
    readKeys(after) {
      const { last, count } = oneRow<{ last: number | null; count: number }>(lastExpiry, after) ?? {
        last: null,
        count: 0,
      };
      if (last === null) return { rows: [], through: after, isLast: true };
      return { rows: allRows(keys, after, last), through: last, isLast: count < MOST_KEYS };
    },
    readTable: <Table extends AlikeTable>(table: Table) =>
      allRows<CopiedRow<Table>>(database.prepare(`SELECT ${columnsOf(table)} FROM ${table}`)),
    readJobLanes() {
      return allRows<JobLaneRow>(database.prepare(LANES_OF_JOBS)).map(({ position, ...row }) => {
        if (typeof position === 'string') return { ...row, position: JSON.stringify(position) };
        const next = oneRow<{ at: number | null }>(nextAccepted, row.workspace_id, position);
        return { ...row, position: JSON.stringify(placeOfEvent(position, next?.at ?? Number.MAX_SAFE_INTEGER)) };
      });
    },
    extent: () => oneRow<{ events: number; deliveries: number }>(extent) ?? { events: 0, deliveries: 0 },
    countWaiting: () => oneRow<{ count: number }>(countWaiting)?.count ?? 0,
  };
}

/** Where no job has looked at an event yet, there and here. */
const BEFORE_ALL_EVENTS = { there: '', here: 0 };

/**
 * A backfill goes through events by their number here, and there by when they were accepted and, at one instant, by number. It
 * goes on with the earliest that is left.
 */
function placeOfEvent(seq: number, nextAcceptedAt: number): string {
  return seq === BEFORE_ALL_EVENTS.here ? BEFORE_ALL_EVENTS.there : `${nextAcceptedAt}/${seq}`;
}

/** The time that an id carries; none: there is nothing since then. */
function instantOf(id = ''): number {
  const [, digits = ''] = /^evt_([0-9a-f]{12})/.exec(id) ?? [];
  return digits === '' ? Number.POSITIVE_INFINITY : Number.parseInt(digits, 16);
}

function isFull(rows: number, characters: number): boolean {
  return rows >= MOST_ROWS || characters >= MOST_CHARACTERS;
}

function columnsOf(table: AlikeTable): string {
  return Object.keys(ALIKE_TABLES[table]).join(', ');
}

function eachRow<Row>(statement: StatementSync, ...parameters: SQLInputValue[]): Iterable<Row> {
  return statement.iterate(...parameters) as Iterable<unknown> as Iterable<Row>;
}

type EventRow = CopiedRow<'events'> & { seq: number; data: string };
type DeliveryRow = Omit<SourceDelivery, 'isFinal'> & { is_final: 0 | 1 };
type JobLaneRow = Omit<CopiedRow<'job_lanes'>, 'position' | 'workspace_id'> & {
  workspace_id: string;
  position: string | number;
};

import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { ThrowawayPostgres } from '../test/postgres/throwaway-postgres.ts';
import { ALIKE_TABLES, COPIED_TABLES } from './copied-tables.ts';
import { migrateDatabase } from './postgres/migrate.ts';
import { MIGRATIONS } from './sqlite/schema.ts';

// A table or column that is added to a driver fails here until the copy brings it over, or says here that it need not.

/** What `copy-source.ts` reads in its own way, and what is of this file alone. */
const SQLITE_ONLY: Readonly<Record<string, readonly string[]>> = {
  workspace_numbers: ['number', 'workspace_id'],
  lanes: ['number', 'workspace_id', 'webhook_id'],
  events: ['seq', 'workspace', 'id', 'type', 'occurred_at', 'accepted_at', 'run_id', 'revision', 'data'],
  // `class` and `due_at` of a delivery that waits are those of its row in `queue`.
  queue: ['lane', 'class', 'due_at', 'delivery'],
  deliveries: [
    ...['seq', 'workspace', 'id', 'lane', 'event', 'origin', 'state', 'class', 'due_at', 'attempts', 'series_from'],
    ...['created_at', 'finished_at', 'reason', 'last_status', 'route', 'thin', 'batch', 'run', 'at_fallback'],
  ],
  attempts: [
    ...['delivery', 'number', 'id', 'started_at', 'duration_ms', 'url', 'webhook_version', 'outcome', 'reason'],
    ...['exchanges', 'route'],
  ],
  job_lanes: ['workspace_id', 'job_id', 'lane', 'position'],
  moved: ['place', 'at'],
};

/** What is of the servers that share a database, and of the copy itself. */
const POSTGRES_ONLY = ['copies', 'copy_left', 'days', 'nodes', 'schema_version', 'shards', 'wakes', 'writers'];

test('every table and column of SQLite is known to the copy', () => {
  const database = new DatabaseSync(':memory:');
  for (const statements of MIGRATIONS) database.exec(statements);
  const rows = database
    .prepare('SELECT t.name AS "table", c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c')
    .all() as { table: string; name: string }[];
  database.close();
  const expected = { ...columnsOf(ALIKE_TABLES), ...sorted(SQLITE_ONLY) };
  assert.deepEqual(grouped(rows.filter(({ table }) => !table.startsWith('sqlite_'))), expected);
});

test('every table and column of PostgreSQL is known to the copy', async () => {
  const postgres = await ThrowawayPostgres.start();
  try {
    const url = await postgres.createDatabase();
    await migrateDatabase(url);
    const rows = await postgres.query<{ table: string; name: string }>(
      `SELECT c.relname AS "table", a.attname AS name
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'broxi'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition`,
      url,
    );
    const { ...tables } = grouped(rows);
    for (const table of POSTGRES_ONLY) {
      assert.ok(table in tables, table);
      delete tables[table];
    }
    // `aside` follows from the id.
    assert.deepEqual(
      tables,
      columnsOf(COPIED_TABLES, { events: ['aside'], deliveries: ['aside'], attempts: ['aside'] }),
    );
  } finally {
    await postgres.stop();
  }
});

function grouped(rows: readonly { table: string; name: string }[]): Record<string, readonly string[]> {
  const tables = Map.groupBy(rows, ({ table }) => table);
  return sorted(Object.fromEntries([...tables].map(([table, of]) => [table, of.map(({ name }) => name)])));
}

function columnsOf(
  tables: Readonly<Record<string, object>>,
  others: Readonly<Record<string, readonly string[]>> = {},
): Record<string, readonly string[]> {
  const all = Object.entries(tables).map(([table, columns]) => [
    table,
    [...Object.keys(columns), ...(others[table] ?? [])],
  ]);
  return sorted(Object.fromEntries(all));
}

function sorted(tables: Readonly<Record<string, readonly string[]>>): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(tables).map(([table, columns]) => [table, columns.toSorted()]));
}

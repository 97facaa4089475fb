import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { InvalidSettingError } from '../../errors.ts';
import { MIGRATIONS } from './schema.ts';

/** The first SQLite in which a second connection cannot corrupt a write-ahead log that is being reset. */
const MINIMUM_SQLITE = [3, 51, 3] as const;

/** Rows of events are large: twice SQLite's page halves the writes of a commit, and costs no more bytes. */
export const PAGE_BYTES = 8_192;

/** https://sqlite.org/rescode.html#notadb */
const SQLITE_NOTADB = 26;

/**
 * Opens the connection that writes: write-ahead log, synced by {@link openWalSync} after each commit, checkpoints made by the
 * reader thread. For whoever holds the lock of the data folder.
 * @throws InvalidSettingError if a newer version or something else wrote the file
 */
export function openForWriting(path: string): DatabaseSync {
  assertSqliteVersion();
  const database = new DatabaseSync(path, { timeout: 5_000 });
  try {
    database.exec(`
      PRAGMA page_size = ${PAGE_BYTES};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = 0;
      PRAGMA cache_size = -8192;
      PRAGMA temp_store = MEMORY;
    `);
    migrate(database);
  } catch (error) {
    database.close();
    throw error instanceof Error && 'errcode' in error && error.errcode === SQLITE_NOTADB ? notOurs() : error;
  }
  return database;
}

/** Opens a connection that reads a consistent snapshot while others write. */
export function openForReading(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  database.exec('PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;');
  return database;
}

/** Brings the schema up to date. @throws InvalidSettingError if a newer version or something else wrote the file */
function migrate(database: DatabaseSync): void {
  const applied = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (applied > MIGRATIONS.length) {
    throw new InvalidSettingError(
      `BROXI_DATABASE_URL names a database of a newer version (schema ${applied}; this version knows up to ${MIGRATIONS.length}).`,
    );
  }
  if (applied === 0 && database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined) throw notOurs();
  for (const [position, statements] of MIGRATIONS.entries()) {
    if (position < applied) continue;
    database.exec(`BEGIN IMMEDIATE; ${statements}; PRAGMA user_version = ${position + 1}; COMMIT`);
  }
}

function notOurs(): InvalidSettingError {
  return new InvalidSettingError(
    'BROXI_DATABASE_URL names a file that this server did not write. Give it the name of a new one.',
  );
}

/** Rows as the schema declares them; `Row` names the columns of this very statement. */
export function allRows<Row>(statement: StatementSync, ...parameters: SQLInputValue[]): Row[] {
  return statement.all(...parameters) as unknown as Row[];
}

/** The first row, or null. */
export function oneRow<Row>(statement: StatementSync, ...parameters: SQLInputValue[]): Row | null {
  return (statement.get(...parameters) as unknown as Row | undefined) ?? null;
}

function assertSqliteVersion(): void {
  const version = process.versions.sqlite ?? '0';
  const parts = version.split('.').map(Number);
  for (const [i, minimum] of MINIMUM_SQLITE.entries()) {
    const part = parts[i] ?? 0;
    if (part > minimum) return;
    if (part < minimum) {
      throw new InvalidSettingError(
        `This Node carries SQLite ${version}; ${MINIMUM_SQLITE.join('.')} or newer is needed. Use a newer Node 24 or 26.`,
      );
    }
  }
}

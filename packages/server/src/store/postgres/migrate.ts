import { InvalidSettingError } from '../../errors.ts';
import { firstOf, openPool, type Query, queryOn } from './database.ts';
import { translate } from './errors.ts';
import { MIGRATIONS } from './schema.ts';

/** The oldest that is maintained. */
const MINIMUM_VERSION = 14;
/** Any number, as long as nobody else takes it: of the lock that nodes which start together queue up for. */
const MIGRATION_LOCK = 7_304_911;
/** A table that is in use is not waited for: whoever comes after would wait behind this. */
const LOCK_TIMEOUT_MS = 3_000;

/**
 * Brings the schema up to date, in one transaction. Nodes that start together do it one after the other, and all but the
 * first find nothing to do.
 * @returns the version before and after
 * @throws InvalidSettingError if a newer version of the server wrote the database, it refuses us, or PostgreSQL is too old;
 *   StoreUnavailableError if it cannot be reached
 */
export async function migrateDatabase(url: string): Promise<{ before: number; after: number }> {
  const pool = openPool(url, 1);
  try {
    const client = await pool.connect();
    try {
      const query = queryOn(client);
      await assertVersion(query);
      await query('BEGIN ISOLATION LEVEL READ COMMITTED');
      const versions = await migrate(query);
      await query('COMMIT');
      return versions;
    } finally {
      // What was begun, and did not come to its end, is undone with its connection.
      client.release(true);
    }
  } catch (error) {
    throw refusalOf(error) ?? translate(error);
  } finally {
    await pool.end();
  }
}

async function migrate(query: Query): Promise<{ before: number; after: number }> {
  await query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  await query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  // To ask "if not exists" of CREATE SCHEMA needs a right that whoever uses an existing one may lack.
  const schema = await query<{ found: string | null }>("SELECT to_regnamespace('broxi')::text AS found");
  if (firstOf(schema)?.found === null) await query('CREATE SCHEMA broxi');
  await query('CREATE TABLE IF NOT EXISTS broxi.schema_version (version integer NOT NULL)');
  const before = firstOf(await query<{ version: number }>('SELECT version FROM broxi.schema_version'))?.version ?? 0;
  if (before > MIGRATIONS.length) {
    throw new InvalidSettingError(
      `BROXI_DATABASE_URL names a database of a newer version (schema ${before}; this version knows up to ${MIGRATIONS.length}).`,
    );
  }
  if (before === MIGRATIONS.length) return { before, after: before };
  for (const statements of MIGRATIONS.slice(before)) await query(statements);
  await query('DELETE FROM broxi.schema_version');
  await query('INSERT INTO broxi.schema_version (version) VALUES ($1)', [MIGRATIONS.length]);
  return { before, after: MIGRATIONS.length };
}

async function assertVersion(query: Query): Promise<void> {
  const number = firstOf(await query<{ number: string }>("SELECT current_setting('server_version_num') AS number"));
  const major = Math.floor(Number(number?.number) / 10_000);
  if (major >= MINIMUM_VERSION) return;
  throw new InvalidSettingError(
    `BROXI_DATABASE_URL leads to PostgreSQL ${major}; ${MINIMUM_VERSION} or newer is needed.`,
  );
}

/** A wrong password, a missing right, or no such database: the setting is wrong, not the database. */
function refusalOf(error: unknown): InvalidSettingError | null {
  if (!(error instanceof Error && 'code' in error && /^(28|3D|42501)/.test(String(error.code)))) return null;
  return new InvalidSettingError(`BROXI_DATABASE_URL leads to a database that refuses this server: ${error.message}.`);
}

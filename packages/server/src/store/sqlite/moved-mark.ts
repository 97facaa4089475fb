import type { DatabaseSync } from 'node:sqlite';
import { InvalidSettingError } from '../../errors.ts';
import { oneRow } from './database.ts';

/** Where everything in a database was moved to, by `broxi-webhooks copy`. */
export interface MovedMark {
  /** The URL of the other database, without user and password. */
  place: string;
  at: number;
}

export function findMovedMark(database: DatabaseSync): MovedMark | null {
  return oneRow<MovedMark>(database.prepare('SELECT place, at FROM moved LIMIT 1'));
}

/** From now on no server starts on this database. On disk when this returns. */
export function markAsMoved(database: DatabaseSync, { place, at }: MovedMark): void {
  database.exec('PRAGMA synchronous = FULL; DELETE FROM moved');
  database.prepare('INSERT INTO moved (place, at) VALUES (?, ?)').run(place, at);
}

/** Two databases that owe the same would send all of it twice. @throws InvalidSettingError if the database was moved */
export function assertNotMoved(database: DatabaseSync): void {
  const mark = findMovedMark(database);
  if (mark === null) return;
  throw new InvalidSettingError(
    `BROXI_DATABASE_URL names a database that was moved to ${mark.place} on ${new Date(mark.at).toISOString()}. Start the server with that one: what was owed here is sent from there.`,
  );
}

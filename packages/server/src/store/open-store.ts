import type { Clock } from '../clock.ts';
import type { ReadStore, Store } from './store.ts';
import type { Vault } from './vault.ts';

/** Where a store is, as the settings say it. */
export interface StoreAddress {
  databaseUrl: string;
  /** The file of a SQLite database, absolute; null: the URL is PostgreSQL's. */
  databasePath: string | null;
}

export interface StoreOptions {
  vault: Vault;
  clock: Clock;
  /** Told of what should not happen, and is tried again. */
  onError: (error: unknown) => void;
}

/** For a process that writes. */
export interface WritingStoreOptions extends StoreOptions {
  /** Whether it is to send as well. */
  isOwner: boolean;
  /** Told why a database on another machine is waited for. */
  onWait: (reason: string) => void;
}

/*
 * Picks a driver by the address. Only the code of that driver is loaded.
 */

/**
 * Opens the store for a process that writes; waits for a database on another machine.
 * @returns the store, and the clock by which it says when things are due: where processes share a database, that one's
 * @throws InvalidSettingError; for a file, StoreUnavailableError too
 */
export async function openStore(
  { databaseUrl: url, databasePath: path }: StoreAddress,
  { vault, clock: machine, isOwner, onError, onWait }: WritingStoreOptions,
): Promise<{ store: Store; clock: Clock }> {
  if (path !== null) {
    const { openSqliteStore } = await import('./sqlite/open-sqlite-store.ts');
    return { store: openSqliteStore({ path, vault, clock: machine }), clock: machine };
  }
  const [{ openPostgresStore }, { followDatabaseClock }, { whenAvailable }] = await Promise.all([
    import('./postgres/open-postgres-store.ts'),
    import('./postgres/database-clock.ts'),
    import('./postgres/when-available.ts'),
  ]);
  const { clock, observe: onTime } = followDatabaseClock(machine);
  const open = () => openPostgresStore({ url, vault, clock, isOwner, leaseClock: machine, onTime, onError });
  const store = await whenAvailable(open, { clock: machine, onWait });
  return { store, clock };
}

/** For lists and single reads, beside the store that was opened before. On SQLite it also makes the checkpoints. */
export async function openReader(
  { databaseUrl: url, databasePath: path }: StoreAddress,
  { vault, clock, onError }: StoreOptions,
): Promise<ReadStore> {
  if (path !== null) {
    const { openCheckpointingReader } = await import('./sqlite/open-sqlite-store.ts');
    return openCheckpointingReader({ path, vault, clock, onError });
  }
  const { openPostgresReader } = await import('./postgres/open-postgres-store.ts');
  return openPostgresReader({ url, vault });
}

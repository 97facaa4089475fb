import { existsSync } from 'node:fs';
import { type Clock, systemClock } from '../clock.ts';
import { isPostgresUrl, pathOf, placeOf, readConfig, SETTINGS } from '../config.ts';
import { InvalidSettingError, StoreUnavailableError } from '../errors.ts';
import { keyFileOf, readEncryptionKey } from '../key-files.ts';
import {
  type CopyOptions,
  type CopySource,
  type CopyTarget,
  copyHistory,
  copyLeft,
  copyRest,
} from '../store/copy-store.ts';
import { PostgresCopyTarget } from '../store/postgres/copy-target.ts';
import { reasonOf } from '../store/postgres/errors.ts';
import { type OpenedCopySource, openCopySource } from '../store/sqlite/copy-source.ts';
import { tryLockDataFolder } from '../store/sqlite/single-process-lock.ts';
import { createVault } from '../store/vault.ts';
import { CopyReport, number } from './copy-report.ts';

/*
 * history ──▶ waiting for the server to stop ──▶ rest ──▶ done
 *    └───────────────── no server runs ──────────▲
 * Killed anywhere, it goes on where it was when it is run again. Whoever holds the lock of the data folder may write to it: a
 * server, or this from the rest on. So nothing can be sent from both databases: a server on the target does not start before
 * this is done, and none on the source afterwards.
 */

export interface CopyFlags {
  from?: string;
  to?: string;
  config?: string;
  encryptionKey?: string;
}

const LOOK_AGAIN_MS = 500;
/** Clocks that differ by less make no difference that anybody would see. */
const WORTH_A_WORD_MS = 5_000;

/**
 * `broxi-webhooks copy`.
 * @throws InvalidSettingError for an address or a key that is not acceptable, and a target that is in use; StoreUnavailableError
 */
export async function copyDatabase(
  flags: CopyFlags,
  { out = process.stdout, clock = systemClock }: { out?: NodeJS.WritableStream; clock?: Clock } = {},
): Promise<void> {
  const { path, url, encryptionKey } = readCopySettings(flags);
  const place = placeOf(url);
  const report = new CopyReport({ out, clock });
  let unlock = tryLockDataFolder(path);
  let source: OpenedCopySource | null = null;
  let target: PostgresCopyTarget | null = null;
  try {
    source = openCopySource({ path, isAlone: unlock !== null });
    assertKey(source, { path, encryptionKey });
    const { id: sourceId, since, movedTo } = source;
    target = await PostgresCopyTarget.open({ url, sourceId, since, isKnown: movedTo !== null });
    if (target.isFinished) return report.say(`Everything is in ${place} already.\n${nextSteps(path, encryptionKey)}`);
    await sayIfClocksDiffer(target, { report, clock });
    if (unlock === null) {
      unlock = await copyBesideServer({ path, source, target, report, clock });
      source.close();
      source = openCopySource({ path, isAlone: true });
    }
    const { markAsMoved } = source;
    const settle = () => markAsMoved({ place, at: clock.now() });
    report.add(await copyHistory({ source, target, ...telling('History', report) }));
    report.add(await copyRest({ source, target, settle, ...telling('The rest', report) }));
    await target.analyze();
    report.say(`Done: ${report.summary()}.\n${nextSteps(path, encryptionKey)}`);
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    const how = 'Run the same command again when it is: the copy goes on where it was.';
    throw new StoreUnavailableError(`${place} is not there: ${reasonOf(error)}. ${how}`, error);
  } finally {
    await target?.close();
    source?.close();
    unlock?.();
  }
}

/** Copies what is final, and comes in meanwhile, until the server has stopped. @returns the release of the lock */
async function copyBesideServer(options: {
  path: string;
  source: CopySource;
  target: CopyTarget;
  report: CopyReport;
  clock: Clock;
}): Promise<() => void> {
  const { path, source, target, report, clock } = options;
  report.add(await copyHistory({ source, target, ...telling('History', report) }));
  report.add(await copyLeft({ source, target, ...telling('What has ended meanwhile', report) }));
  const left = number(await target.countLeft());
  report.say(
    `History is copied: ${report.summary()}.\nNow stop the server on ${path}. This goes on as soon as it has stopped, with ${left} deliveries of which more may become; it can also be ended now and run again then.`,
  );
  for (;;) {
    const unlock = tryLockDataFolder(path);
    if (unlock !== null) return unlock;
    await new Promise<void>((resolve) => clock.after(LOOK_AGAIN_MS, resolve));
    report.waited(LOOK_AGAIN_MS);
    report.add(await copyHistory({ source, target }));
  }
}

function telling(what: string, report: CopyReport): Required<Pick<CopyOptions, 'onProgress'>> {
  return { onProgress: (counts, share) => report.tell(what, counts, share) };
}

/** @throws InvalidSettingError */
function readCopySettings({ from, to, config, encryptionKey: key }: CopyFlags) {
  const path = pathOf(from ?? SETTINGS.database_url.initial('serve'));
  if (path === null) {
    throw new InvalidSettingError(
      '--from is not acceptable: expected sqlite:<path>, such as sqlite:./broxi-data/broxi.db.',
    );
  }
  if (!existsSync(path)) throw new InvalidSettingError(`--from: there is no database ${path}.`);
  const given = { config, encryptionKey: key, ...(to !== undefined && isPostgresUrl(to) && { databaseUrl: to }) };
  const { databaseUrl: url, databasePath, encryptionKey } = readConfig({ mode: 'serve', flags: given });
  if (databasePath !== null || (to !== undefined && !isPostgresUrl(to))) {
    const called = to === undefined ? '--to is missing' : '--to is not acceptable';
    throw new InvalidSettingError(
      `${called}: expected postgres://<user>@<host>/<database>, or BROXI_DATABASE_URL to name it.`,
    );
  }
  return { path, url, encryptionKey };
}

/** What is sealed stays as it is, so the key has to stay the same. @throws InvalidSettingError if it is not the one */
function assertKey(source: OpenedCopySource, { path, encryptionKey }: { path: string; encryptionKey: string | null }) {
  const key = readEncryptionKey({ given: encryptionKey, databasePath: path });
  try {
    source.assertKey(createVault(key));
  } catch (error) {
    if (encryptionKey === null || !existsSync(keyFileOf(path))) throw error;
    throw new InvalidSettingError(
      `BROXI_ENCRYPTION_KEY is not the key that ${path} was written with. That is in ${keyFileOf(path)}, and stays the same: leave the variable out, or set it to what is in the file.`,
    );
  }
}

async function sayIfClocksDiffer(
  target: PostgresCopyTarget,
  { report, clock }: { report: CopyReport; clock: Clock },
): Promise<void> {
  const aheadMs = (await target.now()) - clock.now();
  if (Math.abs(aheadMs) < WORTH_A_WORD_MS) return;
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const [which, when] = aheadMs > 0 ? ['ahead of', 'sooner'] : ['behind', 'later'];
  report.say(
    `The clock of the database is ${seconds} s ${which} the one here: retries that wait come that much ${when}.`,
  );
}

function nextSteps(path: string, encryptionKey: string | null): string {
  const key = encryptionKey === null ? `$(cat ${keyFileOf(path)})` : '…   # the same as here';
  return [
    `No server starts on ${path} any more. Start it on the new database, with the same encryption key:`,
    '',
    '  export BROXI_DATABASE_URL=postgres://…',
    `  export BROXI_ENCRYPTION_KEY=${key}`,
    '  broxi-webhooks serve',
  ].join('\n');
}

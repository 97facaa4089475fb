import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { ThrowawayPostgres } from '../postgres/throwaway-postgres.ts';
import { type ServerProcess, startServer } from '../start-server.ts';
import { becomesTrue, waitUntil } from '../wait-until.ts';
import { checkSet, countOf, type SetReport } from './check-set.ts';
import { type CopyProcess, startCopy } from './copy-process.ts';
import { startCrashReceivers } from './crash-receivers.ts';
import { differences } from './differences.ts';
import type { Finding } from './finding.ts';
import { furnishServer } from './furnish-server.ts';
import { Load } from './load.ts';
import { seededRandom } from './seeded-random.ts';
import { withFolder } from './with-folder.ts';

export interface CopyOptions {
  /** Of the copy: half of them beside the server, the others in the last transaction, unless one comes to its end first. */
  kills: number;
  seed: number;
  /** Events per second, while the server runs that the copy reads beside, and at the new one. */
  ratePerSecond: number;
}

interface CopyFindings extends SetReport {
  /** Copies that were killed before they came to the last transaction, and within it. */
  killedInHistory: number;
  killedInRest: number;
  /** The server was down so long before the copy was done, in milliseconds. */
  downMs: number;
}

const ENDINGS = ['stop', 'kill'] as const;
/** A copy is killed so long after its start at most, and so long after it began with its last transaction. */
const LONGEST_LIFE_MS = 1_500;
const LONGEST_REST_MS = 100;
/** Nothing else that a copy writes touches what is owed. */
const LOCKS_OF_THE_REST = "SELECT FROM pg_locks WHERE relation = 'broxi.queue'::regclass AND mode = 'RowExclusiveLock'";
const STEP_MS = 60_000;
const UNDER_LOAD_MS = 1_500;

/** Moves a server under load from a file to PostgreSQL, with a copy that is killed again and again. */
export async function copy(options: CopyOptions): Promise<Finding> {
  const postgres = await ThrowawayPostgres.start();
  try {
    const findings: CopyFindings[] = [];
    for (const ending of ENDINGS)
      findings.push(await withFolder((folder) => move({ ...options, postgres, folder, ending })));
    const rows: [string, (found: CopyFindings) => number][] = [
      ['copies killed in the history', (found) => found.killedInHistory],
      ['copies killed in the last transaction', (found) => found.killedInRest],
      ['events sent', (found) => found.sent],
      ['acknowledged', (found) => found.acknowledged],
      ['deliveries received', (found) => found.deliveries],
      ['**acknowledged and lost**', (found) => countOf(found, 'lost')],
      ['received and never sent', (found) => countOf(found, 'unexpected')],
      ['events with two ids, or owed twice', (found) => countOf(found, 'doubled')],
      ['rows that differ', (found) => countOf(found, 'differs')],
      ['acknowledged before the move, received after it', (found) => found.recovered],
      ['requests beyond the first of a delivery', (found) => found.duplicates],
      ['from the end of the server to the end of the copy, ms', (found) => found.downMs],
    ];
    return {
      title: `move to PostgreSQL, with a copy that is killed ${options.kills} times, seed ${options.seed}`,
      table: [
        ['', 'server stopped', 'server killed'],
        ...rows.map(([name, figure]) => [name, ...findings.map((found) => figure(found))]),
      ],
      breaches: findings.flatMap(({ breaches }) => breaches),
    };
  } finally {
    await postgres.stop();
  }
}

async function move(
  options: CopyOptions & { postgres: ThrowawayPostgres; folder: string; ending: (typeof ENDINGS)[number] },
): Promise<CopyFindings> {
  const { seed, ratePerSecond, postgres, folder, ending } = options;
  const random = seededRandom(seed);
  const url = await postgres.createDatabase();
  let era = 0;
  const load = new Load({ ratePerSecond, era: () => era });
  const receiver = await startCrashReceivers({ era: () => era, random: seededRandom(seed + 1) });
  let server = await startServer(folder);
  let copying: CopyProcess | null = null;
  const kills = { inHistory: 0, inRest: 0 };
  const killInHistory = async () => {
    const begun = startCopy(folder, url);
    copying = begun;
    await pause(random() * LONGEST_LIFE_MS);
    await begun.kill();
    kills.inHistory += 1;
  };
  /** @returns false if it came to its end first */
  const killInRest = async () => {
    const begun = startCopy(folder, url);
    copying = begun;
    const hasBegun = () => postgres.query(LOCKS_OF_THE_REST, url).then((locks) => locks.length > 0);
    await waitUntil('the last transaction', async () => begun.isOver() || (await hasBegun()), STEP_MS);
    await pause(random() ** 2 * LONGEST_REST_MS);
    await begun.kill();
    const unfinished = await postgres.query('SELECT FROM broxi.copies WHERE finished_at IS NULL', url);
    if (unfinished.length > 0) kills.inRest += 1;
    return unfinished.length > 0;
  };
  try {
    const webhookIds = await receiver.addWebhooks(server, { events: ['workflow.completed'] });
    await furnishServer(server);
    load.resume([server.url]);
    await pause(UNDER_LOAD_MS);
    for (let i = 0; i < options.kills / 2; i += 1) await killInHistory();
    copying = startCopy(folder, url);
    await copying.saying('Now stop the server', STEP_MS);
    const endedAt = performance.now();
    await (ending === 'stop' ? server.stop() : server.kill());
    await copying.kill();
    kills.inHistory += 1;
    while (kills.inRest < options.kills / 2 && (await killInRest()));
    copying = startCopy(folder, url);
    const code = await copying.ended;
    const downMs = Math.round(performance.now() - endedAt);
    await load.pause();
    if (code !== 0) throw new Error(`the copy ended with ${code}:\n${copying.output()}`);
    const key = readFileSync(`${folder}/broxi.db.key`, 'utf8').trim();
    const differing = await differences({ path: `${folder}/broxi.db`, url, key });
    era = 1;
    server = await startServer('', ['--database-url', url], { BROXI_ENCRYPTION_KEY: key });
    load.resume([server.url]);
    await waitUntil(
      'a 202 of the new server',
      () => load.acknowledged.some((each) => each.acknowledgedIn === 1),
      STEP_MS,
    );
    await pause(UNDER_LOAD_MS);
    await load.pause();
    receiver.release();
    // What is in doubt may be recorded or not; sent again under its id, it is once.
    const inDoubt = [...load.ledger.values()].filter((each) => each.idempotent && each.acknowledgedIn === null);
    await load.publishAgain(inDoubt, server.url);
    const isOver = await becomesTrue(() => areDrained(server, webhookIds), STEP_MS);
    const { received, unverified } = receiver;
    const report = checkSet({
      publications: load.ledger.values(),
      receptions: received.values(),
      webhookIds,
      unverified,
    });
    report.breaches.push(...differing.map((each) => `differs: ${each}`));
    if (!isOver) report.breaches.push(`owed: something still waits ${STEP_MS / 1000} s after the move`);
    // A server that stops may say that it does.
    const refusals = load.refusals.filter(({ status }) => status !== 503);
    for (const { status, body } of refusals) report.breaches.push(`refused with ${status}: ${body}`);
    return { ...report, killedInHistory: kills.inHistory, killedInRest: kills.inRest, downMs };
  } finally {
    await load.pause();
    await (copying as CopyProcess | null)?.kill();
    await server.kill();
    await receiver.close();
  }
}

/** Other webhooks hold what they are owed. */
async function areDrained(server: ServerProcess, webhookIds: readonly string[]): Promise<boolean> {
  for (const id of [...webhookIds, ...webhookIds]) {
    for (const state of ['pending', 'sending']) {
      const { body } = await server.call('GET', `/v1/deliveries?webhook_id=${id}&state=${state}&limit=1`);
      if (body['next_cursor'] !== null || !Array.isArray(body['data']) || body['data'].length > 0) return false;
    }
  }
  return true;
}

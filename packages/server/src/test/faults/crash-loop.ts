import { setTimeout as pause } from 'node:timers/promises';
import { type ServerProcess, startServer } from '../start-server.ts';
import { becomesTrue } from '../wait-until.ts';
import { checkSet, type SetReport } from './check-set.ts';
import { startCrashReceivers } from './crash-receivers.ts';
import { Load, type Publication } from './load.ts';
import { seededRandom } from './seeded-random.ts';
import { isDrained } from './webhooks.ts';

export interface CrashLoopOptions {
  kills: number;
  seed: number;
  /** Events per second, over all servers. */
  ratePerSecond: number;
  /** What the servers share: `--database-url`. */
  databaseUrl: string;
  /** Servers on that database; a kill meets one of them. Default 1. */
  processes?: number;
  /** No server is killed sooner after its start. Default 0. */
  shortestLifeMs?: number;
  /** Variables of the servers, beside the usual ones. */
  env?: Readonly<Record<string, string>>;
  /** Called while the server that was killed is down. */
  whileDown?: () => void | Promise<void>;
}

export interface CrashLoopReport extends SetReport {
  kills: number;
  /** Events sent again after a kill, each under the id that it was sent with before. */
  sentAgain: number;
}

/** Kills come soon after the start more often than later: up to so long after it. */
const LONGEST_LIFE_MS = 1_200;
/** Of those that were acknowledged before a kill, so many are sent again after it, beside all that are in doubt. */
const SENT_AGAIN_PER_KILL = 20;
const DRAIN_MS = 60_000;

/** Publishes to servers that are killed and started again and again, and compares what went in with what came out. */
export async function runCrashLoop(options: CrashLoopOptions): Promise<CrashLoopReport> {
  const { kills, seed, ratePerSecond, databaseUrl, processes = 1, shortestLifeMs = 0, env = {} } = options;
  const random = seededRandom(seed);
  let killed = 0;
  let sentAgain = 0;
  const era = () => killed;
  const load = new Load({ ratePerSecond, era });
  const receiver = await startCrashReceivers({ era, random: seededRandom(seed + 1) });
  const start = () => startServer('', ['--database-url', databaseUrl], env);
  const servers: ServerProcess[] = [];
  const urls = () => servers.map(({ url }) => url);
  const drain = () => becomesTrue(() => isDrained(firstOf(servers)), DRAIN_MS);
  let isOver = true;
  try {
    for (let i = 0; i < processes; i += 1) servers.push(await start());
    const webhookIds = await receiver.addWebhooks(firstOf(servers));
    while (killed < kills) {
      load.resume(urls());
      await pause(Math.max(shortestLifeMs, random() ** 2 * LONGEST_LIFE_MS));
      const victim = Math.floor(random() * servers.length);
      killed += 1;
      await servers[victim]?.kill();
      await load.pause();
      await options.whileDown?.();
      servers[victim] = await start();
      // After the last kill nothing new comes that would remind a server of what it owes.
      if (killed === kills) {
        receiver.release();
        isOver = await drain();
      }
      const repeated = worthSendingAgain(load, random);
      await load.publishAgain(repeated, servers[victim].url);
      sentAgain += repeated.length;
    }
    isOver = (await drain()) && isOver;
    for (const server of servers) await server.stop();
    const { received, unverified } = receiver;
    const report = checkSet({
      publications: load.ledger.values(),
      receptions: received.values(),
      webhookIds,
      unverified,
    });
    if (!isOver) report.breaches.push(`owed: something still waits ${DRAIN_MS / 1000} s after the last start`);
    for (const { status, body } of load.refusals) report.breaches.push(`refused with ${status}: ${body}`);
    return { ...report, kills: killed, sentAgain };
  } finally {
    await load.pause();
    await Promise.all(servers.map((server) => server.kill()));
    await receiver.close();
  }
}

function worthSendingAgain(load: Load, random: () => number): Publication[] {
  const repeatable = [...load.ledger.values()].filter(({ idempotent }) => idempotent);
  const inDoubt = repeatable.filter(
    ({ acknowledgedIn, refusedWith }) => acknowledgedIn === null && refusedWith === null,
  );
  const acknowledged = repeatable.filter(({ acknowledgedIn }) => acknowledgedIn !== null);
  const some = Array.from({ length: Math.min(SENT_AGAIN_PER_KILL, acknowledged.length) }, () => {
    // The latest are most at risk.
    const back = Math.floor(random() ** 3 * acknowledged.length);
    return acknowledged[acknowledged.length - 1 - back];
  });
  return [...inDoubt, ...some.filter((publication) => publication !== undefined)];
}

function firstOf(servers: readonly ServerProcess[]): ServerProcess {
  const [first] = servers;
  if (first === undefined) throw new Error('a crash loop needs a server');
  return first;
}

import { setTimeout as pause } from 'node:timers/promises';
import { becomesTrue } from '../../wait-until.ts';
import { checkSet, countOf } from '../check-set.ts';
import { Load } from '../load.ts';
import type { Reception } from '../receiver.ts';
import { isDrained } from '../webhooks.ts';
import type { PostgresFault } from './fault.ts';
import { NARROW } from './receivers.ts';
import type { Scene } from './scene.ts';

export interface FaultReport {
  row: readonly (string | number)[];
  breaches: readonly string[];
}

export const HEADING = [
  '',
  'away for',
  'sent',
  'acknowledged',
  'lost',
  'doubled, altered or unexpected',
  'answers 503',
  'longest silence at a webhook',
  'longest from 202 to request',
  'requests beyond the first',
  'most at once',
  '',
];

/** Beyond the time that nothing can be written: whoever dies, or is cut off, is replaced within it. */
const TAKE_OVER_MS = 15_000;
const DRAIN_MS = 60_000;

/** Lets one fault happen to servers under load, and compares what went in with what came out. */
export async function runFault(fault: PostgresFault, scene: Scene, ratePerSecond: number): Promise<FaultReport> {
  const { receiver, nodes } = scene;
  const prefix = `${fault.name}-`;
  const load = new Load({ ratePerSecond, era: () => 0, prefix: fault.name });
  const unverifiedBefore = receiver.unverified.length;
  receiver.takeMostAtOnce();
  const receptions = () => [...receiver.received.values()].filter(({ key }) => key.startsWith(prefix));
  /** Whether each webhook has received an event that was acknowledged after an instant. */
  const flowsSince = (instant: number) => {
    const fresh = receptions().filter(({ key }) => (load.ledger.get(key)?.acknowledgedAt ?? 0) > instant);
    return new Set(fresh.map(({ webhookId }) => webhookId)).size === receiver.webhookIds.length;
  };
  const breaches: string[] = [];
  try {
    load.resume(nodes.map(({ server }) => server.url));
    const from = performance.now();
    if (!(await becomesTrue(() => flowsSince(from), DRAIN_MS))) breaches.push('nothing flowed before it');
    const { awayMs, remark, breaches: own = [], mayOverlap = false } = await fault.strike(scene, load);
    breaches.push(...own);
    const struckAt = performance.now();
    if (!(await becomesTrue(() => flowsSince(struckAt), TAKE_OVER_MS))) breaches.push('not everything flowed after it');
    await load.pause();
    const until = performance.now();
    if (!(await becomesTrue(() => areDrained(scene), DRAIN_MS))) breaches.push('something is still owed');

    const received = receptions();
    const report = checkSet({
      publications: load.ledger.values(),
      receptions: received,
      webhookIds: receiver.webhookIds,
      unverified: receiver.unverified.slice(unverifiedBefore),
    });
    breaches.push(...report.breaches);
    for (const { status, body, retryAfter } of load.refusals) {
      if (status !== 503) breaches.push(`answered ${status}: ${body}`);
      else if (retryAfter === null) breaches.push('a 503 came without Retry-After');
    }
    const silenceMs = longestSilence(received, receiver.webhookIds, { from, until });
    const latencyMs = Math.max(
      ...received.map(({ key, firstAt }) => firstAt - (load.ledger.get(key)?.acknowledgedAt ?? firstAt)),
    );
    const limitMs = awayMs + TAKE_OVER_MS;
    if (silenceMs > limitMs) breaches.push(`a webhook heard nothing for ${seconds(silenceMs)}`);
    if (latencyMs > limitMs) breaches.push(`an event came ${seconds(latencyMs)} after its 202`);
    const most = receiver.takeMostAtOnce();
    if (most > (mayOverlap ? 2 : 1) * NARROW) breaches.push(`${most} requests were in the air where ${NARROW} may be`);
    breaches.push(...(await endedServers(scene)));
    const lost = countOf(report, 'lost');
    return {
      row: [
        fault.title,
        awayMs === 0 ? '–' : seconds(awayMs),
        report.sent,
        report.acknowledged,
        lost,
        report.breaches.length - lost,
        load.refusals.length,
        seconds(silenceMs),
        seconds(latencyMs),
        report.duplicates,
        `${most} of ${NARROW}`,
        remark,
      ],
      breaches: breaches.map((breach) => `${fault.name}: ${breach}`),
    };
  } finally {
    await load.pause();
  }
}

async function areDrained({ nodes }: Scene): Promise<boolean> {
  const [node] = nodes;
  return node !== undefined && (await isDrained(node.server));
}

async function endedServers({ nodes }: Scene): Promise<string[]> {
  const breaches: string[] = [];
  for (const { server } of nodes) {
    const hasEnded = await Promise.race([server.ended.then(() => true), pause(0, false)]);
    if (hasEnded) breaches.push(`a server ended:\n${server.output()}`);
  }
  return breaches;
}

/** In which a webhook received no event for the first time, while events were sent all the time. */
function longestSilence(
  receptions: readonly Reception[],
  webhookIds: readonly string[],
  { from, until }: { from: number; until: number },
): number {
  const silences = webhookIds.flatMap((webhookId) => {
    const times = receptions.filter((each) => each.webhookId === webhookId).map(({ firstAt }) => firstAt);
    const instants = [from, ...times.toSorted((one, other) => one - other), until];
    return instants.slice(1).map((instant, i) => instant - (instants[i] ?? instant));
  });
  return Math.max(...silences);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

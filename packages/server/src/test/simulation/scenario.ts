import type { EngineLimits } from '../../deliver/engine.ts';
import type { SignatureScheme } from '../../domain/attempt.ts';
import type { Chance } from './chance.ts';
import { randomConfig, type WrittenConfig } from './random-config.ts';
import { MOODS, type Mood } from './receivers.ts';
import type { Outage } from './store/connection.ts';
import type { DiskFault } from './store/disk.ts';

/** What a person does to a webhook. */
export const WEBHOOK_ACTS = [
  ...(['pause', 'resume', 'enable', 'deactivate', 'activate', 'change URL', 'change secret', 'change limits'] as const),
  ...(['delete', 'test'] as const),
] as const;
export type WebhookAct = (typeof WEBHOOK_ACTS)[number];

/** What a person does to a delivery. */
export type DeliveryAct = 'retry' | 'cancel' | 'replay';

/**
 * The step behind which a process dies, sleeps or is cut off. At a database that several share, what is `written` is not committed
 * yet; and the last three were done there, and not answered: a beat, the taking of shards, and of news.
 */
export type Moment = 'now' | 'sent' | 'answered' | 'committed' | 'written' | 'beat' | 'took shards' | 'took news';

/** What happens at an instant. Numbers choose among what there is then. */
export type Step =
  | { kind: 'publish'; webhooks: readonly number[]; count: number }
  | { kind: 'mood'; webhook: number; ofFallback?: boolean; mood: Mood }
  | { kind: 'webhook'; webhook: number; act: WebhookAct; config: WrittenConfig }
  | { kind: 'delivery'; delivery: number; act: DeliveryAct }
  | { kind: 'ownership'; webhook: number; forMs: number }
  | { kind: 'fault'; fault: DiskFault | 'no sync'; forMs: number }
  | { kind: 'crash'; behind: Moment; keeps: number; downMs: number }
  | { kind: 'stop'; graceMs: number; downMs: number }
  | { kind: 'join' }
  | { kind: 'stall'; behind: Moment; node: number; forMs: number; thenCutOffMs?: number }
  | { kind: 'cut off'; behind: Moment; node: number; outage: Outage; forMs: number };

/** All that one seed says about a simulation. */
export interface Scenario {
  activeMs: number;
  limits: Partial<EngineLimits>;
  /** The longest that a sync takes. */
  syncMs: number;
  /** The longest that the answer to a read is on its way: it tells what was so when it was asked. */
  readMs: number;
  /** News of lanes comes a moment later, as from one event loop to the next. */
  isNewsLate: boolean;
  /** The share of news of deliveries that never comes. */
  newsLost: number;
  /** Null: one process at a time, on a disk of its own. */
  cluster: ClusterSetting | null;
  webhooks: readonly { config: WrittenConfig; checks: SignatureScheme | null }[];
  /** In any order. */
  steps: readonly (Step & { atMs: number })[];
}

/** Nodes that share a database. */
export interface ClusterSetting {
  /** As many begin; more may come. */
  nodes: number;
  /** The longest that a message between a node and the database is on its way. */
  hopMs: number;
  /** The share of rings that nobody hears. */
  ringsLost: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const MOST_PUBLISHED = 80;

/** What a seed means. Some run for days, most for a while; some are calm, so that waiting is measured. */
export function scenarioOf(chance: Chance): Scenario {
  const isLong = chance.happens(0.03);
  const activeMs = isLong ? chance.between(6, 9) * DAY_MS : chance.between(3, 60) * MINUTE_MS;
  const webhooks = Array.from({ length: chance.between(1, 4) }, () => ({
    config: randomConfig(chance, { isLong }),
    checks: chance.weighed([
      [6, null],
      [3, 'body'],
      [1, 'timestamped'],
    ] as const),
  }));
  const steps: (Step & { atMs: number })[] = [];
  publish(chance, { activeMs, webhooks: webhooks.length }, (step, atMs) => steps.push({ ...step, atMs }));
  for (const webhook of webhooks.keys())
    moods(chance, { activeMs, isLong }, (mood, atMs) => steps.push({ kind: 'mood', webhook, mood, atMs }));
  // Most of what happens meets something that is under way.
  const busy = steps.map(({ atMs }) => atMs);
  const at = (step: Step) => {
    const near = chance.happens(0.6) ? busy[chance.between(0, busy.length - 1)] : undefined;
    const atMs =
      near === undefined ? chance.between(0, activeMs) : near + chance.between(0, chance.pick([5, 100, 3_000]));
    steps.push({ ...step, atMs });
  };
  const isDisturbed = chance.happens(0.7);
  const times = (most: number) => (isDisturbed ? chance.between(0, most) : 0);
  for (let left = times(2); left > 0; left -= 1) {
    const webhook = chance.between(0, webhooks.length - 1);
    const atMs = chance.between(0, activeMs);
    const meet = (step: Step, withinMs: number) => steps.push({ ...step, atMs: atMs + chance.between(0, withinMs) });
    const ofGone = chance.happens(0.3);
    meet({ kind: 'mood', webhook, mood: ofGone ? 'gone' : chance.pick(MOODS) }, 0);
    meet({ kind: 'publish', webhooks: [webhook], count: chance.between(1, 3) }, 10);
    if (!ofGone || chance.happens(0.5))
      meet(
        {
          kind: 'webhook',
          webhook,
          act: ofGone ? chance.pick(RIVALS) : chance.weighed(ACTS),
          config: randomConfig(chance, { isLong }),
        },
        300,
      );
    if (ofGone && chance.happens(0.4)) {
      meet({ kind: 'fault', fault: 'full', forMs: chance.between(50, 400) }, 50);
      meet({ kind: 'webhook', webhook, act: 'resume', config: {} }, chance.pick([500, 1_500]));
    }
    if (chance.happens(0.2)) meet({ kind: 'delivery', delivery: chance.between(0, 999), act: 'cancel' }, 40);
    meet({ kind: 'mood', webhook, mood: chance.pick(['well', 'well', 'gone', 'hangs']) }, 20_000);
  }
  if (times(2) === 1) {
    putBack(chance, { webhook: chance.between(0, webhooks.length - 1), activeMs }, (step, atMs) =>
      steps.push({ ...step, atMs }),
    );
  }
  for (let left = times(6); left > 0; left -= 1) {
    const act = chance.weighed(ACTS);
    at({ kind: 'webhook', webhook: chance.between(0, 9), act, config: randomConfig(chance, { isLong }) });
  }
  for (let left = times(6); left > 0; left -= 1) {
    at({
      kind: 'delivery',
      delivery: chance.between(0, 999),
      act: chance.pick(['retry', 'retry', 'cancel', 'replay']),
    });
  }
  for (let left = times(3); left > 0; left -= 1) {
    const forMs = chance.between(0, chance.pick([50, 5_000, 30_000]));
    at({ kind: 'ownership', webhook: chance.between(0, webhooks.length - 1), forMs });
  }
  for (let left = times(2); left > 0; left -= 1) {
    const fault = chance.weighed(FAULTS);
    at({ kind: 'fault', fault, forMs: chance.between(1, chance.pick([200, 5_000, 60_000])) });
  }
  for (let left = times(3); left > 0; left -= 1) {
    const downMs = chance.between(0, chance.pick([100, 30_000]));
    if (chance.happens(0.2)) at({ kind: 'stop', graceMs: chance.between(0, 10_000), downMs });
    else at({ kind: 'crash', behind: chance.weighed(MOMENTS), keeps: chance.next(), downMs });
  }
  const scenario = withFallbacks(chance, isLong, {
    activeMs,
    limits: randomLimits(chance, isLong),
    syncMs: chance.pick([1, 5, 20, 200]),
    readMs: chance.pick([0, 0, 3, 40]),
    isNewsLate: chance.happens(0.5),
    newsLost: chance.happens(0.1) ? 0.3 : 0,
    cluster: null,
    webhooks,
    steps,
  });
  return isLong || !chance.happens(0.35) ? scenario : withNodes(chance, scenario);
}

/** Beats of hours would be most of what happens. */
const LONGEST_OF_CLUSTER_MS = 6 * MINUTE_MS;

/** Several nodes share the disk, and come and go. */
function withNodes(chance: Chance, scenario: Scenario): Scenario {
  const { webhooks } = scenario;
  const activeMs = Math.min(scenario.activeMs, LONGEST_OF_CLUSTER_MS);
  const fits = ({ kind, ...step }: Step) => kind !== 'ownership' && !('fault' in step && step.fault === 'no sync');
  const briefer = ({ schedule, ...policy }: Record<string, unknown>) =>
    schedule === 'extended' || schedule === undefined ? policy : { ...policy, schedule };
  const brief = (config: WrittenConfig): WrittenConfig => ({
    ...config,
    retry_policy: briefer((config['retry_policy'] ?? {}) as Record<string, unknown>),
  });
  const steps = scenario.steps
    .filter(fits)
    .map((step) => (step.kind === 'webhook' ? { ...step, config: brief(step.config) } : step))
    .map((step) => ({ ...step, atMs: Math.floor((step.atMs * activeMs) / scenario.activeMs) }));
  const all = [...webhooks.keys()];
  const lateMs = () => chance.pick([1_500, 9_000, 25_000, 40_000]);
  const someStep = (): Step =>
    chance.weighed<Step>([
      [3, { kind: 'join' }],
      [4, { kind: 'stall', behind: 'now', node: chance.between(0, 9), forMs: chance.between(100, lateMs()) }],
      [2, { kind: 'stall', behind: chance.weighed(MOMENTS_OF_NODES), node: 0, forMs: chance.between(7_000, 14_000) }],
      [
        4,
        {
          kind: 'cut off',
          behind: chance.weighed(MOMENTS_OF_NODES),
          node: chance.between(0, 9),
          outage: chance.pick(['refused', 'swallowed'] as const),
          forMs: chance.between(100, lateMs()),
        },
      ],
      [2, { kind: 'crash', behind: chance.weighed(MOMENTS_OF_NODES), keeps: 0, downMs: chance.between(0, lateMs()) }],
      [2, { kind: 'stop', graceMs: chance.between(0, 10_000), downMs: chance.between(0, lateMs()) }],
    ]);
  for (let left = chance.between(1, 4); left > 0; left -= 1) {
    const atMs = chance.between(0, activeMs);
    const meet = (step: Step, withinMs: number) => steps.push({ ...step, atMs: atMs + chance.between(0, withinMs) });
    // What is in the air as long as possible, or lands at once.
    const moodOf = (webhook: number, mood: Mood, atMs: number) => steps.push({ kind: 'mood', webhook, mood, atMs });
    const isSlow = chance.happens(0.6);
    if (isSlow) for (const webhook of all) moodOf(webhook, chance.pick(['hangs', 'slow', 'drips', 'well']), atMs);
    if (chance.happens(0.8)) meet({ kind: 'publish', webhooks: all, count: chance.between(1, 4) }, 2_000);
    for (let more = chance.between(1, 3); more > 0; more -= 1) {
      const step = someStep();
      meet(step, chance.pick([100, 3_000, 12_000]));
      if (!('forMs' in step) || chance.happens(0.5)) continue;
      // Something comes in when it is back.
      for (let i = 0; i < 3; i += 1) {
        const backMs = step.forMs + chance.between(0, 2_500);
        steps.push({ kind: 'publish', webhooks: all, count: 1, atMs: atMs + backMs });
      }
    }
    if (chance.happens(0.5)) meet({ kind: 'publish', webhooks: all, count: 1 }, 15_000);
    if (chance.happens(0.15)) {
      // The answer to a beat comes late, and no other does, while much waits for receivers that are slow.
      for (const webhook of all) moodOf(webhook, 'slow', atMs);
      for (let i = 0; i < 3; i += 1) meet({ kind: 'publish', webhooks: all, count: 4 }, 500);
      const forMs = chance.between(1_500, 4_800);
      const thenCutOffMs = chance.between(5_000, 12_000);
      steps.push({ kind: 'stall', behind: 'beat', node: 0, forMs, thenCutOffMs, atMs: atMs + 600 });
    }
    if (chance.happens(0.25)) {
      // A process sleeps in the middle of a change that it writes.
      meet({ kind: 'stall', behind: 'written', node: 0, forMs: chance.between(8_000, 14_000) }, 0);
      const config = brief(randomConfig(chance, { isLong: false }));
      meet({ kind: 'webhook', webhook: chance.between(0, 9), act: chance.weighed(ACTS), config }, 20);
    }
    if (chance.happens(0.4)) {
      const act = chance.weighed(ACTS);
      const config = brief(randomConfig(chance, { isLong: false }));
      meet({ kind: 'webhook', webhook: chance.between(0, 9), act, config }, chance.pick([100, 3_000, 12_000]));
    }
    if (isSlow) for (const webhook of all) moodOf(webhook, 'well', atMs + chance.between(5_000, 40_000));
  }
  return {
    ...scenario,
    ...{ activeMs, steps, newsLost: 0, isNewsLate: false, readMs: 0 },
    webhooks: webhooks.map(({ config, checks }) => ({ checks, config: brief(config) })),
    cluster: {
      nodes: chance.between(2, 3),
      hopMs: chance.pick([0, 1, 5, 20]),
      ringsLost: chance.pick([0, 0, 0.3, 1]),
    },
  };
}

/** Some webhooks have a fallback, or are given one, or have theirs taken out. Decided last, so that a seed says the rest as without. */
function withFallbacks(chance: Chance, isLong: boolean, scenario: Scenario): Scenario {
  const { activeMs, webhooks, steps } = scenario;
  const maybe = (config: WrittenConfig, share: number) => ({ ...config, hasFallback: chance.happens(share) });
  const furnished = webhooks.map(({ config, checks }) => ({ checks, config: maybe(config, 0.35) }));
  const changed = steps.map((step) => (step.kind === 'webhook' ? { ...step, config: maybe(step.config, 0.5) } : step));
  const more: (Step & { atMs: number })[] = [];
  for (const [webhook, { config }] of furnished.entries()) {
    if (!config.hasFallback) continue;
    const ofFallback = true;
    moods(chance, { activeMs, isLong }, (mood, atMs) => more.push({ kind: 'mood', webhook, ofFallback, mood, atMs }));
    if (!chance.happens(0.3)) continue;
    // It is taken out while something waits for it.
    const atMs = chance.between(0, activeMs);
    const meet = (step: Step, afterMs: number) => more.push({ ...step, atMs: atMs + afterMs });
    meet({ kind: 'mood', webhook, mood: 'does not know it' }, 0);
    meet({ kind: 'mood', webhook, ofFallback, mood: chance.pick(['fails', 'rate-limits', 'asks for a wait']) }, 0);
    meet({ kind: 'publish', webhooks: [webhook], count: chance.between(1, 6) }, 1);
    const without = { ...randomConfig(chance, { isLong }), hasFallback: false };
    meet({ kind: 'webhook', webhook, act: 'change limits', config: without }, chance.between(100, 5_000));
  }
  return { ...scenario, webhooks: furnished, steps: [...changed, ...more] };
}

const ACTS = [
  [4, 'pause'],
  [5, 'resume'],
  [2, 'enable'],
  [2, 'deactivate'],
  [3, 'activate'],
  [2, 'change URL'],
  [2, 'change secret'],
  [4, 'change limits'],
  [1, 'delete'],
  [3, 'test'],
] as const satisfies readonly (readonly [number, WebhookAct])[];
/** What decides, with a 410 that comes at the same moment, whether a webhook goes on. */
const RIVALS = ['change URL', 'change URL', 'resume', 'enable', 'change secret', 'pause'] as const;
const FAULTS = [
  [4, 'full'],
  [2, 'locked'],
  [2, 'away'],
  [1, 'no sync'],
] as const;
const MOMENTS = [
  [1, 'now'],
  [3, 'sent'],
  [3, 'answered'],
  [3, 'committed'],
] as const;

const MOMENTS_OF_NODES = [
  ...[
    ...MOMENTS,
    [3, 'written'] as const,
    [3, 'beat'] as const,
    [2, 'took shards'] as const,
    [3, 'took news'] as const,
  ],
] as const satisfies readonly (readonly [number, Moment])[];

function publish(
  chance: Chance,
  { activeMs, webhooks }: { activeMs: number; webhooks: number },
  add: (step: Step, atMs: number) => void,
): void {
  const bursts = chance.between(2, 12);
  for (let left = bursts, budget = MOST_PUBLISHED; left > 0 && budget > 0; left -= 1) {
    const atMs = chance.between(0, activeMs);
    const all = Array.from({ length: webhooks }, (_, webhook) => webhook);
    const chosen = chance.happens(0.3) ? all : chance.some(all, 0.5);
    const count = chance.weighed([
      [6, chance.between(1, 3)],
      [2, chance.between(4, 12)],
      [1, 20],
    ]);
    for (let i = 0; i < count; i += chance.between(1, 4)) {
      add({ kind: 'publish', webhooks: chosen, count: chance.between(1, 3) }, atMs + i * chance.between(0, 300));
    }
    budget -= count * chosen.length;
  }
}

/** A receiver is well, or has its troubles for a while, one after the other. */
function moods(
  chance: Chance,
  { activeMs, isLong }: { activeMs: number; isLong: boolean },
  add: (mood: Mood, atMs: number) => void,
): void {
  if (chance.happens(0.25)) return;
  if (isLong && chance.happens(0.6)) {
    add(chance.pick(['fails', 'unreachable', 'does not know it']), 0);
    return;
  }
  let atMs = chance.happens(0.6) ? 0 : chance.between(0, activeMs);
  for (let left = chance.between(1, 4); left > 0; left -= 1) {
    add(chance.pick(MOODS), atMs);
    atMs += chance.between(1_000, chance.pick([20_000, 300_000, activeMs]));
    if (chance.happens(0.7)) {
      add('well', atMs);
      atMs += chance.between(0, activeMs / 4);
    }
  }
}

/** One that failed is put back while what came after it waits for a slot. */
function putBack(
  chance: Chance,
  { webhook, activeMs }: { webhook: number; activeMs: number },
  add: (step: Step, atMs: number) => void,
): void {
  const atMs = chance.between(0, activeMs);
  const publish: Step = { kind: 'publish', webhooks: [webhook], count: 2 };
  add({ kind: 'mood', webhook, mood: 'does not know it' }, atMs);
  add(publish, atMs);
  add({ kind: 'mood', webhook, mood: 'hangs' }, atMs + 300);
  for (let i = 0; i < 3; i += 1) add(publish, atMs + 301 + i);
  for (let i = 0; i < 2; i += 1)
    add({ kind: 'delivery', delivery: chance.between(0, 999), act: 'retry' }, atMs + 600 + i);
  add({ kind: 'mood', webhook, mood: 'well' }, atMs + chance.between(1_000, 40_000));
}

function randomLimits(chance: Chance, isLong: boolean): Partial<EngineLimits> {
  return {
    ...(isLong && { sweepMs: 10 * MINUTE_MS }),
    ...(chance.happens(0.3) && { readAhead: chance.pick([1, 2, 3]) }),
    ...(chance.happens(0.2) && { maxWaitingBytes: chance.pick([1, 2_000]) }),
    ...(chance.happens(0.1) && { maxSending: chance.between(1, 6) }),
    ...(chance.happens(0.1) && { maxUnsettled: chance.between(1, 3) }),
  };
}

import { availableParallelism } from 'node:os';
import { createAddressPolicy } from '../../packages/server/src/domain/public-address.ts';
import type { Webhook } from '../../packages/server/src/domain/webhook.ts';
import { parseWebhookConfig } from '../../packages/server/src/domain/webhook-config.ts';
import { createDataSchemas } from '../../packages/server/src/publish/data-schemas.ts';
import { createPublisher } from '../../packages/server/src/publish/publish-event.ts';
import { WorkspaceCache } from '../../packages/server/src/publish/workspace-cache.ts';
import type { Directory, Submission } from '../../packages/server/src/store/store.ts';
import { BenchError } from './bench-error.ts';
import { table } from './report-format.ts';
import { type Distribution, distributionOf } from './statistics.ts';

/** One measurement of matching, in this process and on one thread. */
export interface FilterCase {
  name: string;
  webhooks: number;
  subscribed: number;
  /** Of those that subscribed. */
  matched: number;
  /** Milliseconds: from a configuration that was just loaded to the first event matched, which compiles what it needs. */
  firstMs: number;
  /** To match one event. */
  match: Timing;
  /** To publish one event into a store that keeps nothing: check, match, plan. */
  publish: Timing;
}

/** Milliseconds for one event. */
interface Timing {
  /** Of this thread, on average: other load on the machine does not count. */
  cpuMs: number;
  /** By the clock. */
  ms: Distribution;
}

export interface FiltersResult {
  kind: 'filters';
  cases: readonly FilterCase[];
  processors: number;
  node: string;
}

const WORKSPACE = 'ws_bench';
const TYPE = 'workflow.completed';
const rules = { allowHttp: false, addressPolicy: createAddressPolicy({ allowNetworks: [] }), headerPrefix: 'X-Broxi-' };

/** How long it takes to find out which webhooks an event is for. @param options.events matched in each case */
export async function measureFilters({ events = 500 }: { events?: number } = {}): Promise<FiltersResult> {
  const cases = [
    await measure('three clauses each', { webhooks: 1_000, subscribed: 1_000, events }),
    await measure('ten of many subscribe', { webhooks: 10_000, subscribed: 10, events }),
    await measure('many, and all subscribe', { webhooks: 10_000, subscribed: 10_000, events: Math.ceil(events / 10) }),
  ];
  return { kind: 'filters', cases, processors: availableParallelism(), node: process.version };
}

async function measure(
  name: string,
  { webhooks, subscribed, events }: { webhooks: number; subscribed: number; events: number },
): Promise<FilterCase> {
  const configured = Array.from({ length: webhooks }, (_, i) => webhookOf(i, i < subscribed));
  const directory = { loadWorkspace: async () => ({ revision: 1, webhooks: configured, eventTypes: [] }) };
  // Only what is asked of it is there.
  const clock = { now: Date.now, monotonic: () => performance.now(), after: () => () => {} };
  const workspaces = new WorkspaceCache(directory as unknown as Directory, { clock });
  const view = await workspaces.get(WORKSPACE);
  const startedAt = performance.now();
  const subscribers = view.subscribersOf(TYPE);
  countMatches(0);
  const firstMs = performance.now() - startedAt;

  function countMatches(event: number): number {
    const subject = { event: TYPE, data: dataOf(event) };
    let matched = 0;
    for (const { matcher } of subscribers) if (matcher === null || matcher(subject) !== null) matched += 1;
    return matched;
  }

  const publisher = createPublisher({
    events: { record: async (submission) => ({ kind: 'recorded', events: submission.events.map(recorded) }) },
    workspaces,
    schemas: createDataSchemas(),
    clock,
  });
  const publish = (event: number) =>
    publisher.publishEvent({
      workspaceId: WORKSPACE,
      input: { event: TYPE, data: dataOf(event) },
      idempotencyKey: null,
    });

  const matched = countMatches(0);
  const { deliveries } = await publish(0);
  if (deliveries !== matched)
    throw new BenchError(`${deliveries} deliveries were planned, and ${matched} webhooks match.`);
  const match = await timed(events, (event) => countMatches(event));
  const published = await timed(events, publish);
  return {
    name,
    webhooks,
    subscribed: subscribers.length,
    matched,
    firstMs,
    match,
    publish: published,
  };
}

async function timed(events: number, act: (event: number) => unknown): Promise<Timing> {
  for (let event = 0; event < events / 5; event += 1) await act(event);
  const before = process.threadCpuUsage();
  const ms: number[] = [];
  for (let event = 0; event < events; event += 1) {
    const from = performance.now();
    await act(event);
    ms.push(performance.now() - from);
  }
  const { user, system } = process.threadCpuUsage(before);
  return { cpuMs: (user + system) / 1000 / events, ms: distributionOf(ms) };
}

/** Three clauses, all of which are looked at: the first two hold for every webhook, the last for one in a hundred. */
function webhookOf(position: number, subscribes: boolean): Webhook {
  const { config } = parseWebhookConfig(
    {
      url: `https://receiver-${position}.example/hook`,
      events: [subscribes ? TYPE : 'user.*'],
      filters: {
        workflow_id: ['customer_support_bot', `bot_${position}`],
        output_contains: ['failed', 'unable'],
      },
      conditions: { execution_time: { greater_than: position % 100 } },
    },
    rules,
  );
  const times = { createdAt: 0, updatedAt: 0, deletedAt: null };
  const id = `wh_${position}`;
  return { workspaceId: WORKSPACE, id, version: 1, revision: 1, config, secret: 'x'.repeat(32), ...times };
}

/** A run of half a second: one webhook in a hundred asks for no more than that. */
function dataOf(event: number): object {
  return {
    workflow_id: 'customer_support_bot',
    run_id: `run_${event}`,
    user_id: 'premium_7',
    output: 'We looked everywhere for the parcel that you asked about, and were unable to find it so far.',
    execution_time: 0.5,
    token_usage: { prompt_tokens: 900, completion_tokens: 300, total_tokens: 1200 },
    cost: 0.12,
  };
}

function recorded({ event, deliveries }: Submission['events'][number]) {
  return { kind: 'recorded' as const, id: event.id, type: event.type, deliveries: deliveries.length };
}

/** The text of a result. */
export function reportFilters({ cases, processors, node }: FiltersResult): string {
  const ms = (value: number) => value.toFixed(3);
  const row = (label: string, cell: (one: FilterCase) => string) => [label, ...cases.map(cell)];
  return `${table([
    row('', ({ name }) => name),
    row('webhooks', ({ webhooks }) => String(webhooks)),
    row('that subscribe', ({ subscribed }) => String(subscribed)),
    row('that match', ({ matched }) => String(matched)),
    row('first event, ms', ({ firstMs }) => firstMs.toFixed(1)),
    row('match an event: CPU, ms', ({ match }) => ms(match.cpuMs)),
    row('p50 and p99, ms', ({ match }) => `${ms(match.ms.p50)}, ${ms(match.ms.p99)}`),
    row('publish an event: CPU, ms', ({ publish }) => ms(publish.cpuMs)),
    row('p50 and p99, ms', ({ publish }) => `${ms(publish.ms.p50)}, ${ms(publish.ms.p99)}`),
  ]).join('\n')}
one thread of ${processors} processors, Node ${node}`;
}

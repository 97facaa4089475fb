import { setTimeout as pause } from 'node:timers/promises';
import { type ServerProcess, startServer } from '../start-server.ts';
import { waitUntil } from '../wait-until.ts';
import type { Finding } from './finding.ts';
import { type HostileReceiver, hostileReceivers, listen } from './hostile-receivers.ts';
import { startRecordingReceiver } from './receiver.ts';
import { addWebhook } from './webhooks.ts';
import { withFolder } from './with-folder.ts';

/** As short as a webhook's timeout can be, seconds. */
const TIMEOUT = 1;
const RETRY_DELAY = 20;
/** What a loaded machine may add, seconds. */
const TOLERANCE = 2;
/** Timers and rounding may end an attempt this much sooner, seconds. */
const SOONER = 0.05;
const STEP_MS = 30_000;

/** The fields of `GET /v1/deliveries/{id}` that are looked at. */
interface DeliveryJson {
  id: string;
  webhook_id: string;
  state: string;
  due_at: string | null;
  attempts: { number: number; started_at: string; duration: number; outcome: string; reason: string | null }[];
}

/** One event for receivers that behave badly in every way we know; more events while they do, for one that does not. */
export function receivers(options: { events: number }): Promise<Finding> {
  return withFolder(async (folder) => {
    let touched = 0;
    const forbidden = await listen({
      behave: () => {
        touched += 1;
      },
    });
    const hostile = hostileReceivers(forbidden.url);
    const listening = await Promise.all(hostile.map(listen));
    const healthy = await startRecordingReceiver({ era: () => 0 });
    const server = await startServer(folder);
    try {
      const healthyId = await addWebhook(server, { receiver: healthy, path: '/healthy' });
      const webhookIds: string[] = [];
      for (const { url } of listening) webhookIds.push(await addHostile(server, url));
      const eventId = await publish(server, 'probe');
      const slowestMs = await timeHealthy(server, healthy.received, options.events);
      const settled = await attempted(server, { eventId, count: hostile.length + 1 });
      const breaches: string[] = [];
      const rows = hostile.map((receiver, i) => {
        const delivery = settled.find(({ webhook_id }) => webhook_id === webhookIds[i]);
        const found = delivery === undefined ? ['was not attempted'] : judge(receiver, delivery);
        breaches.push(...found.map((breach) => `a receiver that ${receiver.about}: ${breach}`));
        return delivery === undefined ? [receiver.about] : describe(receiver, delivery);
      });
      if (settled.find(({ webhook_id }) => webhook_id === healthyId)?.state !== 'delivered')
        breaches.push('the healthy receiver beside them did not get the event');
      if (slowestMs > TOLERANCE * 1000) breaches.push(`the healthy receiver waited ${slowestMs} ms for an event`);
      if (touched > 0) breaches.push('a redirect was followed');
      rows.push([`healthy, beside them, ${options.events} events`, 'delivered', '', `${slowestMs} ms at most`, '']);
      return {
        title: `hostile receivers, timeout ${TIMEOUT} s`,
        table: [['receiver', 'outcome', 'reason', 'took', 'next'], ...rows],
        breaches,
      };
    } finally {
      await server.kill();
      await Promise.all([forbidden, ...listening, healthy].map((each) => each.close()));
    }
  });
}

async function addHostile(server: ServerProcess, url: string): Promise<string> {
  const { status, body } = await server.call('POST', '/v1/webhooks', {
    url,
    events: ['*'],
    timeout: TIMEOUT,
    retry_policy: { retry_delay: RETRY_DELAY, jitter: 0 },
  });
  if (status !== 201) throw new Error(`the webhook was not made: ${status} ${JSON.stringify(body)}`);
  return String(body['id']);
}

async function publish(server: ServerProcess, key: string): Promise<string> {
  const data = { workflow_id: 'faults', run_id: key };
  const { status, body } = await server.call('POST', '/v1/events', { event: 'workflow.started', data });
  if (status !== 202) throw new Error(`${key} was answered ${status}: ${JSON.stringify(body)}`);
  return String(body['id']);
}

/** @returns the longest time from the request to the reception, in whole milliseconds */
async function timeHealthy(server: ServerProcess, received: ReadonlyMap<string, { key: string }>, events: number) {
  let slowestMs = 0;
  for (let i = 0; i < events; i += 1) {
    const publishedAt = performance.now();
    const key = `beside-${i}`;
    await publish(server, key);
    const came = () => [...received.values()].some((reception) => reception.key === key);
    await waitUntil(`${key} at the healthy receiver`, came, STEP_MS);
    slowestMs = Math.max(slowestMs, performance.now() - publishedAt);
    await pause(5);
  }
  return Math.round(slowestMs);
}

/** The deliveries of an event, once each was attempted. */
async function attempted(server: ServerProcess, { eventId, count }: { eventId: string; count: number }) {
  let deliveries: DeliveryJson[] = [];
  const read = async () => {
    const { body } = await server.call('GET', `/v1/deliveries?event_id=${eventId}&limit=${count}`);
    const ids = (body['data'] as { id: string }[]).map(({ id }) => id);
    const answers = await Promise.all(ids.map((id) => server.call('GET', `/v1/deliveries/${id}`)));
    deliveries = answers.map((answer) => answer.body as unknown as DeliveryJson);
    const isOver = ({ state, attempts }: DeliveryJson) => attempts.length > 0 && state !== 'sending';
    return deliveries.length === count && deliveries.every(isOver);
  };
  await waitUntil('an attempt at every receiver', read, STEP_MS);
  return deliveries;
}

function judge(receiver: HostileReceiver, delivery: DeliveryJson): string[] {
  const [attempt] = delivery.attempts;
  if (attempt === undefined) return ['was not attempted'];
  const { outcome, reason, duration } = attempt;
  const wrong: string[] = [];
  if (outcome !== receiver.outcome) wrong.push(`${outcome} instead of ${receiver.outcome}`);
  if (receiver.reason === null ? reason !== null : !receiver.reason.test(reason ?? '')) wrong.push(`reason ${reason}`);
  if (reason?.includes('\n')) wrong.push('the reason has more than one line');
  if (duration > TIMEOUT + TOLERANCE) wrong.push(`it took ${duration} s`);
  if (receiver.usesUpTimeout ? duration < TIMEOUT - SOONER : duration > TIMEOUT)
    wrong.push(`it was over after ${duration} s`);
  // The events beside it open the circuit of a receiver that fails all of them.
  const states = { delivered: ['delivered'], retryable: ['pending', 'held'], permanent: ['failed'] }[receiver.outcome];
  if (!states.includes(delivery.state)) wrong.push(`${delivery.state} instead of ${states.join(' or ')}`);
  const wait = receiver.outcome === 'retryable' ? (receiver.retryAfter ?? RETRY_DELAY) : null;
  const dueIn = dueInSeconds(delivery);
  if (wait === null ? dueIn !== null : dueIn === null || Math.abs(dueIn - wait) > TOLERANCE)
    wrong.push(`due in ${dueIn} s instead of ${wait}`);
  return wrong;
}

/** From the end of the first attempt. */
function dueInSeconds({ due_at, attempts }: DeliveryJson): number | null {
  const [attempt] = attempts;
  if (due_at === null || attempt === undefined) return null;
  return (Date.parse(due_at) - Date.parse(attempt.started_at)) / 1000 - attempt.duration;
}

function describe({ about }: HostileReceiver, delivery: DeliveryJson): string[] {
  const [attempt] = delivery.attempts;
  const dueIn = dueInSeconds(delivery);
  const again = dueIn === null ? '' : `again after ${Math.round(dueIn)} s`;
  const next = delivery.state === 'held' ? `held; ${again}` : again || delivery.state;
  return [about, attempt?.outcome ?? '', attempt?.reason ?? '', `${attempt?.duration ?? ''} s`, next];
}

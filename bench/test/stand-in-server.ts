/*
 * A server small enough to read at one sitting, with the parts of the API and of the command line that the benchmark uses, so
 * that the benchmark can be tested by itself. It keeps what is pending in one file and is no example of anything else.
 *
 * node stand-in-server.ts serve --port <p> --database-url sqlite:<file> --allow-http --allow-networks <cidr>
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';

interface Webhook {
  id: string;
  url: string;
  events: string[];
  batch?: { size: number };
  paused?: boolean;
}

interface Owed {
  eventId: string;
  deliveryId: string;
  webhookId: string;
  event: string;
  data: unknown;
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '' },
    'database-url': { type: 'string', default: '' },
    'allow-http': { type: 'boolean', default: false },
    'allow-networks': { type: 'string', default: '' },
  },
});
if (positionals[0] !== 'serve' || !flags['allow-http'] || flags['allow-networks'] !== '127.0.0.0/8') {
  throw new Error(`unexpected command line: ${process.argv.slice(2).join(' ')}`);
}

const file = flags['database-url'].replace(/^sqlite:/, '');
const kept: { webhooks: Webhook[]; owed: Owed[]; ids: number } = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8'))
  : { webhooks: [], owed: [], ids: 0 };
/** How many events the stand-in loses, so that a test can see whether the benchmark notices. */
const lose = Number(process.env.STAND_IN_LOSES ?? 0);
// Since the start of this process, like those of the server: what an earlier one left is not among the pending.
const counters = { commits: 0, accepted: 0, created: 0, settled: 0, sending: 0, lost: 0 };
const agent = new Agent({ connections: 16 });

function newId(prefix: string): string {
  kept.ids += 1;
  return prefix + String(kept.ids).padStart(8, '0');
}

function accept({ event, data }: { event: string; data: unknown }): object {
  const eventId = newId('evt_');
  const subscribers = kept.webhooks.filter(({ events }) => events.includes(event));
  counters.accepted += 1;
  counters.created += subscribers.length;
  for (const { id } of subscribers) {
    kept.owed.push({ eventId, deliveryId: newId('del_'), webhookId: id, event, data });
  }
  return { id: eventId, deliveries: subscribers.length, duplicate: false };
}

function deliver(): void {
  while (counters.sending < 32) {
    const members = takeNext();
    if (members.length === 0) return;
    counters.sending += 1;
    void send(members).finally(() => {
      counters.sending -= 1;
      counters.settled += members.length;
      deliver();
    });
  }
}

/** One delivery, or so many of one webhook as make a batch, without waiting for more. */
function takeNext(): Owed[] {
  const first = kept.owed.findIndex((owed) => webhookOf(owed).paused !== true);
  const webhook = kept.owed[first] && webhookOf(kept.owed[first]);
  const members: Owed[] = [];
  for (let n = first; webhook !== undefined && n < kept.owed.length && members.length < (webhook.batch?.size ?? 1); ) {
    if (kept.owed[n]?.webhookId === webhook.id) members.push(...kept.owed.splice(n, 1));
    else n += 1;
  }
  return members;
}

async function send(members: readonly Owed[]): Promise<void> {
  const arriving = members.slice(Math.min(members.length, lose - counters.lost));
  counters.lost += members.length - arriving.length;
  const [first] = arriving;
  if (first === undefined) return;
  const webhook = webhookOf(first);
  const bodies = arriving.map((owed) => bodyOf(owed, owed));
  const batch = { event: 'webhook.batch', data: { event_type: first.event, count: bodies.length, events: bodies } };
  const [deliveryId, body] =
    webhook.batch === undefined
      ? [first.deliveryId, bodies[0]]
      : [newId('del_'), bodyOf({ ...first, ...batch }, first)];
  const headers = { 'x-broxi-delivery-id': deliveryId, 'x-broxi-event-id': first.eventId };
  const options = { method: 'POST', headers, body: JSON.stringify(body), dispatcher: agent } as const;
  const answer = await request(webhook.url, options);
  await answer.body.dump();
}

function bodyOf({ event, data }: Pick<Owed, 'event' | 'data'>, { webhookId, deliveryId }: Owed): object {
  return { event, timestamp: '2026-01-01T00:00:00.000Z', webhook_id: webhookId, delivery_id: deliveryId, data };
}

function webhookOf(owed: Owed): Webhook {
  const webhook = kept.webhooks.find(({ id }) => id === owed.webhookId);
  if (webhook === undefined) throw new Error(`no webhook ${owed.webhookId}`);
  return webhook;
}

async function answer(incoming: IncomingMessage): Promise<[status: number, body: object | string]> {
  if (incoming.url === '/readyz') return [200, 'ready'];
  if (incoming.headers.authorization !== `Bearer ${process.env.BROXI_API_KEY}`)
    return [401, { code: 'unauthenticated' }];
  let text = '';
  for await (const chunk of incoming) text += chunk;
  if (incoming.url === '/metrics') {
    return [
      200,
      `broxi_commits_total ${counters.commits}
broxi_events_accepted_total ${counters.accepted}
broxi_deliveries_settled_total{state="delivered"} ${counters.settled}
broxi_queue_pending ${counters.created - counters.settled}
`,
    ];
  }
  counters.commits += 1;
  const body = text === '' ? {} : JSON.parse(text);
  if (incoming.url === '/v1/webhooks') {
    const { url, events, batch } = body;
    const webhook = { id: newId('wh_'), url, events, batch };
    kept.webhooks.push(webhook);
    return [201, webhook];
  }
  if (incoming.url === '/v1/event-types') return [201, body];
  const [, webhookId, change] = /^\/v1\/webhooks\/(\w+)\/(pause|resume)$/.exec(incoming.url ?? '') ?? [];
  const changed = kept.webhooks.find(({ id }) => id === webhookId);
  if (changed !== undefined) {
    changed.paused = change === 'pause';
    deliver();
    return [200, changed];
  }
  const batch = incoming.url === '/v1/events/batch';
  const accepted = batch ? { results: body.events.map(accept) } : accept(body);
  deliver();
  return [202, accepted];
}

createServer(async (incoming: IncomingMessage, response: ServerResponse) => {
  const [status, body] = await answer(incoming);
  response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
}).listen(Number(flags.port), '127.0.0.1');
deliver();

process.once('SIGTERM', () => {
  writeFileSync(file, JSON.stringify(kept));
  process.exit(0);
});

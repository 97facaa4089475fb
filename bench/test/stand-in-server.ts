/*
 * A server small enough to read at one sitting, with the parts of the API and of the command line that the benchmark uses, so
 * that the benchmark can be tested by itself. It keeps what is pending in one file and is no example of anything else.
 *
 * node stand-in-server.ts serve --port <p> --database-url sqlite:<file> --allow-http --allow-networks <cidr> [--role api]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';

interface Webhook {
  id: string;
  url: string;
}

interface Owed {
  eventId: string;
  deliveryId: string;
  webhookId: string;
  data: unknown;
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '' },
    'database-url': { type: 'string', default: '' },
    'allow-http': { type: 'boolean', default: false },
    'allow-networks': { type: 'string', default: '' },
    role: { type: 'string', default: 'all' },
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
  return prefix + kept.ids;
}

function accept(data: unknown): object {
  const eventId = newId('evt_');
  counters.accepted += 1;
  counters.created += kept.webhooks.length;
  for (const { id } of kept.webhooks) kept.owed.push({ eventId, deliveryId: newId('del_'), webhookId: id, data });
  return { id: eventId, deliveries: kept.webhooks.length, duplicate: false };
}

function deliver(): void {
  if (flags.role === 'api') return;
  while (counters.sending < 32) {
    const owed = kept.owed.shift();
    if (owed === undefined) return;
    counters.sending += 1;
    void send(owed).finally(() => {
      counters.sending -= 1;
      counters.settled += 1;
      deliver();
    });
  }
}

async function send(owed: Owed): Promise<void> {
  if (counters.lost < lose) {
    counters.lost += 1;
    return;
  }
  const headers = { 'x-broxi-delivery-id': owed.deliveryId, 'x-broxi-event-id': owed.eventId };
  const body = JSON.stringify(owed.data);
  const answer = await request(webhookOf(owed).url, { method: 'POST', headers, body, dispatcher: agent });
  await answer.body.dump();
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
  const body = JSON.parse(text);
  if (incoming.url === '/v1/webhooks') {
    const webhook = { id: newId('wh_'), url: body.url };
    kept.webhooks.push(webhook);
    return [201, webhook];
  }
  const batch = incoming.url === '/v1/events/batch';
  const accepted = batch ? { results: body.events.map(accept) } : accept(body.data);
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

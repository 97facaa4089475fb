import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import { type Dispatcher, Pool } from 'undici';

export interface RelaySettings {
  /** The one receiver. */
  url: string;
  /** `whsec_` + base64. */
  secret: string;
  /** Connections to the receiver. Each carries one exchange at a time. */
  connections: number;
}

interface Incoming {
  event: string;
  data: object;
  timestamp?: string;
}

/**
 * What a webhook server would be without a memory: takes an event in, signs it, forwards it, and answers 202 when the
 * receiver has taken it. One process, one thread. It has no retry, no log, no authentication and no schema, and the price
 * of a server is the distance to it.
 *
 * Body, headers and both signatures are those of a webhook with default settings (Standard Webhooks 1.0 for
 * `webhook-signature`). 400 for what is not an event, 502 when the receiver did not answer 2xx.
 */
export function createRelay({ url, secret, connections }: RelaySettings): FastifyInstance {
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections, pipelining: 1 });
  const standardKey = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const webhookId = newId('wh_');
  let accepted = 0;
  let settled = 0;

  function forward({ event, data, timestamp }: Incoming): Promise<string> {
    const eventId = newId('evt_');
    const deliveryId = newId('del_');
    const now = Date.now();
    const seconds = String(Math.floor(now / 1000));
    const body = JSON.stringify({
      event,
      timestamp: timestamp ?? new Date(now).toISOString(),
      webhook_id: webhookId,
      delivery_id: deliveryId,
      data,
    });
    const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    const standard = createHmac('sha256', standardKey).update(`${deliveryId}.${seconds}.${body}`).digest('base64');
    const traceId = newId('');
    // A flat list of names and values is what undici takes without copying.
    const headers = [
      'Content-Type',
      'application/json',
      'User-Agent',
      'Broxi-Webhooks/relay',
      'X-Broxi-Event',
      event,
      'X-Broxi-Event-Id',
      eventId,
      'X-Broxi-Webhook-Id',
      webhookId,
      'X-Broxi-Delivery-Id',
      deliveryId,
      'X-Broxi-Attempt',
      '1',
      'X-Broxi-Timestamp',
      seconds,
      'X-Broxi-Signature',
      signature,
      'webhook-id',
      deliveryId,
      'webhook-timestamp',
      seconds,
      'webhook-signature',
      `v1,${standard}`,
      'traceparent',
      `00-${traceId}-${traceId.slice(16)}-01`,
    ];
    return new Promise((resolve, reject) => {
      pool.dispatch({ method: 'POST', path, headers, body }, new Answer(() => resolve(eventId), reject));
    });
  }

  const app = Fastify({ logger: false });
  // Fastify's own parser also looks for poisoned keys; nothing here copies keys, so the plain one does.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, JSON.parse(String(text)));
    } catch {
      done(Object.assign(new Error('The body is not JSON.'), { statusCode: 400 }));
    }
  });
  app.post('/v1/events', async (request, reply) => {
    const incoming: unknown = request.body;
    if (!isEvent(incoming)) {
      return reply.code(400).send({ detail: 'event must be a text and data an object.' });
    }
    accepted += 1;
    try {
      const id = await forward(incoming);
      reply.code(202).header('content-type', 'application/json');
      return `{"id":"${id}","event":${JSON.stringify(incoming.event)},"deliveries":1,"duplicate":false}`;
    } catch (error) {
      return reply.code(502).send({ detail: String(error) });
    } finally {
      settled += 1;
    }
  });
  app.get('/readyz', async () => 'ready');
  // The counters have the names of the server's, so that the benchmark reads both alike.
  app.get('/metrics', async () =>
    [
      `broxi_events_accepted_total ${accepted}`,
      `broxi_deliveries_settled_total{state="answered"} ${settled}`,
      `broxi_queue_pending ${accepted - settled}\n`,
    ].join('\n'),
  );
  app.addHook('onClose', () => pool.close());
  return app;
}

/** One exchange: over when the answer has been read to its end, so that the connection is free again. */
class Answer implements Dispatcher.DispatchHandler {
  readonly #taken: () => void;
  readonly #failed: (error: Error) => void;
  #status = 0;

  constructor(taken: () => void, failed: (error: Error) => void) {
    this.#taken = taken;
    this.#failed = failed;
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    if (this.#status >= 200 && this.#status < 300) this.#taken();
    else this.#failed(new Error(`The receiver answered ${this.#status}.`));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#failed(error);
  }
}

function isEvent(value: unknown): value is Incoming {
  if (typeof value !== 'object' || value === null || !('event' in value) || !('data' in value)) return false;
  return typeof value.event === 'string' && typeof value.data === 'object' && value.data !== null;
}

function newId(prefix: string): string {
  return prefix + randomUUID().replaceAll('-', '');
}

if (import.meta.main) {
  const [port, url = '', connections] = process.argv.slice(2);
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const relay = createRelay({ url, secret, connections: Number(connections) });
  process.once('SIGTERM', () => void relay.close());
  await relay.listen({ host: '127.0.0.1', port: Number(port) });
}

/**
 * The secure receiver with @broxi/receiver doing the verification: Standard Webhooks first, else X-Broxi-Signature with a timestamp
 * within five minutes. A signature over the body alone is refused, because it can be replayed.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { verify } from '@broxi/receiver';

const maxBodyBytes = 2 * 1024 * 1024;
const rememberedDeliveries = 10_000;
// Memory forgets at a restart; a real service keeps the ids in its database, under a unique key.
const handled = new Set<string>();

const secret = process.env.WEBHOOK_SECRET;
if (!secret) {
  console.error('WEBHOOK_SECRET is not set: give it the secret that was shown when the webhook was created.');
  process.exit(1);
}
const port = Number(process.env.PORT || 3002);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`PORT is ${process.env.PORT}: give it a whole number from 0 (any free port) to 65535.`);
  process.exit(1);
}

const server = createServer(async (request, response) => {
  const answer = (status: number, body: object) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  try {
    if (request.method !== 'POST' || request.url !== '/webhooks/broxi') return answer(404, { error: 'not found' });
    const body = await readBody(request);
    if (body === undefined) return answer(413, { error: `the body has more than ${maxBodyBytes} bytes` });

    const result = await verify({ body, headers: request.headers, secret });
    if (!result.ok) {
      console.error(result.message);
      return answer(401, { error: result.reason });
    }

    const { event, deliveryId } = result;
    if (!event || !deliveryId) return answer(400, { error: 'the body needs "event" and "delivery_id"' });
    if (handled.has(deliveryId)) return answer(200, { status: 'already processed' });
    handle(event, deliveryId);
    remember(deliveryId);
    answer(200, { status: 'ok' });
  } catch (error) {
    console.error(error);
    answer(500, { error: 'processing failed' });
  }
});

/** Your own work goes here; `result.payload` has the rest. What it throws is answered with 500, and the delivery comes again. */
function handle(event: string, deliveryId: string): void {
  console.log(JSON.stringify({ received: event, delivery_id: deliveryId }));
}

/** Only what was handled: nothing else can come in between, as long as `handle` does not wait for anything. */
function remember(deliveryId: string): void {
  handled.add(deliveryId);
  if (handled.size <= rememberedDeliveries) return;
  for (const oldest of handled) {
    handled.delete(oldest);
    break;
  }
}

/** The raw bytes, which are what is signed, or undefined when there are too many. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBodyBytes) chunks.push(chunk);
  }
  return size > maxBodyBytes ? undefined : Buffer.concat(chunks);
}

server.on('error', (error) => {
  console.error(`cannot listen on port ${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => {
  const address = server.address();
  const picked = typeof address === 'object' && address ? address.port : port;
  console.log(`listening on http://127.0.0.1:${picked}/webhooks/broxi`);
});

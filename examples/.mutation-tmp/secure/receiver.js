/**
 * A receiver that an attacker cannot replay to, on node:http alone.
 *
 * A request is refused with 401 unless X-Broxi-Timestamp is within five minutes of this machine's clock and X-Broxi-Signature
 * is made over `timestamp.body`. What was handled is remembered by delivery id, because a delivery may come more than once.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const TOLERANCE_SECONDS = 300;
const MAX_BODY_BYTES = 2 * 1024 * 1024;
const REMEMBERED_DELIVERIES = 10_000;

const secret = process.env.WEBHOOK_SECRET;
if (!secret) {
  console.error('WEBHOOK_SECRET is not set: give it the secret that was shown when the webhook was created.');
  process.exit(1);
}

const handlers = new Map([
  ['workflow.completed', (data) => `workflow ${data.workflow_id} completed, run ${data.run_id}`],
  ['workflow.failed', (data) => `workflow ${data.workflow_id} failed with ${data.error.code}, run ${data.run_id}`],
  ['user.message.received', (data) => `message ${data.message.id} from ${data.user_id}, session ${data.session_id}`],
]);

/**
 * Delivery id → the promise of its handling. A duplicate that arrives meanwhile shares the outcome instead of being
 * acknowledged too early. Memory forgets at a restart; a real service keeps the ids in its database, under a unique key.
 */
const handled = new Map();

const server = createServer(async (request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  try {
    if (request.url.split('?')[0] !== '/webhooks/broxi') return answer(404, { error: 'not found' });
    if (request.method !== 'POST') return answer(405, { error: 'POST only' });
    const body = await readBody(request);
    if (body === undefined) {
      response.setHeader('connection', 'close');
      return answer(413, { error: `the body has more than ${MAX_BODY_BYTES} bytes` });
    }

    const refusal = findFault(request.headers, body);
    if (refusal) return answer(401, { error: refusal });

    const payload = parse(body);
    if (!payload) return answer(400, { error: 'the body needs "event" and "delivery_id"' });
    const isDuplicate = handled.has(payload.delivery_id);
    await handleOnce(payload);
    answer(200, { status: isDuplicate ? 'already processed' : 'ok' });
  } catch (error) {
    console.error(error);
    if (!response.headersSent) answer(500, { error: 'processing failed' });
  }
});

/** The reason to refuse, or undefined. The body is signed as it came, before anything parses it. */
function findFault(headers, body) {
  const timestamp = headers['x-broxi-timestamp'];
  const signature = headers['x-broxi-signature'];
  if (!timestamp || !signature) return 'X-Broxi-Timestamp and X-Broxi-Signature are required';
  if (!/^\d{1,12}$/.test(timestamp)) return 'X-Broxi-Timestamp must be Unix seconds';
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return 'timestamp out of tolerance';
  const expected = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
  return isSameText(signature, expected) ? undefined : 'invalid signature';
}

/** Takes equally long wherever the texts differ. timingSafeEqual throws on different lengths, so those are settled first. */
function isSameText(given, expected) {
  const left = Buffer.from(given);
  const right = Buffer.from(expected);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** De-duplicates on the id in the body, which is signed; the header X-Broxi-Delivery-Id is not. */
function handleOnce(payload) {
  const known = handled.get(payload.delivery_id);
  if (known) return known;
  const outcome = handle(payload);
  handled.set(payload.delivery_id, outcome);
  if (handled.size > REMEMBERED_DELIVERIES) handled.delete(handled.keys().next().value);
  // What failed is forgotten, so that the retry is handled.
  outcome.catch(() => handled.delete(payload.delivery_id));
  return outcome;
}

async function handle({ event, delivery_id, data }) {
  const summary = handlers.get(event)?.(data) ?? 'no handler for this event';
  console.log(JSON.stringify({ received: event, delivery_id, summary }));
}

/** The raw bytes, or undefined when there are too many. */
async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return size > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks);
}

function parse(body) {
  try {
    const payload = JSON.parse(body.toString('utf8'));
    return typeof payload?.event === 'string' && typeof payload.delivery_id === 'string' ? payload : undefined;
  } catch {
    return undefined;
  }
}

const port = Number(process.env.PORT || 3001);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`PORT is ${process.env.PORT}: give it a whole number from 0 (any free port) to 65535.`);
  process.exit(1);
}
server.on('error', (error) => {
  console.error(`cannot listen on port ${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhooks/broxi`);
});

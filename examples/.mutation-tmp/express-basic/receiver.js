/**
 * The smallest Express receiver that is safe to start from.
 *
 * It checks X-Broxi-Signature against the body alone, so a recorded request stays valid for ever; `../secure` closes that gap.
 * It does not de-duplicate: a delivery that is retried is handled again.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import express from 'express';

const secret = process.env.WEBHOOK_SECRET;
if (!secret) {
  console.error('WEBHOOK_SECRET is not set: give it the secret that was shown when the webhook was created.');
}

const handlers = new Map([
  ['workflow.completed', (data) => `workflow ${data.workflow_id} completed, run ${data.run_id}`],
  ['workflow.failed', (data) => `workflow ${data.workflow_id} failed with ${data.error.code}, run ${data.run_id}`],
  ['user.message.received', (data) => `message ${data.message.id} from ${data.user_id}, session ${data.session_id}`],
]);

const app = express();
// Express stops at 100 kB by default; one event may have 256 KiB and a batch 1 MiB.
app.use(express.json({ limit: '2mb' }));

app.post('/webhooks/broxi', (request, response) => {
  if (!isSigned(request)) {
    response.status(401).json({ error: 'invalid signature' });
    return;
  }
  const { event, delivery_id, data } = request.body;
  const summary = handlers.get(event)?.(data) ?? 'no handler for this event';
  console.log(JSON.stringify({ received: event, delivery_id, summary }));
  response.json({ status: 'ok' });
});

// Express knows an error handler by its four parameters.
app.use((error, _request, response, _next) => {
  const status = error.status ?? 500;
  if (status >= 500) console.error(error);
  response.status(status).json({ error: error.expose ? error.message : 'processing failed' });
});

/** What is signed is the parsed body written out again: the platform sends only bodies that survive this unchanged. */
function isSigned(request) {
  const given = request.get('x-broxi-signature');
  if (!given || request.body === undefined) return false;
  const expected = createHmac('sha256', secret).update(JSON.stringify(request.body)).digest('hex');
  return isSameText(given, expected);
}

/** Takes equally long wherever the texts differ. timingSafeEqual throws on different lengths, so those are settled first. */
function isSameText(given, expected) {
  const left = Buffer.from(given);
  const right = Buffer.from(expected);
  return left.length === right.length && timingSafeEqual(left, right);
}

const port = Number(process.env.PORT || 3000);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`PORT is ${process.env.PORT}: give it a whole number from 0 (any free port) to 65535.`);
  process.exit(1);
}
const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) {
    console.error(`cannot listen on port ${port}: ${error.message}`);
    process.exit(1);
  }
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhooks/broxi`);
});

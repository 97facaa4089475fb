import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { waitUntil } from '../wait-until.ts';
import { serverWithReceiver } from './server-with-receiver.ts';

const COUNT = 150;

describe('recovery in bulk, on a real server', () => {
  let status = 404;
  const received: string[] = [];
  const world = serverWithReceiver(
    (request, response) => {
      request.resume().on('end', () => {
        received.push(String(request.headers['x-broxi-event-id']));
        response.writeHead(status).end();
      });
    },
    { flags: ['--retention-days', '7'] },
  );

  const url = () => world.url('/hook');
  const job = async (id: unknown) => (await world.server.call('GET', `/v1/jobs/${id}`)).body;
  const isDone = (id: unknown) => waitUntil('the job', async () => (await job(id)).state === 'done', 20_000);

  it('puts back all that failed, over a kill in the middle, and backfills a webhook that came later', async () => {
    const since = new Date().toISOString();
    await world.server.call('POST', '/v1/webhooks', { url: url(), events: ['workflow.started'] });
    const events = Array.from({ length: COUNT }, (_, i) => ({
      event: 'workflow.started',
      data: { workflow_id: 'wf', run_id: `run_${i}` },
    }));
    const published = await world.server.call('POST', '/v1/events/batch', { events });
    const ids = (published.body.results as { id: string }[]).map(({ id }) => id);
    const estimate = () => world.server.call('POST', '/v1/deliveries/retry', { finished_from: since, dry_run: true });
    await waitUntil('all to fail', async () => (await estimate()).body.count === COUNT, 20_000);

    status = 204;
    received.length = 0;
    const created = await world.server.call('POST', '/v1/deliveries/retry', { finished_from: since });
    assert.equal(created.status, 202);
    await waitUntil('the job to begin', async () => received.length > 0, 20_000);
    await world.killAndStart();
    await isDone(created.body.id);
    assert.equal((await job(created.body.id)).requeued, COUNT);
    const delivered = async (query: string) => {
      const { body } = await world.server.call('GET', `/v1/deliveries?state=delivered&limit=200${query}`);
      return (body.data as unknown[]).length;
    };
    await waitUntil('all to be delivered', async () => (await delivered('')) === COUNT, 20_000);
    assert.deepEqual(new Set(received), new Set(ids));

    received.length = 0;
    const late = (await world.server.call('POST', '/v1/webhooks', { url: url(), events: ['workflow.*'] })).body.id;
    const backfill = () => world.server.call('POST', `/v1/webhooks/${late}/backfill`, { since });
    const [first, second] = [await backfill(), await backfill()];
    await isDone(first.body.id);
    await isDone(second.body.id);
    await waitUntil('the backfill', async () => (await delivered(`&webhook_id=${late}`)) === COUNT, 20_000);
    assert.equal(Number((await job(first.body.id)).requeued) + Number((await job(second.body.id)).requeued), COUNT);
    assert.deepEqual(received.toSorted(), ids.toSorted(), 'each of them once');
  });
});

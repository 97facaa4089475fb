import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startCopy } from '../faults/copy-process.ts';
import { furnishServer } from '../faults/furnish-server.ts';
import { type RecordingReceiver, startRecordingReceiver } from '../faults/receiver.ts';
import { addWebhook } from '../faults/webhooks.ts';
import { ThrowawayPostgres } from '../postgres/throwaway-postgres.ts';
import { type ServerProcess, startServer } from '../start-server.ts';
import { waitUntil } from '../wait-until.ts';

const TYPE = 'workflow.started';
const STEP_MS = 20_000;

describe('a server that moves from SQLite to PostgreSQL', () => {
  let folder: string;
  let postgres: ThrowawayPostgres;
  let receiver: RecordingReceiver;
  let server: ServerProcess | null = null;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'broxi-move-'));
    postgres = await ThrowawayPostgres.start();
    receiver = await startRecordingReceiver({ era: () => 0 });
  });
  after(async () => {
    await server?.kill();
    await receiver.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('answers as it did, sends what was held with the same signature, and does not start again where it was', async () => {
    const old = await startServer(folder);
    server = old;
    await furnishServer(old);
    const signed = await addWebhook(old, { receiver, path: '/signed', events: [TYPE] });
    const publish = async (at: ServerProcess, key: string) => {
      const event = { event: TYPE, id: key, data: { workflow_id: 'wf', run_id: key } };
      const { status, body } = await at.call('POST', '/v1/events', event);
      assert.equal(status, 202);
      return body;
    };
    const arrived = (key: string) => [...receiver.received.values()].filter((each) => each.key === key);
    await publish(old, 'before');
    await waitUntil('the first delivery', () => arrived('before').length === 1, STEP_MS);
    await pauseAll(old);
    const held = await publish(old, 'held');
    const expected = await allAnswers(old);
    const secret = (await old.call('POST', `/v1/webhooks/${signed}/secret/reveal`)).body;

    const url = await postgres.createDatabase();
    const copying = startCopy(folder, url);
    await copying.saying('Now stop the server', STEP_MS);
    assert.equal(await old.stop(), 0);
    assert.equal(await copying.ended, 0, copying.output());

    await assert.rejects(
      startServer(folder),
      /ended with 2:\nbroxi-webhooks: BROXI_DATABASE_URL names .* was moved to/,
    );
    const key = readFileSync(join(folder, 'broxi.db.key'), 'utf8').trim();
    const moved = await startServer('', ['--database-url', url], { BROXI_ENCRYPTION_KEY: key });
    server = moved;
    assert.deepEqual(await allAnswers(moved), expected);
    assert.deepEqual((await moved.call('POST', `/v1/webhooks/${signed}/secret/reveal`)).body, secret);
    assert.deepEqual(await publish(moved, 'held'), { ...held, duplicate: true });
    assert.deepEqual(arrived('held'), []);
    await moved.call('POST', `/v1/webhooks/${signed}/resume`);
    await publish(moved, 'afterwards');
    for (const name of ['held', 'afterwards']) {
      await waitUntil(`the delivery of ${name}`, () => arrived(name).length === 1, STEP_MS);
    }
    assert.deepEqual(receiver.unverified, []);
    assert.equal(arrived('before').length, 1, 'nothing is sent again');
  });
});

/** So that nothing changes by itself any more. */
async function pauseAll(server: ServerProcess): Promise<void> {
  for (const id of await idsOf(server, '/v1/webhooks')) await server.call('POST', `/v1/webhooks/${id}/pause`);
  const sends = async () => (await idsOf(server, '/v1/deliveries?state=sending')).length === 0;
  await waitUntil('what is in the air to land', sends, STEP_MS);
}

/** By path, what the API says of everything there is. */
async function allAnswers(server: ServerProcess): Promise<Map<string, unknown>> {
  const answers = new Map<string, unknown>();
  const ask = async (path: string) => {
    const { status, body } = await server.call('GET', path);
    assert.equal(status, 200, path);
    answers.set(path, body);
  };
  const lists = ['/v1/webhooks', '/v1/events?limit=200', '/v1/deliveries?limit=200', '/v1/event-types', '/v1/jobs'];
  for (const path of lists) await ask(path);
  for (const id of await idsOf(server, '/v1/webhooks')) {
    await ask(`/v1/webhooks/${id}`);
    await ask(`/v1/webhooks/${id}/versions`);
    await ask(`/v1/deliveries?limit=200&webhook_id=${id}`);
  }
  for (const id of await idsOf(server, '/v1/events?limit=200')) await ask(`/v1/events/${id}`);
  for (const id of await idsOf(server, '/v1/deliveries?limit=200')) await ask(`/v1/deliveries/${id}`);
  assert.ok(answers.size > 200, `${answers.size} answers`);
  return answers;
}

async function idsOf(server: ServerProcess, path: string): Promise<string[]> {
  const { data } = (await server.call('GET', path)).body;
  return (data as { id: string }[]).map(({ id }) => id);
}

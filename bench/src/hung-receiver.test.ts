import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createHungReceiver, type Hanging } from './hung-receiver.ts';

test('holds what it gets until it is let go, and counts who gave up before', { timeout: 20_000 }, async (t) => {
  const receiver = createHungReceiver().listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  t.after(() => {
    receiver.close();
    receiver.closeAllConnections();
  });
  const origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const look = async (method = 'GET') => (await (await fetch(`${origin}/held`, { method })).json()) as Hanging;
  const until = async (expected: Hanging) => {
    let seen = await look();
    while (JSON.stringify(seen) !== JSON.stringify(expected)) seen = await look();
  };
  const impatient = new AbortController();
  const [patient, gone] = [undefined, impatient.signal].map((signal) =>
    fetch(`${origin}/hook`, { method: 'POST', body: '{}', ...(signal && { signal }) }),
  );
  await until({ held: 2, taken: 2, givenUp: 0 });
  impatient.abort();
  await assert.rejects(async () => gone, { name: 'AbortError' });
  await until({ held: 1, taken: 2, givenUp: 1 });
  assert.deepEqual(await look('DELETE'), { held: 0, taken: 2, givenUp: 1 });
  assert.equal((await patient)?.status, 204);
});

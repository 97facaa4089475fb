import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { createFakeClock } from '../test/fake-clock.ts';
import { freePort } from '../test/free-port.ts';
import { openWaitingRoom } from './waiting-room.ts';

test('says after a second that the process is alive and takes nothing, and leaves the address to the server', async () => {
  const clock = createFakeClock();
  const address = { host: '127.0.0.1', port: await freePort() };
  const url = `http://127.0.0.1:${address.port}`;
  const room = openWaitingRoom(address, { clock });
  await clock.advance(999);
  await assert.rejects(fetch(`${url}/healthz`));
  await clock.advance(1);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  for (const path of ['/readyz', '/v1/events']) {
    const answer = await fetch(url + path, { method: 'POST' });
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1']);
    assert.equal(((await answer.json()) as { code: string }).code, 'store_unavailable');
  }
  await room.close();
  const next = createServer().listen(address.port, address.host);
  await once(next, 'listening');
  next.close();
});

test('a start that is quick does without', async () => {
  const clock = createFakeClock();
  const room = openWaitingRoom({ host: '127.0.0.1', port: 0 }, { clock });
  await room.close();
  assert.equal(clock.timers, 0);
});

test('an address that somebody else has is not waited for', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const clock = createFakeClock();
  const { port } = other.address() as { port: number };
  const room = openWaitingRoom({ host: '127.0.0.1', port }, { clock });
  await clock.advance(1_000);
  await assert.rejects(room.failed, { code: 'EADDRINUSE' });
  await room.close();
  other.close();
});

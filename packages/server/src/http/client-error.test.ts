import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { openTestApp, TEST_KEY, type TestApp } from './test-app.ts';

describe('what is no readable HTTP request', () => {
  let test: TestApp;
  let port: number;
  before(async () => {
    test = await openTestApp();
    await test.app.listen({ host: '127.0.0.1', port: 0 });
    port = (test.app.server.address() as AddressInfo).port;
  });
  after(() => test.close());

  const send = async (request: string) => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(request);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), problem: JSON.parse(body) };
  };

  for (const [what, request, status] of [
    ['no HTTP', 'HELLO\r\n\r\n', 400],
    ['headers above 16 KiB', `GET /healthz HTTP/1.1\r\nHost: a\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['two lengths', 'POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    [
      'a length and chunks',
      'POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
  ] as const) {
    it(`answers ${what} with ${status} and closes`, async () => {
      const answer = await send(request);
      assert.equal(answer.status, status);
      assert.match(answer.head, /content-type: application\/problem\+json/);
      assert.match(answer.head, /connection: close/);
      assert.equal(answer.problem.status, status);
      assert.equal(answer.problem.code, 'invalid_request');
    });
  }

  it('refuses a chunked body that grows too large, and goes on', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' },
      body: new ReadableStream({
        pull: (controller) => {
          controller.enqueue(new Uint8Array(64 * 1024).fill(32));
        },
      }),
      duplex: 'half',
    });
    assert.equal(response.status, 413);
    await response.text();
    assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
    assert.deepEqual(test.unexpected, []);
  });
});

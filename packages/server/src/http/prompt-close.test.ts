import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { fastify } from 'fastify';
import { createFakeClock } from '../test/fake-clock.ts';
import { promptClose } from './prompt-close.ts';

/** An app that answers when it is told to, and a connection to it that has sent `text`. */
async function open(text: string) {
  const clock = createFakeClock();
  const app = fastify();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string>();
  app.get('/', () => {
    asked.resolve();
    return answer.promise;
  });
  const close = promptClose(app, clock);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect({ host: '127.0.0.1', port: (app.server.address() as AddressInfo).port });
  socket.setEncoding('utf8');
  await once(socket, 'connect');
  socket.write(text);
  return { clock, close, socket, asked: asked.promise, answer: (body: string) => answer.resolve(body) };
}

async function allOf(socket: Socket): Promise<string> {
  return (await socket.toArray()).join('');
}

test('what is under way is answered, and its connection ends with that', async () => {
  const { close, socket, asked, answer } = await open('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await asked;
  const closed = close();
  answer('done');
  await closed;
  assert.match(await allOf(socket), /^HTTP\/1.1 200 OK\r\n.*connection: close.*done$/s);
});

test('a request that does not arrive holds up the end for a second', async () => {
  const { clock, close, socket } = await open('GET / HT');
  const closed = close();
  // It may be told so by a reset.
  const ended = new Promise((resolve) => socket.on('error', () => {}).on('close', resolve));
  await clock.advance(1_000);
  await Promise.all([closed, ended]);
});

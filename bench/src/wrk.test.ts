import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findTool } from './find-tool.ts';
import { ProcessGroup } from './processes.ts';
import { sampleEvent } from './sample-event.ts';
import { parseWrkOutput, Wrk } from './wrk.ts';

test('reads the line of results among what wrk prints', () => {
  assert.deepEqual(parseWrkOutput('Running 1s test\nRESULT 100 7 2 1500 9250\nTransfer/sec: 1MB\n'), {
    acknowledged: 93,
    refused: 7,
    socketErrors: 2,
    latencyP50Ms: 1.5,
    latencyP99Ms: 9.25,
  });
});

test('no result, or no answer, is an error', () => {
  assert.throws(() => parseWrkOutput('Running 1s test\n'), /did not print a result/);
  assert.throws(() => parseWrkOutput('RESULT 1 2 3\n'), /did not print a result/);
  assert.throws(() => parseWrkOutput('RESULT 0 0 64 0 0\n'), /no answer at all \(64 socket errors\)/);
});

const wrk = findTool('wrk');

test('posts events, each with its own run id', { skip: wrk === null && 'wrk is not installed' }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'broxi-wrk-'));
  const bodies: string[] = [];
  const keys = new Set<string | undefined>();
  let refused = 0;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    bodies.push(body);
    keys.add(request.headers.authorization);
    const refuse = bodies.length % 10 === 0;
    if (refuse) refused += 1;
    response.writeHead(refuse ? 503 : 202).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/events`;
  const load = { urls: [url], apiKey: 'the-key', connections: 4, seconds: 1 };
  const generator = new Wrk(new ProcessGroup(), wrk ?? '', directory);
  const result = await generator.run(load);
  const first = bodies.splice(0);
  assert.ok(result.acknowledged > 100);
  // An answer may be under way on each connection when the time is up.
  assert.ok(Math.abs(first.length - result.acknowledged - result.refused) <= 4);
  assert.ok(Math.abs(refused - result.refused) <= 4);
  assert.deepEqual([...keys], ['Bearer the-key']);
  const numbers = first.map((body) => Number(/run_(\d+)/.exec(body)?.[1]));
  assert.deepEqual(
    first,
    numbers.map((n) => sampleEvent(n)),
  );
  assert.ok(Math.min(...numbers) > 10_000_000 && Math.max(...numbers) < 20_000_000);
  await generator.run({ ...load, types: ['a.b', 'c.d'] });
  const inTurn = bodies.map((body) => JSON.parse(body).event);
  assert.ok(Math.abs(inTurn.filter((type) => type === 'a.b').length - inTurn.length / 2) <= 4);
  assert.deepEqual([...new Set(inTurn)].sort(), ['a.b', 'c.d']);
  assert.equal(new Set([...first, ...bodies]).size, first.length + bodies.length);
});

test('posts to several addresses, at each a part', { skip: wrk === null && 'wrk is not installed' }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'broxi-wrk-'));
  const bodies: string[][] = [[], []];
  const servers = bodies.map((own) =>
    createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      own.push(body);
      response.writeHead(202).end();
    }),
  );
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(async () => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await rm(directory, { recursive: true });
  });
  const urls = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/events`);
  const load = { urls, apiKey: 'the-key', connections: 4, seconds: 1 };
  const { acknowledged } = await new Wrk(new ProcessGroup(), wrk ?? '', directory).run(load);
  const all = bodies.flat();
  assert.ok(Math.abs(all.length - acknowledged) <= 4);
  for (const own of bodies) assert.ok(own.length > all.length / 4, 'each has its part');
  assert.equal(new Set(all).size, all.length, 'every event is posted once');
});

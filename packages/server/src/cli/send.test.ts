import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, test } from 'node:test';
import { catalog } from '@broxi/events';
import { InvalidSettingError } from '../errors.ts';
import { sampleNames } from './sample-event.ts';
import { type SendFlags, send } from './send.ts';

interface Received {
  path: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

const accepted = { id: 'evt_1', event: 'workflow.completed', deliveries: 2, duplicate: false };
let received: Received[] = [];
let answer: { status: number; body: string };
const server = createServer(async (request, response) => {
  received.push({ path: request.url, headers: request.headers, body: await text(request) });
  response.writeHead(answer.status).end(answer.body);
});
const folder = mkdtempSync(join(tmpdir(), 'broxi-send-'));
const home = process.cwd();
let url = '';

before(async () => {
  delete process.env.BROXI_API_KEY;
  process.chdir(folder);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  received = [];
  answer = { status: 202, body: JSON.stringify(accepted) };
});
after(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
  server.close();
  server.closeAllConnections();
});

async function run(event: string, flags: Partial<SendFlags> = {}, input = '') {
  let stdout = '';
  let stderr = '';
  const host = {
    stdin: Readable.from([Buffer.from(input)]),
    stdout: { write: (part: string) => (stdout += part) },
    stderr: { write: (part: string) => (stderr += part) },
  };
  const ending: { exitCode?: number } = {};
  await send(event, { url, key: 'k'.repeat(24), ...flags }, Object.assign(ending, host));
  return { stdout, stderr, exitCode: ending.exitCode ?? 0, sent: received[0] };
}

test('sends the sample of a type, and prints the answer', async () => {
  const { sent, stdout, exitCode } = await run('workflow.completed');
  assert.equal(sent?.path, '/v1/events');
  assert.equal(sent.headers.authorization, `Bearer ${'k'.repeat(24)}`);
  assert.equal(sent.headers['content-type'], 'application/json');
  const { sample } = catalog['workflow.completed'];
  assert.deepEqual(JSON.parse(sent.body), { event: 'workflow.completed', data: sample });
  assert.equal(exitCode, 0);
  assert.match(
    stdout,
    /^Accepted\n {2}id +evt_1\n {2}event +workflow\.completed\n {2}deliveries +2\n {2}duplicate +false\n$/,
  );
});

test('sends a file or standard input as it is written, with an id', async () => {
  const data = '{"workflow_id": "w", "n": 9007199254740993, "n": 1.0}';
  writeFileSync('data.json', `\uFEFF${data}\n`);
  const fromFile = await run('my.type', { file: 'data.json', id: 'a"b' });
  assert.equal(fromFile.sent?.body, `{"id":"a\\"b","event":"my.type","data":${data}}`);
  received = [];
  const fromStdin = await run('my.type', { file: '-' }, data);
  assert.equal(fromStdin.sent?.body, `{"event":"my.type","data":${data}}`);
});

test('keeps a path in the address of the server', async () => {
  assert.equal((await run('workflow.started', { url: `${url}/base` })).sent?.path, '/base/v1/events');
});

test('shows a problem document with its fields', async () => {
  const errors = [{ path: 'data.run_id', message: 'is required' }];
  answer = {
    status: 422,
    body: JSON.stringify({ title: 'Invalid fields', status: 422, detail: 'Not valid.', errors }),
  };
  const { stdout, stderr, exitCode } = await run('workflow.completed', { file: '-' }, '{}');
  assert.equal(stderr, '422 Invalid fields\nNot valid.\n  data.run_id: is required\n');
  assert.deepEqual([stdout, exitCode], ['', 1]);
});

test('shows an answer that is no JSON as it came', async () => {
  answer = { status: 502, body: '<h1>proxy</h1>' };
  assert.equal((await run('workflow.started')).stderr, '502 Bad Gateway\n<h1>proxy</h1>\n');
  received = [];
  answer = { status: 500, body: '{"errors": [null], "x": 1}' };
  const odd = await run('workflow.started');
  assert.deepEqual([odd.stderr, odd.exitCode], ['500\n  errors  [null]\n  x       1\n', 1]);
});

test('says when no server answers', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const gone = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
  await new Promise((done) => closed.close(done));
  const { stderr, exitCode } = await run('workflow.started', { url: gone });
  assert.ok(stderr.startsWith(`${gone} did not answer (ECONNREFUSED)`), stderr);
  assert.equal(exitCode, 1);
});

test('what cannot be sent is refused before anything is', async () => {
  const cases: [string, Partial<SendFlags>, RegExp][] = [
    ['workflow.complete', {}, /no sample for "workflow\.complete".* did you mean workflow\.completed/],
    ['webhook.test', {}, /no sample for "webhook\.test"/],
    ['a.b', { file: 'missing.json' }, /missing\.json cannot be read \(ENOENT\)/],
    ['a.b', { file: '-' }, /Standard input is not JSON/],
    ['a.b', { file: '-', sample: true }, /--file and --sample exclude each other/],
    ['workflow.started', { url: 'localhost:8080' }, /--url is "localhost:8080": expected an address such as/],
    ['workflow.started', { key: 'a\nb' }, /--key is not acceptable/],
  ];
  for (const [event, flags, message] of cases) {
    await assert.rejects(run(event, flags), (error: Error) => {
      assert.ok(error instanceof InvalidSettingError);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.equal(received.length, 0);
});

test('without --key: the variable, else the key of a dev server in this folder, which stays on this machine', async (t) => {
  const withoutKey = async (address: string) => {
    received = [];
    await send(
      'workflow.started',
      { url: address },
      { stdin: process.stdin, stdout: { write() {} }, stderr: { write() {} } },
    );
    return received[0]?.headers.authorization;
  };
  await assert.rejects(
    withoutKey(url),
    /There is no broxi-data\/dev-api-key in this folder: give the API key with --key/,
  );
  mkdirSync('broxi-data');
  writeFileSync('broxi-data/dev-api-key', 'broxi_dev_key\n');
  assert.equal(await withoutKey(url), 'Bearer broxi_dev_key');
  assert.equal(await withoutKey(url.replace('127.0.0.1', 'localhost')), 'Bearer broxi_dev_key');
  await assert.rejects(withoutKey('http://127.0.0.1.example:1'), /give the API key with --key or BROXI_API_KEY\.$/);
  t.after(() => delete process.env.BROXI_API_KEY);
  process.env.BROXI_API_KEY = 'e'.repeat(24);
  assert.equal(await withoutKey(url), `Bearer ${'e'.repeat(24)}`);
});

test('every sample can be sent', async () => {
  assert.equal(sampleNames().length, 15);
  for (const name of sampleNames()) assert.equal((await run(name)).exitCode, 0);
});

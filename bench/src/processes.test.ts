import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { freePort } from './free-port.ts';
import { ProcessGroup, waitForReady } from './processes.ts';

const group = new ProcessGroup();
after(() => group.stopAll());

function nodeCommand(script: string, ...args: string[]) {
  return { name: 'the script', file: process.execPath, args: ['-e', script, ...args] };
}

test('runs a command to its end and answers what it printed', async () => {
  assert.equal(await group.run(nodeCommand('console.log("x".repeat(200_000))'), 20_000), `${'x'.repeat(200_000)}\n`);
});

test('a command that fails says why', async () => {
  const failing = nodeCommand('console.error("no such thing"); process.exitCode = 3');
  await assert.rejects(group.run(failing, 20_000), /the script failed \(3\): no such thing/);
});

test('a command that takes too long is ended', async () => {
  const endless = nodeCommand('setInterval(() => {}, 1000)');
  await assert.rejects(group.run(endless, 300), /the script did not end within 0.3 s/);
});

test('what cannot be run is named', async () => {
  const missing = { name: 'nginx', file: '/nonexistent/nginx', args: [] };
  await assert.rejects(group.start(missing), /nginx could not be started from \/nonexistent\/nginx/);
});

test('waits until a server is ready, and ends it by its pid', async () => {
  const port = await freePort();
  const script = 'require("http").createServer((q, r) => r.end()).listen(process.argv[1], "127.0.0.1")';
  const server = await group.start(nodeCommand(script, String(port)));
  await waitForReady(server, `http://127.0.0.1:${port}/`);
  assert.equal(server.hasEnded(), false);
  await server.stop();
  assert.equal(server.hasEnded(), true);
  assert.throws(() => process.kill(server.pid, 0), { code: 'ESRCH' });
  await server.stop();
});

test('a server that ends while starting is reported with its last words', async () => {
  const server = await group.start(nodeCommand('console.error("--port must be a number"); process.exit(1)'));
  await assert.rejects(
    waitForReady(server, `http://127.0.0.1:${await freePort()}/`),
    /the script ended while starting:\n--port must be a number/,
  );
});

test('a closed group starts nothing that stays', async () => {
  const closing = new ProcessGroup();
  await closing.close();
  await assert.rejects(closing.start(nodeCommand('setInterval(() => {}, 1000)')), /The benchmark is ending/);
  await assert.rejects(closing.run(nodeCommand('setInterval(() => {}, 1000)'), 20_000), /The benchmark is ending/);
});

test('stopping the group ends all of it', async () => {
  const one = await group.start(nodeCommand('setInterval(() => {}, 1000)'));
  const two = await group.start(nodeCommand('setInterval(() => {}, 1000)'));
  await group.stopAll();
  assert.deepEqual([one.hasEnded(), two.hasEnded()], [true, true]);
});

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { Clock } from '../clock.ts';
import { readConfig } from '../config.ts';
import { runServer } from './run-server.ts';

/** A process that records its end, and a clock that stands still until it is told. */
function start({ stop, starting, waits }: { stop: () => Promise<void>; starting?: Promise<void>; waits?: boolean }) {
  const signals = new EventEmitter();
  const ended = once(signals, 'exit').then(([code]) => code as number);
  let stderr = '';
  const host = Object.assign(signals, {
    stdout: new PassThrough(),
    stderr: { write: (text: string) => (stderr += text) },
    exit: (code: number) => void signals.emit('exit', code),
  });
  const timers: { delayMs: number; action: () => void }[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after(delayMs, action) {
      timers.push({ delayMs, action });
      return () => {};
    },
  };
  const config = readConfig({ mode: 'serve', env: {} });
  const running = runServer({
    config,
    host,
    clock,
    createServer: async (_, ended) => {
      if (waits) await new Promise((_, reject) => ended.addEventListener('abort', () => reject(ended.reason)));
      await starting;
      return { url: 'http://127.0.0.1:1', apiKey: null, dataPlace: '/x/broxi.db', firstStart: false, stop };
    },
  });
  const signal = (name: 'SIGINT' | 'SIGTERM') => signals.emit(name, name);
  return { running, ended, signal, timers, host, output: () => String(host.stdout.read() ?? ''), errors: () => stderr };
}

const never = new Promise<void>(() => {});

test('says where it is, and stops on a signal', async () => {
  let stops = 0;
  const { running, ended, signal, output } = start({ stop: async () => void stops++ });
  await running;
  assert.match(output(), /http:\/\/127\.0\.0\.1:1\n/);
  signal('SIGTERM');
  assert.equal(await ended, 0);
  assert.equal(stops, 1);
});

test('a second signal ends at once', async () => {
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const { running, ended, signal } = start({ stop: () => never });
    await running;
    signal('SIGTERM');
    signal(name);
    assert.equal(await ended, code);
  }
});

test('a stop that hangs is ended after ten seconds', async () => {
  const { running, ended, signal, timers, errors } = start({ stop: () => never });
  await running;
  signal('SIGINT');
  assert.deepEqual(
    timers.map(({ delayMs }) => delayMs),
    [10_000],
  );
  timers[0]?.action();
  assert.equal(await ended, 1);
  assert.match(errors(), /not stopped within 10 seconds/);
});

test('a stop that fails says why', async () => {
  const { running, ended, signal, errors } = start({ stop: () => Promise.reject(new Error('disk is gone')) });
  await running;
  signal('SIGTERM');
  assert.equal(await ended, 1);
  assert.match(errors(), /the stop failed: disk is gone/);
});

test('a signal while it starts stops it as soon as it runs, and nothing is announced', async () => {
  const { promise: starting, resolve } = Promise.withResolvers<void>();
  const { running, ended, signal, output } = start({ stop: async () => {}, starting });
  signal('SIGTERM');
  resolve();
  assert.equal(await ended, 0);
  await running;
  assert.equal(output(), '');
});

test('a start that fails is thrown, and signals have their usual effect again', async () => {
  const starting = Promise.reject(new Error('no'));
  const { running, host } = start({ stop: async () => {}, starting });
  await assert.rejects(running, /^Error: no$/);
  assert.equal(host.listenerCount('SIGINT') + host.listenerCount('SIGTERM'), 0);
});

test('a signal ends the wait for a database', async () => {
  const { running, ended, signal, errors } = start({ stop: () => never, waits: true });
  signal('SIGTERM');
  assert.equal(await ended, 0);
  await running;
  assert.match(errors(), /Stopping/);
});

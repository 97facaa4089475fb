import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { WriteStream } from 'node:tty';
import { catalog } from '@broxi/events';
import { Check } from 'typebox/value';
import { FIRST_EVENT, type StartBannerOptions, startBanner } from './start-banner.ts';

const server = {
  url: 'http://127.0.0.1:8080',
  apiKey: 'broxi_0123456789',
  dataPlace: resolve('broxi-data/broxi.db'),
  firstStart: true,
};

function banner(options: Partial<StartBannerOptions> = {}): string {
  return startBanner({ config: { mode: 'dev', host: '127.0.0.1' }, server, stream: new PassThrough(), ...options });
}

/** What a shell makes of the curl lines: the arguments that curl would get. */
function pasted(text: string, env: Record<string, string> = {}): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('  curl') || line.startsWith('    -'));
  const script = `curl() { printf '%s\\0' "$@"; printf '\\n\\0'; }\n${lines.join('\n')}\n`;
  const printed = execFileSync('sh', ['-c', script], { encoding: 'utf8', env });
  return printed
    .split('\n\0')
    .filter(Boolean)
    .map((call) => call.split('\0').filter(Boolean));
}

test('a dev server says what it allows in its first line, and where everything is', () => {
  const text = banner();
  assert.match(text, /^Broxi Webhooks \S+ {2}dev: plain http and receivers on this machine are allowed\n/);
  for (const part of [
    'http://127.0.0.1:8080\n',
    'broxi_0123456789\n',
    './broxi-data/broxi.db',
    'http://127.0.0.1:8080/docs',
  ]) {
    assert.ok(text.includes(part), part);
  }
  assert.doesNotMatch(text, /Note/);
  assert.match(
    banner({ config: { mode: 'dev', host: '0.0.0.0' } }),
    /Note +0\.0\.0\.0 can be reached from other machines/,
  );
});

test('the lines to paste are whole commands', () => {
  const headers = ['-H', 'Authorization: Bearer broxi_0123456789', '-H', 'Content-Type: application/json'];
  const webhook = { url: 'http://127.0.0.1:3000/webhooks/broxi', events: ['*'] };
  assert.deepEqual(pasted(banner()), [
    ['http://127.0.0.1:8080/v1/webhooks', ...headers, '-d', JSON.stringify(webhook)],
    ['http://127.0.0.1:8080/v1/events', ...headers, '-d', JSON.stringify(FIRST_EVENT)],
  ]);
});

test('a key with a quote in it survives the shell', () => {
  const text = banner({ server: { ...server, apiKey: `it's$HOME"\\key` } });
  assert.equal(pasted(text)[0]?.[2], `Authorization: Bearer it's$HOME"\\key`);
});

test('the first event satisfies its schema', () => {
  assert.ok(Check(catalog[FIRST_EVENT.event].schema, FIRST_EVENT.data));
});

test('serve shows a new key once, and no lines to paste later', () => {
  const config = { mode: 'serve', host: '127.0.0.1' } as const;
  const first = banner({ config });
  assert.match(first, /broxi_0123456789 {2}shown only now/);
  assert.match(pasted(first)[0]?.join(' ') ?? '', /https:\/\/your-app\.example\//);
  assert.doesNotMatch(first, /allowed/);
  const later = banner({ config, server: { ...server, apiKey: null, firstStart: false } });
  assert.doesNotMatch(later, /curl|API key/);
});

test('a key that its owner has set is taken from the variable', () => {
  const text = banner({
    config: { mode: 'serve', host: '::' },
    server: { ...server, url: 'http://[::]:1', apiKey: null },
  });
  const [call] = pasted(text, { BROXI_API_KEY: 'mine' });
  assert.deepEqual(call?.slice(0, 3), ['http://[::1]:1/v1/webhooks', '-H', 'Authorization: Bearer mine']);
});

test('no colours but on a terminal, and there not with NO_COLOR', (t) => {
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  process.env = { ...before, TERM: 'xterm-256color' };
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'CI']) delete process.env[name];
  const coloured = String.fromCharCode(27);
  const { getColorDepth } = WriteStream.prototype;
  const terminal = Object.assign(new PassThrough(), { isTTY: true, getColorDepth });
  assert.ok(!banner().includes(coloured));
  assert.ok(banner({ stream: terminal }).includes(coloured));
  process.env.NO_COLOR = '1';
  assert.ok(!banner({ stream: terminal }).includes(coloured));
});

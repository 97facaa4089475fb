import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { AppError, InvalidSettingError } from '../errors.ts';
import { reportFailure } from './report-failure.ts';

function report(error: unknown): { text: string; exitCode: unknown } {
  let text = '';
  const sink = { stderr: { write: (part: string) => (text += part) }, exitCode: undefined as number | undefined };
  reportFailure(error, sink as Parameters<typeof reportFailure>[1]);
  return { text, exitCode: sink.exitCode };
}

test('a wrong setting is one line and exit code 2, also when a thread found it', () => {
  for (const error of [
    new InvalidSettingError('BROXI_PORT is "x"'),
    new AppError('invalid_setting', 'BROXI_PORT is "x"'),
  ]) {
    assert.deepEqual(report(error), { text: 'broxi-webhooks: BROXI_PORT is "x"\n', exitCode: 2 });
  }
});

test('other failures are their message and exit code 1', () => {
  assert.deepEqual(report(new Error('no')), { text: 'broxi-webhooks: no\n', exitCode: 1 });
  assert.deepEqual(report(new AppError('store_unavailable', 'full')), { text: 'broxi-webhooks: full\n', exitCode: 1 });
  assert.deepEqual(report('odd'), { text: 'broxi-webhooks: odd\n', exitCode: 1 });
});

test('a port in use is one line that names --port', async (t) => {
  const first = createServer().listen(0, '127.0.0.1');
  await once(first, 'listening');
  t.after(() => first.close());
  const { port } = first.address() as AddressInfo;
  const [error] = await once(createServer().listen(port, '127.0.0.1').on('listening', assert.fail), 'error');
  const { text, exitCode } = report(error);
  assert.equal(
    text,
    `broxi-webhooks: 127.0.0.1, port ${port}, is in use: choose another with --port (0 picks a free one).\n`,
  );
  assert.equal(exitCode, 1);
});

test('a host that is not of this machine names --host', async () => {
  const [error] = await once(createServer().listen(0, '203.0.113.1').on('listening', assert.fail), 'error');
  assert.match(report(error).text, /203\.0\.113\.1 is not an address of this machine: choose another with --host/);
});

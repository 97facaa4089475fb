import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { EXIT_USAGE } from '../../packages/server/src/cli/exit-codes.ts';
import { readConfig } from '../../packages/server/src/config.ts';
import { readText } from './deploy-files.ts';
import { STOP_LIMIT_S } from './stop-limit.ts';

/** `systemd-analyze security` gives 0 to a service that may do nothing, and 10 to one that may do everything. */
const MOST_EXPOSED = 1.5;

const text = readText('deploy/broxi-webhooks.service');
const folder = mkdtempSync(join(tmpdir(), 'broxi-unit-'));
const unit = join(folder, 'broxi-webhooks.service');

before(() => writeFileSync(unit, text.replace('ExecStart=broxi-webhooks', `ExecStart=${process.execPath}`)));
after(() => rmSync(folder, { recursive: true, force: true }));

test('systemd takes every line of it', () => {
  // What it does not know it only warns of.
  const { status, stderr } = analyze(['verify', unit]);
  assert.deepEqual([status, stderr], [0, '']);
});

test('it may do little beside its work', () => {
  const threshold = `--threshold=${MOST_EXPOSED * 10}`;
  const { status, stderr } = analyze(['security', '--offline=yes', threshold, '--no-pager', unit]);
  assert.equal(status, 0, stderr);
});

test('its settings are acceptable, and its database lies in its folder', () => {
  const env = [...text.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name = '', value]) => [name, value]);
  const { databasePath } = readConfig({ mode: 'serve', env: Object.fromEntries(env) });
  assert.equal(databasePath, `/var/lib/${directive('StateDirectory')}/broxi.db`);
});

test('it is not killed while it stops, comes back, and not with settings that are not acceptable', () => {
  assert.ok(Number(directive('TimeoutStopSec')) > STOP_LIMIT_S);
  assert.equal(directive('Restart'), 'always');
  assert.equal(Number(directive('RestartPreventExitStatus')), EXIT_USAGE);
});

function analyze(parameters: string[]): { status: number | null; stderr: string } {
  const { status, stderr, error } = spawnSync('systemd-analyze', parameters, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { status, stderr };
}

function directive(name: string): string {
  return new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? assert.fail(name);
}

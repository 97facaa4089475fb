import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SETTINGS, variableName } from '../config.ts';
import { VERSION } from '../version.ts';

function run(args: string[], env: Record<string, string> = {}) {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=source', main, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });
  return { status, stdout, stderr };
}

test('help and version', () => {
  const help = run(['--help']);
  assert.equal(help.status, 0);
  for (const command of ['serve', 'dev', 'migrate', 'copy', 'send'])
    assert.match(help.stdout, new RegExp(`^  ${command} `, 'm'));
  assert.deepEqual(run(['--version']), { status: 0, stdout: `${VERSION}\n`, stderr: '' });
  const serve = run(['serve', '--help']);
  for (const name of Object.keys(SETTINGS)) assert.ok(serve.stdout.includes(variableName(name)), name);
  const migrate = run(['migrate', '--help']);
  assert.match(migrate.stdout, /--database-url/);
  assert.doesNotMatch(migrate.stdout, /--port/);
  const copy = run(['copy', '--help']);
  for (const flag of ['--from', '--to', '--encryption-key', '--config']) assert.ok(copy.stdout.includes(flag), flag);
  assert.doesNotMatch(copy.stdout, /--port|--database-url/);
  assert.match(run(['send', '--help']).stdout, /^Samples: workflow\.started, /m);
});

test('a wrong setting is one line and exit code 2', () => {
  assert.deepEqual(run(['migrate', '--database-url', 'x']), {
    status: 2,
    stdout: '',
    stderr: `broxi-webhooks: --database-url is not acceptable: expected ${SETTINGS.database_url.expected}.\n`,
  });
  assert.deepEqual(run(['migrate'], { BROXI_PROT: '1' }), {
    status: 2,
    stdout: '',
    stderr: 'broxi-webhooks: BROXI_PROT is not a setting: did you mean BROXI_PORT?\n',
  });
});

test('a wrong call is exit code 2', () => {
  for (const args of [[], ['srve'], ['send'], ['migrate', '--databse-url', 'x'], ['migrate', 'surplus']]) {
    const { status, stderr, stdout } = run(args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.notEqual(stderr, '');
  }
});

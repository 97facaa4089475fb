import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { SETTINGS, variableName } from '../../packages/server/src/config.ts';
import { ROOT, readText } from './deploy-files.ts';

/* Whatever is deployed, and what is written about it, names settings, commands and flags that there are. */

const DOCUMENTS = ['docs/deployment.md', 'docs/postgresql.md', 'README.md'];
const files = globSync('deploy/{*,kubernetes/*}', { cwd: ROOT, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => `${entry.parentPath.slice(ROOT.length)}/${entry.name}`);

test('every file of the folder is looked at', () => {
  const names = files.map((path) => path.slice('deploy/'.length)).toSorted();
  assert.deepEqual(names, [
    'Dockerfile',
    'broxi-webhooks.service',
    'compose.yaml',
    'haproxy.cfg',
    'kubernetes/broxi-webhooks.yaml',
    'kubernetes/split-roles.yaml',
  ]);
});

test('every variable is a setting', () => {
  const known = Object.keys(SETTINGS).map(variableName);
  for (const path of [...files, ...DOCUMENTS]) {
    for (const [variable] of readText(path).matchAll(/\bBROXI_[A-Z_]*[A-Z]\b/g)) {
      assert.ok(known.includes(variable), `${variable} in ${path}`);
    }
  }
});

test('every command and its flags are known', () => {
  const helpOf = new Map<string, string>();
  const commands = [...files, ...DOCUMENTS].flatMap((path) =>
    commandsIn(readText(path)).map((words) => ({ path, words })),
  );
  assert.ok(commands.length >= 8, 'commands are found');
  for (const { path, words } of commands) {
    const [command = '', ...rest] = words;
    if (!helpOf.has(command)) helpOf.set(command, help(command));
    for (const flag of rest.filter((word) => word.startsWith('--'))) {
      assert.ok(helpOf.get(command)?.includes(`${flag} `), `${command} ${flag} in ${path}`);
    }
  }
});

/** The words that follow the name of the program: in shell lines, in `ExecStart`, in `args: [serve, …]` and `CMD ["serve"]`. */
function commandsIn(text: string): string[][] {
  const lines = [...text.matchAll(/(?:^|[`=])broxi-webhooks ([a-z][^\n#|`]*)/gm)];
  const lists = [...text.matchAll(/(?:args: |^CMD )\[([^\]]+)\]/gm)];
  const shell = lines.map(([, words = '']) => words.trim().split(/\s+/));
  return [...shell, ...lists.map(([, words = '']) => words.replaceAll('"', '').split(/, */))];
}

function help(command: string): string {
  const main = `${ROOT}packages/server/src/cli/main.ts`;
  const { stdout } = spawnSync(process.execPath, ['--conditions=source', main, command, '--help'], {
    encoding: 'utf8',
  });
  // What is no command is answered with the help of all.
  assert.ok(stdout.startsWith(`Usage: broxi-webhooks ${command} `), `there is a command ${command}`);
  return stdout;
}

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';

const packageFolder = new URL('..', import.meta.url);

it('the example of the README prints what the README says', () => {
  const readme = readFileSync(new URL('README.md', packageFolder), 'utf8');
  const [, example, printed] = /```ts\n(.*?)```.*?```text\n(.*?)```/s.exec(readme) ?? [];
  assert.ok(example && printed, 'the README has an example and its output');
  const output = execFileSync(
    process.execPath,
    ['--conditions=source', '--input-type=module-typescript', '--eval', example],
    { cwd: packageFolder, encoding: 'utf8' },
  );
  assert.equal(output, printed);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { compileLinearRegExp } from './linear-regexp.ts';

test('compiles, with and without regard to case', () => {
  assert.equal(compileLinearRegExp('^a+$').matcher('aaa').find(), true);
  assert.equal(compileLinearRegExp('^a+$').matcher('AAA').find(), false);
  assert.equal(compileLinearRegExp('^a+$', { ignoreCase: true }).matcher('AAA').find(), true);
  assert.throws(() => compileLinearRegExp('(a'), /missing closing/);
});

test('the library is loaded when the first expression is compiled, and not before', () => {
  const script = `
    import { createRequire } from 'node:module';
    import { createMatcher } from './filter/matcher.ts';
    import { createDataSchemas } from '../publish/data-schemas.ts';
    const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('re2js'));
    const none = { conditions: null, routes: null };
    createMatcher({ ...none, filters: { name: 'a' } });
    createDataSchemas().assertCompiles('{"type": "object"}');
    const before = isLoaded();
    createMatcher({ ...none, filters: { name: { matches: 'a' } } });
    console.log(before, isLoaded());`;
  const options = ['--conditions=source', '--input-type=module-typescript', '--eval', script];
  const said = execFileSync(process.execPath, options, { cwd: import.meta.dirname, encoding: 'utf8' });
  assert.equal(said.trim(), 'false true');
});

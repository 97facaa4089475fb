import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rewriteThreadUrls } from './rewrite-thread-urls.ts';

test('entries of threads name compiled files', () => {
  assert.equal(
    rewriteThreadUrls(`new Worker(new URL('./a.ts', import.meta.url)); new URL("../b/c.d.ts", import.meta.url)`),
    `new Worker(new URL('./a.js', import.meta.url)); new URL("../b/c.d.js", import.meta.url)`,
  );
});

test('other addresses stay', () => {
  for (const code of [
    `new URL('../package.json', import.meta.url)`,
    `new URL('./a.ts', base)`,
    `new URL('https://x.example/a.ts')`,
    `import './a.ts'`,
  ]) {
    assert.equal(rewriteThreadUrls(code), code);
  }
});

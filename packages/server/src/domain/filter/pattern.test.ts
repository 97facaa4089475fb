import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePattern, MAX_MATCHED_LENGTH } from './pattern.ts';

function compile(source: string): (text: string) => boolean {
  const pattern = compilePattern(source);
  assert.ok('test' in pattern, JSON.stringify(pattern));
  return pattern.test;
}

test('looks anywhere in a text, and minds case', () => {
  assert.equal(compile('b+')('abbc'), true);
  assert.equal(compile('^b')('abc'), false);
  assert.equal(compile('B')('abc'), false);
  assert.equal(compile('(?i)B')('abc'), true);
  assert.equal(compile('\\p{Lu}ber')('Über'), true);
  assert.equal(compile('a\\/b')('a/b'), true, 'as JavaScript writes a slash');
});

test('says what is wrong', () => {
  for (const [source, problem] of [
    ['', /empty/],
    ['(', /missing closing/],
    ['[z-a]', /range/],
    ['a**', /regular expression of RE2/],
    ['(?=a)b', /RE2/],
    ['(a)\\1', /RE2/],
    ['a'.repeat(501), /500 characters/],
    ['(a{100}){100}', /repeat/],
    ['a{900}', /too large/],
    ['(.{0,100}x){3}', /too large/],
  ] as const) {
    const pattern = compilePattern(source);
    assert.match('problem' in pattern ? pattern.problem : '', problem, source);
  }
});

test('what is catastrophic elsewhere takes a moment', () => {
  const texts = ['a'.repeat(2 ** 18), 'ab'.repeat(2 ** 17), `${'a'.repeat(2 ** 18)}!`];
  const patterns = ['(a+)+$', '(a|a)*b', '(.*a){20}[0-9]', '(x+x+)+y', '(a|b)*a(a|b){60}[0-9]', '^(a|b|ab)*c'].map(
    compile,
  );
  const startedAt = performance.now();
  for (const matches of patterns) for (const text of texts) matches(text);
  const elapsedMs = performance.now() - startedAt;
  assert.ok(elapsedMs < 10_000, `${elapsedMs} ms`);
});

test('sees the beginning of a text that is long', () => {
  const padding = ' '.repeat(MAX_MATCHED_LENGTH - 1);
  assert.equal(compile('x')(`${padding}x`), true);
  assert.equal(compile('x')(`${padding} x`), false);
});

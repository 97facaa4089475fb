import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError, InvalidFieldsError } from '../errors.ts';
import { findJsonProblems } from './json-problems.ts';

const paths = (text: string) => findJsonProblems(text, 32).map(({ path }) => path);

function syntaxError(text: string): string | null {
  try {
    findJsonProblems(text, 32);
    return null;
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'malformed_json', String(error));
    return error.message;
  }
}

test('names keys that come twice, lone surrogates and numbers that would change, with their paths', () => {
  assert.deepEqual(paths('{"a":1,"b":{"a":2,"a":3}}'), ['b.a']);
  assert.deepEqual(paths('{"\\u0061":1,"a":2}'), ['a']);
  assert.deepEqual(paths('{"list":[0,"\\ud800",{"x":9007199254740993}]}'), ['list[1]', 'list[2].x']);
  assert.deepEqual(paths('{"\\udc00":1}').length, 1);
  assert.deepEqual(paths('[1e400, 0.1, 1.0, "\\ud83d\\ude00"]'), ['[0]']);
});

test('tells at most 20 problems', () => {
  assert.equal(paths(`[${new Array(100).fill('1e999').join(',')}]`).length, 20);
});

test('a syntax error has its line and column, and says what was expected', () => {
  assert.match(syntaxError('{\n  "a": nope\n}') ?? '', /line 2, column 8: expected a JSON value, found "n"/);
  assert.match(syntaxError('{"a":1') ?? '', /expected "," or "}", found the end/);
  assert.match(syntaxError('{} x') ?? '', /expected the end of the body, found "x"/);
});

test('nesting is read up to the limit and no further', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  assert.deepEqual(findJsonProblems(nested(5), 5), []);
  assert.throws(() => findJsonProblems(nested(6), 5), InvalidFieldsError);
  assert.throws(() => findJsonProblems('['.repeat(100_000), 64), InvalidFieldsError);
});

test('what JSON.stringify writes has no problem', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 }), fc.nat(3), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const changes = /(?<![\d.eE"])-?\d{16,}(?![\d.eE])/.test(text);
      if (!changes) assert.deepEqual(findJsonProblems(text, 1000), []);
    }),
  );
});

test('agrees with JSON.parse on what is JSON', () => {
  const json = fc
    .json()
    .chain((text) =>
      fc.tuple(
        fc.constant(text),
        fc.nat(text.length),
        fc.constantFrom('', ',', '"', '}', ']', '0', '-', '\\', ' ', 'e', '\n'),
      ),
    );
  fc.assert(
    fc.property(json, ([text, at, inserted]) => {
      const broken = text.slice(0, at) + inserted + text.slice(at + 1);
      let valid = true;
      try {
        JSON.parse(broken);
      } catch {
        valid = false;
      }
      assert.equal(syntaxError(broken) === null, valid, broken);
    }),
    { numRuns: 1000 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FieldError } from '../errors.ts';
import { FieldReader, isPlainObject } from './field-reader.ts';

function open(given: Record<string, unknown>, path = '') {
  const problems: FieldError[] = [];
  return { fields: new FieldReader(given, path, problems), problems };
}

/** Reads one field of every value by `read`. @returns what was read, or the problem's text */
function readEach(values: readonly unknown[], read: (fields: FieldReader) => unknown): unknown[] {
  return values.map((value) => {
    const { fields, problems } = open({ a: value });
    const result = read(fields);
    return problems[0]?.message ?? result;
  });
}

test('absent and null are the fallback; what an object inherits is absent', () => {
  const { fields, problems } = open({ a: null });
  for (const name of ['a', 'b', 'toString', '__proto__', 'constructor']) {
    assert.equal(fields.value(name), undefined);
    assert.equal(fields.number(name, { fallback: 7, min: 0, max: 9 }), 7);
    assert.equal(fields.duration(name, { fallback: 7, min: 0, max: 9 }), 7);
    assert.equal(fields.boolean(name, true), true);
    assert.equal(fields.text(name, 9), null);
    assert.equal(fields.oneOf(name, ['x', 'y'], 'y'), 'y');
  }
  assert.deepEqual(problems, []);
});

test('numbers keep to their bounds, and nothing is converted', () => {
  const wrong = 'must be an integer from 1 to 3';
  const read = (fields: FieldReader) => fields.number('a', { fallback: 2, min: 1, max: 3, integer: true });
  assert.deepEqual(readEach([1, 3, 0, 4, 1.5, '2', true, Number.NaN, Number.POSITIVE_INFINITY, [2]], read), [
    1,
    3,
    ...new Array(8).fill(wrong),
  ]);
  assert.deepEqual(
    readEach([1.5], (fields) => fields.number('a', { fallback: 2, min: 1, max: 3 })),
    [1.5],
  );
});

test('durations are seconds or texts with a unit', () => {
  const [, , , problem, ...rest] = readEach([1, '2s', '1m', '2m', 0.5, 'soon', {}], (fields) =>
    fields.duration('a', { fallback: 5, min: 1, max: 60 }),
  );
  assert.match(String(problem), /^must be 1 s to /);
  assert.ok(rest.every((message) => message === problem));
  assert.deepEqual(
    readEach([1, '2s', '1m'], (fields) => fields.duration('a', { fallback: 5, min: 1, max: 60 })),
    [1, 2, 60],
  );
});

test('booleans, texts and choices', () => {
  assert.deepEqual(
    readEach([true, false, 0, 'true'], (fields) => fields.boolean('a', true)),
    [true, false, 'must be true or false', 'must be true or false'],
  );
  const tooLong = 'must be a text of at most 3 characters';
  assert.deepEqual(
    readEach(['', 'abc', 'abcd', 7], (fields) => fields.text('a', 3)),
    ['', 'abc', tooLong, tooLong],
  );
  const choices = 'must be one of "x", "y"';
  assert.deepEqual(
    readEach(['x', 'y', 'z', 'X', 1], (fields) => fields.oneOf('a', ['x', 'y'], 'y')),
    ['x', 'y', choices, choices, choices],
  );
});

test('a faulty field is reported and read as its fallback', () => {
  const { fields, problems } = open({ a: 'x', b: 'x' }, 'webhook_config');
  assert.equal(fields.number('a', { fallback: 2, min: 1, max: 3 }), 2);
  assert.equal(fields.boolean('b', true), true);
  assert.deepEqual(
    problems.map(({ path }) => path),
    ['webhook_config.a', 'webhook_config.b'],
  );
});

test('objects are read in place, and what is none as an empty one', () => {
  const { fields, problems } = open({ good: { n: 'x' }, list: [], text: 'x' }, 'top');
  fields.object('good').number('n', { fallback: 1, min: 1, max: 2 });
  for (const name of ['list', 'text', 'absent']) {
    assert.equal(fields.object(name).number('n', { fallback: 1, min: 1, max: 2 }), 1);
  }
  fields.within('good', { m: 1 }).refuseUnknown(['n']);
  assert.deepEqual(problems, [
    { path: 'top.good.n', message: 'must be a number from 1 to 2' },
    { path: 'top.list', message: 'must be an object' },
    { path: 'top.text', message: 'must be an object' },
    { path: 'top.good.m', message: 'is unknown; expected one of n' },
  ]);
});

test('unknown fields are refused by name, with the nearest known one, and at most 20 of them', () => {
  const { fields, problems } = open({ tiemout: 1, timeout: 1, zzzzzzzzzzzz: 1 });
  fields.refuseUnknown(['timeout', 'url']);
  assert.deepEqual(problems, [
    { path: 'tiemout', message: 'is unknown; did you mean timeout?' },
    { path: 'zzzzzzzzzzzz', message: 'is unknown; expected one of timeout, url' },
  ]);
  const many = open(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`field${i}`, 1])));
  many.fields.refuseUnknown(['url']);
  assert.equal(many.problems.length, 20);
});

test('plain objects are neither null nor lists', () => {
  assert.deepEqual([{}, Object.create(null), null, [], 'x', undefined].map(isPlainObject), [
    ...[true, true, false],
    ...[false, false, false],
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergePatch } from '../merge-patch.ts';
import { compileFilter } from './compile-filter.ts';
import { explainFilter } from './explain-filter.ts';
import { listNulls } from './list-nulls.ts';
import { parseFilter } from './parse-filter.ts';

/*
 * Filters made at random against the plainest evaluator that there can be: it knows nothing of trees, probes or closures, and
 * reads the JSON as the language is described.
 */

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const NOWHERE = Symbol('nowhere');

function reference(filter: { readonly [key: string]: Json }, event: string, data: Json): boolean {
  return Object.entries(filter).every(([key, wanted]) => {
    if (key === 'all') return list(wanted).every((one) => reference(object(one), event, data));
    if (key === 'any') return list(wanted).some((one) => reference(object(one), event, data));
    if (key === 'not') return !reference(object(wanted), event, data);
    if (key.endsWith('_contains')) return reference({ [key.slice(0, -9)]: { contains: wanted } }, event, data);
    const values = key === 'event' ? [event] : ends(data, key.split('.'));
    const operators = Array.isArray(wanted) ? { in: wanted } : isObject(wanted) ? wanted : { equals: wanted };
    const total = key.split('.').at(-1) === 'token_usage';
    return values.some((value) => Object.entries(operators).every(([name, x]) => passes(name, x, value, total)));
  });
}

/** Every place that a path ends at. */
function ends(value: Json, [step, ...rest]: readonly string[]): (Json | typeof NOWHERE)[] {
  if (step === undefined) return [value];
  if (Array.isArray(value)) {
    const found = value.flatMap((element: Json) => ends(element, [step, ...rest]));
    return found.length === 0 ? [NOWHERE] : found;
  }
  if (!isObject(value) || !Object.keys(value).includes(step)) return [NOWHERE];
  return ends(value[step] ?? null, rest);
}

function passes(operator: string, operand: Json, value: Json | typeof NOWHERE, total: boolean): boolean {
  if (operator === 'exists') return operand === (value !== NOWHERE);
  if (operator.startsWith('not_')) return !passes(operator.slice(4), operand, value, total);
  if (value === NOWHERE) return false;
  const any = list(operand);
  const number = total && isObject(value) ? value['total_tokens'] : value;
  switch (operator) {
    case 'equals':
    case 'in':
      return any.some((one) => JSON.stringify(one) === JSON.stringify(value));
    case 'starts_with':
      return any.some((one) => typeof value === 'string' && value.slice(0, String(one).length) === one);
    case 'ends_with':
      return any.some((one) => typeof value === 'string' && value.slice(-String(one).length) === one);
    case 'contains':
      if (Array.isArray(value))
        return value.some((each) => any.some((one) => JSON.stringify(one) === JSON.stringify(each)));
      return typeof value === 'string' && any.some((one) => typeof one === 'string' && value.split(one).length > 1);
    case 'matches':
      return typeof value === 'string' && new RegExp(String(operand), 'u').test(value);
    default:
      if (typeof number !== 'number' || typeof operand !== 'number') return false;
      if (operator.startsWith('greater_than'))
        return number > operand || (operator.endsWith('equal') && number === operand);
      return number < operand || (operator.endsWith('equal') && number === operand);
  }
}

function list(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [value];
}

function isObject(value: unknown): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(value: Json): { readonly [key: string]: Json } {
  assert.ok(isObject(value));
  return value;
}

// Few names and few values, so that they meet.
const text = fc.constantFrom('a', 'b', 'ab', 'ba', 'aab', '1');
const number = fc.constantFrom(-1, 0, 1, 1.5, 2, 3);
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const event = fc.constantFrom('workflow.failed', 'workflow.completed', 'user.session.ended');
const name = fc.constantFrom('f', 'g', 'token_usage', 'total_tokens');
const { data } = fc.letrec<{ data: { [key: string]: Json }; value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 4, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 2, arbitrary: tie('data') },
  ),
  data: fc.dictionary(name, tie('value'), { maxKeys: 4 }),
}));

const texts = fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 }));
const scalars = fc.array(scalar, { minLength: 1, maxLength: 3 });
const operands: readonly (readonly [operator: string, operand: fc.Arbitrary<Json>])[] = [
  ['equals', scalar],
  ['not_equals', scalar],
  ['in', scalars],
  ['not_in', scalars],
  ['starts_with', texts],
  ['ends_with', texts],
  ['contains', fc.oneof(scalar, scalars)],
  ['not_contains', fc.oneof(scalar, scalars)],
  ['matches', fc.constantFrom('^a', 'b$', 'a+b', '[a-z]{2}', '1|b')],
  ['exists', fc.boolean()],
  ['greater_than', number],
  ['greater_than_or_equal', number],
  ['less_than', number],
  ['less_than_or_equal', number],
];
// Few at a time: many contradict each other.
const operators = fc
  .uniqueArray(fc.oneof(...operands.map(([operator, operand]) => fc.tuple(fc.constant(operator), operand))), {
    minLength: 1,
    maxLength: 3,
    selector: ([operator]) => operator,
  })
  .map((entries) => Object.fromEntries(entries) as { [key: string]: Json });
const wanted = fc.oneof(scalar, scalars, operators);
const key = fc.array(name, { minLength: 1, maxLength: 3 }).map((steps) => steps.join('.'));
const fields = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(key, wanted) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('event'), fc.oneof(event, fc.array(event, { minLength: 1 }))) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      key.map((one) => `${one}_contains`),
      texts,
    ),
  },
);
const { filter } = fc.letrec<{ filter: { [key: string]: Json } }>((tie) => ({
  filter: fc
    .array(
      fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        { weight: 5, arbitrary: fields },
        {
          weight: 2,
          arbitrary: fc.tuple(fc.constantFrom('all', 'any'), fc.array(tie('filter'), { minLength: 1, maxLength: 3 })),
        },
        { weight: 1, arbitrary: fc.tuple(fc.constant('not'), tie('filter')) },
      ),
      { minLength: 1, maxLength: 3 },
    )
    .map((entries) => Object.fromEntries(entries) as { [key: string]: Json }),
}));

/** Null where the filter is refused. */
function compiled(given: unknown) {
  const read = parseFilter(given, 'filters');
  return 'filter' in read ? { filter: read.filter, holds: compileFilter(read.filter) } : null;
}

test('the compiler agrees with the plain evaluator', () => {
  const seen = { held: 0, failed: 0, refused: 0 };
  fc.assert(
    fc.property(filter, event, data, (given, type, fields) => {
      const one = compiled(given);
      if (one === null) {
        seen.refused += 1;
        return;
      }
      const expected = reference(given, type, fields);
      seen[expected ? 'held' : 'failed'] += 1;
      assert.equal(one.holds({ event: type, data: fields }), expected);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(seen.held > 1_000 && seen.failed > 1_000 && seen.refused < 12_000, JSON.stringify(seen));
});

test('not is the complement, whatever it holds', () => {
  fc.assert(
    fc.property(filter, event, data, (given, type, fields) => {
      const [one, other] = [compiled(given), compiled({ not: given })];
      fc.pre(one !== null && other !== null);
      const subject = { event: type, data: fields };
      assert.equal(other?.holds(subject), !one?.holds(subject));
    }),
    { numRuns: 5_000 },
  );
});

test('what is refused as contradictory holds for no value', () => {
  let refused = 0;
  fc.assert(
    fc.property(operators, fc.array(data, { minLength: 20, maxLength: 20 }), (given, values) => {
      const read = parseFilter({ f: given }, 'filters');
      if ('filter' in read || !read.problems.every(({ message }) => message.startsWith('can never hold'))) return;
      refused += 1;
      for (const one of values) assert.equal(reference({ f: given }, 'x', one), false, JSON.stringify(one));
    }),
    { numRuns: 5_000 },
  );
  assert.ok(refused > 500, String(refused));
});

test('an explanation is empty exactly where the filter holds', () => {
  fc.assert(
    fc.property(filter, event, data, (given, type, fields) => {
      const one = compiled(given);
      fc.pre(one !== null);
      if (one === null) return;
      const subject = { event: type, data: fields };
      assert.equal(explainFilter(one.filter, subject).length === 0, one.holds(subject));
    }),
    { numRuns: 5_000 },
  );
});

test('a filter means the same after a round trip through JSON, and depends on the event alone', () => {
  fc.assert(
    fc.property(filter, event, data, (given, type, fields) => {
      const [one, again] = [compiled(given), compiled(JSON.parse(JSON.stringify(given)))];
      assert.equal(one === null, again === null);
      const subject = { event: type, data: fields };
      const answers = [one, again, one].map((each) => each?.holds(structuredClone(subject)));
      assert.equal(new Set(answers).size, 1);
    }),
    { numRuns: 2_000 },
  );
});

test('a filter means the same when nulls are written as lists, and holds none that a merge patch would drop', () => {
  let changed = 0;
  fc.assert(
    fc.property(filter, event, data, (given, type, fields) => {
      const one = compiled(given);
      fc.pre(one !== null);
      const written = listNulls(given);
      if (JSON.stringify(written) !== JSON.stringify(given)) changed += 1;
      assert.deepEqual(mergePatch(written, written), written);
      const subject = { event: type, data: fields };
      assert.equal(compiled(written)?.holds(subject), one?.holds(subject), JSON.stringify(written));
    }),
    { numRuns: 5_000 },
  );
  assert.ok(changed > 300, String(changed));
});

test('nothing that is given makes the reader throw', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' }), fc.jsonValue(), (given, fields) => {
      compiled(given)?.holds({ event: 'x', data: fields });
      compiled({ any: [given], f: given })?.holds({ event: 'x', data: { f: fields } });
    }),
    { numRuns: 5_000 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError, type FieldError, InvalidFieldsError } from '../errors.ts';
import { parseJsonStrictly } from './strict-json.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const parse = (text: string) => parseJsonStrictly(encode(text));

function refusal(text: string): readonly FieldError[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof InvalidFieldsError) return error.fields;
    throw error;
  }
  return [];
}

const paths = (text: string) => refusal(text).map(({ path }) => path);

function assertMalformed(bytes: Uint8Array, message: RegExp) {
  assert.throws(
    () => parseJsonStrictly(bytes),
    (error) => error instanceof AppError && error.code === 'malformed_json' && message.test(error.message),
  );
}

test('says where JSON or UTF-8 is broken', () => {
  assertMalformed(encode(''), /line 1, column 1: expected a JSON value, found the end/);
  assertMalformed(encode('{"a":1,}'), /line 1, column 8/);
  assertMalformed(encode('{"a":\n tru}'), /line 2, column 2/);
  assertMalformed(encode('[1,2'), /column 5: expected "," or "\]", found the end/);
  assertMalformed(encode('[01]'), /column 3/);
  assertMalformed(encode('"a\u0001"'), /column 3/);
  assertMalformed(encode('"\u007f\\q"'), /column 3: expected an escape/);
  assertMalformed(encode('1 2'), /expected the end/);
  assertMalformed(Uint8Array.of(0x22, 0x41, 0xc3, 0x22), /UTF-8 at byte 2/);
  assertMalformed(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), /UTF-8 at byte 1/);
});

test('the slow reading finds a syntax error wherever JSON.parse does', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"a"',
    '"',
    ':',
    ',',
    '1',
    '-',
    '.5',
    'e1',
    'true',
    'nul',
    ' ',
    '\\u12',
    '\n',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      if (!valid) assertMalformed(encode(text), /^Not valid JSON at line \d+, column \d+: expected /);
    }),
    { numRuns: 2000 },
  );
});

test('takes a byte order mark, and keys such as __proto__ as ordinary ones', () => {
  assert.deepEqual(parse('\ufeff[1]'), [1]);
  const value = parse('{"__proto__":{"x":1},"constructor":2}') as object;
  assert.deepEqual(Object.keys(value), ['__proto__', 'constructor']);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.deepEqual(paths('{"__proto__":1,"__proto__":2}'), ['__proto__']);
});

test('takes numbers that keep their value', () => {
  const fine = [
    '0.1',
    '1.0',
    '1e3',
    '-0',
    '-0.0',
    '0e999',
    '9007199254740992',
    '-9007199254740992',
    '1e20',
    '1E+2',
    '1.50',
  ];
  const more = ['0.30000000000000004', '5e-324', '1.7976931348623157e308', '1700000000000000', '9007199254740994.0'];
  for (const token of [...fine, ...more]) assert.deepEqual(paths(`{"a":[${token}]}`), [], token);
});

test('refuses numbers that JavaScript would change, with their paths', () => {
  const changed = ['9007199254740993', '9007199254740994', '-9007199254740993', '1e400', '-1e400', '1e-400', '3e-324'];
  const more = [
    '0.1000000000000000055511151231257827',
    '123456789012345678901234567890',
    '9007199254740993.0',
    '1.00000000000000000001',
  ];
  for (const token of [...changed, ...more])
    assert.deepEqual(paths(`{"x.y":{"a":[0,${token}]}}`), ['x\\.y.a[1]'], token);
});

/** Independent of the code under test: compares exact rationals. */
function sameValue(a: string, b: string): boolean {
  const exact = (token: string) => {
    const [, sign = '', whole = '', fraction = '', exponent = '0'] =
      /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(token) ?? [];
    return BigInt(sign + whole + fraction) * 10n ** BigInt(Number(exponent) - fraction.length + 500);
  };
  return exact(a) === exact(b);
}

test('numbers agree with exact arithmetic', () => {
  const token = fc
    .record({
      sign: fc.constantFrom('', '-'),
      whole: fc.oneof(fc.constant('0'), fc.bigInt(1n, 10n ** 24n).map(String), fc.nat(99).map(String)),
      fraction: fc.oneof(
        fc.constant(''),
        fc.bigInt(0n, 10n ** 20n).map((n) => `.${n}`),
        fc.nat(9999).map((n) => `.${n}`),
      ),
      exponent: fc.oneof(
        fc.constant(''),
        fc.integer({ min: -330, max: 320 }).map((e) => `e${e}`),
      ),
    })
    .map(({ sign, whole, fraction, exponent }) => sign + whole + fraction + exponent);
  fc.assert(
    fc.property(token, (text) => {
      const written = JSON.stringify(Number(text));
      const beyond = /^-?\d+$/.test(text) && BigInt(text) ** 2n > 2n ** 106n;
      const kept = !beyond && written !== 'null' && sameValue(text, written);
      assert.equal(refusal(`[${text}]`).length === 0, kept, text);
    }),
    { numRuns: 3000 },
  );
});

test('a hostile row of digits is read in linear time', () => {
  const started = performance.now();
  assert.deepEqual(paths(`[1.${'0'.repeat(250_000)}1]`), ['[0]']);
  assert.ok(performance.now() - started < 1000);
});

test('refuses half surrogate pairs in texts and keys, and takes whole ones', () => {
  for (const half of [
    '\\ud83d',
    '\\uDE00',
    '\\ud83dx',
    '\\ud83d\\n',
    '\\ud83d\\ud83d',
    '\\ude00\\ud83d',
    '\\ud83d\\u0041',
  ]) {
    assert.deepEqual(paths(`{"a":"${half}"}`), ['a'], half);
    assert.equal(refusal(`{"a":{"${half}":1}}`).length, 1, half);
  }
  for (const whole of ['\\ud83d\\ude00', '\\uD83D\\uDE00\\uD83D\\uDE00', '\\\\ud83d', '\\ud7ff', '\\ue000', '😀']) {
    assert.deepEqual(paths(`{"a":"${whole}"}`), [], whole);
  }
});

test('counts levels: 64 are fine, 65 are not', () => {
  assert.deepEqual(paths('['.repeat(64) + ']'.repeat(64)), []);
  assert.deepEqual(paths('['.repeat(65) + ']'.repeat(65)), ['[0]'.repeat(64)]);
  assert.deepEqual(paths(`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`), [Array(64).fill('a').join('.')]);
  assert.equal(refusal('['.repeat(200_000)).length, 1);
  assert.deepEqual(paths(`[${'[],'.repeat(100)}[]]`), []);
});

test('finds keys that come twice, also when they are escaped differently', () => {
  assert.deepEqual(paths('{"a":1,"a":1}'), ['a']);
  assert.deepEqual(paths('{"data":[{},{"cost":1,"\\u0063ost":2}]}'), ['data[1].cost']);
  assert.deepEqual(paths('{"a":{"b":1,"c":":{"},"a":2}'), ['a']);
  assert.deepEqual(paths('{"a":{"a":1},"b":{"a":1}}'), []);
});

type Tree = { leaf: unknown } | { items: Tree[] } | { members: [string, Tree][] };

test('a duplicate is refused exactly where an object was written with one', () => {
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.record({ leaf: fc.oneof(fc.nat(), fc.string(), fc.boolean(), fc.constant(null)) }),
      fc.record({ items: fc.array(tie('tree'), { maxLength: 3 }) }),
      fc.record({
        members: fc.array(fc.tuple(fc.constantFrom('a', 'b', ':', '{"', '__proto__', '1'), tie('tree')), {
          maxLength: 3,
        }),
      }),
    ),
  }));
  const write = (node: Tree): string => {
    if ('leaf' in node) return JSON.stringify(node.leaf);
    if ('items' in node) return `[${node.items.map(write).join(',')}]`;
    return `{${node.members.map(([key, member]) => `${JSON.stringify(key)} : ${write(member)}`).join(',')}}`;
  };
  const repeats = (node: Tree): boolean => {
    if ('leaf' in node) return false;
    if ('items' in node) return node.items.some(repeats);
    return (
      new Set(node.members.map(([key]) => key)).size < node.members.length || node.members.some(([, m]) => repeats(m))
    );
  };
  fc.assert(
    fc.property(tree, (node) => assert.equal(refusal(write(node)).length > 0, repeats(node))),
    { numRuns: 2000 },
  );
});

test('what is taken survives re-serialisation byte for byte', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value);
      const written = JSON.stringify(JSON.parse(text));
      if (!written.isWellFormed()) return;
      const errors = refusal(written);
      // JSON.stringify writes doubles beyond 2^53 as plain integers, and those are refused, as is half a pair.
      const reasons = errors.every(({ message }) => /would be changed|surrogate/.test(message));
      assert.ok(reasons);
      if (errors.length === 0) assert.equal(JSON.stringify(parse(written)), written);
    }),
    { numRuns: 1000 },
  );
});

test('reports at most 20 problems, and shortens long keys', () => {
  assert.equal(refusal(`[${Array(50).fill('1e400').join(',')}]`).length, 20);
  const [long] = paths(`{"${'k'.repeat(1000)}":1e400}`);
  assert.ok(long !== undefined && long.length < 100);
});

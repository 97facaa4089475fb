import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FieldError } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { MAX_METADATA_PAIRS, readMetadata } from './webhook-metadata.ts';

function read(metadata: unknown): { value: Record<string, string>; paths: string[] } {
  const problems: FieldError[] = [];
  const value = readMetadata(new FieldReader({ metadata }, '', problems));
  return { value, paths: problems.map(({ path }) => path) };
}

const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));

test('takes pairs of texts up to their limits', () => {
  const largest = { ['n'.repeat(64)]: 'v'.repeat(500), empty: '' };
  for (const value of [{}, { team: 'crm' }, pairs(MAX_METADATA_PAIRS), largest]) {
    assert.deepEqual(read(value), { value, paths: [] });
  }
  assert.deepEqual(read(null), { value: {}, paths: [] });
});

test('refuses what is none, and names each pair that is wrong', () => {
  for (const value of ['x', [], 7, pairs(MAX_METADATA_PAIRS + 1)]) {
    assert.deepEqual(read(value), { value: {}, paths: ['metadata'] });
  }
  const wrong = { ok: 'x', number: 7, nothing: null, long: 'v'.repeat(501), 'a.b': {} };
  assert.deepEqual(read(wrong).paths, ['metadata.number', 'metadata.nothing', 'metadata.long', 'metadata.a\\.b']);
  assert.equal(read({ '': 'x' }).paths.length, 1);
  assert.equal(read({ ['n'.repeat(65)]: 'x' }).paths.length, 1);
});

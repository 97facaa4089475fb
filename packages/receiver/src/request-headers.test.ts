import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headerReader, type RequestHeaders } from './request-headers.ts';

test('reads Headers and plain objects alike, without case', () => {
  const plain: RequestHeaders = { 'X-Broxi-Signature': ' abc ', 'WEBHOOK-ID': ['del_1'], empty: '', none: undefined };
  const headers = new Headers({ 'X-Broxi-Signature': ' abc ', 'WEBHOOK-ID': 'del_1', empty: '' });
  for (const read of [headerReader(plain), headerReader(headers)]) {
    assert.equal(read('x-broxi-signature'), 'abc');
    assert.equal(read('webhook-id'), 'del_1');
    assert.equal(read('empty'), null);
    assert.equal(read('none'), null);
    assert.equal(read('absent'), null);
  }
});

test('joins repeated values as Headers does', () => {
  const headers = new Headers();
  headers.append('a', '1');
  headers.append('A', '2');
  assert.equal(headerReader(headers)('a'), '1, 2');
  assert.equal(headerReader({ a: ['1', '2'] })('a'), '1, 2');
  assert.equal(headerReader({ a: '1', A: '2' })('a'), '1, 2');
});

test('sees own values only, and takes a header named get for a header', () => {
  assert.equal(headerReader({})('constructor'), null);
  assert.equal(headerReader({ get: 'text' })('get'), 'text');
  const bare: Record<string, string> = Object.assign(Object.create(null), { a: '1' });
  assert.equal(headerReader(bare)('a'), '1');
});

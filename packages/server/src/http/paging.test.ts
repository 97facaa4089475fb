import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InvalidFieldsError } from '../errors.ts';
import { decodeCursor, encodeCursor, pageFrom } from './paging.ts';

const isWord = (text: string) => /^\w+$/.test(text);

describe('cursors', () => {
  it('lead back to the position that they were made from', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\w{1,40}$/), (position) => {
        assert.deepEqual(decodeCursor(encodeCursor(position), isWord), { before: position });
      }),
    );
  });

  it('are refused unless they were made here', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const position = Buffer.from(text, 'base64url').toString();
        fc.pre(!isWord(position) || encodeCursor(position) !== text);
        assert.throws(() => decodeCursor(text, isWord), InvalidFieldsError);
      }),
    );
  });

  it('are not needed', () => {
    assert.equal(decodeCursor(undefined, isWord), undefined);
  });
});

describe('pageFrom', () => {
  it('leads on only where there is more', () => {
    const page = (items: string[]) => pageFrom(items, 2, (item) => item);
    assert.deepEqual(page([]), { data: [], next_cursor: null });
    assert.deepEqual(page(['c', 'b']), { data: ['c', 'b'], next_cursor: null });
    assert.deepEqual(page(['c', 'b', 'a']), { data: ['c', 'b'], next_cursor: encodeCursor('b') });
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Journal, Table } from './journal.ts';

function openTable() {
  const journal = new Journal();
  const table = new Table<number>(journal);
  const write = (key: string, row: number | null) => {
    journal.begin();
    if (row === null) table.delete(key);
    else table.put(key, row);
    journal.commit();
  };
  const rows = () => Object.fromEntries(['a', 'b', 'c'].map((key) => [key, table.get(key) ?? null]));
  return { journal, table, write, rows };
}

test('a rollback undoes what its transaction did, whatever that was', () => {
  const { journal, table, write, rows } = openTable();
  write('a', 1);
  journal.begin();
  table.put('a', 2);
  table.put('b', 3);
  table.delete('a');
  table.insert('c', 4);
  assert.throws(() => table.insert('c', 5));
  journal.rollback();
  assert.deepEqual(rows(), { a: 1, b: null, c: null });
  assert.throws(() => table.put('a', 9), /inside a transaction/);
});

test('a crash loses what is not synced, but for the first ones that the disk kept', () => {
  for (const kept of [0, 1, 2]) {
    const { journal, write, rows } = openTable();
    write('a', 1);
    journal.sync(journal.committed);
    write('a', 2);
    write('b', 3);
    write('a', null);
    journal.crash(kept);
    const expected = [
      { a: 1, b: null },
      { a: 2, b: null },
      { a: 2, b: 3 },
    ];
    assert.deepEqual(rows(), { ...expected[kept], c: null });
    assert.equal(journal.committed, 1 + kept);
  }
});

test('a sync that ends late takes nothing back', () => {
  const { journal, write, rows } = openTable();
  write('a', 1);
  const early = journal.committed;
  write('b', 2);
  journal.sync(journal.committed);
  journal.sync(early);
  journal.crash(0);
  assert.deepEqual(rows(), { a: 1, b: 2, c: null });
});

test('what is prepared is seen once it is committed, and not at all if a row that it read or wrote was changed', () => {
  for (const changed of ['a', 'b', 'c', null]) {
    const { journal, table, write, rows } = openTable();
    write('a', 1);
    write('b', 2);
    journal.begin({ notesReads: true });
    table.get('a');
    table.put('b', 3);
    table.put('b', 4);
    const prepared = journal.prepare();
    assert.deepEqual(rows(), { a: 1, b: 2, c: null });
    if (changed !== null) write(changed, 9);
    const isFree = changed === null || changed === 'c';
    assert.equal(
      prepared.commit(() => table.put('c', 5)),
      isFree,
      String(changed),
    );
    const expected = { a: 1, b: 2, c: null, ...(changed !== null && { [changed]: 9 }) };
    assert.deepEqual(rows(), isFree ? { a: 1, b: 4, c: 5 } : expected);
    assert.equal(journal.synced, isFree ? journal.committed : 0);
  }
});

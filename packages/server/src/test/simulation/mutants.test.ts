import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findBreakage } from './find-breakage.ts';
import { MUTANTS } from './mutants.ts';
import { findMutant, mutated } from './mutate.ts';

test('what the breakages replace stands in the sources, once, and they have names of their own', () => {
  const folder = join(import.meta.dirname, '..', '..');
  for (const mutant of MUTANTS) {
    const source = readFileSync(join(folder, mutant.file), 'utf8');
    assert.notEqual(mutated(source, mutant), source, mutant.name);
  }
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
});

for (const name of ['one slot too many', 'found: a write is refused although the disk may keep it']) {
  test(`the simulation finds a breakage: ${name}`, async () => {
    const found = await findBreakage(findMutant(name), 300);
    assert.ok(found, 'in one of 300 seeds');
  });
}

test('a breakage that does not fit its file is refused', () => {
  const { name, ...mutant } = findMutant('one slot too many');
  assert.throws(() => mutated('nothing of it', { name, ...mutant }), /exactly once/);
  assert.throws(() => mutated(mutant.find + mutant.find, { name, ...mutant }), /exactly once/);
  assert.throws(() => findMutant('no such breakage'), /there is no mutant/);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { catalog } from './catalog.ts';
import { nearestNames } from './nearest-names.ts';

const types = Object.keys(catalog);

describe('nearestNames', () => {
  it('finds what was meant', () => {
    const meant: [wrong: string, right: string][] = [
      ['workflow.complete', 'workflow.completed'],
      ['workflow_completed', 'workflow.completed'],
      ['Workflow.Failed', 'workflow.failed'],
      ['worfklow.failed', 'workflow.failed'],
      ['workflow.canceled', 'workflow.cancelled'],
      ['message.received', 'user.message.received'],
      ['user.sesion.start', 'user.session.started'],
      ['quota.exceeded', 'api.quota.exceeded'],
    ];
    for (const [wrong, right] of meant) assert.equal(nearestNames(wrong, types)[0], right, wrong);
  });

  it('ignores case on both sides', () => {
    assert.deepEqual(nearestNames('ABCDEF', ['abcdef']), ['abcdef']);
    assert.deepEqual(nearestNames('abcdef', ['ABCDEF']), ['ABCDEF']);
  });

  it('names nothing when nothing is near', () => {
    for (const name of ['', 'x', 'invoice.paid', 'zzzzzzzzzzzzzzzzzz']) assert.deepEqual(nearestNames(name, types), []);
  });

  it('puts the nearest first, keeps the order among equals, says each once, and stops at three', () => {
    assert.deepEqual(nearestNames('abcdef', ['abcdxy', 'abcdeg', 'abcdeh', 'abcdeg', 'abcdei']), [
      'abcdeg',
      'abcdeh',
      'abcdei',
    ]);
  });

  it('counts a swap of neighbours as one change', () => {
    assert.deepEqual(nearestNames('acb', ['abc']), ['abc']);
    assert.deepEqual(nearestNames('cba', ['abc']), []);
  });

  it('has no suggestion for a name that is longer than any type may be', () => {
    assert.deepEqual(nearestNames('a'.repeat(129), ['a'.repeat(128)]), []);
    assert.deepEqual(nearestNames('a'.repeat(127), ['a'.repeat(128)]), ['a'.repeat(128)]);
  });

  it('agrees with the plain recursive definition of the distance', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 7 });
    fc.assert(
      fc.property(word, word, (name, candidate) => {
        const near = distance(name, candidate) <= Math.floor(Math.max(name.length, candidate.length) * 0.4);
        assert.deepEqual(nearestNames(name, [candidate]), near ? [candidate] : []);
      }),
      { numRuns: 2000 },
    );
  });
});

/** Optimal string alignment, from the ends inwards, without any short cut. */
function distance(a: string, b: string): number {
  if (a === '' || b === '') return Math.max(a.length, b.length);
  const cost = a.at(-1) === b.at(-1) ? 0 : 1;
  const least = Math.min(
    distance(a.slice(0, -1), b) + 1,
    distance(a, b.slice(0, -1)) + 1,
    distance(a.slice(0, -1), b.slice(0, -1)) + cost,
  );
  const swapped = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1);
  return swapped ? Math.min(least, distance(a.slice(0, -2), b.slice(0, -2)) + 1) : least;
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { doneIn, ENOUGH_JOBS, LINGER_MS, openGroup } from './test-commit-group.ts';

describe('commit group', () => {
  it('at rest commits at once, and answers after the sync', async () => {
    const { add, clock, log, syncs, rows, group } = openGroup({ syncsBySelf: false });
    const added = add('a');
    assert.deepEqual(log, []);
    await clock.advance(0);
    assert.deepEqual(rows(), ['a']);
    assert.deepEqual(log, ['written', 'sync']);
    await clock.advance(60_000);
    assert.deepEqual(log, ['written', 'sync'], 'nobody is told before it is on disk');
    syncs[0]?.resolve();
    await clock.advance(0);
    assert.deepEqual(log, ['written', 'sync', 'on disk', 'a done']);
    assert.equal(await added, 'a of 0');
    assert.equal(group.commits, 1);
    assert.equal(clock.timers, 0);
  });

  it('writes what comes together in one transaction with one sync', async () => {
    const { add, clock, log, group } = openGroup();
    const added = ['a', 'b', 'c'].map((name) => add(name));
    await clock.advance(0);
    assert.deepEqual(await Promise.all(added), ['a of 0', 'b of 0', 'c of 0']);
    assert.deepEqual(log, ['written', 'sync', 'on disk', 'a done', 'b done', 'c done']);
    assert.equal(group.commits, 1);
  });

  it('begins under load a transaction every lingerMs, and takes all that came', async () => {
    const { add, clock, rows, group } = openGroup();
    add('a');
    await clock.advance(0);
    add('b');
    await clock.advance(LINGER_MS / 2);
    add('c');
    await clock.advance(LINGER_MS / 2 - 1);
    assert.deepEqual(rows(), ['a']);
    await clock.advance(1);
    assert.deepEqual(rows(), ['a', 'b', 'c']);
    assert.equal(group.commits, 2);
    await clock.advance(LINGER_MS);
    add('d');
    await clock.advance(0);
    assert.deepEqual(rows(), ['a', 'b', 'c', 'd'], 'at rest again');
  });

  it('waits no longer once there are enough jobs', async () => {
    const { add, clock, rows } = openGroup();
    add('a');
    await clock.advance(0);
    for (let i = 1; i < ENOUGH_JOBS; i += 1) add(`b${i}`);
    await clock.advance(0);
    assert.equal(rows().length, 1);
    add('b9');
    await clock.advance(0);
    assert.equal(rows().length, 1 + ENOUGH_JOBS);
    assert.equal(clock.timers, 0);
  });

  it('writes the next group while a sync runs, and gathers what comes while two do', async () => {
    const { add, clock, rows, syncs, log } = openGroup({ syncsBySelf: false });
    add('a');
    await clock.advance(LINGER_MS);
    add('b');
    await clock.advance(LINGER_MS);
    assert.deepEqual(rows(), ['a', 'b']);
    for (let i = 0; i < 2 * ENOUGH_JOBS; i += 1) add(`c${i}`);
    await clock.advance(10 * LINGER_MS);
    assert.deepEqual(rows(), ['a', 'b'], 'nothing is written while two syncs run');
    syncs[0]?.resolve();
    await clock.advance(0);
    assert.deepEqual(doneIn(log), ['a']);
    assert.equal(rows().length, 2 + 2 * ENOUGH_JOBS);
    assert.equal(syncs.length, 3);
    syncs[1]?.resolve();
    syncs[2]?.resolve();
    await clock.advance(0);
    assert.equal(doneIn(log).length, 2 + 2 * ENOUGH_JOBS);
    assert.equal(clock.timers, 0);
  });

  it('tells of transactions in their order, whichever sync ends first', async () => {
    const { add, clock, syncs, log } = openGroup({ syncsBySelf: false });
    add('a');
    await clock.advance(LINGER_MS);
    add('b');
    await clock.advance(LINGER_MS);
    syncs[1]?.resolve();
    await clock.advance(LINGER_MS);
    assert.deepEqual(doneIn(log), []);
    syncs[0]?.resolve();
    await clock.advance(0);
    assert.deepEqual(doneIn(log), ['a', 'b']);
  });

  it('flushes what waits without waiting, and ends when it is on disk', async () => {
    const { add, group, clock, syncs, rows, log } = openGroup({ syncsBySelf: false });
    await group.flush();
    add('a');
    const flushed = group.flush().then(() => log.push('flushed'));
    assert.deepEqual(rows(), ['a']);
    add('b');
    syncs[0]?.resolve();
    await clock.advance(0);
    assert.deepEqual(rows(), ['a', 'b'], 'with what came meanwhile');
    assert.ok(!log.includes('flushed'));
    syncs[1]?.resolve();
    await flushed;
    assert.deepEqual(log.slice(-2), ['b done', 'flushed']);
    assert.equal(clock.timers, 0);
  });

  it('closes when all is on disk, and refuses what comes later', async () => {
    const { add, group, clock, rows, database } = openGroup();
    const added = add('a');
    const meanwhile = added.then(() => add('b'));
    await group.close();
    await Promise.all([added, meanwhile]);
    assert.deepEqual(rows(), ['a', 'b']);
    database.close();
    await assert.rejects(add('c'), { name: 'StoreUnavailableError', message: /closed/ });
    await group.close();
    assert.equal(clock.timers, 0);
  });
});

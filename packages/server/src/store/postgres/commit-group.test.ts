import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreUnavailableError } from '../../errors.ts';
import { createFakeClock } from '../../test/fake-clock.ts';
import { type Batch, CommitGroup } from './commit-group.ts';
import { InTheWayError } from './errors.ts';
import { Transaction } from './transaction.ts';

const LINGER_MS = 10;
const ENOUGH_JOBS = 5;

/**
 * A group that writes names into a list, whose transactions last until the test says so. `log` tells what happened.
 * @param letsPass whether the next one may begin while one is committed
 */
function openGroup({ endsBySelf = true, letsPass = false } = {}) {
  const clock = createFakeClock();
  const log: string[] = [];
  const rows: string[] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  /** What the next transactions fail with. */
  const failures: Error[] = [];
  const group = new CommitGroup({
    async transact(work, onCommitting) {
      const before = rows.length;
      const tx = new Transaction(() => Promise.reject(new Error('nobody asks')));
      try {
        await work(tx);
        const end = Promise.withResolvers<void>();
        ends.push(end);
        if (letsPass) onCommitting();
        if (endsBySelf) end.resolve();
        await end.promise;
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        return tx;
      } catch (error) {
        rows.length = before;
        throw error;
      }
    },
    clock,
    lingerMs: LINGER_MS,
    enoughJobs: ENOUGH_JOBS,
    afterCommit: () => log.push('told'),
  });
  const insert: Batch<string, string> = async (_, names) => {
    if (names.includes('poison')) throw new Error('poison');
    rows.push(...names);
    log.push(`insert ${names.join(' ')}`);
    return names.map((name) => `${name} of ${clock.monotonic()}`);
  };
  const add = (name: string, size = 1) => {
    const promise = group.run(insert, name, size);
    promise.then(
      () => log.push(`${name} done`),
      () => log.push(`${name} failed`),
    );
    return promise;
  };
  return { group, clock, log, rows, ends, failures, add, insert };
}

describe('commit group of PostgreSQL', () => {
  it('at rest commits at once, answers after the commit, and then tells of it', async () => {
    const { add, clock, log, ends, group } = openGroup({ endsBySelf: false });
    const added = add('a');
    assert.deepEqual(log, []);
    await clock.advance(60_000);
    assert.deepEqual(log, ['insert a'], 'nobody is told before the commit');
    ends[0]?.resolve();
    assert.equal(await added, 'a of 0');
    await clock.advance(0);
    assert.deepEqual(log, ['insert a', 'told', 'a done']);
    assert.equal(group.commits, 1);
    assert.equal(clock.timers, 0);
  });

  it('writes what is of one kind together, each kind in one transaction with the others', async () => {
    const { add, clock, log, group } = openGroup();
    const other: Batch<number, number> = async (_, numbers) => {
      log.push(`add ${numbers.join(' ')}`);
      return numbers.map((each) => each + 1);
    };
    const answers = Promise.all([add('a'), group.run(other, 1), add('b'), group.run(other, 2)]);
    await clock.advance(0);
    assert.deepEqual(await answers, ['a of 0', 2, 'b of 0', 3]);
    assert.deepEqual(log.slice(0, 2), ['insert a b', 'add 1 2']);
    assert.equal(group.commits, 1);
  });

  it('has batches share round trips, and writes what is by itself after them, one after the other', async () => {
    const { add, clock, log, group, insert } = openGroup();
    const answer = Promise.withResolvers<void>();
    const slow: Batch<number, number> = async (_, numbers) => {
      log.push('asked');
      await answer.promise;
      log.push('answered');
      return numbers;
    };
    const alone = (name: string) =>
      group.work(async (tx) => {
        log.push(`${name} begins`);
        await insert(tx, [name]);
        log.push(`${name} ends`);
      });
    const all = [alone('x'), group.run(slow, 1), add('a'), alone('y')];
    await clock.advance(0);
    assert.deepEqual(log, ['asked', 'insert a']);
    answer.resolve();
    await Promise.all(all);
    const works = ['x begins', 'insert x', 'x ends', 'y begins', 'insert y', 'y ends'];
    assert.deepEqual(log.slice(2, -2), ['answered', ...works]);
  });

  it('undoes a transaction only when nothing of it is under way any more', async () => {
    const { add, clock, log, group, rows } = openGroup();
    const answer = Promise.withResolvers<void>();
    const slow: Batch<string, string> = async (_, names) => {
      await answer.promise;
      rows.push(...names);
      return names;
    };
    const slowly = group.run(slow, 'b');
    const refused = assert.rejects(add('poison'), { message: 'poison' });
    await clock.advance(0);
    assert.deepEqual(log, []);
    answer.resolve();
    await refused;
    assert.equal(await slowly, 'b');
    assert.deepEqual(rows, ['b']);
  });

  it('has one transaction under way at a time, and gathers meanwhile', async () => {
    const { add, clock, log, ends } = openGroup({ endsBySelf: false });
    add('a');
    await clock.advance(0);
    for (const name of ['b', 'c', 'd', 'e', 'f', 'g']) add(name);
    await clock.advance(60_000);
    assert.deepEqual(log, ['insert a']);
    ends[0]?.resolve();
    await clock.advance(0);
    assert.deepEqual(
      log.filter((line) => line.startsWith('insert')),
      ['insert a', 'insert b c d e f g'],
    );
    ends[1]?.resolve();
    await clock.advance(0);
  });

  it('begins the next one while one is committed, and no third one', async () => {
    const { add, clock, log, ends } = openGroup({ endsBySelf: false, letsPass: true });
    const inserts = () => log.filter((line) => line.startsWith('insert'));
    for (const name of ['a', 'b', 'c']) {
      add(name);
      await clock.advance(LINGER_MS);
    }
    assert.deepEqual(inserts(), ['insert a', 'insert b']);
    ends[0]?.resolve();
    await clock.advance(0);
    assert.deepEqual(inserts(), ['insert a', 'insert b', 'insert c']);
    for (const end of ends) end.resolve();
    await clock.advance(0);
    assert.deepEqual(
      log.filter((line) => line.endsWith('done')),
      ['a done', 'b done', 'c done'],
    );
    assert.equal(clock.timers, 0);
  });

  it('goes on behind one that fails, and repeats that one', async () => {
    const { add, clock, log, ends, failures, group } = openGroup({ endsBySelf: false, letsPass: true });
    failures.push(new InTheWayError('deadlock'));
    const both: Promise<string>[] = [];
    for (const name of ['a', 'b']) {
      both.push(add(name));
      await clock.advance(LINGER_MS);
    }
    for (let n = 0; n < 3; n += 1) {
      ends[n]?.resolve();
      await clock.advance(0);
    }
    await Promise.all(both);
    assert.deepEqual(
      log.filter((line) => line.startsWith('insert')),
      ['insert a', 'insert b', 'insert a'],
    );
    assert.equal(group.commits, 2);
  });

  it('begins under load a transaction every lingerMs, or when there are enough', async () => {
    const { add, clock, rows } = openGroup();
    add('a');
    await clock.advance(0);
    add('b');
    await clock.advance(LINGER_MS - 1);
    assert.deepEqual(rows, ['a']);
    await clock.advance(1);
    assert.deepEqual(rows, ['a', 'b']);
    for (let i = 0; i < ENOUGH_JOBS; i += 1) add(`c${i}`);
    await clock.advance(0);
    assert.equal(rows.length, 2 + ENOUGH_JOBS);
  });

  it('takes no more rows into one transaction than it may, but for a job that has more by itself', async () => {
    const { add, clock, log } = openGroup();
    for (const [name, size] of [
      ['a', 1_500],
      ['b', 400],
      ['c', 200],
      ['d', 5_000],
      ['e', 1],
    ] as const) {
      add(name, size);
    }
    await clock.advance(1_000);
    assert.deepEqual(
      log.filter((line) => line.startsWith('insert')),
      ['insert a b', 'insert c', 'insert d', 'insert e'],
    );
  });

  it('lets what is broken fail alone', async () => {
    const { add, clock, rows } = openGroup();
    const names = ['a', 'b', 'poison', 'c', 'd', 'e', 'f'];
    const settled = Promise.allSettled(names.map((name) => add(name)));
    await clock.advance(1_000);
    const outcomes = await settled;
    assert.deepEqual(
      names.filter((_, i) => outcomes[i]?.status === 'rejected'),
      ['poison'],
    );
    assert.deepEqual(rows, ['a', 'b', 'c', 'd', 'e', 'f']);
  });

  it('refuses all of a group when the database takes nothing, without trying each', async () => {
    const { add, clock, log, failures, group, ends } = openGroup();
    failures.push(new StoreUnavailableError('no room', undefined));
    const settled = Promise.allSettled(['a', 'b', 'c'].map((name) => add(name)));
    await clock.advance(1_000);
    for (const outcome of await settled) {
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof StoreUnavailableError);
    }
    assert.equal(ends.length, 1);
    assert.ok(!log.includes('told'));
    assert.equal(group.commits, 0);
  });

  it('repeats what another transaction was in the way of, and gives up in the end', async () => {
    const { add, clock, rows, failures, ends } = openGroup();
    failures.push(new InTheWayError('deadlock'), new InTheWayError('deadlock'));
    const added = add('a');
    await clock.advance(1_000);
    assert.equal(await added, 'a of 0');
    assert.deepEqual(rows, ['a']);
    assert.equal(ends.length, 3);
    failures.push(...Array.from({ length: 99 }, () => new InTheWayError('deadlock')));
    const refused = assert.rejects(add('b'), StoreUnavailableError);
    await clock.advance(1_000);
    await refused;
    assert.deepEqual(rows, ['a']);
  });

  it('writes what waits before it closes, and refuses what comes after', async () => {
    const { add, clock, rows, group, ends } = openGroup({ endsBySelf: false });
    const added = [add('a')];
    await clock.advance(0);
    added.push(add('b'));
    const closing = group.close();
    ends[0]?.resolve();
    await clock.advance(0);
    ends[1]?.resolve();
    await clock.advance(0);
    await closing;
    await Promise.all(added);
    assert.deepEqual(rows, ['a', 'b']);
    await assert.rejects(add('c'), StoreUnavailableError);
  });
});

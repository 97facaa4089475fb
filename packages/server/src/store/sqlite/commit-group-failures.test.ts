import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreUnavailableError } from '../../errors.ts';
import { LINGER_MS, openGroup } from './test-commit-group.ts';

describe('commit group, when something fails', () => {
  it('fails a job that throws, alone', async () => {
    const { add, group, clock, rows, log } = openGroup();
    let runs = 0;
    const broken = group.run(() => {
      runs += 1;
      throw new Error('broken');
    });
    const refused = assert.rejects(broken, { message: 'broken' });
    const added = [add('a'), add('a'), add('b')];
    const settled = Promise.allSettled(added);
    await clock.advance(0);
    await refused;
    assert.deepEqual(
      (await settled).map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(rows(), ['a', 'b']);
    assert.equal(runs, 2);
    const end = ['sync', 'on disk', 'on disk', 'a done', 'b done'];
    assert.deepEqual(
      log.filter((line) => !line.endsWith('failed')),
      ['undone', 'undone', 'written', 'undone', 'written', ...end],
    );
    assert.equal(group.commits, 2);
  });

  it('gives the result of the run that counts', async () => {
    const { group, clock } = openGroup();
    let runs = 0;
    const counted = group.run(() => (runs += 1));
    const refused = assert.rejects(
      group.run(() => {
        throw new Error('broken');
      }),
    );
    await clock.advance(0);
    assert.equal(await counted, 2);
    await refused;
  });

  it('goes on when all that came was refused, without a sync', async () => {
    const { add, clock, log, group } = openGroup();
    add('a');
    await clock.advance(LINGER_MS);
    log.length = 0;
    const refused = assert.rejects(add('a'));
    await clock.advance(LINGER_MS);
    await refused;
    assert.deepEqual(log, ['undone', 'a failed']);
    const added = add('b');
    await clock.advance(LINGER_MS);
    assert.equal(await added, `b of ${2 * LINGER_MS}`);
    assert.equal(group.commits, 2);
  });

  it('refuses all of a group when the disk is full, keeps nothing of it, and writes again when there is room', async () => {
    const { database, add, clock, rows, log, group } = openGroup();
    add('a');
    await clock.advance(LINGER_MS);
    const pages = Number(database.prepare('PRAGMA page_count').get()?.['page_count']);
    database.exec(`PRAGMA max_page_count = ${pages}`);
    log.length = 0;
    const attempts = [add('b'), add('c', 'x'.repeat(1_000_000)), add('d')];
    const settled = Promise.allSettled(attempts);
    await clock.advance(LINGER_MS);
    for (const outcome of await settled) {
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof StoreUnavailableError);
      assert.match(outcome.reason.message, /the disk is full/);
    }
    assert.deepEqual(rows(), ['a']);
    assert.deepEqual(log, ['undone', 'b failed', 'c failed', 'd failed']);
    assert.equal(group.commits, 1);
    database.exec('PRAGMA max_page_count = 1000000');
    const added = add('c', 'x'.repeat(1_000_000));
    await clock.advance(LINGER_MS);
    await added;
    assert.deepEqual(rows(), ['a', 'c']);
  });

  it('says what is wrong with the machine, and passes on what is wrong with a statement', async () => {
    const { database, group, clock } = openGroup();
    const failing = async (work: () => unknown) => {
      const outcome = Promise.allSettled([group.run(work)]);
      await clock.advance(LINGER_MS);
      const [settled] = await outcome;
      assert.ok(settled?.status === 'rejected');
      return settled.reason;
    };
    const statement = await failing(() => database.exec('INSERT INTO rows (name) VALUES (1), (1)'));
    assert.ok(!(statement instanceof StoreUnavailableError));
    assert.match(statement.message, /UNIQUE/);
    database.exec('PRAGMA query_only = 1');
    const readOnly = await failing(() => database.exec(`INSERT INTO rows (name) VALUES ('b')`));
    assert.ok(readOnly instanceof StoreUnavailableError);
    assert.match(readOnly.message, /read-only/);
    assert.ok(readOnly.cause instanceof Error);
  });

  it('stops for good when a sync fails: what waits is refused, and what was written is in doubt', async () => {
    const { add, clock, syncs, log } = openGroup({ syncsBySelf: false });
    add('a').finally(() => log.push('a answered'));
    await clock.advance(0);
    const waiting = assert.rejects(add('b'), StoreUnavailableError);
    syncs[0]?.reject(new Error('EIO'));
    await clock.advance(LINGER_MS);
    await waiting;
    await assert.rejects(add('c'), StoreUnavailableError);
    await clock.advance(LINGER_MS);
    assert.equal(syncs.length, 1);
    assert.ok(!log.includes('on disk'));
    assert.ok(!log.includes('a answered'), 'it may be on disk after all');
    assert.equal(log.filter((line) => line.startsWith('broken: ')).length, 1);
  });
});

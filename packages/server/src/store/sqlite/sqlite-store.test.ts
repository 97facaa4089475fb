import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, mock } from 'node:test';
import type { Clock } from '../../clock.ts';
import type { OpenedStore, StoreHarness } from '../conformance/harness.ts';
import { createManualClock } from '../conformance/manual-clock.ts';
import { answered, nextAttempt, plannedEvent, sampleAudit, sampleChange, submission } from '../conformance/samples.ts';
import { testStore } from '../conformance/test-store.ts';
import type { Store } from '../store.ts';
import { createVault } from '../vault.ts';
import { openSqliteReader, openSqliteStore } from './open-sqlite-store.ts';

/** Without a limit of its own; the largest that SQLite knows. */
const MOST_PAGES = 4_294_967_294;

const harness: StoreHarness = { open: openOnFile };

async function openOnFile(clock: Clock): Promise<OpenedStore & { path: string; writer: DatabaseSync }> {
  const folder = mkdtempSync(join(tmpdir(), 'broxi-store-'));
  const path = join(folder, 'broxi.db');
  const vault = createVault(randomBytes(32));
  const open = () => ({ ...openWithConnection({ path, vault, clock }), reader: openSqliteReader({ path, vault }) });
  let current = open();
  const end = async () => {
    await current.reader.close();
    await current.store.close();
  };
  return {
    path,
    get store() {
      return current.store;
    },
    get reader() {
      return current.reader;
    },
    get writer() {
      return current.writer;
    },
    async addWorkspace(workspaceId) {
      const beside = new DatabaseSync(path, { timeout: 5_000 });
      beside.prepare('INSERT INTO workspaces (id, name) VALUES (?, ?)').run(workspaceId, 'test');
      beside.close();
    },
    async reopen() {
      await end();
      current = open();
    },
    async close() {
      await end();
      rmSync(folder, { recursive: true });
    },
    async dump() {
      const files = readdirSync(folder).filter((name) => !name.endsWith('-shm'));
      return Buffer.concat(files.map((name) => readFileSync(join(folder, name))));
    },
    async fill() {
      const { writer } = current;
      const limitTo = (pages: number) => writer.prepare(`PRAGMA max_page_count = ${pages}`).get();
      limitTo(Number(writer.prepare('PRAGMA page_count').get()?.['page_count']));
      return async () => {
        limitTo(MOST_PAGES);
      };
    },
  };
}

/** The store, and the connection inside it: how many pages a database may have is a setting of the connection. */
function openWithConnection(options: { path: string; vault: ReturnType<typeof createVault>; clock: Clock }): {
  store: Store;
  writer: DatabaseSync;
} {
  const executed = mock.method(DatabaseSync.prototype, 'exec');
  try {
    const store = openSqliteStore({ ...options, lingerMs: 0 });
    const connections = executed.mock.calls.map((call): unknown => call.this);
    const writer = connections.find((each) => each instanceof DatabaseSync && each.location() === options.path);
    if (!(writer instanceof DatabaseSync)) throw new Error('The store did not open its database.');
    return { store, writer };
  } finally {
    executed.mock.restore();
  }
}

testStore('SQLite', harness);

/** The store's own, and another one that looks into its file. */
interface Connections {
  writer: DatabaseSync;
  beside: DatabaseSync;
}

describe('what only SQLite shows', () => {
  const lane = { workspaceId: 'ws_1', webhookId: 'wh_1' };

  /** A store, and a connection of the test's own that looks into its file. */
  async function withStore(
    act: (opened: OpenedStore & Connections & { clock: ReturnType<typeof createManualClock> }) => Promise<void>,
  ): Promise<void> {
    const clock = createManualClock();
    const { path, ...opened } = await openOnFile(clock);
    const beside = new DatabaseSync(path, { timeout: 5_000 });
    try {
      await act({ ...opened, beside, clock });
    } finally {
      beside.close();
      await opened.close();
    }
  }

  it('reads write nothing at all, also of lanes that nothing was ever owed in', async () => {
    await withStore(async ({ store, beside }) => {
      await store.record(submission([plannedEvent([lane])]));
      const version = () => beside.prepare('PRAGMA data_version').get()?.['data_version'];
      const before = version();
      for (const each of [lane, { ...lane, webhookId: 'wh_2' }, { ...lane, workspaceId: 'ws_2' }]) {
        await store.readDue({ lane: each, class: 0, after: null, dueBy: 0, limit: 1 });
        await store.nextDueAt(each, 0);
        await store.loadLane(each);
        await store.loadWorkspace(each.workspaceId);
        await store.listDeliveries({ workspaceId: each.workspaceId, limit: 1, state: 'pending' });
      }
      await store.sweep();
      assert.equal(version(), before);
      assert.equal(await store.cancel({ lane: { ...lane, webhookId: 'wh_2' }, limit: 1, reason: 'test' }), 0);
      assert.equal(beside.prepare('SELECT count(*) AS count FROM lanes').get()?.['count'], 1);
    });
  });

  it('a pause writes one row and its audit entry, however much waits', async () => {
    await withStore(async ({ store, writer, addWorkspace }) => {
      await addWorkspace(lane.workspaceId);
      await store.putWebhook(sampleChange(lane));
      for (let i = 0; i < 20; i += 1) await store.record(submission([plannedEvent([lane])]));
      const changes = () => Number(writer.prepare('SELECT total_changes() AS count').get()?.['count']);
      for (const change of ['pause', 'resume'] as const) {
        const before = changes();
        await store.changeHold({ lane, change, audit: sampleAudit(lane.workspaceId, change) });
        assert.equal(changes() - before, 2, change);
      }
    });
  });

  it('keeps audit entries as they were given', async () => {
    await withStore(async ({ store, beside, addWorkspace }) => {
      await addWorkspace(lane.workspaceId);
      const given = [sampleAudit(lane.workspaceId), { ...sampleAudit(lane.workspaceId), detail: null }] as const;
      await store.appendAudit(given[0]);
      await store.putWebhook(sampleChange(lane, { audit: given[1] }));
      const rows = beside.prepare('SELECT * FROM audit_log ORDER BY id').all();
      const kept = rows.map(({ workspace_id: workspaceId, ...entry }) => ({ workspaceId, ...entry }));
      assert.deepEqual(kept, given);
    });
  });

  it('removes expired idempotency keys, faster than new ones come', async () => {
    await withStore(async ({ store, beside, clock }) => {
      const record = (key: string) => {
        const idempotency = { scope: 'POST /v1/events', key, bodyHash: 'h' };
        return store.record(submission([plannedEvent([lane])], { idempotency }));
      };
      const count = () => Number(beside.prepare('SELECT count(*) AS count FROM idempotency').get()?.['count']);
      for (let i = 0; i < 30; i += 1) await record(`old ${i}`);
      clock.step(25 * 3_600_000);
      for (let i = 0; i < 5; i += 1) await record(`new ${i}`);
      assert.ok(count() < 30, `${count()} are left`);
      for (let i = 5; i < 15; i += 1) await record(`new ${i}`);
      assert.equal(count(), 15);
    });
  });

  it('takes several calls of one moment in one commit, and tells of a lane once', async () => {
    await withStore(async ({ store }) => {
      const heard: unknown[] = [];
      store.onWake((wakes) => heard.push(wakes.length));
      const { commits } = await store.counters();
      await Promise.all(Array.from({ length: 20 }, () => store.record(submission([plannedEvent([lane])]))));
      assert.equal((await store.counters()).commits, commits + 1);
      assert.deepEqual(heard, [1]);
    });
  });

  it('leaves the last event and the last delivery, so that nothing later gets their numbers', async () => {
    await withStore(async ({ store, clock }) => {
      const [first, alone] = [plannedEvent([lane]), { ...plannedEvent([lane]), deliveries: [] }];
      const settleNext = async () => {
        for (const deliveryClass of [0, 2] as const) {
          const query = { lane, class: deliveryClass, after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 1 };
          for (const delivery of await store.readDue(query)) {
            const attempt = nextAttempt(delivery, answered(204));
            await store.settle({ delivery, attempt, next: { state: 'delivered' }, destination: null });
          }
        }
      };
      const prune = () => store.prune({ before: clock.now(), after: 0, limit: 1_000 });
      const isThere = async () => [
        (await store.getDelivery(lane.workspaceId, 'del_last')) !== null,
        (await store.getEvent(lane.workspaceId, alone.event.id)) !== null,
      ];
      await store.record(submission([first]));
      await settleNext();
      await store.replay(lane, first.deliveries[0]?.id ?? '', 'del_last');
      await settleNext();
      await store.record(submission([alone]));
      clock.step(99 * 86_400_000);
      await prune();
      assert.deepEqual(await isThere(), [true, true]);
      await store.record(submission([plannedEvent([lane])]));
      await prune();
      assert.deepEqual(await isThere(), [false, false], 'they are not the last any more');
    });
  });

  it('lists what waits, also where more does than is looked for in the queue', async () => {
    await withStore(async ({ store }) => {
      const lanes = Array.from({ length: 1_001 }, (_, i) => ({ ...lane, webhookId: `wh_${i}` }));
      const [first, ...rest] = lanes;
      assert.ok(first);
      for (let i = 0; i < 10; i += 1) await store.record(submission([plannedEvent([first, ...rest])]));
      const page = { workspaceId: lane.workspaceId, state: 'pending', limit: 3 } as const;
      assert.equal((await store.listDeliveries(page)).length, 3);
      assert.equal((await store.listDeliveries({ ...page, webhookId: 'wh_1000', limit: 99 })).length, 10);
    });
  });
});

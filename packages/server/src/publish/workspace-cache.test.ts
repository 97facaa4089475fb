import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressPolicy } from '../domain/public-address.ts';
import type { Webhook } from '../domain/webhook.ts';
import { parseWebhookConfig } from '../domain/webhook-config.ts';
import type { Directory } from '../store/store.ts';
import { createFakeClock } from '../test/fake-clock.ts';
import { WorkspaceCache } from './workspace-cache.ts';

const rules = { allowHttp: false, addressPolicy: createAddressPolicy({ allowNetworks: [] }), headerPrefix: 'X-Broxi-' };
const WORKSPACE = 'ws_1';
const audit = { workspaceId: WORKSPACE, id: 'aud_1', at: 0, actor: 'x', action: 'x', subject: 'x', detail: null };
const MATCHING = { event: 'workflow.completed', data: { cost: 1 } };

/** A webhook, and how often its filters were looked at, which is what compiling begins with. */
function counted(id: string, events: readonly string[]): { webhook: Webhook; looks: () => number } {
  const { config } = parseWebhookConfig({ url: 'https://a.example/', events, filters: { cost: 1 } }, rules);
  let looks = 0;
  const watched = Object.defineProperty({ ...config }, 'filters', {
    get: () => {
      looks += 1;
      return config.filters;
    },
  });
  const times = { createdAt: 0, updatedAt: 0, deletedAt: null };
  const webhook = { workspaceId: WORKSPACE, id, version: 1, revision: 1, config: watched, secret: 's', ...times };
  return { webhook, looks: () => looks };
}

function openCache(webhooks: readonly Webhook[]) {
  const directory: Pick<Directory, 'loadWorkspace' | 'putWebhook'> = {
    loadWorkspace: async () => ({ revision: 1, webhooks: [...webhooks], eventTypes: [] }),
    putWebhook: async ({ webhook }) => ({ ...webhook, version: 1, revision: 2, createdAt: 0 }),
  };
  return new WorkspaceCache(directory as Directory, { clock: createFakeClock() });
}

test('looks at the filters of those that subscribe, once, however many events come', async () => {
  const few = Array.from({ length: 10 }, (_, i) => counted(`wh_few_${i}`, ['workflow.completed']));
  const many = Array.from({ length: 9_990 }, (_, i) => counted(`wh_many_${i}`, ['user.*', 'workflow.failed']));
  const cache = openCache([...many, ...few].map(({ webhook }) => webhook));
  for (let event = 0; event < 3; event += 1) {
    const subscribers = (await cache.get(WORKSPACE)).subscribersOf('workflow.completed');
    assert.equal(subscribers.length, 10);
    for (const { matcher } of subscribers) assert.deepEqual(matcher?.(MATCHING), { route: null });
  }
  assert.deepEqual(new Set(few.map(({ looks }) => looks())), new Set([1]));
  assert.deepEqual(new Set(many.map(({ looks }) => looks())), new Set([0]));
});

test('a change of one webhook compiles that one only', async () => {
  const one = counted('wh_one', ['*']);
  const other = counted('wh_other', ['*']);
  const cache = openCache([one.webhook, other.webhook]);
  (await cache.get(WORKSPACE)).subscribersOf('workflow.completed');
  const changed = counted('wh_other', ['*']);
  await cache.putWebhook({ webhook: changed.webhook, expectedVersion: 1, audit });
  const view = await cache.get(WORKSPACE);
  assert.equal(view.revision, 2);
  assert.equal(view.subscribersOf('workflow.completed').length, 2);
  assert.deepEqual([one.looks(), other.looks(), changed.looks()], [1, 1, 1]);
});

test('what several save at one time is all seen by whoever publishes next', async () => {
  const saved: Webhook[] = [];
  let revision = 0;
  const commits: (() => void)[] = [];
  const directory: Pick<Directory, 'loadWorkspace' | 'putWebhook'> = {
    loadWorkspace: async () => ({ revision, webhooks: [...saved], eventTypes: [] }),
    async putWebhook({ webhook }) {
      await new Promise<void>((resolve) => commits.push(resolve));
      revision += 1;
      const version = { ...webhook, version: 1, revision, createdAt: 0 };
      saved.push(version);
      return version;
    },
  };
  const cache = new WorkspaceCache(directory as Directory, { clock: createFakeClock() });
  const save = (id: string) => cache.putWebhook({ webhook: counted(id, ['*']).webhook, expectedVersion: null, audit });
  for (let round = 0; round < 3; round += 1) {
    await cache.get(WORKSPACE);
    const all = Promise.all([1, 2, 3, 4].map((n) => save(`wh_${round}_${n}`)));
    for (const commit of commits.splice(0)) commit();
    await all;
    const view = await cache.get(WORKSPACE);
    assert.deepEqual([...view.webhooks.keys()].toSorted(), saved.map(({ id }) => id).toSorted());
    assert.equal(view.subscribersOf('workflow.completed').length, saved.length);
  }
});

test('there is nothing to ask of a webhook without filters and routes', async () => {
  const { config } = parseWebhookConfig({ url: 'https://a.example/', events: ['*'] }, rules);
  const { webhook } = counted('wh_1', ['*']);
  const view = await openCache([{ ...webhook, config }]).get(WORKSPACE);
  assert.equal(view.subscribersOf('workflow.completed')[0]?.matcher, null);
});

test('reads a workspace again when others may have changed it, and not before', async () => {
  const clock = createFakeClock();
  let revision = 0;
  const directory: Pick<Directory, 'loadWorkspace'> = {
    loadWorkspace: async () => {
      revision += 1;
      return { revision, webhooks: [], eventTypes: [] };
    },
  };
  const cache = new WorkspaceCache(directory as Directory, { clock, maxAgeMs: 1_000 });
  const revisions = async () =>
    (await Promise.all([cache.get(WORKSPACE), cache.get(WORKSPACE)])).map((view) => view.revision);
  assert.deepEqual(await revisions(), [1, 1]);
  await clock.advance(999);
  assert.deepEqual(await revisions(), [1, 1]);
  await clock.advance(1);
  assert.deepEqual(await revisions(), [2, 2]);
  await clock.advance(3_600_000);
  assert.deepEqual(await revisions(), [3, 3]);
});

test('a workspace that takes long to read is read again less often', async () => {
  const clock = createFakeClock();
  let reads = 0;
  const directory: Pick<Directory, 'loadWorkspace'> = {
    loadWorkspace: async () => {
      reads += 1;
      await new Promise<void>((resolve) => clock.after(500, resolve));
      return { revision: reads, webhooks: [], eventTypes: [] };
    },
  };
  const cache = new WorkspaceCache(directory as Directory, { clock, maxAgeMs: 1_000 });
  const first = cache.get(WORKSPACE);
  await clock.advance(500);
  await first;
  await clock.advance(9_000);
  assert.equal((await cache.get(WORKSPACE)).revision, 1);
  await clock.advance(1_000);
  const again = cache.get(WORKSPACE);
  await clock.advance(500);
  assert.equal((await again).revision, 2);
});

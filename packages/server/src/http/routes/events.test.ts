import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { newId } from '../../ids.ts';
import { openTestApp, type TestApp } from '../test-app.ts';

const DELIVERED = { kind: 'answered', status: 200, headers: [], body: '', truncated: false } as const;

describe('/v1/events, read', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  const publish = async (event: string, data: object) =>
    (await test.call('POST', '/v1/events', { event, data })).body.id;
  const session = (run_id?: string) => ({ user_id: 'u', session_id: 's', ...(run_id && { run_id }) });

  it('shows what became of an event at every webhook that subscribed then', async () => {
    const create = async (config: object) => (await test.call('POST', '/v1/webhooks', config)).body.id;
    const gets = await create({ url: 'https://a.example/', events: ['user.session.started'] });
    const off = await create({ url: 'https://b.example/', events: ['user.*'], active: false });
    await create({ url: 'https://c.example/', events: ['workflow.*'] });
    const id = await publish('user.session.started', { ...session('run_1'), __proto__x: 1 });
    // Later changes do not alter what was true then.
    await test.call('PATCH', `/v1/webhooks/${off}`, { active: true });
    await create({ url: 'https://d.example/', events: ['*'] });
    await test.attempt(gets, DELIVERED, { state: 'delivered' });

    const { status, body } = await test.call('GET', `/v1/events/${id}`);
    assert.equal(status, 200);
    assert.equal(body.event, 'user.session.started');
    assert.equal(body.run_id, 'run_1');
    assert.deepEqual(body.data, { ...session('run_1'), __proto__x: 1 });
    assert.match(body.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(
      body.deliveries.map(({ webhook_id, state }: Record<string, string>) => ({ webhook_id, state })),
      [{ webhook_id: gets, state: 'delivered' }],
    );
    assert.deepEqual(body.undelivered, [{ webhook_id: off, webhook_version: 1, reason: 'inactive', failed: [] }]);
  });

  it('says so when an active webhook has no delivery', async () => {
    const { revision } = await test.store.loadWorkspace(test.workspaceId);
    const event = {
      workspaceId: test.workspaceId,
      id: newId('evt'),
      type: 'workflow.started',
      occurredAt: 0,
      acceptedAt: 0,
      runId: null,
      revision,
      dataText: '{}',
    };
    await test.store.record({
      workspaceId: test.workspaceId,
      events: [{ event, deliveries: [], idempotency: null }],
      idempotency: null,
      note: null,
    });
    const { body } = await test.call('GET', `/v1/events/${event.id}`);
    assert.deepEqual(
      body.undelivered.map(({ reason }: { reason: string }) => reason),
      ['unknown', 'unknown'],
    );
    assert.equal(body.timestamp, '1970-01-01T00:00:00.000Z');
  });

  it('lists newest first, by type and by run, page by page', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift(await publish('user.session.ended', session(n % 2 ? 'odd' : 'even')));
    await publish('user.session.started', session('odd'));

    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; page < 3; page++) {
      const { body } = await test.call('GET', `/v1/events?type=user.session.ended&limit=2${cursor}`);
      assert.equal(body.data.length, page < 2 ? 2 : 1);
      assert.equal(body.next_cursor === null, page === 2);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      cursor = `&cursor=${body.next_cursor}`;
    }
    assert.deepEqual(seen, ids);
    const odd = await test.call('GET', '/v1/events?run=odd&type=user.session.ended');
    assert.deepEqual(
      odd.body.data.map(({ id }: { id: string }) => id),
      ids.filter((_, n) => n % 2 === 1),
    );
    assert.equal((await test.call('GET', '/v1/events?run=odd')).body.data.length, 3);
    assert.equal((await test.call('GET', '/v1/events?run=none')).body.data.length, 0);
  });

  it('keeps odd run ids apart and whole', async () => {
    for (const run of ['a\u0000b', '💡', "' OR 1=1 --", '%']) {
      const id = await publish('user.session.ended', session(run));
      assert.equal((await test.call('GET', `/v1/events/${id}`)).body.run_id, run);
      const { body } = await test.call('GET', `/v1/events?run=${encodeURIComponent(run)}`);
      assert.deepEqual(
        body.data.map((event: { id: string }) => event.id),
        [id],
      );
    }
  });

  it('tells of each webhook that did not get it which test failed, in the version of that time', async () => {
    const create = async (config: object) =>
      (await test.call('POST', '/v1/webhooks', { events: ['workflow.completed'], ...config })).body.id;
    const dear = await create({ url: 'https://a.example/', conditions: { cost: { greater_than: 1 } } });
    const all = await create({ url: 'https://b.example/', filters: { cost: { less_than: 1 } } });
    const other = await create({ url: 'https://c.example/', filters: { user_id: { starts_with: 'premium_' } } });
    const off = await create({ url: 'https://d.example/', filters: { cost: 5 }, active: false });
    const { body: published } = await test.call('POST', '/v1/events', {
      event: 'workflow.completed',
      data: { workflow_id: 'w', run_id: 'r', output: null, cost: 0.5 },
    });
    // Neither a later version nor a later deletion changes what was true then.
    await test.call('PATCH', `/v1/webhooks/${dear}`, { conditions: null });
    await test.call('DELETE', `/v1/webhooks/${other}`);
    const { body } = await test.call('GET', `/v1/events/${published.id}`);
    const mine = (entries: readonly { webhook_id: string }[]) =>
      entries.filter(({ webhook_id }) => [dear, all, other, off].includes(webhook_id));
    assert.deepEqual(
      mine(body.deliveries).map(({ webhook_id }) => webhook_id),
      [all],
    );
    const failed = { field: 'cost', absent: false, value: 0.5, message: 'cost is 0.5: not greater_than 1' };
    const absent = { field: 'user_id', absent: true, value: null };
    const message = 'user_id is absent: not starts_with "premium_"';
    assert.deepEqual(mine(body.undelivered), [
      {
        webhook_id: dear,
        webhook_version: 1,
        reason: 'filtered',
        failed: [{ path: 'conditions.cost.greater_than', ...failed }],
      },
      {
        webhook_id: other,
        webhook_version: 1,
        reason: 'filtered',
        failed: [{ path: 'filters.user_id.starts_with', ...absent, message }],
      },
      { webhook_id: off, webhook_version: 1, reason: 'inactive', failed: [] },
    ]);
  });

  it('shows nothing of another workspace', async () => {
    const id = await publish('user.session.ended', session());
    assert.equal((await test.call('GET', `/v1/events/${id}`, undefined, { key: test.otherKey })).status, 404);
    const { body } = await test.call('GET', '/v1/events', undefined, { key: test.otherKey });
    assert.deepEqual(body, { data: [], next_cursor: null });
  });

  it('answers 404 for what is not there', async () => {
    for (const id of [newId('evt'), newId('wh'), 'evt_', 'nonsense', '%00', '..%2f..', 'x'.repeat(250)]) {
      const { status, body } = await test.call('GET', `/v1/events/${id}`);
      assert.equal(status, 404, id);
      assert.equal(body.code, 'not_found');
    }
  });
});

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { newId } from '../../ids.ts';
import { openTestApp, type TestApp } from '../test-app.ts';

const answered = (status: number) => ({ kind: 'answered', status, headers: [], body: '', truncated: false }) as const;

describe('recovery in bulk', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(async () => {
    assert.deepEqual(test.unexpected, []);
    for (const { workspaceId, id } of await test.store.unfinishedJobs()) await test.store.cancelJob(workspaceId, id);
  });

  const create = async (fields: object = {}): Promise<string> => {
    const config = { url: 'https://receiver.example/hook', events: ['*'], ...fields };
    return (await test.call('POST', '/v1/webhooks', config)).body.id;
  };
  const publish = (event = 'user.session.ended', run_id = 'run_1') =>
    test.call('POST', '/v1/events', { event, data: { user_id: 'u', session_id: 's', run_id } });
  /** A webhook of its own, with so many failed deliveries. */
  const fail = async (count: number): Promise<string> => {
    const webhook = await create();
    for (let i = 0; i < count; i += 1) await publish();
    await test.attempt(webhook, answered(500), { state: 'failed', reason: 'answered 500' });
    await test.call('PATCH', `/v1/webhooks/${webhook}`, { events: ['workflow.failed'] });
    return webhook;
  };
  const retry = (body: unknown) => test.call('POST', '/v1/deliveries/retry', body);
  /** Takes the steps that the runner would take. */
  const run = async (jobId: string) => {
    await test.store.advanceJob({ workspaceId: test.workspaceId, jobId, after: 0, window: 500, limit: 500 });
    return (await test.call('GET', `/v1/jobs/${jobId}`)).body;
  };
  const states = async (webhook: string) =>
    (await test.call('GET', `/v1/deliveries?webhook_id=${webhook}`)).body.data.map(
      ({ state, origin }: { state: string; origin: string }) => `${origin} ${state}`,
    );
  const audited = async (act: () => Promise<unknown>) => {
    const actions: string[] = [];
    const { appendAudit } = test.store;
    test.store.appendAudit = (entry) => {
      actions.push(`${entry.action} ${entry.subject}`);
      return appendAudit(entry);
    };
    await act();
    test.store.appendAudit = appendAudit;
    return actions;
  };

  describe('a bulk retry', () => {
    it('says first what there is to do, and does nothing', async () => {
      const from = new Date().toISOString();
      const webhook = await fail(3);
      const { status, body } = await retry({ webhook_id: webhook, finished_from: from, dry_run: true });
      assert.equal(status, 200);
      assert.deepEqual([body.count, body.is_minimum], [3, false]);
      assert.ok(from <= body.oldest && body.oldest <= body.newest);
      assert.deepEqual(await states(webhook), Array(3).fill('event failed'));
      assert.deepEqual((await retry({ webhook_id: webhook, status: 404, dry_run: true })).body, {
        count: 0,
        is_minimum: false,
        oldest: null,
        newest: null,
      });
      assert.deepEqual(await test.store.unfinishedJobs(), []);
    });

    it('becomes a job, that puts them back', async () => {
      const webhook = await fail(3);
      const filter = { webhook_id: webhook, status: 500, event: 'user.session.ended', run_id: 'run_1' };
      const created = await retry({ ...filter, from: '2020-01-01T00:00:00Z' });
      assert.equal(created.status, 202);
      const { id } = created.body;
      assert.equal(created.headers.location, `/v1/jobs/${id}`);
      assert.deepEqual(created.body, {
        id,
        kind: 'retry',
        filter: { ...filter, state: 'failed', from: '2020-01-01T00:00:00.000Z' },
        state: 'pending',
        estimate: created.body.estimate,
        matched: 0,
        requeued: 0,
        skipped: 0,
        progress: 0,
        created_at: created.body.created_at,
        finished_at: null,
      });
      assert.equal(created.body.estimate.count, 3);
      assert.deepEqual((await test.call('GET', `/v1/jobs/${id}`)).body, created.body);
      const done = await run(id);
      assert.deepEqual([done.state, done.matched, done.requeued, done.progress], ['done', 3, 3, 1]);
      assert.ok(done.finished_at >= done.created_at);
      assert.deepEqual(await states(webhook), Array(3).fill('event pending'));
    });

    it('of an empty filter takes everything that failed', async () => {
      const webhooks = [await fail(1), await fail(2)];
      const { body } = await retry({});
      assert.ok(body.estimate.count >= 3);
      for (const webhook of webhooks) assert.deepEqual(new Set(await states(webhook)), new Set(['event failed']));
      const jobs = { workspaceId: test.workspaceId, jobId: body.id, window: 500, limit: 500 };
      for (let after: number | null = 0; after !== null; )
        after = (await test.store.advanceJob({ ...jobs, after })).next;
      for (const webhook of webhooks) assert.deepEqual(new Set(await states(webhook)), new Set(['event pending']));
    });

    it('refuses by name what it cannot mean', async () => {
      const deleted = await fail(1);
      await test.call('DELETE', `/v1/webhooks/${deleted}`);
      const cases: [body: unknown, path: string][] = [
        [{ webhook: 'x' }, 'webhook'],
        [{ webhook_id: newId('wh') }, 'webhook_id'],
        [{ webhook_id: deleted }, 'webhook_id'],
        [{ state: 'delivered' }, 'state'],
        [{ status: 42 }, 'status'],
        [{ from: 'yesterday' }, 'from'],
        [{ finished_to: '2026-01-15' }, 'finished_to'],
        [{ from: '2026-01-15T10:00:00Z', to: '2026-01-15T10:00:00Z' }, 'to'],
        [{ finished_from: '2026-01-16T10:00:00Z', finished_to: '2026-01-15T10:00:00Z' }, 'finished_to'],
        [{ dry_run: 'yes' }, 'dry_run'],
      ];
      for (const [body, path] of cases) {
        const answer = await retry(body);
        assert.equal(answer.status, 422, JSON.stringify(body));
        assert.deepEqual(
          answer.body.errors.map((error: { path: string }) => error.path),
          [path],
        );
      }
      assert.equal((await retry(undefined)).status, 422);
    });

    it('is refused while there are many unfinished ones', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 10; i += 1) ids.push((await retry({ run_id: 'run_none' })).body.id);
      const refused = await retry({});
      assert.equal(refused.status, 409);
      assert.match(refused.body.detail, /10 unfinished jobs/);
      assert.equal((await retry({ dry_run: true })).status, 200);
      await test.call('POST', `/v1/jobs/${ids[0]}/cancel`);
      assert.equal((await retry({})).status, 202);
    });

    it('is in the audit log, a dry run is not', async () => {
      let id = '';
      const actions = await audited(async () => {
        await retry({ dry_run: true });
        id = (await retry({})).body.id;
        await test.call('POST', `/v1/jobs/${id}/cancel`);
      });
      assert.deepEqual(actions, [`job.retry ${id}`, `job.cancelled ${id}`]);
    });
  });

  describe('a backfill', () => {
    const backfill = (webhook: string, body: unknown) => test.call('POST', `/v1/webhooks/${webhook}/backfill`, body);

    it('owes a webhook what it missed while it was inactive, once', async () => {
      const webhook = await create({ active: false, events: ['user.session.ended'] });
      const since = new Date().toISOString();
      await publish();
      await publish();
      assert.deepEqual((await backfill(webhook, { since, dry_run: true })).body.count, 2);
      const early = await backfill(webhook, { since });
      assert.equal(early.status, 409);
      assert.match(early.body.detail, /inactive/);
      await test.call('PATCH', `/v1/webhooks/${webhook}`, { active: true });
      await publish();
      const { status, headers, body } = await backfill(webhook, { since });
      assert.equal(status, 202);
      assert.equal(headers.location, `/v1/jobs/${body.id}`);
      assert.deepEqual([body.kind, body.filter], ['backfill', { webhook_id: webhook, since }]);
      assert.equal(body.estimate.count, 2);
      const done = await run(body.id);
      assert.deepEqual([done.state, done.requeued, done.skipped], ['done', 2, 1]);
      assert.deepEqual((await states(webhook)).sort(), ['backfill pending', 'backfill pending', 'event pending']);
      const again = await run((await backfill(webhook, { since })).body.id);
      assert.deepEqual([again.state, again.requeued, again.skipped], ['done', 0, 3]);
    });

    it('is seen at the event, which then nobody missed', async () => {
      const webhook = await create({ active: false, events: ['user.session.started'] });
      const since = new Date().toISOString();
      const { body: event } = await publish('user.session.started');
      const missed = async () =>
        (await test.call('GET', `/v1/events/${event.id}`)).body.undelivered.filter(
          ({ webhook_id }: { webhook_id: string }) => webhook_id === webhook,
        ).length;
      assert.equal(await missed(), 1);
      await test.call('PATCH', `/v1/webhooks/${webhook}`, { active: true });
      await run((await backfill(webhook, { since })).body.id);
      assert.equal(await missed(), 0);
    });

    it('refuses what it cannot mean', async () => {
      const webhook = await create();
      const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
      for (const body of [{}, { since: 'yesterday' }, { since: tomorrow }, { since: 5 }]) {
        const answer = await backfill(webhook, body);
        assert.equal(answer.status, 422, JSON.stringify(body));
        assert.equal(answer.body.errors[0].path, 'since');
      }
      assert.equal((await backfill(newId('wh'), { since: tomorrow })).status, 404);
      assert.equal((await backfill('nothing', { since: tomorrow })).status, 404);
    });
  });

  describe('/v1/jobs', () => {
    it('lists jobs, newest first, page by page', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 3; i += 1) ids.unshift((await retry({ run_id: 'run_list' })).body.id);
      const first = (await test.call('GET', '/v1/jobs?limit=2')).body;
      const second = (await test.call('GET', `/v1/jobs?limit=2&cursor=${first.next_cursor}`)).body;
      const listed = [...first.data, ...second.data].map(({ id }) => id);
      assert.deepEqual(listed.slice(0, 3), ids);
      assert.equal((await test.call('GET', '/v1/jobs?cursor=nonsense')).status, 422);
    });

    it('cancels a job that is not over', async () => {
      const webhook = await fail(1);
      const { id } = (await retry({ webhook_id: webhook })).body;
      const { status, body } = await test.call('POST', `/v1/jobs/${id}/cancel`);
      assert.deepEqual([status, body.state], [200, 'cancelled']);
      assert.ok(body.finished_at);
      assert.equal((await run(id)).requeued, 0);
      const again = await test.call('POST', `/v1/jobs/${id}/cancel`);
      assert.equal(again.status, 409);
      assert.match(again.body.detail, /cancelled/);
    });

    it('shows nothing that is not there, or of another workspace', async () => {
      const { id } = (await retry({ run_id: 'run_none' })).body;
      for (const path of ['/v1/jobs/nothing', `/v1/jobs/${newId('job')}`]) {
        assert.equal((await test.call('GET', path)).status, 404);
        assert.equal((await test.call('POST', `${path}/cancel`)).status, 404);
      }
      const other = { key: test.otherKey };
      assert.equal((await test.call('GET', `/v1/jobs/${id}`, undefined, other)).status, 404);
      assert.equal((await test.call('POST', `/v1/jobs/${id}/cancel`, undefined, other)).status, 404);
      assert.deepEqual((await test.call('GET', '/v1/jobs', undefined, other)).body.data, []);
      assert.equal((await test.call('GET', `/v1/jobs/${id}`)).body.state, 'pending');
    });
  });
});

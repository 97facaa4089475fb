import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Circuit } from '../domain/circuit.ts';
import { UNKNOWN_DESTINATION } from '../domain/webhook.ts';
import { newId } from '../ids.ts';
import type { Settlement } from '../store/store.ts';
import { openTestApp, type TestApp } from './test-app.ts';

const URL = 'https://receiver.example/hook';

describe('what stops a webhook', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(async () => {
    // Each test has its events for itself.
    for (const { id } of (await test.call('GET', '/v1/webhooks')).body.data) await call('DELETE', id);
    assert.deepEqual(test.unexpected, []);
  });

  const create = async (fields: object = {}): Promise<string> =>
    (await test.call('POST', '/v1/webhooks', { url: URL, events: ['user.session.ended'], ...fields })).body.id;
  const call = (method: string, id: string, body?: unknown) => test.call(method, `/v1/webhooks/${id}`, body);
  const publish = () =>
    test.call('POST', '/v1/events', { event: 'user.session.ended', data: { user_id: 'u', session_id: 's' } });
  const deliveriesOf = async (id: string) => (await test.call('GET', `/v1/deliveries?webhook_id=${id}`)).body.data;
  /** The engine makes an attempt at the delivery that waits, which says this. */
  const settle = async (id: string, changes: Pick<Settlement, 'destination' | 'disable'>) => {
    const lane = { workspaceId: test.workspaceId, webhookId: id };
    const query = { lane, class: 0, after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 1 } as const;
    const [delivery] = await test.store.readDue(query);
    assert.ok(delivery);
    const attempt = {
      id: newId('att'),
      number: 1,
      startedAt: 0,
      durationMs: 1,
      url: URL,
      route: null,
      webhookVersion: 1,
    };
    const made = { ...attempt, outcome: 'gone', reason: 'answered 410', exchanges: [] } as const;
    const next = { state: 'pending', dueAt: delivery.dueAt + 1, uncharged: true } as const;
    assert.equal(await test.store.settle({ delivery, attempt: made, next, ...changes }), true);
  };
  const disable = async (id: string) => {
    await publish();
    await settle(id, { destination: null, disable: { reason: 'gone', at: Date.UTC(2026, 0, 15) } });
  };
  /** The actions in the audit log that came with changes of holds while `act` ran. */
  const audited = async (act: () => Promise<unknown>) => {
    const actions: unknown[] = [];
    const { changeHold } = test.store;
    test.store.changeHold = (request) => {
      actions.push([request.audit.action, request.audit.subject]);
      return changeHold(request);
    };
    await act();
    test.store.changeHold = changeHold;
    return actions;
  };

  it('shows that nothing does', async () => {
    const { body } = await call('GET', await create());
    assert.partialDeepStrictEqual(body, {
      held_reasons: [],
      paused_at: null,
      disabled_at: null,
      disabled_reason: null,
      destinations: [{ circuit: { state: 'closed', since: null, next_probe_at: null }, failing_since: null }],
    });
  });

  it('pauses and resumes; what comes in meanwhile is taken and held', async () => {
    const id = await create();
    const actions = await audited(async () => {
      const { status, headers, body } = await call('POST', `${id}/pause`);
      assert.equal(status, 200);
      assert.equal(headers.etag, '"1"', 'it is no new version');
      assert.deepEqual(body.held_reasons, ['paused']);
      assert.match(body.paused_at, /Z$/);
      assert.deepEqual(body, (await call('GET', id)).body);
      assert.equal((await publish()).body.deliveries, 1);
      const [held] = await deliveriesOf(id);
      assert.deepEqual([held.state, held.held_reasons, held.attempt_count], ['held', ['paused'], 0]);
      assert.deepEqual((await test.call('GET', `/v1/deliveries?webhook_id=${id}&state=held`)).body.data, [held]);
      assert.deepEqual((await call('POST', `${id}/resume`)).body.held_reasons, []);
      assert.equal((await deliveriesOf(id))[0].state, 'pending');
    });
    assert.deepEqual(actions, [
      ['webhook.paused', id],
      ['webhook.resumed', id],
    ]);
  });

  it('knows no webhook that is not there', async () => {
    for (const action of ['pause', 'resume']) {
      assert.equal((await call('POST', `${newId('wh')}/${action}`)).status, 404);
      assert.equal((await call('POST', `nonsense/${action}`)).status, 404);
    }
  });

  it('an inactive one takes no events: each says so, and what was owed before is held', async () => {
    const id = await create();
    await publish();
    await call('PATCH', id, { active: false });
    const { body } = await publish();
    assert.equal(body.deliveries, 0);
    const event = (await test.call('GET', `/v1/events/${body.id}`)).body;
    assert.deepEqual(event.undelivered, [{ webhook_id: id, webhook_version: 2, reason: 'inactive', failed: [] }]);
    const [held] = await deliveriesOf(id);
    assert.deepEqual([held.state, held.held_reasons], ['held', ['inactive']]);
    assert.deepEqual((await call('POST', `${id}/resume`)).body.held_reasons, ['inactive']);
  });

  it('a disabled one goes on taking events; each way of a person to enable it does', async () => {
    const ways: Record<string, (id: string) => Promise<unknown>> = {
      resume: (id) => call('POST', `${id}/resume`),
      patch: (id) => call('PATCH', id, { active: true }),
      put: (id) => call('PUT', id, { webhook_config: { url: URL, events: ['*'], active: true } }),
      test: (id) => call('POST', `${id}/test`, { activate: true }),
    };
    for (const [way, enable] of Object.entries(ways)) {
      const id = await create();
      await disable(id);
      const { body } = await call('GET', id);
      assert.partialDeepStrictEqual(body, {
        held_reasons: ['disabled'],
        disabled_at: '2026-01-15T00:00:00.000Z',
        disabled_reason: 'gone',
      });
      assert.equal((await publish()).body.deliveries, 1);
      const states = (await deliveriesOf(id)).map(({ state, held_reasons }: Record<string, unknown>) => [
        state,
        held_reasons,
      ]);
      assert.deepEqual(states, [
        ['held', ['disabled']],
        ['held', ['disabled']],
      ]);
      // Neither another change nor a test that was not asked to.
      await call('PATCH', id, { name: 'renamed' });
      await call('POST', `${id}/test`);
      assert.deepEqual((await call('GET', id)).body.held_reasons, ['disabled']);
      const actions = await audited(() => enable(id));
      assert.deepEqual(actions, [[way === 'resume' ? 'webhook.resumed' : 'webhook.enabled', id]]);
      const after = (await call('GET', id)).body;
      assert.deepEqual([after.held_reasons, after.disabled_reason], [[], null], way);
      await call('DELETE', id);
    }
  });

  it('one that was inactive begins its days anew; one that was active all along is left alone', async () => {
    const id = await create({ active: false });
    assert.deepEqual(await audited(() => call('PATCH', id, { active: true })), [['webhook.enabled', id]]);
    assert.deepEqual(await audited(() => call('PATCH', id, { active: true, name: 'renamed' })), []);
    assert.deepEqual(await audited(() => call('PATCH', id, { active: false })), []);
    assert.deepEqual(await audited(() => call('POST', `${id}/test`, { activate: true })), [['webhook.enabled', id]]);
    const [hold] = await test.store.listHolds(test.workspaceId, id);
    assert.ok(hold && hold.resumedAt > 0);
  });

  it('shows the circuit of its destination, and holds for it while it is open', async () => {
    const id = await create();
    const at = Date.UTC(2026, 0, 15);
    const failing = { since: at - 60_000, attempts: 9, days: 1, latestAt: at };
    const become = async (circuit: Circuit) => {
      await publish();
      await settle(id, { destination: { url: URL, value: { ...UNKNOWN_DESTINATION, circuit, failing } } });
      const { body } = await call('GET', id);
      const [delivery] = await deliveriesOf(id);
      return [body.held_reasons, body.destinations[0].circuit, delivery.state, delivery.held_reasons];
    };
    assert.deepEqual(await become({ state: 'open', since: at, failedProbes: 0, nextProbeAt: at + 5_000 }), [
      ['circuit_open'],
      { state: 'open', since: '2026-01-15T00:00:00.000Z', next_probe_at: '2026-01-15T00:00:05.000Z' },
      'held',
      ['circuit_open'],
    ]);
    assert.equal((await call('GET', id)).body.destinations[0].failing_since, '2026-01-14T23:59:00.000Z');
    assert.deepEqual(await become({ state: 'half_open', since: at, width: 1, widenAt: at }), [
      [],
      { state: 'half_open', since: '2026-01-15T00:00:00.000Z', next_probe_at: null },
      'pending',
      [],
    ]);
  });

  it('holds what goes a route while the circuit there is open, and nothing else', async () => {
    const elsewhere = 'https://b.example/hook';
    const routes = [{ when: { workflow_id: 'none' }, url: elsewhere }];
    const id = await create({ routes });
    const route = (await call('GET', id)).body.routes[0].id;
    const at = Date.UTC(2026, 0, 15);
    const circuit = { state: 'open', since: at, failedProbes: 0, nextProbeAt: at + 5_000 } as const;
    await publish();
    await settle(id, { destination: { url: elsewhere, value: { ...UNKNOWN_DESTINATION, circuit } } });
    const [own] = await deliveriesOf(id);
    assert.deepEqual([own.state, own.held_reasons], ['pending', []]);
    await call('PATCH', id, { routes: [{ id: route, when: { event: { exists: true } }, url: elsewhere }] });
    await publish();
    const [routed] = await deliveriesOf(id);
    assert.deepEqual([routed.route, routed.state, routed.held_reasons], [route, 'held', ['circuit_open']]);
    const { held_reasons, destinations } = (await call('GET', id)).body;
    assert.deepEqual(held_reasons, []);
    assert.deepEqual(
      destinations.map((one: { url: string; circuit: { state: string } }) => [one.url, one.circuit.state]),
      [
        [URL, 'closed'],
        [elsewhere, 'open'],
      ],
    );
  });

  it('an order that was given as its name is shown in full, and can be sent back', async () => {
    const id = await create({ ordering: 'run' });
    const { body } = await call('GET', id);
    assert.deepEqual(body.ordering, { by: 'run', on_exhausted: 'block' });
    assert.deepEqual((await call('PUT', id, body)).body.ordering, body.ordering);
    assert.equal((await call('PATCH', id, { ordering: null })).body.ordering, null);
  });

  it('what was read can be sent back, and changes nothing', async () => {
    const id = await create({ rate_limit: { limit: 5, period: '1m' } });
    await call('POST', `${id}/pause`);
    const { body } = await call('GET', id);
    assert.deepEqual(body.rate_limit, { limit: 5, period: 60 });
    const sentBack = await call('PUT', id, body);
    assert.equal(sentBack.status, 200);
    assert.deepEqual(sentBack.body.held_reasons, ['paused']);
    assert.deepEqual(sentBack.body.rate_limit, body.rate_limit);
    assert.deepEqual((await call('PATCH', id, { rate_limit: { limit: 6 } })).body.rate_limit, { limit: 6, period: 60 });
    assert.equal((await call('PATCH', id, { rate_limit: null })).body.rate_limit, null);
    const refused = await call('PATCH', id, { rate_limit: { limit: 0, period: 1 } });
    assert.deepEqual(
      refused.body.errors.map(({ path }: { path: string }) => path),
      ['rate_limit.limit'],
    );
  });
});

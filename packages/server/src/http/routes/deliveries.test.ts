import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { newId } from '../../ids.ts';
import { MASK } from '../mask.ts';
import { openTestApp, type TestApp } from '../test-app.ts';

const answered = (status: number) =>
  ({
    kind: 'answered',
    status,
    headers: ['Content-Type', 'text/plain'],
    body: `said ${status}`,
    truncated: false,
  }) as const;

describe('/v1/deliveries', () => {
  let test: TestApp;
  let webhook: string;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  const call = (method: string, path: string) => test.call(method, `/v1/deliveries${path}`);
  const ids = async (query: string) => (await call('GET', query)).body.data.map(({ id }: { id: string }) => id);
  const publish = (event = 'user.session.ended', run_id = 'run_1') =>
    test.call('POST', '/v1/events', { event, data: { user_id: 'u', session_id: 's', run_id } });
  /** A webhook of its own, and one delivery that waits in it. */
  const owe = async (fields: object = {}, event?: string) => {
    const config = { url: 'https://receiver.example/hook', events: ['*'], ...fields };
    webhook = (await test.call('POST', '/v1/webhooks', config)).body.id;
    const { body } = await publish(event);
    const [id] = await ids(`?webhook_id=${webhook}`);
    return { id, eventId: body.id, webhook };
  };
  const deliver = () => test.attempt(webhook, answered(200), { state: 'delivered' });
  const fail = () =>
    test.attempt(webhook, answered(500), { state: 'failed', reason: 'answered 500; all 1 attempts used' });

  it('shows no attempt that was recorded after the delivery was read: its state would not fit', async (t) => {
    const { id } = await owe();
    const { listAttempts } = test.store;
    t.mock.method(test.store, 'listAttempts', async (...asked: Parameters<typeof listAttempts>) => {
      await deliver();
      return listAttempts(...asked);
    });
    const { body: during } = await call('GET', `/${id}`);
    assert.deepEqual([during.state, during.attempts], ['pending', []]);
    const { body: later } = await call('GET', `/${id}`);
    assert.deepEqual([later.state, later.attempts.length], ['delivered', 1]);
  });

  describe('states', () => {
    it('shows what waits as pending, sending or held, and finds it so', async () => {
      const { id } = await owe();
      const shows = async (state: string, held_reasons: string[] = []) => {
        const { body } = await call('GET', `/${id}`);
        assert.equal(body.state, state);
        assert.deepEqual(body.held_reasons, held_reasons);
        for (const each of ['pending', 'sending', 'held', 'delivered', 'failed', 'cancelled']) {
          const found = await ids(`?webhook_id=${webhook}&state=${each}`);
          assert.deepEqual(found, each === state ? [id] : [], `${each} while ${state}`);
        }
      };
      await shows('pending');
      test.engine.sending.add(id);
      await shows('sending');
      await test.call('PATCH', `/v1/webhooks/${webhook}`, { active: false });
      await shows('sending');
      test.engine.sending.delete(id);
      await shows('held', ['inactive']);
      await test.call('PATCH', `/v1/webhooks/${webhook}`, { active: true });
      await shows('pending');
      await fail();
      await shows('failed');
      await call('POST', `/${id}/retry`);
      await deliver();
      await shows('delivered');
    });
  });

  describe('one delivery', () => {
    it('shows each request as it was sent, and its answer', async () => {
      const { id, eventId } = await owe({
        headers: { 'X-Own': 'hidden-value' },
        secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      });
      await test.attempt(webhook, answered(503), { state: 'pending', dueAt: Date.now() });
      // The headers are those of the version that the attempt was made with.
      await test.call('PATCH', `/v1/webhooks/${webhook}`, { headers: { 'X-Own': null, 'X-New': 'x' } });
      await test.attempt(
        webhook,
        { kind: 'failed', failure: 'dns', message: 'no such host' },
        { state: 'failed', reason: 'dns' },
      );
      const { status, body } = await call('GET', `/${id}`);
      assert.equal(status, 200);
      assert.equal(body.attempt_count, 2);
      assert.equal(body.last_status, null);
      assert.equal(body.reason, 'dns');
      assert.deepEqual(Object.keys(JSON.parse(body.body)), ['event', 'timestamp', 'webhook_id', 'delivery_id', 'data']);
      assert.equal(JSON.stringify(JSON.parse(body.body)), body.body);
      const [first, second] = body.attempts;
      const [exchange] = first.exchanges;
      const seconds = String(Math.floor(Date.parse(exchange.sent_at) / 1000));
      assert.equal(exchange.duration, 0.118);
      assert.deepEqual(exchange.request, {
        method: 'POST',
        url: 'https://receiver.example/hook',
        headers: [
          ['content-type', 'application/json'],
          ['user-agent', 'Broxi-Webhooks/1.2.3'],
          ['x-broxi-event', 'user.session.ended'],
          ['x-broxi-event-id', eventId],
          ['x-broxi-webhook-id', webhook],
          ['x-broxi-delivery-id', id],
          ['x-broxi-attempt', '1'],
          ['traceparent', `00-${eventId.slice(4)}-${id.slice(-16)}-01`],
          ['x-broxi-timestamp', seconds],
          ['x-broxi-signature', MASK],
          ['webhook-id', id],
          ['webhook-timestamp', seconds],
          ['webhook-signature', MASK],
          ['X-Own', MASK],
        ].map(([name, value]) => ({ name, value })),
      });
      assert.deepEqual(exchange.response, {
        status: 503,
        headers: [{ name: 'Content-Type', value: 'text/plain' }],
        body: 'said 503',
        truncated: false,
      });
      assert.equal(second.webhook_version, 2);
      assert.deepEqual(second.exchanges[0].failure, { kind: 'dns', message: 'no such host' });
      assert.equal(second.exchanges[0].request.headers.at(-1).name, 'X-New');
      assert.doesNotMatch(JSON.stringify(body), /hidden-value|whsec_/);
    });

    it('shows how long the phases of each request took, in seconds, and null for what was not measured', async () => {
      const { id } = await owe();
      const timing = { dnsMs: null, connectMs: 21, tlsMs: 0, firstByteMs: 96 };
      await test.attempt(webhook, answered(503), { state: 'pending', dueAt: Date.now() }, timing);
      await test.attempt(webhook, answered(200), { state: 'delivered' });
      const { body } = await call('GET', `/${id}`);
      const shown = body.attempts.map(({ exchanges }: { exchanges: { timing: unknown }[] }) => exchanges[0]?.timing);
      assert.deepEqual(shown, [{ dns: null, connect: 0.021, tls: 0, first_byte: 0.096, total: 0.118 }, null]);
    });

    it('answers 404 for what is not there, in every route', async () => {
      const { id } = await owe();
      for (const [method, action] of [
        ['GET', ''],
        ['POST', '/retry'],
        ['POST', '/cancel'],
        ['POST', '/replay'],
      ] as const) {
        for (const wrong of [newId('del'), newId('evt'), 'nonsense', '%00']) {
          assert.equal((await call(method, `/${wrong}${action}`)).status, 404);
        }
        const foreign = await test.call(method, `/v1/deliveries/${id}${action}`, undefined, { key: test.otherKey });
        assert.equal(foreign.status, 404);
      }
      assert.equal((await call('GET', `/${id}`)).body.state, 'pending');
    });
  });

  describe('the list', () => {
    it('selects by everything that it names', async () => {
      const { id, eventId } = await owe({}, 'user.session.started');
      const mine = `webhook_id=${webhook}`;
      const { body } = await call('GET', `/${id}`);
      await fail();
      const created = Date.parse(body.created_at);
      const at = (offset: number) => encodeURIComponent(new Date(created + offset).toISOString());
      for (const [query, finds] of [
        ['event=user.session.started', true],
        ['event=user.session.ended', false],
        [`event_id=${eventId}`, true],
        [`event_id=${newId('evt')}`, false],
        ['run_id=run_1', true],
        ['run_id=run_2', false],
        ['status=500', true],
        ['status=200', false],
        ['state=failed', true],
        ['state=failed&event=user.session.started', true],
        ['state=delivered', false],
        [`from=${at(0)}`, true],
        [`from=${at(1)}`, false],
        [`to=${at(1)}`, true],
        [`to=${at(0)}`, false],
      ] as const) {
        assert.deepEqual(await ids(`?${mine}&${query}`), finds ? [id] : [], query);
      }
      assert.deepEqual(
        (await test.call('GET', `/v1/deliveries?${mine}`, undefined, { key: test.otherKey })).body.data,
        [],
      );
    });

    for (const extra of ['', '&event=user.session.ended', '&state=pending']) {
      it(`pages newest first${extra && ` with ${extra.slice(1)}`}`, async () => {
        const { id } = await owe();
        for (let n = 0; n < 4; n++) await publish();
        const all = await ids(`?webhook_id=${webhook}${extra}`);
        assert.equal(all.length, 5);
        assert.equal(all.at(-1), id);
        assert.deepEqual(all, [...all].sort().reverse());
        const seen: string[] = [];
        let cursor = '';
        do {
          const { body } = await call('GET', `?webhook_id=${webhook}&limit=2${extra}${cursor}`);
          assert.ok(body.data.length <= 2);
          seen.push(...body.data.map((delivery: { id: string }) => delivery.id));
          cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
        } while (cursor !== '');
        assert.deepEqual(seen, all);
      });
    }

    it('looks through a bounded number of rows, and leads on', async () => {
      const { id } = await owe();
      const events = Array(1_000).fill({ event: 'user.session.started', data: { user_id: 'u', session_id: 's' } });
      for (let n = 0; n < 6; n++) await test.call('POST', '/v1/events/batch', events);
      const query = `?webhook_id=${webhook}&event=user.session.ended`;
      const first = await call('GET', query);
      assert.deepEqual(first.body.data, []);
      assert.notEqual(first.body.next_cursor, null);
      assert.deepEqual(await ids(`${query}&cursor=${first.body.next_cursor}`), [id]);
    });
  });

  describe('retry', () => {
    it('puts a failed or cancelled one back, under the same id', async () => {
      const { id } = await owe();
      await fail();
      const { status, body } = await call('POST', `/${id}/retry`);
      assert.equal(status, 202);
      assert.equal(body.id, id);
      assert.equal(body.state, 'pending');
      assert.equal(body.attempt_count, 1);
      assert.equal(body.finished_at, null);
      assert.notEqual(body.due_at, null);
      await call('POST', `/${id}/cancel`);
      assert.equal((await call('POST', `/${id}/retry`)).status, 202);
      const [again] = await deliver();
      assert.equal(again?.attempts, 1, 'attempt numbers go on');
    });

    it('refuses a delivered one, and one that waits', async () => {
      const { id } = await owe();
      const waiting = await call('POST', `/${id}/retry`);
      assert.equal(waiting.status, 409);
      assert.match(waiting.body.detail, /still waits/);
      await deliver();
      const delivered = await call('POST', `/${id}/retry`);
      assert.equal(delivered.status, 409);
      assert.equal(delivered.body.code, 'conflict');
      assert.match(delivered.body.detail, /replay it/);
    });

    it('refuses where the webhook was deleted', async () => {
      const { id } = await owe();
      await fail();
      await test.call('DELETE', `/v1/webhooks/${webhook}`);
      for (const action of ['retry', 'replay']) {
        const { status, body } = await call('POST', `/${id}/${action}`);
        assert.equal(status, 409);
        assert.match(body.detail, /deleted/);
      }
      assert.equal((await call('GET', `/${id}`)).status, 200, 'its history stays');
    });
  });

  describe('cancel', () => {
    it('gives up what waits', async () => {
      const { id } = await owe();
      const { status, body } = await call('POST', `/${id}/cancel`);
      assert.equal(status, 200);
      assert.equal(body.state, 'cancelled');
      assert.equal(body.reason, 'cancelled by request');
      assert.equal(body.due_at, null);
      assert.deepEqual(await deliver(), []);
    });

    it('gives up what failed and blocks its run, which reads say of what waits behind it', async () => {
      const { id: failed } = await owe({ ordering: 'run' });
      await fail();
      await publish();
      await publish('user.session.ended', 'run_2');
      const [other, behind] = await ids(`?webhook_id=${webhook}&state=pending`).then(async (free: string[]) => [
        ...free,
        ...(await ids(`?webhook_id=${webhook}&state=held`)),
      ]);
      const shown = async (id: string) => {
        const { state, held_reasons, blocked_by } = (await call('GET', `/${id}`)).body;
        return [state, held_reasons, blocked_by];
      };
      assert.deepEqual(await shown(behind), ['held', ['run_blocked'], failed]);
      assert.deepEqual(await shown(other), ['pending', [], null]);
      assert.deepEqual(await shown(failed), ['failed', [], null]);
      await test.call('PATCH', `/v1/webhooks/${webhook}`, { ordering: { on_exhausted: 'skip' } });
      assert.deepEqual(await shown(behind), ['pending', [], null]);
      await test.call('PATCH', `/v1/webhooks/${webhook}`, { ordering: 'run', active: false });
      assert.deepEqual(await shown(behind), ['held', ['inactive', 'run_blocked'], failed]);
      await test.call('PATCH', `/v1/webhooks/${webhook}`, { active: true });
      const { status, body } = await call('POST', `/${failed}/cancel`);
      assert.deepEqual([status, body.state], [200, 'cancelled']);
      assert.deepEqual(await shown(behind), ['pending', [], null]);
      assert.equal((await call('POST', `/${failed}/cancel`)).status, 409);
    });

    it('refuses what failed and blocks nothing', async () => {
      const { id } = await owe();
      await fail();
      const { status, body } = await call('POST', `/${id}/cancel`);
      assert.equal(status, 409);
      assert.match(body.detail, /is over: it is failed/);
    });

    it('refuses what is being sent, and what is over', async () => {
      const { id } = await owe();
      test.engine.sending.add(id);
      const sending = await call('POST', `/${id}/cancel`);
      test.engine.sending.delete(id);
      assert.equal(sending.status, 409);
      assert.match(sending.body.detail, /being sent/);
      await deliver();
      const over = await call('POST', `/${id}/cancel`);
      assert.equal(over.status, 409);
      assert.match(over.body.detail, /delivered/);
    });

    it('tells what became of one that was settled at that moment', async () => {
      const { id } = await owe();
      const { cancelDelivery } = test.engine;
      test.engine.cancelDelivery = async () => {
        await deliver();
        return 'missing';
      };
      const { status, body } = await call('POST', `/${id}/cancel`);
      test.engine.cancelDelivery = cancelDelivery;
      assert.equal(status, 409);
      assert.match(body.detail, /delivered by now/);
    });
  });

  describe('replay', () => {
    it('owes the event again, as a new delivery', async () => {
      const { id, eventId } = await owe();
      await deliver();
      const { status, headers, body } = await call('POST', `/${id}/replay`);
      assert.equal(status, 202);
      assert.notEqual(body.id, id);
      assert.equal(headers.location, `/v1/deliveries/${body.id}`);
      assert.equal(body.origin, 'replay');
      assert.equal(body.event_id, eventId);
      assert.equal(body.state, 'pending');
      assert.equal((await call('GET', `/${id}`)).body.state, 'delivered');
    });

    it('refuses one that still waits', async () => {
      const { id } = await owe();
      const { status, body } = await call('POST', `/${id}/replay`);
      assert.equal(status, 409);
      assert.match(body.detail, /still waits/);
    });
  });

  it('counts in the metrics', async () => {
    const { status, headers, body } = await test.call('GET', '/metrics');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    const value = (name: string) =>
      Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (-?\\d+)$`, 'm').exec(body)?.[1]);
    const counters = await test.store.counters();
    assert.ok(counters.settledDelivered > 0 && counters.settledFailed > 0 && counters.settledCancelled > 0);
    assert.equal(value('broxi_commits_total'), counters.commits);
    assert.equal(value('broxi_events_accepted_total'), counters.eventsAccepted);
    assert.equal(value('broxi_deliveries_created_total'), counters.deliveriesCreated);
    assert.equal(value('broxi_deliveries_settled_total{state="delivered"}'), counters.settledDelivered);
    assert.equal(value('broxi_deliveries_settled_total{state="failed"}'), counters.settledFailed);
    assert.equal(value('broxi_deliveries_settled_total{state="cancelled"}'), counters.settledCancelled);
    assert.equal(value('broxi_attempts_retried_total'), counters.settledRetried);
    assert.equal(value('broxi_deliveries_put_back_total'), counters.deliveriesPutBack);
    assert.equal(value('broxi_queue_pending'), counters.pending);
    for (const line of body.trimEnd().split('\n'))
      assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{state="\w+"\})? -?\d+)$/);
  });
});

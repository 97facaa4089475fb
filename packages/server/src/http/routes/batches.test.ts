import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { newId } from '../../ids.ts';
import type { GatheringMember } from '../../store/store.ts';
import { openTestApp, type TestApp } from '../test-app.ts';

const ANSWERED = { kind: 'answered', status: 200, headers: [], body: '', truncated: false } as const;
const DATA = { user_id: 'u', session_id: 's' };

describe('a webhook that takes batches', () => {
  let test: TestApp;
  let webhook: string;
  before(async () => {
    test = await openTestApp();
    const config = { url: 'https://receiver.example/', events: ['user.*'], batch: { size: 100, timeout: '1m' } };
    const { status, body } = await test.call('POST', '/v1/webhooks', config);
    assert.deepEqual([status, body.batch], [201, { size: 100, timeout: 60 }]);
    webhook = body.id;
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  const lane = () => ({ workspaceId: test.workspaceId, webhookId: webhook });
  const show = async (path: string) => (await test.call('GET', `/v1/${path}`)).body;
  const ids = async (query: string) => (await show(`deliveries?${query}`)).data.map(({ id }: { id: string }) => id);
  const act = (id: string, action: string) => test.call('POST', `/v1/deliveries/${id}/${action}`);
  const gathering = () => test.store.readGathering({ lane: lane(), after: null, limit: 99 });
  const publish = async () => {
    const { body } = await test.call('POST', '/v1/events', { event: 'user.session.ended', data: DATA });
    assert.equal(body.deliveries, 1);
    return body.id as string;
  };
  /** Publishes events, and makes a batch of them as the engine would. */
  const form = async (count = 2) => {
    const events: string[] = [];
    for (let i = 0; i < count; i += 1) events.push(await publish());
    const members: GatheringMember[] = await gathering();
    const batch = { id: newId('del'), eventId: newId('evt'), eventType: 'user.session.ended', route: null };
    await test.store.formBatch({ lane: lane(), ...batch, members, formedAt: Date.now() });
    return { ...batch, events, members: members.map(({ id }) => id) };
  };

  it('has what is published wait for company', async () => {
    await publish();
    const [member] = await gathering();
    assert.ok(member);
    const delivery = await show(`deliveries/${member.id}`);
    assert.deepEqual([delivery.state, delivery.batch_id, delivery.batch_state], ['pending', null, null]);
    assert.equal(delivery.member_ids, null);
    assert.equal((await act(member.id, 'cancel')).status, 200);
    assert.deepEqual(await gathering(), []);
  });

  it('shows members one by one, with the fate of their batch, and the batch with its members', async () => {
    const { id, eventId, members, events } = await form();
    const [member = ''] = members;
    const shows = async (batch_state: string) => {
      const delivery = await show(`deliveries/${member}`);
      assert.deepEqual([delivery.state, delivery.batch_id, delivery.batch_state], ['batched', id, batch_state]);
      assert.equal((await show(`deliveries/${id}`)).state, batch_state);
      return delivery;
    };
    assert.equal((await shows('pending')).finished_at, null);
    test.engine.sending.add(id);
    await shows('sending');
    test.engine.sending.delete(id);
    await test.call('POST', `/v1/webhooks/${webhook}/pause`);
    assert.deepEqual((await shows('held')).held_reasons, ['paused']);
    await test.call('POST', `/v1/webhooks/${webhook}/resume`);
    assert.deepEqual(await ids(`batch=${id}`), members.toReversed());
    assert.deepEqual(await ids(`batch=${id}&state=batched&limit=1`), members.slice(1));
    assert.deepEqual(await ids('state=batched'), members.toReversed());
    const batch = await show(`deliveries/${id}`);
    assert.deepEqual([batch.origin, batch.event, batch.member_ids], ['batch', 'webhook.batch', members]);
    const { data } = JSON.parse(batch.body);
    assert.equal(JSON.stringify(data.events[0]), (await show(`deliveries/${member}`)).body);
    assert.equal((await shows('pending')).at_fallback, false);
    await test.attempt(webhook, ANSWERED, { state: 'pending', dueAt: Date.now(), atFallback: true });
    assert.equal((await shows('pending')).at_fallback, true);
    await test.attempt(webhook, ANSWERED, { state: 'delivered' });
    const { finished_at } = await shows('delivered');
    assert.equal(finished_at, (await show(`deliveries/${id}`)).finished_at);
    const { deliveries } = await show(`events/${events[0]}`);
    assert.deepEqual(
      deliveries.map((each: { id: string; batch_state: string }) => [each.id, each.batch_state]),
      [[member, 'delivered']],
    );
    const listed = (await show('events?limit=200')).data.map((event: { event: string }) => event.event);
    assert.ok(!listed.includes('webhook.batch'));
    assert.equal((await show('events?type=webhook.batch')).data[0].id, eventId);
    assert.equal((await show(`events/${eventId}`)).deliveries[0].id, id);
  });

  it('does to a batch what is done to all of its members, and says so', async () => {
    const { id, members } = await form();
    const [member = ''] = members;
    for (const [action, done] of [
      ['cancel', 'cancelled'],
      ['retry', 'retried'],
    ] as const) {
      const { status, body } = await act(member, action);
      assert.equal(status, 409);
      const whole = `only the whole batch can be ${done}`;
      assert.equal(body.detail, `Delivery ${member} is a member of batch ${id}, which is pending: ${whole}.`);
    }
    assert.equal((await act(member, 'replay')).status, 409, 'it still waits');
    assert.equal((await act(id, 'cancel')).body.state, 'cancelled');
    assert.equal((await show(`deliveries/${member}`)).batch_state, 'cancelled');
    assert.equal((await act(id, 'retry')).status, 202);
    assert.equal((await show(`deliveries/${member}`)).batch_state, 'pending');
    await test.attempt(webhook, ANSWERED, { state: 'failed', reason: 'gave up' });
    const { status, body } = await act(member, 'replay');
    assert.deepEqual([status, body.state, body.origin, body.batch_id], [202, 'pending', 'replay', null]);
    assert.equal((await act(id, 'replay')).body.event, 'webhook.batch');
  });
});

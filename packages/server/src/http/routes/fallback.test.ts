import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import { openTestApp, type TestApp } from '../test-app.ts';

const URL = 'https://receiver.example/hook';
const FALLBACK = 'https://fallback.example/hook';
const CONFIG = { url: URL, events: ['*'], headers: { 'X-Own': 'value' }, fallback_url: FALLBACK };
const REFUSED = { kind: 'answered', status: 404, headers: [], body: '', truncated: false } as const;

describe('fallback_url', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  const create = async (fields: object = {}) => await test.call('POST', '/v1/webhooks', { ...CONFIG, ...fields });

  it('is saved, shown, kept in versions, and taken out with null', async () => {
    const { status, body } = await create();
    assert.deepEqual([status, body.fallback_url], [201, FALLBACK]);
    const path = `/v1/webhooks/${body.id}`;
    const { body: read } = await test.call('GET', path);
    assert.deepEqual(
      [read.fallback_url, read.destinations.map(({ url }: { url: string }) => url)],
      [FALLBACK, [URL, FALLBACK]],
    );
    assert.equal((await test.call('PUT', path, read)).body.fallback_url, FALLBACK, 'what was read can be sent back');
    const { body: without } = await test.call('PATCH', path, { fallback_url: null });
    assert.deepEqual([without.fallback_url, without.destinations.length], [null, 1]);
    const { body: versions } = await test.call('GET', `${path}/versions`);
    const shown = versions.data.map(({ fallback_url }: { fallback_url: string | null }) => fallback_url);
    assert.deepEqual([shown[0], shown.at(-1)], [null, FALLBACK]);
    assert.equal((await create({ fallback_url: undefined })).body.fallback_url, null);
  });

  it('is refused where it cannot be meant, with its path', async () => {
    for (const fallback_url of [URL, 'http://fallback.example/', 'https://127.0.0.1/', 5]) {
      const { status, body } = await create({ fallback_url });
      assert.deepEqual([status, body.errors[0].path], [422, 'fallback_url'], String(fallback_url));
    }
    const { body } = await create();
    const { status, body: problem } = await test.call('PATCH', `/v1/webhooks/${body.id}`, { url: FALLBACK });
    assert.deepEqual([status, problem.errors[0].path], [422, 'fallback_url']);
  });

  it('shows where a delivery is, why it is held there, and what was sent', async () => {
    const { body: webhook } = await create();
    await test.call('POST', '/v1/events', { event: 'user.session.ended', data: { user_id: 'u', session_id: 's' } });
    const { body: list } = await test.call('GET', `/v1/deliveries?webhook_id=${webhook.id}`);
    assert.deepEqual(
      list.data.map(({ at_fallback }: { at_fallback: boolean }) => at_fallback),
      [false],
    );
    const path = `/v1/deliveries/${list.data[0].id}`;

    const [delivery] = await test.attempt(webhook.id, REFUSED, { state: 'pending', dueAt: 0, atFallback: true });
    assert.ok(delivery);
    const { body: diverted } = await test.call('GET', path);
    assert.deepEqual([diverted.state, diverted.at_fallback], ['pending', true]);
    const circuit = { state: 'open', since: 0, failedProbes: 0, nextProbeAt: Date.UTC(2100, 0) } as const;
    for (const [url, state] of [
      [URL, 'pending'],
      [FALLBACK, 'held'],
    ] as const) {
      await test.store.recordTest({
        ...{ lane: delivery.lane, deliveryId: `del_${state}`, state: 'failed', reason: null, payload: 'full' },
        event: { ...EVENT, workspaceId: test.workspaceId, id: `evt_${state}` },
        attempt: { ...ATTEMPT, url, id: `att_${state}` },
        destination: { url, value: { ...UNKNOWN_DESTINATION, circuit } },
      });
      assert.equal((await test.call('GET', path)).body.state, state, url);
    }

    await test.attempt(webhook.id, REFUSED, { state: 'failed', reason: 'answered 404' });
    const { body: ended } = await test.call('GET', path);
    assert.deepEqual([ended.state, ended.at_fallback, ended.attempt_count], ['failed', true, 2]);
    const sent = ended.attempts.map(
      ({ exchanges }: { exchanges: { request: SentRequest }[] }) => exchanges[0]?.request,
    );
    const ownHeaders = sent.map(({ headers }: SentRequest) => headers.filter(({ name }) => name === 'X-Own').length);
    assert.deepEqual(
      [sent.map(({ url }: SentRequest) => url), ownHeaders],
      [
        [URL, FALLBACK],
        [1, 0],
      ],
    );

    await test.call('POST', `${path}/retry`);
    assert.equal((await test.call('GET', path)).body.at_fallback, false);
  });
});

interface SentRequest {
  url: string;
  headers: { name: string; value: string }[];
}

const EVENT = { type: 'webhook.test', occurredAt: 0, acceptedAt: 0, runId: null, revision: 1, dataText: '{}' };
const ATTEMPT = {
  ...{ number: 1, startedAt: 0, durationMs: 1, route: null, webhookVersion: 1, reason: null, exchanges: [] },
  outcome: 'permanent',
} as const;

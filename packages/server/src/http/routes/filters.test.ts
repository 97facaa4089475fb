import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { catalog } from '@broxi/events';
import { newId } from '../../ids.ts';
import { openTestApp, type TestApp } from '../test-app.ts';

const sample = catalog['workflow.completed'].sample;
const routes = [
  { when: { workflow_id: { starts_with: 'sales_' } }, url: 'https://crm.example/' },
  { when: { cost: { less_than: 1 } }, url: 'https://cheap.example/' },
];

describe('POST /v1/filters/test', () => {
  let test: TestApp;
  before(async () => {
    test = await openTestApp();
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  const tryOut = (body: object) => test.call('POST', '/v1/filters/test', { event: 'workflow.completed', ...body });
  const pathsOf = (failed: readonly { path: string }[]) => failed.map(({ path }) => path);

  it('tells what matches of given data, and which test failed with what it saw', async () => {
    const filters = { workflow_id: ['customer_support_bot'], cost: { greater_than: 0.1 }, 'error.code': 'X' };
    const { status, body } = await tryOut({ filters, data: sample });
    assert.equal(status, 200);
    assert.deepEqual([body.tested, body.matched, body.subscribed], [1, 0, true]);
    const [result] = body.results;
    assert.deepEqual([result.event_id, result.timestamp, result.matches, result.route], [null, null, false, null]);
    assert.deepEqual(result.failed, [
      {
        path: 'filters.cost.greater_than',
        field: 'cost',
        absent: false,
        value: sample.cost,
        message: 'cost is 0.0045: not greater_than 0.1',
      },
      {
        path: 'filters.error\\.code',
        field: 'error.code',
        absent: true,
        value: null,
        message: 'error.code is absent: not equals "X"',
      },
    ]);
    assert.match(body.warnings.join(), /workflow\.completed never has error\.code/);
    const taken = await tryOut({ filters: { cost: { less_than: 0.1 } }, conditions: { cost: 0.0045 }, data: sample });
    assert.deepEqual([taken.body.matched, taken.body.results[0].failed], [1, []]);
  });

  it('tells which route decides, and why the others do not', async () => {
    const { body } = await tryOut({ routes, data: sample });
    const [result] = body.results;
    assert.equal(result.route, 1);
    assert.deepEqual(
      result.routes.map(({ url, matches }: { url: string; matches: boolean }) => [url, matches]),
      [
        ['https://crm.example/', false],
        ['https://cheap.example/', true],
      ],
    );
    assert.deepEqual(pathsOf(result.routes[0].failed), ['routes[0].when.workflow_id.starts_with']);
    const dear = await tryOut({ routes, data: { ...sample, cost: 2 } });
    assert.deepEqual([dear.body.results[0].matches, dear.body.results[0].route], [true, null]);
  });

  it('tells what stands inside of not, and shows long values by their beginning', async () => {
    const filters = { not: { output: { exists: true } } };
    const { body } = await tryOut({ filters, data: { ...sample, output: 'x'.repeat(5_000) } });
    const [failed] = body.results[0].failed;
    assert.equal(failed.path, 'filters.not.output.exists');
    assert.match(failed.message, /exists true holds, and stands inside of not$/);
    assert.ok(failed.value.length < 600 && failed.message.length < 700);
  });

  it('tries the latest events of a type, newest first, and sends nothing', async () => {
    const publish = async (cost: number) =>
      (await test.call('POST', '/v1/events', { event: 'workflow.completed', data: { ...sample, cost } })).body.id;
    const ids = [];
    for (const cost of [0.1, 0.2, 0.3]) ids.push(await publish(cost));
    await test.call('POST', '/v1/events', { event: 'user.session.ended', data: { user_id: 'u', session_id: 's' } });
    const filters = { cost: { greater_than: 0.15 } };
    const { body } = await tryOut({ filters, last: 2 });
    assert.deepEqual([body.tested, body.matched], [2, 2]);
    assert.deepEqual(
      body.results.map(({ event_id }: { event_id: string }) => event_id),
      [ids[2], ids[1]],
    );
    const all = await tryOut({ filters });
    assert.deepEqual([all.body.tested, all.body.matched], [3, 2]);
    assert.deepEqual((await test.call('GET', '/v1/deliveries')).body.data, []);
    const elsewhere = await test.call(
      'POST',
      '/v1/filters/test',
      { event: 'workflow.completed', filters },
      { key: test.otherKey },
    );
    assert.equal(elsewhere.body.tested, 0, 'another workspace has no events');
  });

  it('tries what a webhook has', async () => {
    const { body: webhook } = await test.call('POST', '/v1/webhooks', {
      url: 'https://a.example/',
      events: ['workflow.completed'],
      filters: { cost: { greater_than: 1 } },
      routes,
    });
    const { body } = await tryOut({ webhook_id: webhook.id, data: sample });
    assert.deepEqual([body.subscribed, body.matched], [true, 0]);
    const other = await tryOut({
      webhook_id: webhook.id,
      event: 'workflow.failed',
      data: { cost: 2, workflow_id: 'sales_1' },
    });
    assert.deepEqual([other.body.subscribed, other.body.matched, other.body.results[0].route], [false, 1, 0]);
    const foreign = { event: 'workflow.completed', webhook_id: webhook.id, data: {} };
    assert.equal((await test.call('POST', '/v1/filters/test', foreign, { key: test.otherKey })).status, 404);
  });

  for (const [what, body, path, message] of [
    ['an unknown operator', { filters: { cost: { more: 1 } }, data: {} }, 'filters.cost.more', /not an operator/],
    ['a faulty route', { routes: [{ when: { a: 1 }, url: 'http://a.example/' }] }, 'routes[0].url', /https/],
    ['an unknown type', { event: 'workflow.complete' }, 'event', /did you mean workflow\.completed/],
    ['no type', { event: undefined, data: {} }, 'event', /required/],
    ['an unknown field', { filter: {} }, 'filter', /not a field/],
    ['data and last', { data: {}, last: 1 }, 'last', /one of the two/],
    ['a webhook and a filter', { webhook_id: newId('wh'), filters: {} }, 'filters', /one of the two/],
    ['too many events', { last: 101 }, 'last', /100/],
    ['data that is no object', { data: [] }, 'data', /object/],
  ] as const) {
    it(`refuses ${what} at "${path}"`, async () => {
      const answer = await tryOut(body);
      assert.equal(answer.status, 422);
      const error = answer.body.errors.find((each: { path: string }) => each.path === path);
      assert.match(error?.message ?? JSON.stringify(answer.body.errors), message);
    });
  }

  it('answers 404 for a webhook that is not there', async () => {
    assert.equal((await tryOut({ webhook_id: newId('wh'), data: {} })).status, 404);
  });
});

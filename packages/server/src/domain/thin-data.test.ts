import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { catalog } from '@broxi/events';
import fc from 'fast-check';
import { deliveryBody } from './delivery-body.ts';
import { thinDataText } from './thin-data.ts';

const thin = (type: string, data: unknown) => JSON.parse(thinDataText(type, JSON.stringify(data)));

test('of a type of the catalog it keeps the identifiers, and nothing that happened', () => {
  const run = { workflow_id: 'customer_support_bot', run_id: 'run_12345', user_id: 'user_67890' };
  assert.deepEqual(thin('workflow.completed', { ...catalog['workflow.completed'].sample, order_id: 7 }), {
    ...run,
    session_id: 'session_abcdef',
  });
  assert.deepEqual(thin('user.message.received', catalog['user.message.received'].sample), {
    user_id: 'user_67890',
    session_id: 'session_abcdef',
    message: { id: 'msg_123' },
  });
  assert.deepEqual(thin('component.failed', { run_id: 'r', component: 'c', error: { component: 'c' } }), {
    run_id: 'r',
    component: 'c',
  });
  assert.deepEqual(thin('system.maintenance', catalog['system.maintenance'].sample), {});
});

test('what is not there, or is no identifier in this event, is left out', () => {
  for (const data of [{}, { message: {} }, { message: { id: { text: 'hello' } } }, { message: 'hello' }, [], null]) {
    assert.deepEqual(thin('user.message.received', data), {}, JSON.stringify(data));
  }
});

test('of a custom type it keeps texts and numbers at the top that are named as identifiers', () => {
  const data = { total: 3, order_id: 'o1', id: 7, _id: '', valid: 'no', identity: 'no', ID: 'no', item: { id: 1 } };
  assert.deepEqual(thin('order.paid', { ...data, a_id: null, b_id: ['x'], c_id: { id: 'x' }, d_id: true }), {
    order_id: 'o1',
    id: 7,
    _id: '',
  });
});

test('a thin body has the keys of a full one, and is what JavaScript writes of it, whatever the data', () => {
  const key = fc.oneof(fc.constantFrom('id', 'run_id', 'workflow_id', 'message', '__proto___id', '1_id'), fc.string());
  const data = fc.dictionary(key, fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.jsonValue()));
  fc.assert(
    fc.property(data, fc.constantFrom('order.paid', 'user.message.received', 'workflow.failed'), (value, type) => {
      const event = { type, occurredAt: 0, dataText: JSON.stringify(value) };
      const body = deliveryBody({ webhookId: 'wh_1', deliveryId: 'del_1', event, payload: 'thin' });
      const parsed = JSON.parse(body);
      assert.equal(JSON.stringify(parsed), body);
      assert.deepEqual(Object.keys(parsed), ['event', 'timestamp', 'webhook_id', 'delivery_id', 'data']);
    }),
  );
});

test('the catalog is loaded for the first thin body, and not before', () => {
  const script = `
    import { registerHooks } from 'node:module';
    let isLoaded = false;
    registerHooks({
      load(url, context, next) {
        isLoaded ||= url.includes('typebox');
        return next(url, context);
      },
    });
    const { deliveryBody } = await import('./delivery-body.ts');
    const event = { type: 'workflow.started', occurredAt: 0, dataText: '{}' };
    const parts = { webhookId: 'wh_1', deliveryId: 'del_1', event };
    deliveryBody({ ...parts, payload: 'full' });
    const before = isLoaded;
    deliveryBody({ ...parts, payload: 'thin' });
    console.log(before, isLoaded);`;
  const options = ['--conditions=source', '--input-type=module-typescript', '--eval', script];
  const said = execFileSync(process.execPath, options, { cwd: import.meta.dirname, encoding: 'utf8' });
  assert.equal(said.trim(), 'false true');
});

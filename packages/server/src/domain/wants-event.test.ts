import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWants } from './wants-event.ts';

const ALL = { filters: null, conditions: null, routes: null };
const wants = (events: string[], type: string) => createWants({ ...ALL, events })({ type, dataText: '{}' });

test('a webhook wants the events of the types that it subscribes to', () => {
  assert.deepEqual(wants(['user.message.received', 'workflow.*'], 'workflow.failed'), { route: null });
  assert.deepEqual(wants(['*'], 'order.paid'), { route: null });
  assert.equal(wants(['workflow.failed'], 'workflow.completed'), null);
});

test('nobody wants an operational event afterwards, not even who names it', () => {
  assert.equal(wants(['webhook.test'], 'webhook.test'), null);
});

test('filters and conditions must hold; then the first route that holds decides', () => {
  const asks = createWants({
    events: ['*'],
    filters: { event: { starts_with: 'order.' } },
    conditions: { total: { greater_than: 9 } },
    routes: [
      { id: 7, when: { country: 'de' }, url: 'https://de.example/', headers: {} },
      { id: 8, when: { total: { greater_than: 99 } }, url: 'https://large.example/', headers: {} },
    ],
  });
  const asked = (type: string, data: object) => asks({ type, dataText: JSON.stringify(data) });
  assert.equal(asked('invoice.paid', { total: 50 }), null);
  assert.equal(asked('order.paid', { total: 5, country: 'de' }), null);
  assert.deepEqual(asked('order.paid', { total: 50 }), { route: null });
  assert.deepEqual(asked('order.paid', { total: 500, country: 'de' }), { route: 7 });
  assert.deepEqual(asked('order.paid', { total: 500 }), { route: 8 });
});

test('the data is looked at only where that decides', () => {
  const event = {
    type: 'order.paid',
    get dataText(): string {
      throw new Error('read');
    },
  };
  assert.deepEqual(createWants({ ...ALL, events: ['*'] })(event), { route: null });
  assert.equal(createWants({ ...ALL, events: ['a.b'], filters: { total: 1 } })(event), null);
  assert.throws(() => createWants({ ...ALL, events: ['*'], filters: { total: 1 } })(event), /read/);
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isReservedType, isTypeName } from './type-name.ts';

it('isTypeName takes dotted lower case of two segments or more', () => {
  for (const name of ['order.paid', 'a.b', 'order_2.paid_in_full.v3', `a.${'b'.repeat(126)}`]) {
    assert.equal(isTypeName(name), true, name);
  }
});

it('isTypeName refuses everything else', () => {
  const wrong = [
    '',
    'order',
    '.',
    'order.',
    '.paid',
    'a..b',
    'Order.paid',
    'order.Paid',
    'order-x.paid',
    '1a.b',
    'a.1b',
  ];
  const hidden = ['_a.b', 'a.b ', ' a.b', 'a.b\n', 'ä.b', 'a.*', '*', `a.${'b'.repeat(127)}`];
  for (const name of [...wrong, ...hidden]) assert.equal(isTypeName(name), false, JSON.stringify(name));
});

it('isReservedType goes by family, not by what is in the catalog', () => {
  for (const type of ['webhook.test', 'webhook.anything', 'delivery.exhausted', 'delivery.x.y']) {
    assert.equal(isReservedType(type), true, type);
  }
  for (const type of [
    'webhooks.test',
    'webhook_x.y',
    'order.webhook.test',
    'deliver.x',
    'workflow.started',
    'webhook',
  ]) {
    assert.equal(isReservedType(type), false, type);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headerNames } from './header-names.ts';

test('the default names', () => {
  assert.deepEqual(headerNames(), {
    event: 'x-broxi-event',
    eventId: 'x-broxi-event-id',
    webhookId: 'x-broxi-webhook-id',
    deliveryId: 'x-broxi-delivery-id',
    attempt: 'x-broxi-attempt',
    timestamp: 'x-broxi-timestamp',
    signature: 'x-broxi-signature',
    signaturePrevious: 'x-broxi-signature-previous',
  });
});

test('another platform has its own', () => {
  assert.equal(headerNames('Acme-').signaturePrevious, 'acme-signature-previous');
});

test('a prefix that makes no names, or takes those of Standard Webhooks, is refused', () => {
  for (const prefix of ['', '-', 'X-Acme', 'X Acme-', 'X_Acme-', 'X-Acme:-', 'X-Ä-', 'X-\r\n-', 'Webhook-', '1-']) {
    assert.throws(() => headerNames(prefix), { name: 'InvalidOptionError', option: 'headerPrefix' }, prefix);
  }
});

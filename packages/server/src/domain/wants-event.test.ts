import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantsEvent } from './wants-event.ts';

const wants = (events: string[], type: string) => wantsEvent({ events }, { type, dataText: '{}' });

test('a webhook wants the events of the types that it subscribes to', () => {
  assert.equal(wants(['user.message.received', 'workflow.*'], 'workflow.failed'), true);
  assert.equal(wants(['*'], 'order.paid'), true);
  assert.equal(wants(['workflow.failed'], 'workflow.completed'), false);
});

test('nobody wants an operational event afterwards, not even who names it', () => {
  assert.equal(wants(['webhook.test'], 'webhook.test'), false);
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { subscriptionMatches } from './subscription-matches.ts';

const cases: [pattern: string, type: string, matches: boolean][] = [
  ['workflow.failed', 'workflow.failed', true],
  ['workflow.failed', 'workflow.failed.late', false],
  ['workflow.failed', 'workflow.faile', false],
  ['workflow.*', 'workflow.failed', true],
  ['workflow.*', 'workflows.failed', false],
  ['workflow.*', 'my.workflow.failed', false],
  ['workflow.*', 'workflow', false],
  ['user.*', 'user.session.ended', true],
  ['user.session.*', 'user.session.ended', true],
  ['user.session.*', 'user.message.received', false],
  ['order.*', 'order.paid', true],
  ['*', 'order.paid', true],
  ['*', 'workflow.failed', true],
  ['*', 'webhook.disabled', false],
  ['*', 'delivery.exhausted', false],
  ['webhook.*', 'webhook.disabled', false],
  ['webhook.circuit.*', 'webhook.circuit.opened', false],
  ['delivery.*', 'delivery.exhausted', false],
  ['webhook.disabled', 'webhook.disabled', true],
  ['delivery.exhausted', 'delivery.exhausted', true],
  ['work*', 'workflow.failed', false],
];

for (const [pattern, type, matches] of cases) {
  it(`${pattern} ${matches ? 'takes' : 'leaves'} ${type}`, () => {
    assert.equal(subscriptionMatches(pattern, type), matches);
  });
}

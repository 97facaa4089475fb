import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptOutcome, ExchangeResult } from './attempt.ts';
import { classifyBatch } from './batch-answer.ts';

const MEMBERS = ['del_a', 'del_b', 'del_c'];
const DELIVERED: AttemptOutcome = { kind: 'delivered' };

function answer(body: string, { status = 200, truncated = false } = {}): ExchangeResult {
  return { kind: 'answered', status, headers: [], body, truncated };
}
const classify = (result: ExchangeResult, outcome: AttemptOutcome = DELIVERED, members: readonly string[] = MEMBERS) =>
  classifyBatch(outcome, result, () => members);
const reasonOf = (outcome: AttemptOutcome) => (outcome.kind === 'retryable' ? outcome.reason : outcome.kind);

test('a success takes every member, whatever is in its body, unless that lists some as failed', () => {
  const bodies = [
    ...['', 'ok', '<p>{"failed": ["del_a"]}</p>', '[]', '["failed"]', '"failed"', 'null', '{}', '{"ok": true}'],
    ...[
      '{"failed": []}',
      '{"failed": null}',
      '{"failed": 0}',
      '{"failed": {"del_a": 1}}',
      '{"nested": {"failed": ["del_a"]}}',
    ],
    ...['{oops', '{"done": 1'],
  ];
  for (const body of bodies) assert.deepEqual(classify(answer(body)), DELIVERED, body);
  assert.deepEqual(classify(answer('x'.repeat(9_999), { truncated: true })), DELIVERED);
});

test('members that are listed have failed, each once', () => {
  for (const [body, failed] of [
    ['{"failed": ["del_b"]}', ['del_b']],
    [' \n\uFEFF{"note": 1, "failed": ["del_c", "del_a", "del_c"]}\r\n', ['del_c', 'del_a']],
    [JSON.stringify({ failed: MEMBERS }), MEMBERS],
  ] as const) {
    for (const status of [200, 202, 207]) {
      const reason = `answered ${status}, and names ${failed.length} of 3 as failed`;
      assert.deepEqual(classify(answer(body, { status })), { kind: 'partly_delivered', reason, failed });
    }
  }
});

test('a list that cannot be relied on is no success, but is tried again', () => {
  const unknown = 'answered 200, and names as failed what is not in the batch: ';
  assert.equal(reasonOf(classify(answer('{"failed": ["del_a", "del_x"]}'))), `${unknown}"del_x"`);
  assert.equal(reasonOf(classify(answer('{"failed": [{"id": "del_a"}]}'))), `${unknown}{"id":"del_a"}`);
  assert.equal(reasonOf(classify(answer('{"failed": [null]}'))), `${unknown}null`);
  const long = reasonOf(classify(answer(JSON.stringify({ failed: ['x'.repeat(9_999)] }))));
  assert.equal(long.length, unknown.length + 61);
  const cut = 'answered 200, and the JSON that would say which members failed is cut off';
  for (const body of ['{"failed": ["del_a"', '{"failed":', '{"note": "x", "failed" : [', '{"failed": ["del_a"]']) {
    assert.equal(reasonOf(classify(answer(body))), cut, body);
  }
  assert.equal(
    reasonOf(classify(answer('{"results": [1, 2', { truncated: true }))),
    cut,
    'nobody knows what came then',
  );
});

test('413 splits what can be split, whatever the policy makes of it', () => {
  const plain: AttemptOutcome = { kind: 'permanent', reason: 'answered 413' };
  const again: AttemptOutcome = { kind: 'retryable', reason: 'answered 413', retryAfterMs: null };
  for (const outcome of [plain, again]) {
    assert.deepEqual(classify(answer('', { status: 413 }), outcome), { kind: 'too_large', reason: 'answered 413' });
    assert.deepEqual(classify(answer('', { status: 413 }), outcome, ['del_a']), outcome);
  }
});

test('no other answer means anything else than it would to a single delivery', () => {
  const outcome: AttemptOutcome = { kind: 'retryable', reason: 'answered 500', retryAfterMs: null };
  const body = '{"failed": ["del_a"]}';
  assert.equal(classify(answer(body, { status: 500 }), outcome), outcome);
  const failed: ExchangeResult = { kind: 'failed', failure: 'timeout', message: 'no answer' };
  assert.equal(classify(failed, outcome), outcome);
});

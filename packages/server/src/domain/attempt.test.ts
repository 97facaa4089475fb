import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  classify,
  type Exchange,
  type ExchangeResult,
  type FailureKind,
  headerOf,
  isSuccess,
  lastStatusOf,
  parseRetryAfter,
  refusesSignature,
} from './attempt.ts';
import { FieldReader } from './field-reader.ts';
import { deriveRetryPolicy } from './retry-policy.ts';
import { readRetryPolicyConfig } from './retry-policy-config.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const DAY_MS = 86_400_000;

const policyOf = (given: Record<string, unknown> = {}) =>
  deriveRetryPolicy(readRetryPolicyConfig(new FieldReader(given, '', []), []));
const answered = (status: number, headers: readonly string[] = []): ExchangeResult => ({
  kind: 'answered',
  status,
  headers,
  body: '',
  truncated: false,
});
const failed = (failure: FailureKind): ExchangeResult => ({ kind: 'failed', failure, message: 'as it was' });
/** Of this side: no policy has a say in them. */
const OWN: readonly FailureKind[] = ['resolver', 'unreachable', 'out_of_sockets', 'proxy'];
const FAILURES: readonly FailureKind[] = [
  ...(['timeout', 'dns', 'connection_refused', 'connection_reset', 'tls'] as const),
  ...(['malformed_response', 'address_refused', 'network'] as const),
];

test('every status has one meaning under the default policy', () => {
  const policy = policyOf();
  for (let status = 100; status <= 999; status++) {
    const { kind } = classify(answered(status), policy, NOW);
    const retryable = [408, 425, 429].includes(status) || (status >= 500 && status <= 599);
    const refused = status === 410 ? 'gone' : 'permanent';
    const expected = status >= 200 && status <= 299 ? 'delivered' : retryable ? 'retryable' : refused;
    assert.equal(kind, expected, String(status));
    assert.equal(isSuccess(answered(status)), expected === 'delivered');
    assert.equal(refusesSignature(answered(status)), [400, 401, 403].includes(status));
  }
});

test('the policy’s own lists decide, and never over a success', () => {
  const policy = policyOf({
    retry_conditions: { status_codes: [404, '300-307'] },
    non_retry_conditions: { status_codes: [503] },
  });
  const kindOf = (status: number) => classify(answered(status), policy, NOW).kind;
  assert.deepEqual([200, 302, 404, 500, 503].map(kindOf), [
    'delivered',
    'retryable',
    'retryable',
    'permanent',
    'permanent',
  ]);
});

test('every failure follows the switch that it belongs to', () => {
  const switches: [Record<string, unknown>, readonly FailureKind[]][] = [
    [{}, []],
    [{ retry_conditions: { timeouts: false } }, ['timeout']],
    [{ non_retry_conditions: { malformed_response: true } }, ['malformed_response']],
    [
      { retry_conditions: { network_errors: false } },
      ['dns', 'connection_refused', 'connection_reset', 'tls', 'network'],
    ],
  ];
  for (const [given, off] of switches) {
    for (const failure of FAILURES) {
      // An address that must not be reached does not become one that may by waiting.
      const kind = off.includes(failure) || failure === 'address_refused' ? 'permanent' : 'retryable';
      const outcome = classify(failed(failure), policyOf(given), NOW);
      assert.equal(outcome.kind, kind, `${failure} ${JSON.stringify(given)}`);
      assert.equal(outcome.reason, `${failure}: as it was`);
      assert.equal(refusesSignature(failed(failure)) || isSuccess(failed(failure)), false);
    }
  }
});

test('reasons say what was answered, and that redirects are not followed', () => {
  const reasonOf = (status: number) => {
    const outcome = classify(answered(status), policyOf(), NOW);
    return outcome.kind === 'delivered' ? null : outcome.reason;
  };
  assert.deepEqual([204, 404, 503, 301, 399].map(reasonOf), [
    null,
    'answered 404',
    'answered 503',
    'answered 301: redirects are never followed',
    'answered 399: redirects are never followed',
  ]);
});

test('a failure of our own is told apart from the receiver’s, whatever the policy says', () => {
  const policy = policyOf({ retry_conditions: { network_errors: false, timeouts: false } });
  for (const failure of OWN) {
    assert.deepEqual(classify(failed(failure), policy, NOW), { kind: 'own_failure', reason: `${failure}: as it was` });
  }
  for (const failure of FAILURES) assert.notEqual(classify(failed(failure), policy, NOW).kind, 'own_failure');
});

test('410 is never retried, whatever the policy says', () => {
  const policy = policyOf({ retry_conditions: { status_codes: ['400-499'] } });
  assert.deepEqual(classify(answered(410), policy, NOW), { kind: 'gone', reason: 'answered 410: it is gone' });
});

test('Retry-After counts on 429 and 503 alone', () => {
  const policy = policyOf({ retry_conditions: { status_codes: ['300-599'] } });
  for (let status = 300; status <= 599; status++) {
    if (status === 410) continue;
    const outcome = classify(answered(status, ['X', '1', 'RETRY-AFTER', '7', 'retry-after', '9']), policy, NOW);
    assert.ok(outcome.kind === 'retryable');
    assert.equal(outcome.retryAfterMs, status === 429 || status === 503 ? 7000 : null, String(status));
  }
  const outcome = classify(answered(429), policy, NOW);
  assert.ok(outcome.kind === 'retryable' && outcome.retryAfterMs === null);
});

test('Retry-After is seconds or a date, at most a day ahead', () => {
  const cases: [string, number | null][] = [
    ['0', 0],
    ['120', 120_000],
    [' 5 ', 5000],
    ['86400', DAY_MS],
    ['9999999999', DAY_MS],
    ['Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
    ['Thu, 01 Jan 2026 11:59:00 GMT', 0],
    ['Fri, 01 Jan 2027 00:00:00 GMT', DAY_MS],
    ['Thursday, 01-Jan-26 12:00:30 GMT', 30_000],
    ['', null],
    ['-1', null],
    ['1.5', null],
    ['1e3', null],
    ['soon', null],
    ['99999999999', null],
    ['2026-01-01', null],
  ];
  for (const [value, expected] of cases) assert.equal(parseRetryAfter(value, NOW), expected, value);
});

test('no Retry-After, whatever it says, waits less than nothing or more than a day', () => {
  const value = fc.oneof(
    fc.string(),
    fc.nat().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  );
  fc.assert(
    fc.property(value, (text) => {
      const waitMs = parseRetryAfter(text, NOW);
      assert.ok(waitMs === null || (Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= DAY_MS), `${waitMs}`);
    }),
  );
});

test('a header is found by its name in any case; a value is not taken for a name', () => {
  const headers = ['A', 'retry-after', 'Retry-After', '5', 'retry-after', '6'];
  assert.equal(headerOf(headers, 'retry-after'), '5');
  assert.equal(headerOf(headers, 'b'), undefined);
  assert.equal(headerOf(['retry-after'], 'retry-after'), undefined);
});

test('the status of an attempt is that of its last exchange, if that was answered', () => {
  const exchange = (result: ExchangeResult): Exchange => {
    return { scheme: 'timestamped', secret: 0, sentAt: 0, durationMs: 0, result };
  };
  const statusOf = (...results: ExchangeResult[]) => lastStatusOf({ exchanges: results.map(exchange) });
  assert.equal(statusOf(answered(401), answered(200)), 200);
  assert.equal(statusOf(answered(401), failed('timeout')), null);
  assert.equal(statusOf(), null);
});

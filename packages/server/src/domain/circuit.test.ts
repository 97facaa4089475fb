import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExchangeResult, FailureKind } from './attempt.ts';
import {
  afterLanding,
  type Circuit,
  CLOSED_CIRCUIT,
  closedOffUntil,
  evidenceOf,
  isNewsOf,
  probeNow,
  widthOf,
} from './circuit.ts';

const NOW = 1_000_000_000;
const OPEN: Circuit = { state: 'open', since: NOW - 1, failedProbes: 0, nextProbeAt: NOW + 4_999 };
const HALF: Circuit = { state: 'half_open', since: NOW - 1, width: 4, widenAt: NOW };

const land = (circuit: Circuit, landing: Partial<Parameters<typeof afterLanding>[1]> = {}) =>
  afterLanding(circuit, { evidence: 'success', isProbe: false, outage: false, slots: 16, now: NOW, ...landing });
const FAILED = { evidence: 'counted_failure', outage: true } as const;

test('5xx, 408, network errors and timeouts count; whatever else comes back shows that the receiver is there', () => {
  const answered = (status: number): ExchangeResult => {
    return { kind: 'answered', status, headers: [], body: '', truncated: false };
  };
  const failed = (failure: FailureKind): ExchangeResult => ({ kind: 'failed', failure, message: '' });
  const expected = {
    success: [200, 204, 299].map(answered),
    counted_failure: [
      ...[408, 500, 503, 599].map(answered),
      ...(['timeout', 'dns', 'connection_refused', 'connection_reset', 'tls', 'network'] as const).map(failed),
    ],
    other_answer: [
      ...[301, 400, 401, 404, 410, 425, 429, 499].map(answered),
      ...(['malformed_response', 'address_refused'] as const).map(failed),
    ],
    own_failure: (['resolver', 'unreachable', 'out_of_sockets', 'proxy'] as const).map(failed),
  };
  for (const [evidence, results] of Object.entries(expected)) {
    for (const result of results) assert.equal(evidenceOf(result), evidence, JSON.stringify(result));
  }
});

test('opens when a failure shows an outage, from closed and from half open, with the first probe after 5 s', () => {
  const opened = { state: 'open', since: NOW, failedProbes: 0, nextProbeAt: NOW + 5_000 };
  assert.deepEqual(land(CLOSED_CIRCUIT, FAILED), opened);
  assert.deepEqual(land(HALF, FAILED), opened);
  assert.equal(land(CLOSED_CIRCUIT, { evidence: 'counted_failure' }), CLOSED_CIRCUIT);
  for (const evidence of ['success', 'other_answer'] as const) {
    assert.equal(land(CLOSED_CIRCUIT, { evidence, outage: true }), CLOSED_CIRCUIT);
  }
});

test('a probe that fails in a counted way puts the next one off, twice as long each time, up to 5 minutes', () => {
  let circuit: Circuit = OPEN;
  const delays: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    circuit = land(circuit, { ...FAILED, isProbe: true });
    assert.ok(circuit.state === 'open');
    assert.equal(circuit.since, OPEN.since);
    delays.push((circuit.nextProbeAt - NOW) / 1000);
  }
  assert.deepEqual(delays, [10, 20, 40, 80, 160, 300, 300, 300]);
});

test('any other answer to a probe ends it, to a ramp that begins with one at a time', () => {
  for (const evidence of ['success', 'other_answer'] as const) {
    const circuit = land(OPEN, { evidence, isProbe: true });
    assert.deepEqual(circuit, { state: 'half_open', since: NOW, width: 1, widenAt: NOW + 1_000 });
  }
});

test('while it is open, what is no probe says nothing', () => {
  for (const evidence of ['success', 'other_answer', 'counted_failure'] as const) {
    assert.equal(land(OPEN, { evidence, outage: true }), OPEN);
  }
});

test('the ramp doubles at most once a second, is halved by a failure, and ends as wide as the webhook', () => {
  assert.equal(land(HALF, { now: NOW - 1 }), HALF);
  assert.deepEqual(land(HALF), { ...HALF, width: 8, widenAt: NOW + 1_000 });
  assert.deepEqual(land(HALF, { evidence: 'other_answer' }), { ...HALF, width: 8, widenAt: NOW + 1_000 });
  assert.deepEqual(land(HALF, { evidence: 'counted_failure' }), { ...HALF, width: 2, widenAt: NOW + 1_000 });
  const narrow = land({ ...HALF, width: 1 }, { evidence: 'counted_failure' });
  assert.equal(widthOf(narrow), 1);
  assert.equal(land(HALF, { slots: 8 }), CLOSED_CIRCUIT);
  assert.deepEqual(land({ ...HALF, width: 1 }, { slots: 1 }), CLOSED_CIRCUIT);
});

test('an open one lets a probe through, a half open one its width, a closed one everything', () => {
  assert.deepEqual([OPEN, HALF, CLOSED_CIRCUIT].map(widthOf), [1, 4, Number.POSITIVE_INFINITY]);
});

test('nothing is sent before the next probe; a person may bring it forward, a clock that was set back may not put it off', () => {
  assert.deepEqual(
    [OPEN, HALF, CLOSED_CIRCUIT].map((circuit) => closedOffUntil(circuit, NOW)),
    [NOW + 4_999, 0, 0],
  );
  assert.equal(closedOffUntil(OPEN, NOW - 3_600_000), NOW - 3_600_000);
  assert.equal(closedOffUntil(probeNow(OPEN, NOW), NOW), NOW);
  assert.equal(probeNow(HALF, NOW), HALF);
  assert.deepEqual(probeNow(OPEN, NOW + 9_000), OPEN);
});

test('another state and another probe are news; how wide a ramp is by now is not', () => {
  assert.equal(isNewsOf(CLOSED_CIRCUIT, OPEN), true);
  assert.equal(isNewsOf(OPEN, HALF), true);
  assert.equal(isNewsOf(HALF, CLOSED_CIRCUIT), true);
  assert.equal(isNewsOf(OPEN, { ...OPEN, nextProbeAt: NOW + 9_999 }), true);
  assert.equal(isNewsOf(OPEN, { ...OPEN }), false);
  assert.equal(isNewsOf(HALF, { ...HALF, width: 8 }), false);
  assert.equal(isNewsOf(CLOSED_CIRCUIT, CLOSED_CIRCUIT), false);
});

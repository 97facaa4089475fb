import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AttemptJson, type FaultHistory, judgeFault } from './judge-fault.ts';
import type { MatrixFault, Stage } from './matrix-rows.ts';
import { resetAfterForwarding } from './proxy-faults.ts';

const FAULT: MatrixFault = {
  about: 'a reset',
  fault: resetAfterForwarding,
  failure: 'connection_reset',
  timing: { connect: 0, tls: 0.3 },
  arrives: true,
};
const STAGE: Stage = { name: 'first attempt', attempt: 1, webhook: {}, retryAfter: 0.5 };
const AT = Date.UTC(2026, 0, 1);
const after = (seconds: number) => new Date(AT + seconds * 1000).toISOString();

const timing = { dns: null, connect: 0.01, tls: 0.32, first_byte: null, total: 0.4 };
const attempt = (number: number, changes: Partial<AttemptJson> = {}): AttemptJson => ({
  number,
  started_at: after(number === 1 ? 0 : 0.91),
  duration: 0.4,
  outcome: number === 1 ? 'retryable' : 'delivered',
  exchanges: [{ timing, failure: number === 1 ? { kind: 'connection_reset' } : null }],
  ...changes,
});
const request = (number: number) => ({ webhookId: 'wh', deliveryId: 'del', attempt: number, digest: 'a' });
const timed = (changes: Partial<Record<keyof typeof timing, number>> | { connect: null }): Partial<AttemptJson> => ({
  exchanges: [{ timing: { ...timing, ...changes }, failure: { kind: 'connection_reset' } }],
});

const AS_IT_MUST_BE: FaultHistory = {
  state: 'delivered',
  attempts: [attempt(1), attempt(2)],
  dueAt: after(0.9),
  circuit: { state: 'closed', next_probe_at: null },
  reached: [true, true],
  requests: [request(1), request(2)],
  deliveryId: 'del',
};
const judge = (changes: Partial<FaultHistory>) => judgeFault(FAULT, STAGE, { ...AS_IT_MUST_BE, ...changes });

describe('judgeFault', () => {
  it('finds nothing where all is as it must be', () => {
    assert.deepEqual(judge({}), []);
  });

  const wrong: [about: string, changes: Partial<FaultHistory>, RegExp][] = [
    ['another outcome', { attempts: [attempt(1, { outcome: 'permanent' }), attempt(2)] }, /^outcome: permanent/],
    ['another failure', { attempts: [attempt(1, { exchanges: [{ timing, failure: null }] }), attempt(2)] }, /^failure/],
    ['a fault that was not reached', { reached: [false, true] }, /^connections .* false,true instead of true,true/],
    ['a connection too many', { reached: [true, true, true] }, /^connections/],
    ['a request that never arrived', { requests: [request(2)] }, /^requests received.* 2 instead of 1,2/],
    ['another delivery id', { requests: [request(1), { ...request(2), deliveryId: 'del2' }] }, /^delivery ids/],
    ['other bytes', { requests: [request(1), { ...request(2), digest: 'b' }] }, /^different bodies: 2/],
    ['another end', { state: 'failed' }, /^in the end: failed/],
    ['a phase that did not happen', { attempts: [attempt(1, timed({ dns: 0.01 })), attempt(2)] }, /^dns: 0.01/],
    ['a phase that is missing', { attempts: [attempt(1, timed({ connect: null })), attempt(2)] }, /^connect: null/],
    ['a phase that was too short', { attempts: [attempt(1, timed({ tls: 0.2 })), attempt(2)] }, /^tls: 0.2 s/],
    ['phases longer than the whole', { attempts: [attempt(1, timed({ total: 0.2 })), attempt(2)] }, /^phases of 0.33/],
    [
      'a wait that was used up',
      { attempts: [attempt(1, timed({ total: 1.2 })), attempt(2)] },
      /^it was over after 1.2/,
    ],
    ['a wait that is too short', { dueAt: after(0.7) }, /^due after 0\.\d+ s instead of 0.5 s/],
    ['a circuit that opened', { circuit: { state: 'open', next_probe_at: null } }, /^circuit open: true/],
    ['no wait that was seen', { dueAt: null }, /^due after null/],
    ['an attempt before it was due', { attempts: [attempt(1), attempt(2, { started_at: after(0.8) })] }, /^the next/],
  ];
  for (const [about, changes, message] of wrong) {
    it(`finds ${about}`, () => {
      const found = judge(changes);
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0] ?? '', message);
    });
  }

  it('finds what was attempted too often, and a retry where there is to be none', () => {
    assert.match(judge({ attempts: [attempt(1), attempt(2), attempt(3)] }).join('\n'), /attempts: 3 instead of 2/);
    const last = judgeFault(FAULT, { ...STAGE, retryAfter: null }, AS_IT_MUST_BE).join('\n');
    assert.match(last, /attempts: 2 instead of 1/);
    assert.match(last, /in the end: delivered instead of failed/);
    assert.match(last, /the next attempt: 0\.5 instead of null/);
  });

  describe('of a probe', () => {
    const stage = { ...STAGE, isProbe: true, retryAfter: null };
    const held: FaultHistory = {
      ...AS_IT_MUST_BE,
      state: 'held',
      attempts: [attempt(1)],
      dueAt: after(10.4),
      circuit: { state: 'open', next_probe_at: after(10.4) },
      reached: [true],
      requests: [request(1)],
    };
    const answered: MatrixFault = { ...FAULT, failure: 'malformed_response' };
    const garbage = attempt(1, { exchanges: [{ timing, failure: { kind: 'malformed_response' } }] });
    const failed = { ...held, state: 'failed', attempts: [garbage], dueAt: null };
    const closed = { state: 'half_open', next_probe_at: null };

    it('finds nothing where it is held until the next one, or where an answer was its last attempt', () => {
      assert.deepEqual(judgeFault(FAULT, stage, held), []);
      assert.deepEqual(judgeFault(answered, stage, { ...failed, circuit: closed }), []);
    });

    it('finds one that was charged, another time, and a circuit that is not as it must be', () => {
      const charged = judgeFault(FAULT, stage, { ...held, state: 'failed', dueAt: null });
      assert.match(charged.join('\n'), /^in the end: failed instead of held$/m);
      const soon = judgeFault(FAULT, stage, { ...held, dueAt: after(5.4) });
      assert.match(soon.join('\n'), /^due after 5 s instead of 10 s$/m);
      assert.match(soon.join('\n'), /^next probe: .*10\.400Z instead of .*05\.400Z$/m);
      assert.match(judgeFault(FAULT, stage, { ...held, circuit: closed }).join('\n'), /^circuit open: false/m);
      assert.match(judgeFault(answered, stage, failed).join('\n'), /^circuit open: true instead of false$/m);
    });
  });
});

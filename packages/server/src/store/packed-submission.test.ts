import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PlannedDelivery, PlannedEvent, RecordResult, Submission } from './event-log.ts';
import { packingRecord, unpackingRecord } from './packed-submission.ts';

function eventWith(deliveries: readonly PlannedDelivery[], rest: Partial<PlannedEvent> = {}): PlannedEvent {
  const event = {
    workspaceId: 'ws_1',
    id: `evt_${deliveries.length}`,
    type: 'workflow.completed',
    occurredAt: 1,
    acceptedAt: 2,
    runId: null,
    revision: 3,
    dataText: '{"output":"Grüße"}',
  };
  return { event, deliveries, idempotency: null, ...rest };
}

/** What arrives at a store that is reached by message, and what its answer becomes. */
async function through(submission: Submission, result: RecordResult) {
  const arrived: Submission[] = [];
  const far = unpackingRecord({
    async record(given) {
      arrived.push(given);
      return result;
    },
  });
  const near = packingRecord({
    recordPacked: async (packed) => structuredClone(await far.recordPacked(structuredClone(packed))),
  });
  const answer = await near.record(submission);
  return { arrived, answer };
}

describe('a packed submission', () => {
  const key = { scope: 'POST /v1/events', key: 'k', bodyHash: 'h' };
  const submission: Submission = {
    workspaceId: 'ws_1',
    events: [
      eventWith([]),
      eventWith([{ id: 'del_1', webhookId: 'wh_1' }], { idempotency: key }),
      eventWith([
        { id: 'del_2', webhookId: 'wh_1', route: 0 },
        { id: 'del_3', webhookId: 'wh_2', gathers: true },
        { id: 'del_4', webhookId: 'wh_3', run: '' },
        { id: 'del_5', webhookId: 'wh_4', payload: 'thin' },
        { id: 'del_6', webhookId: 'wh_5', route: 2, run: 'run_1', payload: 'thin' },
        { id: 'del_7', webhookId: 'wh_6' },
      ]),
    ],
    idempotency: key,
    note: '[]',
  };
  const recorded = submission.events.map(({ event: { id, type }, deliveries }) => {
    return { kind: 'recorded' as const, id, type, deliveries: deliveries.length };
  });

  it('arrives as it was', async () => {
    const { arrived } = await through(submission, { kind: 'recorded', events: recorded });
    assert.deepEqual(arrived, [submission]);
  });

  it('is answered what the store says, also where that is not repeated', async () => {
    const [first, second, third] = recorded;
    assert.ok(first && second && third);
    const results: RecordResult[] = [
      { kind: 'recorded', events: recorded },
      { kind: 'recorded', events: [first, { ...second, id: 'evt_earlier', kind: 'duplicate' }, third] },
      { kind: 'recorded', events: [first, { kind: 'conflict' }, third] },
      { kind: 'duplicate', events: recorded, note: 'of then' },
      { kind: 'conflict' },
    ];
    for (const result of results) assert.deepEqual((await through(submission, result)).answer, result);
  });
});

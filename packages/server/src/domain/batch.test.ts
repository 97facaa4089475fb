import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BATCH_TYPE, batchDataText, bytesAroundMembers, bytesOfMember, readBatch, readBatchData } from './batch.ts';
import { deliveryBody } from './delivery-body.ts';
import { FieldReader } from './field-reader.ts';

const read = (batch: unknown) => {
  const problems: { path: string; message: string }[] = [];
  return { batch: readBatch(new FieldReader({ batch }, '', problems)), paths: problems.map(({ path }) => path) };
};

test('is off unless it is asked for, and has defaults', () => {
  for (const off of [undefined, null]) assert.deepEqual(read(off), { batch: null, paths: [] });
  assert.deepEqual(read({}).batch, { size: 10, timeout: 30 });
  assert.deepEqual(read({ size: 1_000, timeout: '1h' }).batch, { size: 1_000, timeout: 3_600 });
  assert.deepEqual(read({ size: 2, timeout: 1 }).batch, { size: 2, timeout: 1 });
});

test('refuses what is out of bounds, and what it does not know, by name', () => {
  for (const size of [1, 1_001, 2.5, '10']) assert.deepEqual(read({ size }).paths, ['batch.size']);
  for (const timeout of [0.5, 3_601, '2h', true]) assert.deepEqual(read({ timeout }).paths, ['batch.timeout']);
  assert.deepEqual(read({ sizes: 5 }).paths, ['batch.sizes']);
  for (const other of [true, 10, [10]]) assert.deepEqual(read(other).paths, ['batch']);
});

const id = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 });
const members = fc.array(
  fc.record({ id: id.map((text) => `del_${text}`), data: fc.jsonValue(), occurredAt: fc.integer({ min: 0 }) }),
  { minLength: 1, maxLength: 12 },
);
const WEBHOOK = `wh_${'1'.repeat(32)}`;
const TYPE = 'workflow.completed';

/** Text without what publishing refuses. */
const isTaken = (data: unknown) => JSON.stringify(JSON.parse(JSON.stringify(data))) === JSON.stringify(data);

test('what a batch carries comes out of it as it went in, and its body is what JSON.stringify makes of it', () => {
  fc.assert(
    fc.property(members, (all) => {
      fc.pre(all.every(({ data }) => isTaken(data)));
      const bodies = all.map(({ id: deliveryId, data, occurredAt }) => {
        const event = { type: TYPE, occurredAt, dataText: JSON.stringify(data) };
        return deliveryBody({ webhookId: WEBHOOK, deliveryId, event, payload: 'full' });
      });
      const dataText = batchDataText(TYPE, bodies);
      const carried = { eventType: TYPE, members: all.map((member, i) => ({ id: member.id, body: bodies[i] })) };
      assert.deepEqual(readBatchData(dataText), carried);
      const event = { type: BATCH_TYPE, occurredAt: 0, dataText };
      const body = deliveryBody({ webhookId: WEBHOOK, deliveryId: `del_${'2'.repeat(32)}`, event, payload: 'full' });
      assert.equal(JSON.stringify(JSON.parse(body)), body);
    }),
  );
});

test('counts the bytes of a batch without its data, and not one too few', () => {
  fc.assert(
    fc.property(members, (all) => {
      const bodies = all.map(({ id: deliveryId, data }) => {
        const event = { type: TYPE, occurredAt: 1, dataText: JSON.stringify(data) };
        return deliveryBody({ webhookId: WEBHOOK, deliveryId, event, payload: 'full' });
      });
      const event = { type: BATCH_TYPE, occurredAt: 1, dataText: batchDataText(TYPE, bodies) };
      const body = deliveryBody({ webhookId: WEBHOOK, deliveryId: `del_${'2'.repeat(32)}`, event, payload: 'full' });
      const counted = all.reduce(
        (sum, { id: member, data }) => {
          const dataBytes = Buffer.byteLength(JSON.stringify(data));
          return sum + bytesOfMember({ id: member, eventType: TYPE, dataBytes }, WEBHOOK);
        },
        bytesAroundMembers(TYPE, WEBHOOK),
      );
      const spare = counted - Buffer.byteLength(body);
      assert.ok(spare >= 0 && spare <= 4, `${spare} bytes`);
    }),
  );
});

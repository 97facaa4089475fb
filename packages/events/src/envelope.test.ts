import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { catalog, type EventData } from './catalog.ts';
import { type BatchData, type Envelope, type EnvelopeParts, serializeEnvelope } from './envelope.ts';

const parts: EnvelopeParts = {
  event: 'workflow.started',
  timestamp: '2024-01-15T10:30:00.123Z',
  webhookId: 'wh_abc123',
  deliveryId: 'del_xyz789',
  dataText: '{"workflow_id":"w","run_id":"r"}',
};

/** Any text, lone surrogates and control characters included. */
const anyText = fc.string({ unit: 'binary' });
const looseText = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));
const text = fc.oneof(anyText, looseText, fc.constantFrom('"', '\\', '\n', '', 'a.b', '\u2028', '\ud800'));

describe('serializeEnvelope', () => {
  it('writes the five keys in order, compact', () => {
    assert.equal(
      serializeEnvelope(parts),
      '{"event":"workflow.started","timestamp":"2024-01-15T10:30:00.123Z","webhook_id":"wh_abc123","delivery_id":"del_xyz789","data":{"workflow_id":"w","run_id":"r"}}',
    );
  });

  it('writes what JSON.stringify would write, for any texts and any data', () => {
    fc.assert(
      fc.property(text, text, text, text, fc.jsonValue(), (...values) => {
        const [event, timestamp, webhookId, deliveryId, data] = values;
        const dataText = JSON.stringify(data);
        const body = serializeEnvelope({ event, timestamp, webhookId, deliveryId, dataText });
        assert.equal(
          body,
          JSON.stringify({
            event,
            timestamp,
            webhook_id: webhookId,
            delivery_id: deliveryId,
            data: JSON.parse(dataText),
          }),
        );
        assert.equal(JSON.stringify(JSON.parse(body)), body);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps data that objects treat in their own ways', () => {
    for (const written of [
      '{"1":"a","b":1e21,"c":-1.5e-7}',
      '{"__proto__":{"x":1},"constructor":null}',
      '["\\u2028\\ud800"]',
    ]) {
      const dataText = JSON.stringify(JSON.parse(written));
      const body = serializeEnvelope({ ...parts, dataText });
      assert.equal(JSON.stringify(JSON.parse(body)), body);
      assert.ok(body.endsWith(`,"data":${dataText}}`));
    }
  });

  it('carries every sample unchanged', () => {
    for (const [event, { sample }] of Object.entries(catalog)) {
      const body = serializeEnvelope({ ...parts, event, dataText: JSON.stringify(sample) });
      assert.deepEqual(JSON.parse(body), {
        event,
        timestamp: parts.timestamp,
        webhook_id: parts.webhookId,
        delivery_id: parts.deliveryId,
        data: sample,
      });
    }
  });
});

// Held by the type checker: none of these would compile with a wrong type.
function describeEnvelope(envelope: Envelope): string {
  switch (envelope.event) {
    case 'workflow.failed':
      return envelope.data.error.code;
    case 'user.message.received':
      return envelope.data.message.content ?? '';
    default:
      return envelope.delivery_id;
  }
}

function asLooseBatch(batch: BatchData<'workflow.failed'>): EventData<'webhook.batch'> {
  return batch;
}

describe('Envelope', () => {
  it('tells its data by its event', () => {
    const { event: _, dataText: __, ...rest } = parts;
    const common = { timestamp: rest.timestamp, webhook_id: rest.webhookId, delivery_id: rest.deliveryId };
    const failed: Envelope<'workflow.failed'> = {
      event: 'workflow.failed',
      ...common,
      data: catalog['workflow.failed'].sample,
    };
    assert.equal(describeEnvelope(failed), 'COMPONENT_TIMEOUT');
    const custom: Envelope<'order.paid', { total: number }> = { event: 'order.paid', ...common, data: { total: 3 } };
    assert.equal(custom.data.total.toFixed(1), '3.0');
    const batch = asLooseBatch({ event_type: 'workflow.failed', count: 1, events: [failed] });
    assert.equal(batch.events[0]?.delivery_id, 'del_xyz789');
  });
});

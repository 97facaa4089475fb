import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Value } from 'typebox/value';
import { catalog } from './catalog.ts';
import { serializeEnvelope } from './envelope.ts';

/** The three bodies that the user guide shows, as they stand there. */
const payloads = [
  {
    event: 'workflow.completed',
    timestamp: '2024-01-15T10:30:05.123Z',
    webhook_id: 'wh_abc123',
    delivery_id: 'del_xyz789',
    data: {
      workflow_id: 'customer_support_bot',
      run_id: 'run_12345',
      user_id: 'user_67890',
      session_id: 'session_abcdef',
      input: 'Hello, I need help with my order',
      output: "I'd be happy to help you with your order. Could you please provide your order number?",
      execution_time: 2.3,
      token_usage: { prompt_tokens: 150, completion_tokens: 75, total_tokens: 225 },
      cost: 0.0045,
      components_executed: [
        { name: 'Chat Input', execution_time: 0.1 },
        { name: 'OpenAI Model', execution_time: 2.0 },
        { name: 'Chat Output', execution_time: 0.2 },
      ],
    },
  },
  {
    event: 'workflow.failed',
    timestamp: '2024-01-15T10:30:10.123Z',
    webhook_id: 'wh_abc123',
    delivery_id: 'del_xyz789',
    data: {
      workflow_id: 'document_processor',
      run_id: 'run_12346',
      user_id: 'user_67891',
      session_id: 'session_abcdef',
      input: 'Process this document',
      error: {
        code: 'COMPONENT_TIMEOUT',
        message: 'Document processing component timed out after 30 seconds',
        component: 'Document Loader',
        details: { timeout_duration: 30, file_size: '15MB', file_type: 'PDF' },
      },
      execution_time: 30.5,
      failed_component: 'Document Loader',
    },
  },
  {
    event: 'user.message.received',
    timestamp: '2024-01-15T10:25:00.123Z',
    webhook_id: 'wh_abc123',
    delivery_id: 'del_xyz789',
    data: {
      user_id: 'user_67890',
      session_id: 'session_abcdef',
      message: {
        id: 'msg_123',
        content: "What's the status of my order #12345?",
        type: 'text',
        metadata: { source: 'web_chat', user_agent: 'Mozilla/5.0...', ip_address: '192.168.1.100' },
      },
      conversation_context: {
        message_count: 5,
        session_duration: 120,
        previous_intents: ['greeting', 'order_inquiry'],
      },
    },
  },
] as const;

/** One `[path, copy]` per scalar in `value`; in the copy that one is `true`, which no documented field may be. */
function spoilEach(value: object): [string, unknown][] {
  return Object.entries(value).flatMap(([name, inner]): [string, unknown][] =>
    typeof inner === 'object' && inner !== null
      ? spoilEach(inner).map(([path, copy]) => [`${name}.${path}`, replaced(value, name, copy)])
      : [[name, replaced(value, name, true)]],
  );
}

function replaced(value: object, name: string, inner: unknown): unknown {
  return Array.isArray(value) ? value.with(Number(name), inner) : { ...value, [name]: inner };
}

for (const { event, data, timestamp, webhook_id, delivery_id } of payloads) {
  it(`the documented ${event} is valid, and every field of it is typed`, () => {
    const { schema } = catalog[event];
    assert.deepEqual(Value.Errors(schema, data), []);
    for (const [path, copy] of spoilEach(data)) assert.equal(Value.Check(schema, copy), false, path);
  });

  it(`the documented ${event} is what the envelope writes`, () => {
    assert.equal(
      serializeEnvelope({
        event,
        timestamp,
        webhookId: webhook_id,
        deliveryId: delivery_id,
        dataText: JSON.stringify(data),
      }),
      JSON.stringify({ event, timestamp, webhook_id, delivery_id, data }),
    );
  });
}

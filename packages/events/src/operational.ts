import Type from 'typebox';
import { defineEvent } from './event-definition.ts';
import { instant, runId } from './fields.ts';

/** What the platform says about webhooks and deliveries themselves. Producers cannot send these. */

const webhookId = Type.String({ description: 'The webhook that this is about.' });
const statusCode = Type.Integer({ description: 'HTTP status of the last answer; absent when there was none.' });

/** Only the origin: path and query may hold credentials, and this event goes to somebody else's receiver. */
const destination = Type.String({ description: 'Scheme, host and port of the URL that deliveries go to.' });

/** The body of a single delivery, as a batch carries it. */
const batched = Type.Object({
  event: Type.String(),
  timestamp: instant('When the event happened.'),
  webhook_id: Type.String(),
  delivery_id: Type.String({
    description: 'Its own, not the one of the batch; stays the same in every batch that carries it.',
  }),
  data: Type.Unknown(),
});

export const operationalEvents = {
  'webhook.test': defineEvent({
    description: 'Somebody tests a webhook; nothing has happened.',
    identifiers: [],
    schema: Type.Object({ message: Type.String({ description: 'Says that this is a test.' }) }),
    sample: { message: 'This is a test. If you can read it, your receiver works.' },
  }),
  'webhook.batch': defineEvent({
    description: 'Several events of one type in one request, for a webhook that asked for batches.',
    identifiers: [],
    schema: Type.Object({
      event_type: Type.String({ description: 'The type of every event in the batch.' }),
      count: Type.Integer({ description: 'How many there are.' }),
      events: Type.Array(batched, { description: 'The bodies that would otherwise have come one by one.' }),
    }),
    sample: {
      event_type: 'user.session.started',
      count: 2,
      events: [
        {
          event: 'user.session.started',
          timestamp: '2024-01-15T10:30:00.123Z',
          webhook_id: 'wh_abc123',
          delivery_id: 'del_xyz790',
          data: { user_id: 'user_67890', session_id: 'session_abcdef' },
        },
        {
          event: 'user.session.started',
          timestamp: '2024-01-15T10:30:04.870Z',
          webhook_id: 'wh_abc123',
          delivery_id: 'del_xyz791',
          data: { user_id: 'user_67891', session_id: 'session_ghijkl' },
        },
      ],
    },
  }),
  'webhook.disabled': defineEvent({
    description: 'The platform has switched a webhook off; its events are held until somebody switches it on again.',
    identifiers: ['webhook_id'],
    schema: Type.Object({
      webhook_id: webhookId,
      reason: Type.Enum(['gone', 'no_success'], {
        description: 'gone: the receiver answered 410. no_success: nothing was accepted for five days.',
      }),
      disabled_at: instant('When it was switched off.'),
      destination: Type.Optional(destination),
      status_code: Type.Optional(statusCode),
      attempts: Type.Optional(Type.Integer({ description: 'Attempts since the last success.' })),
      failing_since: Type.Optional(instant('The first attempt after the last success.')),
    }),
    sample: {
      webhook_id: 'wh_abc123',
      reason: 'no_success',
      disabled_at: '2024-01-20T10:30:00.123Z',
      destination: 'https://your-app.com',
      status_code: 503,
      attempts: 412,
      failing_since: '2024-01-15T10:28:51.004Z',
    },
  }),
  'webhook.circuit.opened': defineEvent({
    description: 'A destination fails so often that its deliveries are held and only probes are sent.',
    identifiers: ['webhook_id'],
    schema: Type.Object({
      webhook_id: webhookId,
      destination,
      opened_at: instant('When holding began.'),
      reason: Type.Optional(
        Type.Enum(['failure_rate', 'consecutive_failures'], { description: 'Which of the two limits was reached.' }),
      ),
      status_code: Type.Optional(statusCode),
      next_probe_at: Type.Optional(instant('When the next probe is due.')),
    }),
    sample: {
      webhook_id: 'wh_abc123',
      destination: 'https://your-app.com',
      opened_at: '2024-01-15T10:30:00.123Z',
      reason: 'failure_rate',
      status_code: 503,
      next_probe_at: '2024-01-15T10:30:05.123Z',
    },
  }),
  'webhook.circuit.closed': defineEvent({
    description: 'A destination answers again and what was held for it is being released.',
    identifiers: ['webhook_id'],
    schema: Type.Object({
      webhook_id: webhookId,
      destination,
      opened_at: instant('When holding began.'),
      closed_at: instant('When it ended.'),
    }),
    sample: {
      webhook_id: 'wh_abc123',
      destination: 'https://your-app.com',
      opened_at: '2024-01-15T10:30:00.123Z',
      closed_at: '2024-01-15T10:34:12.500Z',
    },
  }),
  'delivery.exhausted': defineEvent({
    description: 'A delivery has failed and will not be tried again by itself.',
    identifiers: ['webhook_id', 'delivery_id', 'event_id', 'run_id'],
    schema: Type.Object({
      webhook_id: webhookId,
      delivery_id: Type.String({ description: 'The delivery that failed; retry it by this id.' }),
      event_type: Type.String({ description: 'What it carried.' }),
      attempts: Type.Integer({ description: 'Attempts made in all.' }),
      failed_at: instant('When the last attempt ended.'),
      event_id: Type.Optional(Type.String({ description: 'The event it carried; absent for a batch.' })),
      run_id: Type.Optional(runId),
      reason: Type.Optional(Type.String({ description: 'Why the last attempt failed, in words for people.' })),
      status_code: Type.Optional(statusCode),
    }),
    sample: {
      webhook_id: 'wh_abc123',
      delivery_id: 'del_xyz789',
      event_type: 'workflow.completed',
      attempts: 4,
      failed_at: '2024-01-15T10:31:40.870Z',
      event_id: 'evt_def456',
      run_id: 'run_12345',
      reason: 'The receiver answered 503; all 4 attempts used',
      status_code: 503,
    },
  }),
};

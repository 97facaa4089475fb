import Type, { type Static, type TProperties, type TSchema } from 'typebox';
import type { BatchConfig } from '../domain/batch.ts';
import { type FilterConfig, OPERATORS } from '../domain/filter/filter.ts';
import type { DisabledReason, HeldReason } from '../domain/hold.ts';
import type { Ordering } from '../domain/ordering.ts';
import type { RateLimit } from '../domain/rate-limit.ts';
import type { RetryPolicyConfig } from '../domain/retry-policy-config.ts';
import { MAX_ROUTES, type RouteConfig } from '../domain/routes.ts';
import { instantSchema, optionalInstantSchema, optionalStringSchema } from './instant.ts';
import { MASK } from './mask.ts';

/**
 * The schemas of webhooks. They describe; what may be saved is checked by the domain, whose messages are better than a
 * validator's.
 */

/** What is written may leave out fields and write durations as text; what is shown has every field, and seconds. */
type Form = 'written' | 'shown';

const seconds = (form: Form, description: string, standard: number) =>
  Type.Unsafe<number>({
    type: form === 'shown' ? 'number' : ['number', 'string'],
    default: standard,
    description: `${description} Seconds${form === 'shown' ? '.' : ', or "5s", "2m", "1h".'}`,
  });

const statusCodes = (standard: readonly (number | string)[], description: string) =>
  Type.Unsafe<readonly (number | string)[]>({
    type: 'array',
    items: { type: ['integer', 'string'] },
    default: standard,
    description,
  });

function retryPolicySchema(form: Form) {
  const object = (fields: TProperties): TSchema =>
    form === 'shown' ? Type.Object(fields) : Type.Partial(Type.Object(fields));
  const delay = form === 'shown' ? 'number' : ['number', 'string'];
  const fields = {
    max_retries: Type.Integer({ minimum: 0, maximum: 50, default: 3, description: 'Attempts are one more.' }),
    retry_delay: seconds(form, 'Before the first retry; also taken as `initial_delay`. 0.1 s to 1 day.', 5),
    exponential_backoff: Type.Boolean({ default: true, description: 'The delay doubles with each retry.' }),
    max_delay: seconds(form, 'No delay is longer, jitter apart. Up to 7 days.', 60),
    jitter: Type.Number({ minimum: 0, maximum: 1, default: 0.1, description: 'Each delay varies by ± this share.' }),
    schedule: Type.Unsafe<unknown>({
      default: null,
      anyOf: [{ type: 'array', items: { type: delay } }, { const: 'extended' }, { type: 'null' }],
      description: 'Replaces the fields above: a list of delays, or "extended" = 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 10 h.',
    }),
    retry_conditions: object({
      status_codes: statusCodes([408, 425, 429, '500-599'], 'Statuses, and ranges of them, that are retried.'),
      network_errors: Type.Boolean({ default: true }),
      timeouts: Type.Boolean({ default: true }),
    }),
    non_retry_conditions: object({
      status_codes: statusCodes([], 'Statuses that are not retried although the list above has them.'),
      malformed_response: Type.Boolean({
        default: false,
        description: 'True: an answer that is not HTTP is not retried.',
      }),
    }),
  };
  return Type.Unsafe<RetryPolicyConfig>(object(fields));
}

const notYet = (standard: string | null) =>
  Type.Unsafe<string | null>({
    enum: standard === null ? [null] : [standard, null],
    default: standard,
    description: 'Not supported by this version yet: any other value is refused.',
  });

function batchSchema(form: Form) {
  return Type.Unsafe<BatchConfig | null>({
    type: ['object', 'null'],
    additionalProperties: false,
    properties: {
      size: { type: 'integer', minimum: 2, maximum: 1_000, default: 10 },
      timeout: {
        type: form === 'shown' ? 'number' : ['number', 'string'],
        default: 30,
        description: `Seconds${form === 'shown' ? '' : ', or "5s", "2m", "1h"'}; 1 second to 1 hour.`,
      },
    },
    default: null,
    description:
      'Events of one type and route wait for each other, and go as one `webhook.batch`: when there are `size` of them, when the first has waited for `timeout`, or when one more would make the body larger than 1 MiB. Null: one by one.',
    examples: [{ size: 100, timeout: 5 }],
  });
}

const exampleFilters = {
  workflow_id: ['customer_support_bot', 'sales_assistant'],
  user_id: { starts_with: 'premium_' },
  output_contains: ['error', 'failed', 'unable'],
};

/** A filter, whose language `docs/filters.md` shows. What it may hold is checked by the domain. */
function filterSchema(description: string, example: FilterConfig) {
  return Type.Unsafe<FilterConfig | null>({
    type: ['object', 'null'],
    default: null,
    description: `${description} Every key must hold: a field of \`data\` (dotted for nesting), \`event\`, \`all\`, \`any\` or \`not\`. A value is what it must equal, a list of which it must be one, or an object of operators: ${OPERATORS.join(', ')}.`,
    examples: [example],
  });
}

const exampleRoutes = [
  { when: { workflow_id: { starts_with: 'sales_' } }, url: 'https://crm.example.com/hooks' },
  {
    when: { event: 'workflow.failed', 'error.code': ['CRITICAL_ERROR', 'SECURITY_BREACH'] },
    url: 'https://alerts.example.com/urgent',
    headers: { Authorization: 'Bearer alerts-token' },
  },
];
const shownRoutes = [
  { id: 2_713_190_447, ...exampleRoutes[0], headers: {} },
  { id: 918_204_336, ...exampleRoutes[1], headers: { Authorization: MASK } },
];

function routesSchema(form: Form) {
  const fields = {
    id: Type.Integer({ description: 'Stays the same while the route is edited: what waits for it finds it by this.' }),
    when: Type.Unsafe<FilterConfig>({ type: 'object', description: 'A filter, as in `filters`.' }),
    url: Type.String({ maxLength: 2048, description: 'Obeys every rule of the `url` of the webhook.' }),
    headers: Type.Record(Type.String(), Type.String(), {
      description: 'Sent there instead of the headers of the webhook. Masked in reads, as those are.',
    }),
  };
  const written = { ...fields, id: Type.Optional(fields.id), headers: Type.Optional(fields.headers) };
  return Type.Unsafe<RouteConfig[] | null>({
    type: ['array', 'null'],
    maxItems: MAX_ROUTES,
    default: null,
    items: Type.Object(form === 'shown' ? fields : written),
    description: 'Where events go that a route is for; the first that holds decides, else `url`.',
    examples: [form === 'shown' ? shownRoutes : exampleRoutes],
  });
}

/** Also written as its name alone. */
function orderingSchema(form: Form) {
  const object = {
    type: 'object',
    required: form === 'shown' ? ['by', 'on_exhausted'] : ['by'],
    additionalProperties: false,
    properties: {
      by: { const: 'run' },
      on_exhausted: {
        enum: ['block', 'skip'],
        default: 'block',
        description:
          'Of a run in which a delivery failed for good. block: the rest waits until that one is retried or cancelled. skip: the rest goes on.',
      },
    },
  };
  return Type.Unsafe<Ordering | null>({
    anyOf: [...(form === 'written' ? [{ const: 'run' }] : []), object, { type: 'null' }],
    default: null,
    description:
      'run: deliveries of one `run_id` go one after the other, in the order in which their events came in. Null: each goes whenever it can. Not together with `batch`.',
    examples: [{ by: 'run', on_exhausted: 'skip' }],
  });
}

/** `filters`, `conditions` and `routes`. */
export const matchingSchemas = (form: Form) => ({
  filters: Type.Optional(filterSchema('Only events that it holds for are delivered.', exampleFilters)),
  conditions: Type.Optional(
    filterSchema('A second filter: an event is delivered where both hold.', { cost: { greater_than: 0.1 } }),
  ),
  routes: Type.Optional(routesSchema(form)),
});

const configFields = (form: Form) => ({
  url: Type.String({ maxLength: 2048, description: 'Where the events go: https, without user-info and fragment.' }),
  name: Type.Optional(optionalStringSchema('For people; at most 200 characters.')),
  description: Type.Optional(optionalStringSchema('For people; at most 2,000 characters.')),
  metadata: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Up to 50 pairs of your own.' })),
  events: Type.Array(Type.String(), {
    minItems: 1,
    maxItems: 64,
    description: 'Event types, families (`workflow.*`), or `*` for all but operational events.',
  }),
  signature_scheme: Type.Optional(
    Type.Enum(['auto', 'timestamped', 'body'], {
      default: 'auto',
      description:
        'The text that the prefixed signature covers. auto: `timestamp.body`, and the body alone where that is refused.',
    }),
  ),
  retry_policy: Type.Optional(retryPolicySchema(form)),
  headers: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description: 'Sent with every request, at most 32. Reads show a mask; the mask sent back keeps the stored value.',
    }),
  ),
  timeout: Type.Optional(seconds(form, 'For a whole attempt, 1 to 60.', 30)),
  active: Type.Optional(
    Type.Boolean({ default: true, description: 'False: takes no new events, and what it is owed is held.' }),
  ),
  max_concurrency: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1000, default: 16, description: 'Requests in the air at a time.' }),
  ),
  rate_limit: Type.Optional(
    Type.Unsafe<RateLimit | null>({
      type: ['object', 'null'],
      required: ['limit', 'period'],
      additionalProperties: false,
      properties: {
        limit: { type: 'integer', minimum: 1, maximum: 10_000 },
        period: {
          type: form === 'shown' ? 'number' : ['number', 'string'],
          description: `Seconds${form === 'shown' ? '' : ', or "5s", "2m", "1h"'}; 1 second to 1 day.`,
        },
      },
      default: null,
      description: 'At most `limit` requests begin in any `period`, every one of an attempt counted. Null: no limit.',
      examples: [{ limit: 100, period: 60 }],
    }),
  ),
  ordering: Type.Optional(orderingSchema(form)),
  payload: Type.Optional(
    Type.Enum(['full', 'thin'], {
      default: 'full',
      description:
        'thin: `data` of a body carries identifiers only; the receiver fetches the rest from `/v1/deliveries/{id}/payload` with the read token.',
      examples: ['thin'],
    }),
  ),
  recovery: Type.Optional(
    Type.Enum(['manual', 'auto'], {
      default: 'manual',
      description: 'auto: what used up its retries during an outage is sent again by itself when the circuit closes.',
    }),
  ),
  fallback_url: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      maxLength: 2048,
      default: null,
      description:
        'Where a delivery goes when its retries at `url`, or at the URL of its route, are used up, or it was refused for good there: signed the same way, without `headers`, for one series of `retry_policy`; then it has failed. Obeys every rule of `url`, and must be another one. Null: nowhere.',
      examples: ['https://backup.your-app.com/webhooks/broxi'],
    }),
  ),
  ...matchingSchemas(form),
  batch: Type.Optional(batchSchema(form)),
  tls: Type.Optional(notYet(null)),
});

const example = {
  url: 'https://your-app.com/webhooks/broxi',
  events: ['workflow.completed', 'workflow.failed'],
  retry_policy: { max_retries: 3, retry_delay: 5, exponential_backoff: true },
  headers: { 'X-Custom-Header': 'custom-value' },
  timeout: 30,
  fallback_url: 'https://backup.your-app.com/webhooks/broxi',
  filters: exampleFilters,
};

const secretSchema = Type.String({
  description: '16 to 256 printable ASCII characters; `whsec_` + base64 where none is given. Signs every request.',
});

export const webhookConfigSchema = Type.Object(
  { ...configFields('written'), secret: Type.Optional(secretSchema) },
  {
    $id: 'WebhookConfig',
    description:
      'The configuration of a webhook, also accepted as `{"webhook_config": {…}}`. Unknown fields are refused.',
    examples: [example],
  },
);

export const webhookPatchSchema = Type.Partial(webhookConfigSchema, {
  $id: 'WebhookPatch',
  description: 'RFC 7396: what is named changes, null resets a field to its default.',
  examples: [{ active: false }],
});

export const HELD_REASONS = ['inactive', 'paused', 'disabled', 'circuit_open'] as const satisfies HeldReason[];
export const HELD_REASONS_TEXT =
  'inactive: a person switched it off. paused: a person paused it. disabled: the system switched it off. circuit_open: its receiver fails too often.';

const heldReasonsSchema = (description: string) =>
  Type.Array(Type.Enum([...HELD_REASONS]), { description: `${description} ${HELD_REASONS_TEXT}` });

const destinationSchema = Type.Object({
  url: Type.String(),
  signature_scheme: Type.Unsafe<'timestamped' | 'body' | null>({
    enum: ['timestamped', 'body', null],
    description: 'The text whose signature the receiver took last; null: it has taken none yet.',
  }),
  scheme_learned_at: optionalInstantSchema('When it first did, or confirmed it again.'),
  waits_until: optionalInstantSchema('The receiver asked for a pause until then (Retry-After).'),
  circuit: Type.Object(
    {
      state: Type.Enum(['closed', 'open', 'half_open']),
      since: optionalInstantSchema('When it came into this state; null while it is closed.'),
      next_probe_at: optionalInstantSchema(
        'While it is open: when the next delivery is sent to see whether it still fails.',
      ),
    },
    {
      description:
        'open: it fails so often that its deliveries are held. half_open: what was held is being released, a few at a time.',
    },
  ),
  failing_since: optionalInstantSchema('The first attempt since the last success; null: the latest attempt succeeded.'),
});

export const webhookSchema = Type.Object(
  {
    id: Type.String({ description: 'wh_…' }),
    version: Type.Integer({ description: 'Grows with every change; also the ETag.' }),
    ...Type.Required(Type.Object(configFields('shown'))).properties,
    secret: Type.String({ description: 'Shown once, in the answer that creates the webhook; a mask otherwise.' }),
    read_token: Type.Optional(
      Type.String({
        description:
          'whr_…; reads the payloads of its deliveries, and nothing else. Shown once, in the answer that creates the webhook.',
      }),
    ),
    created_at: instantSchema('When it was created.'),
    updated_at: instantSchema('When this version was saved.'),
    deleted_at: optionalInstantSchema('When it was deleted; only versions show it.'),
    held_reasons: Type.Optional(
      heldReasonsSchema(
        'Why nothing is sent to `url`; empty: it is. Routes: see `destinations`. Versions do not show it.',
      ),
    ),
    paused_at: Type.Optional(optionalInstantSchema('When a person paused it.')),
    disabled_at: Type.Optional(optionalInstantSchema('When the system switched it off.')),
    disabled_reason: Type.Optional(
      Type.Unsafe<DisabledReason | null>({
        enum: ['gone', 'no_success', null],
        description:
          'gone: a receiver answered 410. no_success: none of its receivers accepted anything for five days. A fallback is left out of both.',
      }),
    ),
    destinations: Type.Optional(
      Type.Array(destinationSchema, {
        description:
          'What was learned about each receiver, that of `url` first, that of `fallback_url` last. Versions do not show it.',
      }),
    ),
    warnings: Type.Optional(
      Type.Array(Type.String(), { description: 'What is accepted, and may not be what was meant.' }),
    ),
  },
  { $id: 'Webhook', description: 'A receiver of events.' },
);

export type WebhookJson = Static<typeof webhookSchema>;

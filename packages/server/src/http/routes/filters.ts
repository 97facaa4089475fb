import { catalog, subscriptionMatches } from '@broxi/events';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { FieldReader } from '../../domain/field-reader.ts';
import { createExplainer } from '../../domain/filter/matcher.ts';
import { type MatchingConfig, matchingWarnings, readMatching } from '../../domain/matching.ts';
import type { Webhook } from '../../domain/webhook.ts';
import { type FieldError, InvalidFieldsError } from '../../errors.ts';
import { type Caller, callerOf } from '../auth.ts';
import { findWebhook } from '../change-webhook.ts';
import { optionalInstantSchema, optionalIntegerSchema, optionalStringSchema, presentInstant } from '../instant.ts';
import type { AppDeps } from '../ports.ts';
import { failedTestSchema, presentFailedTests } from '../present-failed-test.ts';
import { problems } from '../problem-schema.ts';
import { assertTypeExists } from '../webhook-input.ts';
import { matchingSchemas } from '../webhook-schema.ts';

const { output: sampleOutput } = catalog['workflow.completed'].sample;
const MAX_LAST = 100;
const DEFAULT_LAST = 10;

const testBody = Type.Object(
  {
    webhook_id: Type.Optional(Type.String({ description: 'Test what this webhook has, in place of the three below.' })),
    ...matchingSchemas('written'),
    event: Type.String({ description: 'The event type.' }),
    data: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: 'Of an event that need not have happened.' }),
    ),
    last: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_LAST,
        default: DEFAULT_LAST,
        description: 'Test so many of the latest events of the type, newest first, in place of `data`.',
      }),
    ),
  },
  {
    additionalProperties: false,
    examples: [
      {
        filters: { cost: { greater_than: 0.1 }, output_contains: ['error', 'failed'] },
        event: 'workflow.completed',
        data: catalog['workflow.completed'].sample,
      },
      {
        conditions: { execution_time: { greater_than_or_equal: 30 } },
        routes: [{ when: { 'error.code': ['CRITICAL_ERROR'] }, url: 'https://alerts.example.com/urgent' }],
        event: 'workflow.failed',
        last: 20,
      },
    ],
  },
);

const failedTests = (description: string) => Type.Array(failedTestSchema, { description });

const resultSchema = Type.Object({
  event_id: optionalStringSchema('The event; null: the data that was sent.'),
  timestamp: optionalInstantSchema('When it happened.'),
  matches: Type.Boolean({ description: 'Filters and conditions hold: it would be delivered.' }),
  failed: failedTests('What of filters and conditions does not hold.'),
  route: optionalIntegerSchema('Position of the route that it would go; null: the `url` of the webhook, or nowhere.'),
  routes: Type.Array(
    Type.Object({
      url: Type.String(),
      matches: Type.Boolean({ description: 'Its `when` holds.' }),
      failed: failedTests('What of it does not.'),
    }),
    { description: 'Every route, in order.' },
  ),
});

const testSchema = Type.Object(
  {
    subscribed: Type.Boolean({ description: 'The webhook asks for this event type; true where none is named.' }),
    tested: Type.Integer({ description: 'How many events there were.' }),
    matched: Type.Integer({ description: 'How many of them would be delivered.' }),
    results: Type.Array(resultSchema),
    warnings: Type.Array(Type.String(), { description: 'What is accepted, and may not be what was meant.' }),
  },
  {
    description: 'What would be delivered, where to, and why not the rest.',
    // What the first example above is answered.
    examples: [
      {
        subscribed: true,
        tested: 1,
        matched: 0,
        results: [
          {
            event_id: null,
            timestamp: null,
            matches: false,
            failed: [
              {
                path: 'filters.cost.greater_than',
                field: 'cost',
                absent: false,
                value: 0.0045,
                message: 'cost is 0.0045: not greater_than 0.1',
              },
              {
                path: 'filters.output_contains',
                field: 'output',
                absent: false,
                value: sampleOutput,
                message: `output is ${JSON.stringify(sampleOutput)}: not contains ["error","failed"]`,
              },
            ],
            route: null,
            routes: [],
          },
        ],
        warnings: [],
      },
    ],
  },
);

type TestRequest = Static<typeof testBody>;

/** `/filters/test`: tries filters, conditions and routes without a webhook that sends anything. */
export function filterRoutes(app: FastifyInstance, deps: AppDeps): void {
  const { store, workspaces, webhookRules: rules } = deps;

  app.post<{ Body: TestRequest }>('/filters/test', {
    schema: {
      tags: ['Webhooks'],
      operationId: 'testFilters',
      summary: 'Try filters, conditions and routes on data, or on the latest events of a type. Nothing is sent.',
      body: testBody,
      response: { 200: testSchema, ...problems(404) },
    },
    async handler(request): Promise<Static<typeof testSchema>> {
      const caller = callerOf(request);
      const { event, webhook_id: webhookId } = request.body;
      assertNotBoth(request.body);
      assertTypeExists(event, await workspaces.get(caller.workspaceId));
      const webhook = webhookId === undefined ? null : await findWebhook(deps, caller, webhookId);
      const matching = webhook === null ? readMatchingOf(request.body) : webhook.config;
      const explain = createExplainer(matching);
      const results = (await eventsOf(request.body, caller)).map(({ id, timestamp, data }) => {
        const { matches, failed, route, routes } = explain({ event, data });
        return {
          event_id: id,
          timestamp,
          matches,
          failed: presentFailedTests(failed),
          route,
          routes: routes.map((one, i) => ({
            url: matching.routes?.[i]?.url ?? '',
            matches: one.matches,
            failed: presentFailedTests(one.failed),
          })),
        };
      });
      return {
        subscribed: webhook === null || subscribes(webhook, event),
        tested: results.length,
        matched: results.filter(({ matches }) => matches).length,
        results,
        warnings: matchingWarnings(matching, [event]),
      };
    },
  });

  function readMatchingOf({ filters, conditions, routes }: TestRequest): MatchingConfig {
    const faults: FieldError[] = [];
    const fields = new FieldReader({ filters, conditions, routes }, '', faults);
    const matching = readMatching(fields, { rules, problems: faults });
    if (faults.length > 0) throw new InvalidFieldsError(faults);
    return matching;
  }

  async function eventsOf({ event: type, data, last = DEFAULT_LAST }: TestRequest, { workspaceId }: Caller) {
    if (data !== undefined) return [{ id: null, timestamp: null, data }];
    const events = await store.listEvents({ workspaceId, type, limit: last });
    return events.map(({ id, occurredAt, dataText }) => ({
      id,
      timestamp: presentInstant(occurredAt),
      data: JSON.parse(dataText) as unknown,
    }));
  }
}

function subscribes({ config }: Webhook, event: string): boolean {
  return config.events.some((name) => subscriptionMatches(name, event));
}

/** What would be ignored is refused. */
function assertNotBoth({ webhook_id: webhookId, filters, conditions, routes, data, last }: TestRequest): void {
  const faults: FieldError[] = [];
  if (data !== undefined && last !== undefined) {
    faults.push({ path: 'last', message: 'must not stand beside data: give one of the two' });
  }
  const given = Object.entries({ filters, conditions, routes }).find(([, value]) => value !== undefined);
  if (webhookId !== undefined && given !== undefined) {
    faults.push({ path: given[0], message: 'must not stand beside webhook_id: give one of the two' });
  }
  if (faults.length > 0) throw new InvalidFieldsError(faults);
}

import Type, { type Static } from 'typebox';

export const problemSchema = Type.Object(
  {
    type: Type.String({ description: 'Always about:blank: `code` tells problems apart.' }),
    title: Type.String({ description: 'The phrase of the HTTP status.' }),
    status: Type.Integer({ description: 'The HTTP status.' }),
    detail: Type.String({ description: 'One sentence for people.' }),
    code: Type.String({ description: 'Stable, for programs.' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          path: Type.String({
            description: 'The field, dotted, with array positions in brackets; empty: the whole body.',
          }),
          message: Type.String({ description: 'What would be accepted.' }),
        }),
        { description: 'Every field that is not acceptable.' },
      ),
    ),
  },
  {
    $id: 'Problem',
    description: 'RFC 9457: what is wrong with a request.',
    examples: [
      {
        type: 'about:blank',
        title: 'Unprocessable Entity',
        status: 422,
        detail: 'event: "workflow.complete" is not an event type of this workspace; did you mean workflow.completed?',
        code: 'invalid_fields',
        errors: [
          {
            path: 'event',
            message: '"workflow.complete" is not an event type of this workspace; did you mean workflow.completed?',
          },
        ],
      },
    ],
  },
);

export type Problem = Static<typeof problemSchema>;

const MEANINGS = {
  400: 'The request cannot be read, or its body is not JSON.',
  401: 'No API key, or one that is not known.',
  404: 'There is no such thing in this workspace.',
  409: 'The present state does not allow it.',
  412: 'The webhook has another version than `If-Match` names.',
  413: 'The body is too large.',
  415: 'The Content-Type is not a JSON one.',
  422: 'Fields are not acceptable; `errors` names each.',
  503: 'Nothing can be recorded now; repeat it after `Retry-After` seconds.',
} as const;

/** The problem answers of a route, for its `response` schema. */
export function problems(...statuses: (keyof typeof MEANINGS)[]): Record<number, unknown> {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: MEANINGS[status],
        content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
      },
    ]),
  );
}

/** What every route below `/v1` may answer, beside what it names itself. */
export function commonProblems(method: string | readonly string[]): Record<number, unknown> {
  return method === 'GET' || method === 'HEAD' ? problems(400, 401, 422) : problems(400, 401, 413, 415, 422);
}

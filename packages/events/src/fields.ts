import Type from 'typebox';

/** Fields of `data` that several families share. Each is written as required; an event makes it optional where it may be absent. */

export const workflowId = Type.String({ description: 'The workflow that ran.' });
export const runId = Type.String({
  description: 'One execution of the workflow; all events of that execution carry it.',
});
export const userId = Type.String({ description: 'The end user on whose behalf this happened.' });
export const sessionId = Type.String({ description: "The end user's session." });
export const executionTime = Type.Number({ description: 'How long it ran, in seconds.' });
export const cost = Type.Number({ description: 'What it cost, in US dollars.' });

/** A text field that holds an instant: RFC 3339, which is what the format `date-time` of JSON Schema means. */
export function instant(description: string) {
  return Type.String({ format: 'date-time', description });
}

/** Where a workflow event came from; none of them is required, because not every run has a user behind it. */
export const runContext = {
  user_id: Type.Optional(userId),
  session_id: Type.Optional(sessionId),
};

/** What identifies a run, and whose it is. */
export const runIdentifiers: readonly string[] = ['workflow_id', 'run_id', 'user_id', 'session_id'];

export const tokenUsage = Type.Object(
  {
    prompt_tokens: Type.Optional(Type.Integer({ description: 'Tokens sent to models.' })),
    completion_tokens: Type.Optional(Type.Integer({ description: 'Tokens that models wrote.' })),
    total_tokens: Type.Optional(
      Type.Integer({ description: 'Both together. Numeric filters on `token_usage` read it.' }),
    ),
  },
  { description: 'Tokens used by all model calls.' },
);

export const failure = Type.Object(
  {
    code: Type.String({ description: 'Stable, for programs, such as COMPONENT_TIMEOUT.' }),
    message: Type.String({ description: 'One sentence for people.' }),
    component: Type.Optional(Type.String({ description: 'Name of the component that caused it.' })),
    details: Type.Optional(
      Type.Object(
        {
          timeout_duration: Type.Optional(Type.Number({ description: 'The limit that was hit, in seconds.' })),
          file_size: Type.Optional(Type.String({ description: 'Size with its unit, such as 15MB.' })),
          file_type: Type.Optional(Type.String({ description: 'Kind of file, such as PDF.' })),
        },
        { description: 'Whatever else helps to find the cause; depends on the code.' },
      ),
    ),
  },
  { description: 'What went wrong.' },
);

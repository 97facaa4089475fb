import Type from 'typebox';
import { defineEvent } from './event-definition.ts';
import { cost, executionTime, failure, runContext, runId, runIdentifiers, tokenUsage, workflowId } from './fields.ts';

const anyObject = Type.Unsafe<Record<string, unknown>>({ type: 'object' });
const anyArray = Type.Array(Type.Unknown());

/** Chat workflows take and give text; others take and give structured values. */
const input = Type.Union([Type.String(), anyObject, anyArray], { description: 'What the run was given.' });
const output = Type.Union([Type.String(), anyObject, anyArray, Type.Null()], {
  description: 'What the run produced; null when it produced nothing.',
});

const started = { workflow_id: workflowId, run_id: runId, ...runContext, input: Type.Optional(input) };

/** What any run has spent by the time it ends, however it ends. */
const spent = {
  execution_time: Type.Optional(executionTime),
  token_usage: Type.Optional(tokenUsage),
  cost: Type.Optional(cost),
  components_executed: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.Optional(Type.String({ description: 'Name of the component.' })),
        execution_time: Type.Optional(executionTime),
      }),
      { description: 'The components that ran, in order.' },
    ),
  ),
};

const failed = Type.Object({
  ...started,
  error: failure,
  ...spent,
  failed_component: Type.Optional(Type.String({ description: 'Name of the component at which the run stopped.' })),
});

const supportRun = {
  workflow_id: 'customer_support_bot',
  run_id: 'run_12345',
  user_id: 'user_67890',
  session_id: 'session_abcdef',
  input: 'My parcel has not arrived yet, can you help?',
};

const documentRun = {
  workflow_id: 'document_processor',
  run_id: 'run_12346',
  user_id: 'user_67891',
  session_id: 'session_ghijkl',
  input: 'Summarise the attached contract',
};

export const workflowEvents = {
  'workflow.started': defineEvent({
    description: 'A run of a workflow has begun.',
    identifiers: runIdentifiers,
    schema: Type.Object(started),
    sample: supportRun,
  }),
  'workflow.completed': defineEvent({
    description: 'A run of a workflow has ended well and its output is known.',
    identifiers: runIdentifiers,
    schema: Type.Object({ ...started, output, ...spent }),
    sample: {
      ...supportRun,
      output: 'Happy to look into it. Which order number does the parcel belong to?',
      execution_time: 2.3,
      token_usage: { prompt_tokens: 150, completion_tokens: 75, total_tokens: 225 },
      cost: 0.0045,
      components_executed: [
        { name: 'Chat Input', execution_time: 0.1 },
        { name: 'OpenAI Model', execution_time: 2 },
        { name: 'Chat Output', execution_time: 0.2 },
      ],
    },
  }),
  'workflow.failed': defineEvent({
    description: 'A run of a workflow has stopped because of an error.',
    identifiers: runIdentifiers,
    schema: failed,
    sample: {
      ...documentRun,
      error: {
        code: 'COMPONENT_TIMEOUT',
        message: 'The document loader gave no result within 30 seconds',
        component: 'Document Loader',
        details: { timeout_duration: 30, file_size: '15MB', file_type: 'PDF' },
      },
      execution_time: 30.5,
      token_usage: { prompt_tokens: 40, completion_tokens: 0, total_tokens: 40 },
      cost: 0.0002,
      components_executed: [
        { name: 'File Input', execution_time: 0.5 },
        { name: 'Document Loader', execution_time: 30 },
      ],
      failed_component: 'Document Loader',
    },
  }),
  'workflow.timeout': defineEvent({
    description: 'A run of a workflow was stopped because it took longer than it is allowed to.',
    identifiers: runIdentifiers,
    schema: failed,
    sample: {
      ...documentRun,
      error: {
        code: 'WORKFLOW_TIMEOUT',
        message: 'The run was still going after 300 seconds',
        component: 'Summariser',
        details: { timeout_duration: 300, file_size: '48MB', file_type: 'PDF' },
      },
      execution_time: 300.2,
      token_usage: { prompt_tokens: 61200, completion_tokens: 1850, total_tokens: 63050 },
      cost: 0.412,
      components_executed: [
        { name: 'Document Loader', execution_time: 21.7 },
        { name: 'Summariser', execution_time: 278.5 },
      ],
      failed_component: 'Summariser',
    },
  }),
  'workflow.cancelled': defineEvent({
    description: 'A run of a workflow was stopped on request before it ended.',
    identifiers: runIdentifiers,
    schema: Type.Object({ ...started, ...spent }),
    sample: {
      ...supportRun,
      execution_time: 1.2,
      token_usage: { prompt_tokens: 150, completion_tokens: 12, total_tokens: 162 },
      cost: 0.0021,
      components_executed: [
        { name: 'Chat Input', execution_time: 0.1 },
        { name: 'OpenAI Model', execution_time: 1.1 },
      ],
    },
  }),
};

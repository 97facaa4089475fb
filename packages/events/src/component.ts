import Type from 'typebox';
import { defineEvent } from './event-definition.ts';
import { executionTime, failure, runContext, runId, runIdentifiers, workflowId } from './fields.ts';

const started = {
  workflow_id: workflowId,
  run_id: runId,
  component: Type.String({ description: 'Name of the component within the workflow.' }),
  ...runContext,
};

const identifiers = [...runIdentifiers, 'component'];
const ended = { ...started, execution_time: Type.Optional(executionTime) };
const failed = Type.Object({ ...ended, error: failure });

const modelStep = {
  workflow_id: 'customer_support_bot',
  run_id: 'run_12345',
  component: 'OpenAI Model',
  user_id: 'user_67890',
  session_id: 'session_abcdef',
};

const loaderStep = {
  workflow_id: 'document_processor',
  run_id: 'run_12346',
  component: 'Document Loader',
  user_id: 'user_67891',
  session_id: 'session_ghijkl',
};

export const componentEvents = {
  'component.started': defineEvent({
    description: 'A component of a running workflow has begun its work.',
    identifiers: identifiers,
    schema: Type.Object(started),
    sample: modelStep,
  }),
  'component.completed': defineEvent({
    description: 'A component of a running workflow has done its work.',
    identifiers: identifiers,
    schema: Type.Object(ended),
    sample: { ...modelStep, execution_time: 2 },
  }),
  'component.failed': defineEvent({
    description: 'A component of a running workflow has stopped because of an error.',
    identifiers: identifiers,
    schema: failed,
    sample: {
      ...loaderStep,
      execution_time: 4.8,
      error: {
        code: 'FILE_UNREADABLE',
        message: 'The file is damaged and could not be opened',
        component: 'Document Loader',
        details: { timeout_duration: 30, file_size: '15MB', file_type: 'PDF' },
      },
    },
  }),
  'component.timeout': defineEvent({
    description: 'A component of a running workflow was stopped because it took longer than it is allowed to.',
    identifiers: identifiers,
    schema: failed,
    sample: {
      ...loaderStep,
      execution_time: 30,
      error: {
        code: 'COMPONENT_TIMEOUT',
        message: 'The document loader gave no result within 30 seconds',
        component: 'Document Loader',
        details: { timeout_duration: 30, file_size: '15MB', file_type: 'PDF' },
      },
    },
  }),
};

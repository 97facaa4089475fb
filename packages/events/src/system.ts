import Type from 'typebox';
import { defineEvent } from './event-definition.ts';
import { instant } from './fields.ts';

export const systemEvents = {
  'system.maintenance': defineEvent({
    description: 'Maintenance of the platform is announced.',
    identifiers: [],
    schema: Type.Object({
      starts_at: instant('When it begins.'),
      ends_at: instant('When it is expected to be over.'),
      message: Type.String({ description: 'What to expect, in words for people.' }),
    }),
    sample: {
      starts_at: '2024-01-20T02:00:00.000Z',
      ends_at: '2024-01-20T03:30:00.000Z',
      message: 'Workflows cannot be started while the database is being upgraded.',
    },
  }),
};

import Type from 'typebox';
import { defineEvent } from './event-definition.ts';
import { instant } from './fields.ts';

const quota = Type.Object({
  usage_percent: Type.Number({
    description: 'Share of the limit that is used, in percent; above 100 once it is exceeded.',
  }),
  limit: Type.Number({ description: 'Calls allowed in the period.' }),
  reset_time: instant('When the period ends and counting starts again.'),
});

export const apiEvents = {
  'api.quota.warning': defineEvent({
    description: 'Use of the API has come close to its quota.',
    identifiers: [],
    schema: quota,
    sample: { usage_percent: 80, limit: 100000, reset_time: '2024-02-01T00:00:00.000Z' },
  }),
  'api.quota.exceeded': defineEvent({
    description: 'Use of the API has gone beyond its quota.',
    identifiers: [],
    schema: quota,
    sample: { usage_percent: 100.2, limit: 100000, reset_time: '2024-02-01T00:00:00.000Z' },
  }),
};

import Type, { type Static } from 'typebox';
import type { RecordedEvent } from '../domain/event.ts';
import { instantSchema, optionalStringSchema, presentInstant } from './instant.ts';

export const eventFields = {
  id: Type.String({ description: 'evt_…' }),
  event: Type.String({ description: 'The event type.' }),
  timestamp: instantSchema('When it happened.'),
  accepted_at: instantSchema('When it was taken in.'),
  run_id: optionalStringSchema('`data.run_id`.'),
};

export const eventSchema = Type.Object(eventFields, { $id: 'Event', description: 'Something that happened.' });

export function presentEvent(event: RecordedEvent): Static<typeof eventSchema> {
  return {
    id: event.id,
    event: event.type,
    timestamp: presentInstant(event.occurredAt),
    accepted_at: presentInstant(event.acceptedAt),
    run_id: event.runId,
  };
}

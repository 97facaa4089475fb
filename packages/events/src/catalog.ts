import type { Static } from 'typebox';
import { apiEvents } from './api.ts';
import { componentEvents } from './component.ts';
import { operationalEvents } from './operational.ts';
import { systemEvents } from './system.ts';
import { userEvents } from './user.ts';
import { workflowEvents } from './workflow.ts';

const builtInEvents = { ...workflowEvents, ...componentEvents, ...userEvents, ...apiEvents, ...systemEvents };

/**
 * Every event type that the platform knows, by its name: description, JSON Schema of `data`, identifiers, sample. The types that
 * producers send come first, then the reserved ones. Custom types are not here: each workspace registers its own.
 */
export const catalog = { ...builtInEvents, ...operationalEvents };

/** A type that producers may send without registering it. */
export type BuiltInType = keyof typeof builtInEvents;

/** A type that only the platform sends. */
export type OperationalType = keyof typeof operationalEvents;

/** Every type in the catalog. */
export type EventType = BuiltInType | OperationalType;

/** The `data` of an event type, as its schema says. Fields that the schema does not name may be there too. */
export type EventData<T extends EventType> = { [K in T]: Static<(typeof catalog)[K]['schema']> }[T];

/** Whether `text` names a type that producers may send without registering it. False for reserved types. */
export function isBuiltInType(text: string): text is BuiltInType {
  return Object.hasOwn(builtInEvents, text);
}

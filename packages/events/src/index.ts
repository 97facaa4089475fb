export {
  type BuiltInType,
  catalog,
  type EventData,
  type EventType,
  isBuiltInType,
  type OperationalType,
} from './catalog.ts';
export { type BatchData, type Envelope, type EnvelopeParts, serializeEnvelope } from './envelope.ts';
export type { EventDefinition } from './event-definition.ts';
export { isReservedType, isTypeName, nearestNames, subscriptionMatches } from './names.ts';

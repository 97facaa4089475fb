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
export { nearestNames } from './nearest-names.ts';
export { subscriptionMatches } from './subscription-matches.ts';
export { isReservedType, isTypeName } from './type-name.ts';

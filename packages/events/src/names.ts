/** What can be said about names of event types without the catalog, whose schemas take time to load. */
export { nearestNames } from './nearest-names.ts';
export { subscriptionMatches } from './subscription-matches.ts';
export { isReservedType, isTypeName } from './type-name.ts';

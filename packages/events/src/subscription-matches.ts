import { isReservedType } from './type-name.ts';

/**
 * Whether a webhook that subscribed to `pattern` gets events of `type`. A pattern is a type (`workflow.failed`), a family
 * (`workflow.*`, `user.session.*`: everything below that name, at any depth) or `*`. Wildcards never include reserved
 * types; those reach only a webhook that names them, so that nobody gets news about deliveries by surprise.
 */
export function subscriptionMatches(pattern: string, type: string): boolean {
  if (pattern === '*') return !isReservedType(type);
  if (pattern.endsWith('.*')) return type.startsWith(pattern.slice(0, -1)) && !isReservedType(type);
  return pattern === type;
}

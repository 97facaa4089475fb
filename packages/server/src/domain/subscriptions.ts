import { isReservedType, isTypeName } from '@broxi/events/names';
import { fieldPath } from './field-path.ts';
import type { FieldReader } from './field-reader.ts';

export const MAX_SUBSCRIPTIONS = 64;

/**
 * Reads `events`: 1 to 64 different names of event types (`workflow.failed`), families (`workflow.*`) or `*`. Only the shape
 * of a name is checked here: which types exist depends on the workspace.
 */
export function readSubscriptions(fields: FieldReader): readonly string[] {
  const value = fields.value('events');
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_SUBSCRIPTIONS) {
    const form = 'event types ("workflow.failed"), families ("workflow.*") or "*"';
    fields.report(
      'events',
      `${value === undefined ? 'is required: ' : ''}must be a list of 1 to ${MAX_SUBSCRIPTIONS} ${form}`,
    );
    return [];
  }
  value.forEach((name: unknown, index) => {
    const problem = value.indexOf(name) < index ? 'is in the list already' : checkSubscription(name);
    if (problem !== null) fields.report(fieldPath('events', index), problem);
  });
  return value;
}

function checkSubscription(name: unknown): string | null {
  if (name === '*') return null;
  if (typeof name === 'string' && isTypeName(name)) return null;
  // A family is what stands before ".*"; it may be one word, which a type may not.
  if (typeof name === 'string' && name.endsWith('.*') && isTypeName(name.replace(/\*$/, 'any'))) {
    return isReservedType(name) ? 'must name one operational event: families never include them' : null;
  }
  return 'must be a type in dotted lower case ("workflow.failed"), a family ("workflow.*") or "*"';
}

/** Longest name of an event type, in characters. */
export const MAX_TYPE_NAME_LENGTH = 128;

const TYPE_NAME = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$/;

/** Whether `text` can name an event type: two or more dotted segments of `[a-z][a-z0-9_]*`, at most 128 characters. */
export function isTypeName(text: string): boolean {
  return text.length <= MAX_TYPE_NAME_LENGTH && TYPE_NAME.test(text);
}

/**
 * Whether `type` is of a family that belongs to the platform, `webhook.` or `delivery.`, in the catalog or not. Producers
 * can neither send nor register such a type.
 */
export function isReservedType(type: string): boolean {
  return type.startsWith('webhook.') || type.startsWith('delivery.');
}

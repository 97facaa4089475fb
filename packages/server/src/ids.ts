import { V7Generator } from 'uuidv7';

/** What an id names, by its prefix. */
export type IdPrefix = 'ws' | 'key' | 'wh' | 'evt' | 'del' | 'att' | 'aud';

const generator = new V7Generator();

/**
 * A new id: prefix, `_`, and the 32 hexadecimal digits of a UUIDv7. Ids of one process sort in the order they were made,
 * also within a millisecond.
 */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${generator.generate().toHex()}`;
}

/** Whether `text` has the shape of an id with this prefix. */
export function isId(prefix: IdPrefix, text: string): boolean {
  return text.length === prefix.length + 33 && text.startsWith(`${prefix}_`) && /^[0-9a-f]{32}$/.test(text.slice(-32));
}

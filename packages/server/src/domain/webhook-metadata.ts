import { type FieldReader, isPlainObject } from './field-reader.ts';

export const MAX_METADATA_PAIRS = 50;

/** Reads `metadata`: at most 50 pairs of texts, names of 1 to 64 and values of at most 500 characters. Default empty. */
export function readMetadata(fields: FieldReader): Record<string, string> {
  const value = fields.value('metadata') ?? {};
  const entries = isPlainObject(value) ? Object.entries(value) : [];
  if (!isPlainObject(value) || entries.length > MAX_METADATA_PAIRS) {
    fields.report('metadata', `must be an object of at most ${MAX_METADATA_PAIRS} pairs of texts`);
    return {};
  }
  for (const [name, text] of entries) {
    const fits = typeof text === 'string' && text.length <= 500 && name.length >= 1 && name.length <= 64;
    if (!fits)
      fields.within('metadata', {}).report(name, 'must be a name of 1 to 64 and a text of at most 500 characters');
  }
  return value as Record<string, string>;
}

import { compileLinearRegExp } from '../linear-regexp.ts';

const MAX_PATTERN_LENGTH = 500;
/** Instructions of a compiled pattern. Time is at most proportional to it and to the length of the text. */
const MAX_PROGRAM_SIZE = 200;
/** A pattern sees so many characters of a text: with the bound above, under 50 ms for the worst of both. */
export const MAX_MATCHED_LENGTH = 8_192;

/**
 * Compiles a regular expression that is looked for anywhere in a text, in linear time. The syntax is RE2's: what JavaScript has
 * but for look-around and back-references.
 *
 * @returns a test, or what is wrong with the pattern
 */
export function compilePattern(source: string): { test: (text: string) => boolean } | { problem: string } {
  if (source === '') return { problem: 'must not be empty: it would match every text' };
  if (source.length > MAX_PATTERN_LENGTH) return { problem: `must be at most ${MAX_PATTERN_LENGTH} characters` };
  let pattern: ReturnType<typeof compileLinearRegExp>;
  try {
    pattern = compileLinearRegExp(source);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    return { problem: `is not a regular expression of RE2: ${reason}` };
  }
  if (pattern.programSize() > MAX_PROGRAM_SIZE) return { problem: 'is too large when its repetitions are written out' };
  return {
    test: (text) => pattern.test(text.length > MAX_MATCHED_LENGTH ? text.slice(0, MAX_MATCHED_LENGTH) : text),
  };
}

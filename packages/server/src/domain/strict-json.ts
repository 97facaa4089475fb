import { Buffer } from 'node:buffer';
import { AppError, InvalidFieldsError } from '../errors.ts';
import { numberChanges } from './json-number.ts';
import { findJsonProblems } from './json-problems.ts';

/** Objects and arrays that may be open at once. */
export const MAX_JSON_DEPTH = 64;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses a request body, and refuses whatever would come out of JavaScript as something else than was written.
 * A byte order mark is skipped, as RFC 8259 allows. Keys such as `__proto__` are ordinary own properties.
 *
 * @throws AppError `malformed_json` for invalid UTF-8 or JSON, with where it is
 * @throws InvalidFieldsError with paths, for: a key twice in one object; a lone surrogate; a number that a double cannot
 *   keep, or an integer beyond ±2^53; more than {@link MAX_JSON_DEPTH} levels
 */
export function parseJsonStrictly(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    findJsonProblems(text, MAX_JSON_DEPTH);
    throw new AppError('malformed_json', 'The body is not valid JSON.', { cause });
  }
  // A key given twice is there once in the value, so the two counts differ exactly then: no set of keys is needed.
  const keys = countKeysIfClean(text);
  if (keys === NOT_CLEAN || keys !== countKeys(value)) {
    const problems = findJsonProblems(text, MAX_JSON_DEPTH);
    if (problems.length > 0) throw new InvalidFieldsError(problems);
  }
  return value;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    const replaced = Buffer.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
    let at = 0;
    while (replaced[at] === bytes[at]) at++;
    throw new AppError('malformed_json', `The body is not valid UTF-8 at byte ${at}.`, { cause });
  }
}

const NOT_CLEAN = -1;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * One pass over JSON that is known to be well-formed.
 * @returns how many keys it has, or {@link NOT_CLEAN} when something in it has to be refused
 */
function countKeysIfClean(text: string): number {
  const length = text.length;
  let keys = 0;
  let depth = 0;
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      i = endOfString(text, i + 1);
      if (i < 0) return NOT_CLEAN;
    } else if (c === 0x3a /* : */) {
      keys++;
    } else if (c === 0x7b /* { */ || c === 0x5b /* [ */) {
      if (++depth > MAX_JSON_DEPTH) return NOT_CLEAN;
    } else if (c === 0x7d /* } */ || c === 0x5d /* ] */) {
      depth--;
    } else if (c === 0x2d /* - */ || isDigit(c)) {
      const end = endOfNumber(text, i);
      // Any decimal of at most 15 digits survives a double (IEEE 754); a short token without an exponent is one.
      if (end - i > 15 && numberChanges(text.slice(i, end))) return NOT_CLEAN;
      if (end - i <= 15 && hasExponent(text, i, end) && numberChanges(text.slice(i, end))) return NOT_CLEAN;
      i = end - 1;
    }
  }
  return keys;
}

/** @returns the position of the closing quote, or -1 when a surrogate in the string stands alone */
function endOfString(text: string, start: number): number {
  let i = start;
  for (let c = text.charCodeAt(i); c !== QUOTE; c = text.charCodeAt(++i)) {
    if (c !== BACKSLASH) continue;
    i++;
    const kind = surrogateAt(text, i);
    if (kind === 0) continue;
    // Raw text cannot hold half a pair (it came from UTF-8), so the other half must be an escape as well.
    if (kind === LOW || text.charCodeAt(i + 5) !== BACKSLASH || surrogateAt(text, i + 6) !== LOW) return -1;
    i += 10;
  }
  return i;
}

const HIGH = 1;
const LOW = 2;

/** What the `uXXXX` at `i`, if it is one, stands for. */
function surrogateAt(text: string, i: number): 0 | typeof HIGH | typeof LOW {
  if (text.charCodeAt(i) !== 0x75 /* u */ || (text.charCodeAt(i + 1) | 0x20) !== 0x64 /* d */) return 0;
  const third = text.charCodeAt(i + 2) | 0x20;
  if (third === 0x63 /* c */ || third === 0x64 || third === 0x65 || third === 0x66 /* f */) return LOW;
  return third === 0x38 /* 8 */ || third === 0x39 || third === 0x61 /* a */ || third === 0x62 /* b */ ? HIGH : 0;
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function endOfNumber(text: string, start: number): number {
  let i = start + 1;
  for (;;) {
    const c = text.charCodeAt(i);
    if (!isDigit(c) && c !== 0x2e /* . */ && (c | 0x20) !== 0x65 /* e */ && c !== 0x2b /* + */ && c !== 0x2d) return i;
    i++;
  }
}

function hasExponent(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if ((text.charCodeAt(i) | 0x20) === 0x65 /* e */) return true;
  }
  return false;
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item);
    return count;
  }
  const members = value as Record<string, unknown>;
  for (const key of Object.keys(members)) {
    count++;
    const member = members[key];
    if (typeof member === 'object') count += countKeys(member);
  }
  return count;
}

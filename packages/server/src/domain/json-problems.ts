import { AppError, type FieldError, InvalidFieldsError } from '../errors.ts';
import { fieldPath } from './field-path.ts';
import { numberChanges } from './json-number.ts';

/** More than this is noise. */
const MOST_PROBLEMS = 20;

/** Where the reading stands; `problems` grows as it goes. */
interface Reading {
  readonly text: string;
  readonly maxDepth: number;
  readonly problems: FieldError[];
  at: number;
}

/**
 * Reads JSON slowly and tells what is wrong with it: only called when something is.
 *
 * @returns keys that come twice, lone surrogates and numbers that JavaScript would change, with their paths (at most 20)
 * @throws AppError `malformed_json` with line and column of the first syntax error
 * @throws InvalidFieldsError where more than `maxDepth` objects and arrays are open; nothing is read from there on
 */
export function findJsonProblems(text: string, maxDepth: number): FieldError[] {
  const reading: Reading = { text, maxDepth, problems: [], at: 0 };
  readValue(reading, '', 0);
  skipSpace(reading);
  if (reading.at < text.length) throw malformed(reading, 'the end of the body');
  return reading.problems;
}

function readValue(reading: Reading, path: string, depth: number): void {
  skipSpace(reading);
  const c = reading.text[reading.at];
  if (c === '{' || c === '[') {
    if (depth === reading.maxDepth) {
      report(reading, path, `nested deeper than ${reading.maxDepth} levels`);
      throw new InvalidFieldsError(reading.problems);
    }
    reading.at++;
    if (c === '{') readMembers(reading, path, depth + 1);
    else readItems(reading, path, depth + 1);
  } else if (c === '"') {
    if (!readString(reading).isWellFormed()) report(reading, path, LONE_SURROGATE);
  } else if (c !== undefined && /[-\d]/.test(c)) {
    const token = take(reading, /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y, 'a number such as 12, -0.5 or 1e3');
    if (numberChanges(token)) report(reading, path, numberMessage(token));
  } else {
    take(reading, /true|false|null/y, 'a JSON value');
  }
}

const LONE_SURROGATE = 'holds half of a surrogate pair; expected complete Unicode characters';

function numberMessage(token: string): string {
  const shown = token.length > 40 ? `${token.slice(0, 40)}…` : token;
  return `the number ${shown} would be changed: expected an integer within ±2^53 or a number that a double keeps; send it as text otherwise`;
}

function readMembers(reading: Reading, path: string, depth: number): void {
  const seen = new Set<string>();
  skipSpace(reading);
  if (skipIf(reading, '}')) return;
  do {
    skipSpace(reading);
    const key = readString(reading);
    const member = fieldPath(path, key);
    if (seen.has(key)) report(reading, member, 'this key comes twice in one object; expected it once');
    if (!key.isWellFormed()) report(reading, member, `the key ${LONE_SURROGATE}`);
    seen.add(key);
    skipSpace(reading);
    if (!skipIf(reading, ':')) throw malformed(reading, '":"');
    readValue(reading, member, depth);
    skipSpace(reading);
  } while (skipIf(reading, ','));
  if (!skipIf(reading, '}')) throw malformed(reading, '"," or "}"');
}

function readItems(reading: Reading, path: string, depth: number): void {
  skipSpace(reading);
  if (skipIf(reading, ']')) return;
  let index = 0;
  do {
    readValue(reading, fieldPath(path, index++), depth);
    skipSpace(reading);
  } while (skipIf(reading, ','));
  if (!skipIf(reading, ']')) throw malformed(reading, '"," or "]"');
}

function readString(reading: Reading): string {
  const start = reading.at;
  if (!skipIf(reading, '"')) throw malformed(reading, 'a text in double quotes');
  for (;;) {
    const c = reading.text[reading.at];
    if (c === '"') break;
    if (c === undefined) throw malformed(reading, 'the closing double quote of a text');
    if (c < ' ') throw malformed(reading, 'control characters to be escaped');
    if (c === '\\') take(reading, /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y, 'an escape such as \\n or \\u0041');
    else reading.at++;
  }
  reading.at++;
  return JSON.parse(reading.text.slice(start, reading.at)) as string;
}

function skipSpace(reading: Reading): void {
  take(reading, /[ \t\n\r]*/y, '');
}

function skipIf(reading: Reading, c: string): boolean {
  if (reading.text[reading.at] !== c) return false;
  reading.at++;
  return true;
}

function take(reading: Reading, sticky: RegExp, expected: string): string {
  sticky.lastIndex = reading.at;
  const token = sticky.exec(reading.text)?.[0];
  if (token === undefined) throw malformed(reading, expected);
  reading.at += token.length;
  return token;
}

function report(reading: Reading, path: string, message: string): void {
  if (reading.problems.length < MOST_PROBLEMS) reading.problems.push({ path, message });
}

function malformed(reading: Reading, expected: string): AppError {
  const { text, at } = reading;
  const line = text.slice(0, at).split('\n').length;
  const column = at - text.lastIndexOf('\n', at - 1);
  const found = at < text.length ? JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0)) : 'the end';
  return new AppError(
    'malformed_json',
    `Not valid JSON at line ${line}, column ${column}: expected ${expected}, found ${found}.`,
  );
}

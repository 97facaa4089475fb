import type { FieldError } from '../errors.ts';
import { fieldPath } from './field-path.ts';

export const MAX_OWN_HEADERS = 32;
export const MAX_HEADER_NAME_LENGTH = 128;
export const MAX_HEADER_VALUE_LENGTH = 4096;

/** Set by the sender, or by the connection (RFC 9110, hop-by-hop fields). Lower case, `_` written as `-`. */
const RESERVED: ReadonlySet<string> = new Set([
  'user-agent',
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
  'traceparent',
  'host',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'forwarded',
]);

const RESERVED_PREFIXES: readonly string[] = ['content-', 'x-forwarded-', 'proxy-'];

/**
 * Checks the headers that a webhook adds to each request: an object of at most 32 names (RFC 9110 tokens, ≤ 128 characters)
 * and values (Latin-1 without control characters but tab, ≤ 4,096 characters). Names are compared without case and with `_`
 * as `-`, because many servers see no difference. Reserved are what the sender sets itself (the deployment's `prefix`,
 * Standard Webhooks 1.0, Trace Context), and what belongs to the connection or to proxies.
 *
 * @returns one error per fault, with paths such as `headers.X-Name`; empty when all is well
 */
export function checkOwnHeaders(headers: unknown, prefix: string, path = 'headers'): FieldError[] {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    return [{ path, message: 'must be an object of header names and text values' }];
  }
  const entries = Object.entries(headers);
  if (entries.length > MAX_OWN_HEADERS) return [{ path, message: `must hold at most ${MAX_OWN_HEADERS} headers` }];
  const errors: FieldError[] = [];
  const seen = new Map<string, string>();
  for (const [name, value] of entries) {
    const report = (message: string) => errors.push({ path: fieldPath(path, name), message });
    const canonical = canonicalName(name);
    const twin = seen.get(canonical);
    const nameProblem = checkName(name, canonical, canonicalName(prefix));
    if (nameProblem !== null) report(nameProblem);
    else if (twin !== undefined) report(`is the same header as ${twin}: case does not count, and _ counts as -`);
    seen.set(canonical, name);
    const valueProblem = checkValue(value);
    if (valueProblem !== null) report(valueProblem);
  }
  return errors;
}

function canonicalName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

function checkName(name: string, canonical: string, prefix: string): string | null {
  if (name.length > MAX_HEADER_NAME_LENGTH) return `must have a name of at most ${MAX_HEADER_NAME_LENGTH} characters`;
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return "must have a name of letters, digits and !#$%&'*+-.^_`|~";
  const reserved =
    RESERVED.has(canonical) || [...RESERVED_PREFIXES, prefix].some((start) => canonical.startsWith(start));
  return reserved ? 'is set by the sender or by the connection; choose another name' : null;
}

function checkValue(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a text';
  if (value.length > MAX_HEADER_VALUE_LENGTH) return `must be at most ${MAX_HEADER_VALUE_LENGTH} characters`;
  if (!/^[\t\x20-\x7e\xa0-\xff]*$/.test(value)) {
    return 'must hold Latin-1 characters only, without line breaks or other control characters';
  }
  return null;
}

import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';

const require = createRequire(import.meta.url);

/**
 * Compiles a regular expression that is matched in time linear to the text; its syntax is RE2's. The library is large, so it
 * is loaded when the first one is compiled: a server that has none does not carry it.
 * @throws Error if it is none
 */
export function compileLinearRegExp(source: string, { ignoreCase = false } = {}): RE2JS {
  const { RE2JS: Re2 } = require('re2js') as typeof import('re2js');
  return Re2.compile(Re2.translateRegExp(source), ignoreCase ? Re2.CASE_INSENSITIVE : 0);
}

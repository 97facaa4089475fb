import { parseSecret } from '@broxi/receiver';

/**
 * Checks a secret that a person chose: 16 to 256 printable ASCII characters without outer white space; behind `whsec_`
 * padded base64 (Standard Webhooks 1.0), since another reading of it would sign with another key.
 *
 * @returns what is wrong with it, or (where it is fine) what to know about it
 */
export function checkSecret(secret: unknown): { problem: string } | { warning: string | null } {
  if (typeof secret !== 'string') return { problem: 'must be a text' };
  if (secret.length < 16 || secret.length > 256) return { problem: 'must have 16 to 256 characters' };
  if (!/^[\x21-\x7e][\x20-\x7e]*[\x21-\x7e]$/.test(secret)) {
    return { problem: 'must be printable ASCII without white space at its ends' };
  }
  const parsed = parseSecret(secret);
  if (!parsed.ok) return { problem: parsed.message };
  if (parsed.secret.standardText === secret) return { warning: null };
  return {
    warning:
      'secret: does not start with "whsec_", so libraries for Standard Webhooks will want "whsec_" and its base64 instead.',
  };
}

import { isIP } from 'node:net';
import type { FieldReader } from './field-reader.ts';
import type { AddressPolicy } from './public-address.ts';

export const MAX_URL_LENGTH = 2048;

export interface UrlRules {
  /** Whether `http:` is taken beside `https:`. */
  allowHttp: boolean;
  addressPolicy: AddressPolicy;
}

/** Names that a hosts file gives this machine, wherever a resolver would send them (RFC 6761 for `localhost`). */
const THIS_MACHINE = /^(.+\.)?localhost$|^localhost\.localdomain$|^ip6-(localhost|loopback)$/;

/** Names under which clouds serve a machine's credentials. */
const METADATA_NAMES: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
]);

/**
 * Whether events may be sent to `text`: an absolute URL of at most 2,048 characters, https (http where allowed), without user
 * name, password, fragment, white space, or a host that is known not to be public. Names are not resolved here: the address
 * that a name leads to is checked again at each connection.
 *
 * @returns the URL as the WHATWG parser writes it, so that what was checked is what will be used; or what is wrong with it
 */
export function checkWebhookUrl(
  text: string,
  { allowHttp, addressPolicy }: UrlRules,
): { url: string } | { problem: string } {
  const problem = checkText(text, allowHttp);
  if (problem !== null) return { problem };
  if (!URL.canParse(text)) return { problem: 'is not a valid URL; expected one such as https://example.com/webhooks' };
  const url = new URL(text);
  if (url.href.length > MAX_URL_LENGTH) return { problem: `must be at most ${MAX_URL_LENGTH} characters when encoded` };
  const hostProblem = checkHost(url.hostname, addressPolicy);
  return hostProblem === null ? { url: url.href } : { problem: hostProblem };
}

/**
 * Reads a field that holds such a URL; what is wrong with it is reported.
 * @returns null: there is none, or none that may be used
 */
export function readWebhookUrl(fields: FieldReader, name: string, rules: UrlRules): string | null {
  const value = fields.value(name);
  if (value === undefined) return null;
  const checked = typeof value === 'string' ? checkWebhookUrl(value, rules) : { problem: 'must be a text' };
  if ('url' in checked) return checked.url;
  fields.report(name, checked.problem);
  return null;
}

/** What the parser would repair or drop in silence is looked for in the text itself. */
function checkText(text: string, allowHttp: boolean): string | null {
  if (text.length > MAX_URL_LENGTH) return `must be at most ${MAX_URL_LENGTH} characters`;
  if (/[\s\p{Cc}]/u.test(text)) return 'must not contain white space or control characters';
  if (!text.isWellFormed()) return 'must be valid Unicode';
  if (!(allowHttp ? /^https?:\/\//i : /^https:\/\//i).test(text)) {
    return allowHttp ? 'must start with https:// or http://' : 'must start with https://';
  }
  if (text.includes('\\')) return 'must not contain a backslash';
  if (text.includes('#')) return 'must not contain a fragment (#…): it would never be sent';
  const authority = text.slice(text.indexOf('//') + 2).split(/[/?]/, 1)[0] ?? '';
  if (authority === '') return 'must name a host, such as https://example.com/webhooks';
  if (authority.includes('@')) return 'must not contain a user name or password; use the headers field for credentials';
  return null;
}

function checkHost(hostname: string, addressPolicy: AddressPolicy): string | null {
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0) {
    const reason = addressPolicy.refuses(literal);
    return reason === null ? null : `must lead to a public address: ${reason}`;
  }
  if (hostname.endsWith('.')) return 'must name the host without a dot at its end';
  if (hostname.includes('..') || hostname.startsWith('.')) return 'must not have an empty part in its host name';
  if (METADATA_NAMES.has(hostname)) return `must lead to a public address: ${hostname} is a cloud metadata service`;
  if (THIS_MACHINE.test(hostname) && addressPolicy.refuses('127.0.0.1') !== null) {
    return `must lead to a public address: ${hostname} means this machine`;
  }
  return null;
}

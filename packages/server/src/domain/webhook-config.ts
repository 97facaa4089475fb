import { type FieldError, InvalidFieldsError } from '../errors.ts';
import { type BatchConfig, readBatch } from './batch.ts';
import type { PayloadKind } from './delivery.ts';
import { FieldReader, isPlainObject } from './field-reader.ts';
import { MATCHING_FIELDS, type MatchingConfig, matchingWarnings, readMatching } from './matching.ts';
import { type Ordering, readOrdering } from './ordering.ts';
import { checkOwnHeaders } from './own-headers.ts';
import { type RateLimit, readRateLimit } from './rate-limit.ts';
import { type RetryPolicyConfig, readRetryPolicyConfig } from './retry-policy-config.ts';
import { readSubscriptions } from './subscriptions.ts';
import { readMetadata } from './webhook-metadata.ts';
import { checkSecret } from './webhook-secret.ts';
import { readWebhookUrl, type UrlRules } from './webhook-url.ts';

/** A webhook's configuration as the API shows it: every field present, durations in seconds. The secret is kept apart. */
export interface WebhookConfig extends MatchingConfig {
  /** At most 2,048 characters, as the WHATWG URL parser writes it. */
  url: string;
  /** At most 200 characters. */
  name: string | null;
  /** At most 2,000 characters. */
  description: string | null;
  /** At most 50 pairs; names of 1 to 64, values of at most 500 characters. */
  metadata: Readonly<Record<string, string>>;
  /** 1 to 64 types, families or `*`. */
  events: readonly string[];
  /** Default `auto`: the receiver shows which text it verifies. */
  signature_scheme: 'auto' | 'timestamped' | 'body';
  retry_policy: RetryPolicyConfig;
  /** Sent beside those of the sender; at most 32. */
  headers: Readonly<Record<string, string>>;
  /** 1 to 60, default 30; for a whole attempt. */
  timeout: number;
  /** Default true. */
  active: boolean;
  /** 1 to 1,000, default 16: requests in the air at a time. */
  max_concurrency: number;
  /** Default null: none. Counts exchanges, of which an attempt may have several. */
  rate_limit: RateLimit | null;
  /** Default `full`. `thin`: bodies carry identifiers only, and receivers fetch the rest. */
  payload: PayloadKind;
  /** Default null: events go one by one. */
  batch: BatchConfig | null;
  /** Default null: none. Not together with `batch`. */
  ordering: Ordering | null;
  /** Default `manual`. `auto`: what failed during an outage is put back when its circuit closes. */
  recovery: 'manual' | 'auto';
  /** Where a delivery goes that its own URL did not take; obeys every rule of `url`, and is another one. Default null: none. */
  fallback_url: string | null;
  tls: null;
}

/**
 * Fields that are known, and whose behaviour this version does not have: any value but the one here (or null) is refused,
 * so that none is ignored in silence.
 */
export const UNSUPPORTED_FIELDS = {
  tls: null,
} as const satisfies Partial<WebhookConfig>;

/** For a webhook whose receiver is sent, or takes, the signature over the body alone. */
export const BODY_SCHEME_WARNING =
  'signature_scheme: "body" does not sign the time, so it does not protect from replayed requests.';

export const WEBHOOK_FIELDS: readonly string[] = [
  ...['url', 'name', 'description', 'metadata', 'events', 'secret', 'signature_scheme', 'retry_policy', 'headers'],
  ...['timeout', 'active', 'max_concurrency', 'rate_limit', 'ordering', 'payload', 'batch', 'recovery', 'fallback_url'],
  ...MATCHING_FIELDS,
  ...Object.keys(UNSUPPORTED_FIELDS),
];

export interface WebhookRules extends UrlRules {
  /** Of the deployment's own headers, `X-Broxi-` by default; reserved. */
  headerPrefix: string;
}

export interface ParsedWebhookConfig {
  config: WebhookConfig;
  /** Only where one was given. */
  secret?: string;
  /** What was accepted, and may not be what was meant; each a sentence. */
  warnings: string[];
}

/**
 * Reads `{"webhook_config": {…}}`, or that object bare. Absent fields and null are their defaults.
 *
 * @throws InvalidFieldsError with everything that is wrong: unknown fields, wrong types (nothing is converted), bounds,
 *   fields that this version does not support
 */
export function parseWebhookConfig(input: unknown, rules: WebhookRules): ParsedWebhookConfig {
  const problems: FieldError[] = [];
  const warnings: string[] = [];
  const { fields: given, path } = unwrapWebhookConfig(input);
  const fields = new FieldReader(given, path, problems);
  fields.refuseUnknown(WEBHOOK_FIELDS);
  refuseUnsupported(fields);
  const config: WebhookConfig = {
    ...readUrls(fields, rules),
    name: fields.text('name', 200),
    description: fields.text('description', 2000),
    metadata: readMetadata(fields),
    events: readSubscriptions(fields),
    signature_scheme: fields.oneOf('signature_scheme', ['auto', 'timestamped', 'body'], 'auto'),
    retry_policy: readRetryPolicyConfig(fields.object('retry_policy'), warnings),
    headers: readHeaders(fields, rules.headerPrefix, problems),
    timeout: fields.duration('timeout', { fallback: 30, min: 1, max: 60 }),
    active: fields.boolean('active', true),
    max_concurrency: fields.number('max_concurrency', { fallback: 16, min: 1, max: 1000, integer: true }),
    rate_limit: readRateLimit(fields),
    ordering: readOrdering(fields),
    payload: fields.oneOf('payload', ['full', 'thin'], 'full'),
    batch: readBatch(fields),
    recovery: fields.oneOf('recovery', ['manual', 'auto'], 'manual'),
    ...readMatching(fields, { rules, problems }),
    ...UNSUPPORTED_FIELDS,
  };
  if (config.signature_scheme === 'body') warnings.push(BODY_SCHEME_WARNING);
  const secret = readSecret(fields, warnings);
  if (problems.length > 0) throw new InvalidFieldsError(problems);
  warnings.push(...matchingWarnings(config, config.events));
  return { config, ...(secret !== undefined && { secret }), warnings };
}

/**
 * Takes the `webhook_config` wrapper off, if there is one.
 * @returns the fields, and their path in the body
 */
export function unwrapWebhookConfig(input: unknown): { fields: Record<string, unknown>; path: string } {
  if (!isPlainObject(input)) throw new InvalidFieldsError([{ path: '', message: 'must be an object' }]);
  if (!Object.hasOwn(input, 'webhook_config')) return { fields: input, path: '' };
  const { webhook_config: fields, ...beside } = input;
  const problems = Object.keys(beside)
    .slice(0, 20)
    .map((path) => ({ path, message: 'must stand inside webhook_config' }));
  if (!isPlainObject(fields)) problems.push({ path: 'webhook_config', message: 'must be an object' });
  if (problems.length > 0 || !isPlainObject(fields)) throw new InvalidFieldsError(problems);
  return { fields, path: 'webhook_config' };
}

function refuseUnsupported(fields: FieldReader): void {
  for (const [name, standard] of Object.entries(UNSUPPORTED_FIELDS)) {
    const value = fields.value(name);
    if (value === undefined || value === standard) continue;
    fields.report(name, `is not supported by this version yet; leave it out or send ${JSON.stringify(standard)}`);
  }
}

function readUrls(fields: FieldReader, rules: UrlRules): Pick<WebhookConfig, 'url' | 'fallback_url'> {
  if (fields.value('url') === undefined) fields.report('url', 'is required: where to send the events');
  const url = readWebhookUrl(fields, 'url', rules) ?? '';
  const fallback_url = readWebhookUrl(fields, 'fallback_url', rules);
  if (fallback_url === url) {
    fields.report('fallback_url', 'must be another one than url: it is for what that one does not take');
  }
  return { url, fallback_url };
}

function readHeaders(fields: FieldReader, prefix: string, problems: FieldError[]): Record<string, string> {
  const value = fields.value('headers');
  if (value === undefined) return {};
  const errors = checkOwnHeaders(value, prefix, fields.path('headers'));
  problems.push(...errors);
  return errors.length === 0 ? (value as Record<string, string>) : {};
}

function readSecret(fields: FieldReader, warnings: string[]): string | undefined {
  const value = fields.value('secret');
  if (value === undefined) return undefined;
  const checked = checkSecret(value);
  if ('problem' in checked) fields.report('secret', checked.problem);
  else if (checked.warning !== null) warnings.push(checked.warning);
  return String(value);
}

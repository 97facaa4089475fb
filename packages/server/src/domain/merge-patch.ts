import { type FieldError, InvalidFieldsError } from '../errors.ts';
import { FieldReader, isPlainObject } from './field-reader.ts';
import { RETRY_POLICY_FIELDS } from './retry-policy-config.ts';
import {
  type ParsedWebhookConfig,
  parseWebhookConfig,
  unwrapWebhookConfig,
  WEBHOOK_FIELDS,
  type WebhookConfig,
  type WebhookRules,
} from './webhook-config.ts';

/**
 * Applies a JSON merge patch (RFC 7396), bare or in `webhook_config`, to a configuration, and parses the whole again. Null
 * resets a field to its default. The secret stays as it is unless the patch names a new one.
 *
 * @throws InvalidFieldsError as `parseWebhookConfig` does; also for a required field or the secret set to null
 */
export function applyMergePatch(options: {
  current: WebhookConfig;
  patch: unknown;
  rules: WebhookRules;
}): ParsedWebhookConfig {
  const { fields, path } = unwrapWebhookConfig(options.patch);
  checkPatch(fields, path, options.current);
  const merged = mergePatch(options.current, resolveAlias(fields));
  return parseWebhookConfig(path === '' ? merged : { [path]: merged }, options.rules);
}

/** What merging would hide: null takes a field out, even one that is unknown, and a reset secret would lock the receiver out. */
function checkPatch(given: Record<string, unknown>, path: string, current: WebhookConfig): void {
  const problems: FieldError[] = [];
  const fields = new FieldReader(given, path, problems);
  fields.refuseUnknown(WEBHOOK_FIELDS);
  if (isPlainObject(given.retry_policy)) fields.object('retry_policy').refuseUnknown(RETRY_POLICY_FIELDS);
  for (const name of ['filters', 'conditions'] as const) {
    if (isPlainObject(given[name])) checkFilterPatch(fields.within(name, given[name]), given[name], current[name]);
  }
  if (given.secret === null) fields.report('secret', 'must not be null: rotate it to get a new one');
  if (problems.length > 0) throw new InvalidFieldsError(problems);
}

/** In a filter null may be meant as a value. Where there is nothing for it to take out, it would be lost in silence. */
function checkFilterPatch(fields: FieldReader, patch: Record<string, unknown>, current: unknown): void {
  for (const [key, value] of Object.entries(patch)) {
    const present = isPlainObject(current) && Object.hasOwn(current, key) ? current[key] : undefined;
    if (isPlainObject(value)) checkFilterPatch(fields.within(key, value), value, present);
    else if (value === null && present === undefined) {
      fields.report(key, 'takes out what is not there; to compare with null write [null]');
    }
  }
}

/** The configuration knows one name for the delay, so a patch by the other name has to meet it. */
function resolveAlias(given: Record<string, unknown>): Record<string, unknown> {
  const policy = given.retry_policy;
  if (!isPlainObject(policy) || !Object.hasOwn(policy, 'initial_delay') || Object.hasOwn(policy, 'retry_delay'))
    return given;
  const { initial_delay: retry_delay, ...rest } = policy;
  return { ...given, retry_policy: { ...rest, retry_delay } };
}

/** RFC 7396, section 2. Neither argument is changed. A key such as `__proto__` is an ordinary one. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isPlainObject(patch)) return patch;
  const merged = new Map(isPlainObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

import { DURATION_FORMS, readDuration } from './duration.ts';
import { type FieldReader, isPlainObject } from './field-reader.ts';
import { expandStatusCodes, readStatusCodes, STATUS_CODES_FORM, type StatusCodes } from './status-codes.ts';

/** How a webhook's deliveries are retried, as the API shows it; durations in seconds. */
export interface RetryPolicyConfig {
  /** 0 to 50, default 3. Attempts are one more. */
  max_retries: number;
  /** 0.1 s to 1 day, default 5; also taken as `initial_delay`. */
  retry_delay: number;
  /** Default true: the delay doubles with each retry. */
  exponential_backoff: boolean;
  /** 0.1 s to 7 days, default 60. No delay is longer, jitter apart. */
  max_delay: number;
  /** 0 to 1, default 0.1: each delay varies by ± this share. */
  jitter: number;
  /** 1 to 50 delays of up to 7 days, or `"extended"`; replaces the four fields above `jitter`. Default null. */
  schedule: readonly number[] | 'extended' | null;
  retry_conditions: {
    /** Default 408, 425, 429 and 500 to 599, less what `non_retry_conditions` names. */
    status_codes: StatusCodes;
    network_errors: boolean;
    timeouts: boolean;
  };
  non_retry_conditions: {
    /** Default empty: what `retry_conditions` does not name is not retried anyway. */
    status_codes: StatusCodes;
    /** True: an answer that is not HTTP is not retried. Default false. */
    malformed_response: boolean;
  };
}

const DAY = 86_400;
const MAX_SCHEDULED = 50;

export const DEFAULT_RETRY_STATUS_CODES: StatusCodes = [408, 425, 429, '500-599'];

export const RETRY_POLICY_FIELDS: readonly string[] = [
  'max_retries',
  'retry_delay',
  'initial_delay',
  'exponential_backoff',
  'max_delay',
  'jitter',
  'schedule',
  'retry_conditions',
  'non_retry_conditions',
];

/** Reads `retry_policy`; `fields` reads that object, and collects what is wrong with it. */
export function readRetryPolicyConfig(fields: FieldReader, warnings: string[]): RetryPolicyConfig {
  fields.refuseUnknown(RETRY_POLICY_FIELDS);
  if (fields.value('initial_delay') !== undefined && fields.value('retry_delay') !== undefined) {
    fields.report('initial_delay', 'is another name of retry_delay; give one of the two');
  }
  const delayName = fields.value('retry_delay') === undefined ? 'initial_delay' : 'retry_delay';
  const config: RetryPolicyConfig = {
    max_retries: fields.number('max_retries', { fallback: 3, min: 0, max: 50, integer: true }),
    retry_delay: fields.duration(delayName, { fallback: 5, min: 0.1, max: DAY }),
    exponential_backoff: fields.boolean('exponential_backoff', true),
    max_delay: fields.duration('max_delay', { fallback: 60, min: 0.1, max: 7 * DAY }),
    jitter: fields.number('jitter', { fallback: 0.1, min: 0, max: 1 }),
    schedule: readSchedule(fields),
    ...readConditions(fields),
  };
  warnings.push(...warningsOf(config));
  return config;
}

function readSchedule(fields: FieldReader): RetryPolicyConfig['schedule'] {
  const value = fields.value('schedule');
  if (value === undefined) return null;
  if (value === 'extended') return value;
  const delays = Array.isArray(value) ? value.map(readDuration) : [];
  const fits = delays.every((delay) => delay !== null && delay >= 0 && delay <= 7 * DAY);
  if (fits && delays.length > 0 && delays.length <= MAX_SCHEDULED) return delays.filter((delay) => delay !== null);
  const form = `a list of 1 to ${MAX_SCHEDULED} delays of up to 7 days`;
  fields.report('schedule', `must be "extended" or ${form}, each ${DURATION_FORMS}`);
  return null;
}

function readConditions(fields: FieldReader): Pick<RetryPolicyConfig, 'retry_conditions' | 'non_retry_conditions'> {
  const retry = conditionFields(fields, 'retry_conditions', ['status_codes', 'network_errors', 'timeouts']);
  const never = conditionFields(fields, 'non_retry_conditions', ['status_codes', 'malformed_response']);
  const retryCodes = statusCodes(retry, DEFAULT_RETRY_STATUS_CODES);
  const neverCodes = statusCodes(never, []);
  // The default list is shown in every read, so it must not stand in the way of a status that someone takes out of it.
  if (JSON.stringify(retryCodes) !== JSON.stringify(DEFAULT_RETRY_STATUS_CODES)) {
    const neverSet = expandStatusCodes(neverCodes);
    const both = [...expandStatusCodes(retryCodes)].filter((status) => neverSet.has(status));
    const shown = `${both.slice(0, 5).join(', ')}${both.length > 5 ? ', …' : ''}`;
    if (both.length > 0) never.report('status_codes', `must not name what retry_conditions names: ${shown}`);
  }
  return {
    retry_conditions: {
      status_codes: retryCodes,
      network_errors: retry.boolean('network_errors', true),
      timeouts: retry.boolean('timeouts', true),
    },
    non_retry_conditions: {
      status_codes: neverCodes,
      malformed_response: never.boolean('malformed_response', false),
    },
  };
}

/** An object, or the same spread over a list of objects, as people write it in YAML. */
function conditionFields(fields: FieldReader, name: string, known: readonly string[]): FieldReader {
  const value = fields.value(name);
  if (!Array.isArray(value)) {
    const conditions = fields.object(name);
    conditions.refuseUnknown(known);
    return conditions;
  }
  const entries = value.filter(isPlainObject).flatMap((item) => Object.entries(item));
  const names = entries.map(([key]) => key);
  if (!value.every(isPlainObject)) fields.report(name, 'must be an object, or a list of objects');
  for (const key of new Set(names.filter((key, i) => names.indexOf(key) !== i))) {
    fields.report(name, `must name ${key} once`);
  }
  const conditions = fields.within(name, Object.fromEntries(entries));
  conditions.refuseUnknown(known);
  return conditions;
}

function statusCodes(conditions: FieldReader, fallback: StatusCodes): StatusCodes {
  const value = conditions.value('status_codes');
  if (value === undefined) return fallback;
  const codes = readStatusCodes(value);
  if (codes === null) conditions.report('status_codes', `must be ${STATUS_CODES_FORM}`);
  return codes ?? fallback;
}

function warningsOf(config: RetryPolicyConfig): string[] {
  const warnings: string[] = [];
  if (config.schedule !== null) {
    const { max_retries, retry_delay, exponential_backoff, max_delay } = config;
    if (max_retries !== 3 || retry_delay !== 5 || !exponential_backoff || max_delay !== 60) {
      warnings.push(
        'retry_policy.schedule replaces max_retries, retry_delay, exponential_backoff and max_delay: they have no effect.',
      );
    }
  } else if (config.retry_delay > config.max_delay) {
    warnings.push(
      `retry_policy.retry_delay is ${config.retry_delay} s, but no delay is longer than max_delay, which is ${config.max_delay} s.`,
    );
  }
  if (expandStatusCodes(config.retry_conditions.status_codes).has(410)) {
    warnings.push('retry_policy.retry_conditions names 410, which is never retried: it disables the webhook.');
  }
  return warnings;
}

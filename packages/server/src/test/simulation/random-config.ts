import type { Chance } from './chance.ts';

/** The configuration of a webhook as a person writes it, without URLs and events. */
export interface WrittenConfig extends Record<string, unknown> {
  /** Its fallback is a receiver of its own. */
  hasFallback?: boolean;
}

export function randomConfig(chance: Chance, { isLong }: { isLong: boolean }): WrittenConfig {
  return {
    signature_scheme: chance.weighed([
      [8, 'auto'],
      [1, 'timestamped'],
      [1, 'body'],
    ] as const),
    retry_policy: randomPolicy(chance, isLong),
    timeout: chance.pick([1, 2, 5, 30]),
    max_concurrency: chance.pick([1, 2, 4, 5, 8, 16]),
    ...(chance.happens(0.25) && { rate_limit: { limit: chance.between(1, 6), period: chance.pick([1, 2, 10, 60]) } }),
    ...chance.weighed<Record<string, unknown>>([
      [3, {}],
      [3, { batch: { size: chance.between(2, 6), timeout: chance.pick([1, 2, 5, 30]) } }],
      [4, { ordering: { by: 'run', on_exhausted: chance.pick(['block', 'skip']) } }],
    ]),
    ...(chance.happens(0.3) && { payload: 'thin' }),
  };
}

function randomPolicy(chance: Chance, isLong: boolean): Record<string, unknown> {
  const delays = chance.weighed<Record<string, unknown>>([
    [3, {}],
    [
      4,
      {
        max_retries: chance.between(0, 6),
        retry_delay: chance.pick([0.1, 0.5, 1, 3, 20]),
        exponential_backoff: chance.happens(0.7),
        max_delay: chance.pick([1, 5, 60, 300]),
      },
    ],
    [2, { schedule: Array.from({ length: chance.between(1, 5) }, () => chance.pick([0, 0.2, 1, 7, 60])) }],
    [isLong ? 6 : 0.3, { schedule: 'extended' }],
  ]);
  const conditions = chance.weighed<Record<string, unknown>>([
    [7, {}],
    [1, { retry_conditions: { timeouts: false } }],
    [1, { retry_conditions: { network_errors: false }, non_retry_conditions: { malformed_response: true } }],
    [1, { retry_conditions: { status_codes: [404, 429, '500-503'] } }],
    [1, { non_retry_conditions: { status_codes: [503] } }],
  ]);
  return { ...delays, ...conditions, jitter: chance.pick([0, 0.1, 0.1, 0.5, 1]) };
}

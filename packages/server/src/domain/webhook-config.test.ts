import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidFieldsError } from '../errors.ts';
import { createAddressPolicy } from './public-address.ts';
import { parseWebhookConfig, UNSUPPORTED_FIELDS } from './webhook-config.ts';

const rules = {
  allowHttp: false,
  addressPolicy: createAddressPolicy({ allowNetworks: [] }),
  headerPrefix: 'X-Broxi-',
};
const required = { url: 'https://example.com/hook', events: ['workflow.completed'] };
const parse = (changes: object = {}) => parseWebhookConfig({ ...required, ...changes }, rules);
const parsePolicy = (retry_policy: unknown) => parse({ retry_policy });

function errors(input: unknown): Record<string, string> {
  try {
    parseWebhookConfig(input, rules);
  } catch (error) {
    if (error instanceof InvalidFieldsError)
      return Object.fromEntries(error.fields.map(({ path, message }) => [path, message]));
    throw error;
  }
  return {};
}
const paths = (changes: object) => Object.keys(errors({ ...required, ...changes }));

test('shows every field with its default', () => {
  assert.deepEqual(parse(), {
    config: {
      ...required,
      name: null,
      description: null,
      metadata: {},
      signature_scheme: 'auto',
      retry_policy: {
        max_retries: 3,
        retry_delay: 5,
        exponential_backoff: true,
        max_delay: 60,
        jitter: 0.1,
        schedule: null,
        retry_conditions: { status_codes: [408, 425, 429, '500-599'], network_errors: true, timeouts: true },
        non_retry_conditions: { status_codes: [], malformed_response: false },
      },
      headers: {},
      timeout: 30,
      active: true,
      max_concurrency: 16,
      rate_limit: null,
      batch: null,
      ordering: null,
      payload: 'full',
      recovery: 'manual',
      fallback_url: null,
      filters: null,
      conditions: null,
      routes: null,
      ...UNSUPPORTED_FIELDS,
    },
    warnings: [],
  });
});

test('what it shows can be sent back, with or without the wrapper', () => {
  const { config } = parse({ timeout: '45s', headers: { 'X-A': 'b' }, retry_policy: { schedule: ['5s', 300] } });
  assert.deepEqual(parseWebhookConfig(config, rules).config, config);
  assert.deepEqual(parseWebhookConfig({ webhook_config: config }, rules).config, config);
});

test("takes the guide's configuration and its YAML retry policy", () => {
  const { config, secret, warnings } = parseWebhookConfig(
    {
      webhook_config: {
        url: 'https://your-app.com/webhooks/broxi',
        events: ['workflow.completed', 'workflow.failed', 'user.message.received'],
        secret: 'webhook_secret_key_here',
        retry_policy: {
          max_retries: 3,
          initial_delay: '7s',
          exponential_backoff: true,
          max_delay: '60s',
          retry_conditions: [
            { status_codes: [500, 502, 503, 504, 408] },
            { network_errors: true },
            { timeouts: false },
          ],
          non_retry_conditions: [{ status_codes: [400, 401, 403, 404] }, { malformed_response: true }],
        },
        headers: { 'X-Custom-Header': 'custom-value', Authorization: 'Bearer your-auth-token' },
        timeout: 30,
        active: true,
      },
    },
    rules,
  );
  assert.equal(secret, 'webhook_secret_key_here');
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /Standard Webhooks/);
  assert.equal(config.retry_policy.retry_delay, 7);
  assert.deepEqual(config.retry_policy.retry_conditions, {
    status_codes: [500, 502, 503, 504, 408],
    network_errors: true,
    timeouts: false,
  });
  assert.deepEqual(config.retry_policy.non_retry_conditions, {
    status_codes: [400, 401, 403, 404],
    malformed_response: true,
  });
});

test('null is the default of an optional field, and missing for a required one', () => {
  const nothing = {
    name: null,
    headers: null,
    retry_policy: null,
    timeout: null,
    secret: null,
    active: null,
    metadata: null,
  };
  assert.deepEqual(parse(nothing), parse());
  assert.deepEqual(Object.keys(errors({ url: null, events: null })), ['url', 'events']);
});

test('reports everything at once, with paths into the body that was sent', () => {
  const bad = {
    url: 1,
    events: ['workflow.completed', 'Nope', 'workflow.completed'],
    timeout: '2',
    retry_policy: { jitter: 2 },
    headers: { Host: 'x' },
  };
  const all = ['url', 'events[1]', 'events[2]', 'retry_policy.jitter', 'headers.Host', 'timeout'];
  assert.deepEqual(Object.keys(errors(bad)).toSorted(), all.toSorted());
  assert.deepEqual(
    Object.keys(errors({ webhook_config: bad })).toSorted(),
    all.map((path) => `webhook_config.${path}`).toSorted(),
  );
});

test('refuses bodies that are no configuration', () => {
  for (const input of [null, [], 'x', 1, undefined]) assert.deepEqual(Object.keys(errors(input)), ['']);
  for (const webhook_config of [null, [], 'x'])
    assert.deepEqual(Object.keys(errors({ webhook_config })), ['webhook_config']);
  assert.deepEqual(Object.keys(errors({ webhook_config: required, url: 'https://a.com/' })), ['url']);
});

test('refuses unknown fields by name, with the nearest known one', () => {
  assert.equal(errors({ ...required, fliters: {} }).fliters, 'is unknown; did you mean filters?');
  assert.equal(errors({ ...required, maxConcurrency: 1 }).maxConcurrency, 'is unknown; did you mean max_concurrency?');
  assert.match(errors({ ...required, zzzzzzzzz: 1 }).zzzzzzzzz ?? '', /expected one of url, name/);
  assert.match(
    errors({ ...required, retry_policy: { maxRetries: 1 } })['retry_policy.maxRetries'] ?? '',
    /max_retries\?/,
  );
  assert.deepEqual(paths({ retry_policy: { retry_conditions: { status_code: [500] } } }), [
    'retry_policy.retry_conditions.status_code',
  ]);
  assert.deepEqual(paths({ retry_policy: { retry_conditions: [{ malformed_response: true }] } }), [
    'retry_policy.retry_conditions.malformed_response',
  ]);
  assert.deepEqual(Object.keys(errors(JSON.parse('{"url":"https://a.com/","events":["*"],"__proto__":1}'))), [
    '__proto__',
  ]);
});

test('refuses what this version does not do, unless it is the default', () => {
  const meant: Record<keyof typeof UNSUPPORTED_FIELDS, unknown> = {
    tls: {},
  };
  for (const [name, value] of Object.entries(meant)) {
    assert.match(errors({ ...required, [name]: value })[name] ?? '', /not supported by this version/, name);
    assert.match(errors({ ...required, [name]: false })[name] ?? '', /not supported by this version/, name);
    assert.deepEqual(paths({ [name]: null }), []);
  }
});

test('payload is full or thin', () => {
  assert.equal(parse().config.payload, 'full');
  assert.equal(parse({ payload: 'thin' }).config.payload, 'thin');
  assert.match(errors({ ...required, payload: 'slim' })['payload'] ?? '', /full.*thin/);
  assert.deepEqual(paths({ payload: null }), []);
});

test('keeps the order of runs where it is asked to, and stops behind what failed unless it is to go on', () => {
  const block = { by: 'run', on_exhausted: 'block' };
  for (const [given, ordering] of [
    ['run', block],
    [{ by: 'run' }, block],
    [block, block],
    [
      { by: 'run', on_exhausted: 'skip' },
      { by: 'run', on_exhausted: 'skip' },
    ],
    [null, null],
  ] as const) {
    assert.deepEqual(parse({ ordering: given }).config.ordering, ordering);
  }
  for (const faulty of ['none', 'event', true, ['run']]) assert.deepEqual(paths({ ordering: faulty }), ['ordering']);
  assert.match(errors({ ...required, ordering: 'none' })['ordering'] ?? '', /must be "run", or \{"by": "run"/);
  assert.deepEqual(paths({ ordering: { by: 'session' } }), ['ordering.by']);
  assert.deepEqual(paths({ ordering: { on_exhausted: 'skip' } }), ['ordering.by']);
  assert.deepEqual(paths({ ordering: { by: 'run', on_exhausted: 'stop' } }), ['ordering.on_exhausted']);
  assert.deepEqual(paths({ ordering: { by: 'run', exhausted: 'skip' } }), ['ordering.exhausted']);
});

test('keeps no order of what goes in batches', () => {
  assert.deepEqual(paths({ ordering: 'run', batch: { size: 10 } }), ['ordering']);
  assert.match(errors({ ...required, ordering: 'run', batch: { size: 10 } })['ordering'] ?? '', /combined with batch/);
  assert.deepEqual(paths({ ordering: 'run', batch: null }), []);
});

test('a fallback obeys every rule of the URL, and is another one', () => {
  const fallback = (fallback_url: unknown) => errors({ ...required, fallback_url })['fallback_url'];
  assert.equal(parse({ fallback_url: 'https://B.example/x' }).config.fallback_url, 'https://b.example/x');
  assert.equal(parse({ fallback_url: null }).config.fallback_url, null);
  for (const url of ['', 'b.example', 'http://b.example/', 'https://me:pw@b.example/', 'https://10.0.0.1/']) {
    assert.equal(fallback(url), errors({ ...required, url })['url']);
    assert.notEqual(fallback(url), undefined, url);
  }
  assert.equal(fallback(5), 'must be a text');
  for (const url of [required.url, 'HTTPS://EXAMPLE.com:443/hook']) {
    assert.match(fallback(url) ?? '', /must be another one than url/);
  }
  assert.deepEqual(paths({ url: 'no', fallback_url: 'https://b.example/' }), ['url']);
});

test('recovers by itself only where that was asked for', () => {
  assert.deepEqual(paths({ recovery: 'auto' }), []);
  assert.deepEqual(paths({ recovery: 'automatic' }), ['recovery']);
  assert.deepEqual(paths({ recovery: true }), ['recovery']);
});

/** Values just inside and just outside each bound. */
const BOUNDS: readonly [field: string, inside: readonly unknown[], outside: readonly unknown[]][] = [
  ['timeout', [1, 60, '1m', '1000ms'], [0.999, 60.001, 0, -1, '61s', '30', true, Number.NaN]],
  ['max_concurrency', [1, 1000], [0, 1001, 1.5, '16']],
  [
    'rate_limit',
    [null, { limit: 1, period: 1 }, { limit: 10_000, period: 86_400 }, { limit: 5, period: '1m' }],
    [5, '10/s', [], [1, 1]],
  ],
  ['rate_limit.limit', [], [0, 10_001, 1.5, '10'].map((limit) => ({ limit, period: 1 }))],
  ['rate_limit.period', [], [0, 0.5, 86_401, '2d', 'x'].map((period) => ({ limit: 1, period }))],
  ['retry_policy.max_retries', [0, 50], [-1, 51, 1.5, '3']],
  ['retry_policy.retry_delay', [0.1, 86_400, '1d', '100ms'], [0.099, 86_400.1, 0, '25h', '5']],
  ['retry_policy.initial_delay', [0.1, 86_400], [0.099, 86_401]],
  ['retry_policy.max_delay', [0.1, 604_800, '7d'], [0.099, 604_801, '8d', -1]],
  ['retry_policy.jitter', [0, 1, 0.5], [-0.01, 1.01, '0.1']],
  ['retry_policy.exponential_backoff', [true, false], ['true', 1]],
  [
    'retry_policy.schedule',
    ['extended', [0], [5, '5m'], ['7d'], Array(50).fill(1)],
    [[], Array(51).fill(1), [604_801], [-1], ['x'], 'long', 5, {}],
  ],
  [
    'retry_policy.retry_conditions.status_codes',
    [[], [300, 599], ['300-599'], [503, 503], Array(100).fill(500)],
    [[299], [600], ['299-300'], ['500-600'], ['503-500'], ['500'], ['5xx'], [500.5], 500, Array(101).fill(500)],
  ],
  ['retry_policy.non_retry_conditions.status_codes', [[400], [503], ['500-599']], [[200], ['4xx']]],
  ['retry_policy.retry_conditions.network_errors', [true, false], ['true']],
  ['retry_policy.retry_conditions.timeouts', [true, false], [1]],
  ['retry_policy.non_retry_conditions.malformed_response', [true, false], ['false']],
  ['name', ['', 'n'.repeat(200)], ['n'.repeat(201), 1]],
  ['description', ['d'.repeat(2000)], ['d'.repeat(2001), {}]],
  ['signature_scheme', ['auto', 'timestamped', 'body'], ['AUTO', 'none', 1]],
  ['active', [true, false], ['false', 0]],
  [
    'secret',
    [
      's'.repeat(16),
      's'.repeat(256),
      'in the middle of',
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      `whsec_${'A'.repeat(248)}`,
    ],
    [
      's'.repeat(15),
      's'.repeat(257),
      ` ${'s'.repeat(16)}`,
      `${'s'.repeat(16)}\n`,
      'ü'.repeat(16),
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS',
      'whsec_MfKQ9r8GKYqr-wjUPD8ILPZIo2LaLaSw',
      'whsec_====',
      1234567890123456,
    ],
  ],
  [
    'events',
    [
      ['*'],
      ['workflow.*', 'user.session.*', 'my.own_type', 'webhook.disabled'],
      Array.from({ length: 64 }, (_, i) => `a.b${i}`),
    ],
    [[], Array.from({ length: 65 }, (_, i) => `a.b${i}`), '*', {}],
  ],
  [
    'events[0]',
    [],
    [
      ['workflow'],
      ['Workflow.failed'],
      ['workflow.'],
      ['*.failed'],
      ['workflow*'],
      ['.*'],
      ['**'],
      [1],
      [null],
      ['a..b'],
      ['webhook.*'],
      ['delivery.*'],
      ['webhook.circuit.*'],
      [`a.${'b'.repeat(127)}`],
    ],
  ],
  [
    'metadata',
    [{}, Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, 'v']))],
    [Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v'])), [], 'x'],
  ],
  ['metadata.k', [{ k: 'v'.repeat(500) }], [{ k: 'v'.repeat(501) }, { k: 1 }, { k: null }]],
  [`metadata.${'k'.repeat(65)}`, [{ ['k'.repeat(64)]: '' }], [{ ['k'.repeat(65)]: '' }]],
];

test('holds every bound on both sides', () => {
  for (const [field, inside, outside] of BOUNDS) {
    const build = (value: unknown) => {
      const keys = /^(metadata|events|rate_limit)/.test(field) ? [field.split(/[.[]/)[0] ?? ''] : field.split('.');
      return keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;
    };
    for (const value of inside) assert.deepEqual(paths(build(value)), [], `${field} takes ${JSON.stringify(value)}`);
    for (const value of outside)
      assert.deepEqual(paths(build(value)), [field], `${field} refuses ${JSON.stringify(value)}`);
  }
});

test('refuses two names for one delay, and a condition that is in both lists or twice in one', () => {
  assert.deepEqual(paths({ retry_policy: { retry_delay: 5, initial_delay: 5 } }), ['retry_policy.initial_delay']);
  const both = errors({
    ...required,
    retry_policy: {
      retry_conditions: { status_codes: ['500-599'] },
      non_retry_conditions: [{ status_codes: [404, 503] }],
    },
  });
  assert.match(both['retry_policy.non_retry_conditions.status_codes'] ?? '', /: 503$/);
  assert.deepEqual(paths({ retry_policy: { retry_conditions: [{ timeouts: true }, { timeouts: true }] } }), [
    'retry_policy.retry_conditions',
  ]);
  assert.deepEqual(paths({ retry_policy: { retry_conditions: [1] } }), ['retry_policy.retry_conditions']);
  assert.deepEqual(paths({ retry_policy: { retry_conditions: 1 } }), ['retry_policy.retry_conditions']);
});

test('warns of what is accepted and may not be meant', () => {
  assert.match(parse({ signature_scheme: 'body' }).warnings.join(), /replay/);
  assert.match(parsePolicy({ schedule: 'extended', max_retries: 9 }).warnings.join(), /replaces/);
  assert.deepEqual(parsePolicy({ schedule: 'extended' }).warnings, []);
  assert.match(parsePolicy({ retry_delay: 300 }).warnings.join(), /max_delay, which is 60 s/);
  assert.match(parsePolicy({ retry_conditions: { status_codes: ['400-499'] } }).warnings.join(), /410/);
});

test('a rate limit needs both of its fields, and has no others', () => {
  assert.deepEqual(parse({ rate_limit: { limit: 5, period: '1m' } }).config.rate_limit, { limit: 5, period: 60 });
  const problems = errors({ ...required, rate_limit: { limt: 5 } });
  assert.equal(problems['rate_limit.limt'], 'is unknown; did you mean limit?');
  assert.match(problems['rate_limit.limit'] ?? '', /is required/);
  assert.match(problems['rate_limit.period'] ?? '', /is required/);
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { defaultHeaderPrefix, headerNames } from '@broxi/receiver';
import fc from 'fast-check';
import { apiKeyOfEnvironment, type ConfigSources, flagName, readConfig, SETTINGS, variableName } from './config.ts';
import { InvalidSettingError } from './errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'broxi-config-'));
after(() => rmSync(folder, { recursive: true }));

function settingsFile(content: string): string {
  const path = join(folder, `${randomBytes(6).toString('hex')}.json`);
  writeFileSync(path, content);
  return path;
}

function read(sources: Partial<ConfigSources> = {}) {
  return readConfig({ mode: 'serve', env: {}, ...sources });
}

/** One line, of the right class. */
function refusal(sources: Partial<ConfigSources>): string {
  try {
    read(sources);
  } catch (error) {
    assert.ok(error instanceof InvalidSettingError, String(error));
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  assert.fail('was accepted');
}

test('defaults', () => {
  const defaults = {
    databaseUrl: 'sqlite:./broxi-data/broxi.db',
    databasePath: resolve('broxi-data/broxi.db'),
    role: 'all',
    host: '127.0.0.1',
    port: 8080,
    apiKey: null,
    encryptionKey: null,
    allowNetworks: [],
    headerPrefix: defaultHeaderPrefix,
    retentionDays: 30,
  };
  assert.deepEqual(read(), { mode: 'serve', ...defaults, allowHttp: false, allowLoopback: false });
  assert.deepEqual(read({ mode: 'dev' }), { mode: 'dev', ...defaults, allowHttp: true, allowLoopback: true });
});

test('the default that readers are told is the one that holds', () => {
  for (const [name, { otherwise, initial }] of Object.entries(SETTINGS)) {
    const value = initial('serve');
    if (typeof value === 'string' || typeof value === 'number') assert.equal(otherwise, String(value), name);
  }
  assert.equal(SETTINGS.allow_http.otherwise, 'false; true in dev');
});

test('flags go before the environment, that before the file, that before defaults', () => {
  const config = settingsFile('{"port": 3, "host": "file.example", "header_prefix": "X-File-"}');
  const env = { BROXI_CONFIG: config, BROXI_PORT: '2', BROXI_HOST: 'env.example' };
  const { port, host, headerPrefix, databaseUrl } = read({ flags: { port: '1' }, env });
  assert.deepEqual([port, host, headerPrefix], [1, 'env.example', 'X-File-']);
  assert.equal(databaseUrl, SETTINGS.database_url.initial('serve'));
  const other = settingsFile('{"port": 4}');
  assert.equal(read({ flags: { config: other }, env: { BROXI_CONFIG: config } }).port, 4);
});

test('the names of a setting', () => {
  assert.equal(flagName('allow_http'), '--allow-http');
  assert.equal(variableName('allow_http'), 'BROXI_ALLOW_HTTP');
  assert.equal(read({ flags: { allowHttp: true } }).allowHttp, true);
  assert.equal(read({ env: { BROXI_ALLOW_HTTP: '1' } }).allowHttp, true);
  assert.equal(read({ mode: 'dev', env: { BROXI_ALLOW_HTTP: 'false' } }).allowHttp, false);
});

test('a file may use the types of JSON', () => {
  const config = settingsFile('{"port": 0, "allow_http": true, "allow_networks": ["10.0.0.0/8", "fd00::/8"]}');
  const { port, allowHttp, allowNetworks } = read({ flags: { config } });
  assert.deepEqual([port, allowHttp, allowNetworks], [0, true, ['10.0.0.0/8', 'fd00::/8']]);
});

const key = randomBytes(32).toString('base64');
const values: Record<string, { good: string[]; bad: string[] }> = {
  port: { good: ['0', '1', '65535'], bad: ['65536', '-1', '1.5', 'abc', ' 80', '0x10', '1e3', ''] },
  host: {
    good: ['0.0.0.0', '::', '::1', 'localhost', 'a-b.example'],
    bad: ['[::1]', 'a b', '999.1.1.1', 'http://x', '-a', ''],
  },
  api_key: {
    good: ['k'.repeat(24), '!'.repeat(256)],
    bad: ['k'.repeat(23), 'k'.repeat(257), `${'k'.repeat(30)} `, 'é'.repeat(30)],
  },
  encryption_key: { good: [key], bad: [key.slice(4), `${key}AAAA`, 'x', randomBytes(31).toString('base64')] },
  allow_http: { good: ['true', 'FALSE', '0', '1'], bad: ['maybe', '2', 'constructor'] },
  allow_networks: {
    good: ['10.0.0.0/8', '10.0.0.0/8, fd00::/8', '10.1.2.3'],
    bad: ['10.0.0.0/33', 'localhost', '10.0.0.0/8,', ','],
  },
  header_prefix: {
    good: ['X-Acme-', 'A-'],
    bad: ['X-Acme', '-', '1-', 'X Acme-', 'Webhook-', 'content-', `A${'b'.repeat(64)}-`],
  },
  retention_days: { good: ['1', '30', '3650'], bad: ['0', '3651', '-1', '1.5', '030', 'forever', ''] },
  role: { good: ['all'], bad: ['', 'All', 'none'] },
  database_url: {
    good: [
      'sqlite:x.db',
      'sqlite:/var/x.db',
      'sqlite:///var/x.db',
      'postgres://u:pw@h:5433/db?sslmode=require',
      'postgresql://h',
    ],
    bad: [
      'postgres:',
      'postgres://',
      'postgres://h:x/db',
      'mysql://u:pw@h/db',
      'sqlite:',
      'sqlite://host/x',
      'sqlite:x/',
      'sqlite::memory:',
      'x.db',
    ],
  },
};

test('each setting takes what it says, and names itself when it refuses', () => {
  assert.deepEqual(
    Object.keys(values).sort(),
    Object.keys(SETTINGS)
      .filter((name) => name !== 'config')
      .sort(),
  );
  for (const [name, { good, bad }] of Object.entries(values)) {
    const variable = variableName(name);
    for (const value of good) assert.doesNotThrow(() => read({ env: { [variable]: value } }), `${name}=${value}`);
    for (const value of bad) {
      const message = refusal({ env: { [variable]: value } });
      assert.ok(message.startsWith(`${variable} is `) && message.includes('expected'), message);
    }
  }
});

test('what the server accepts as a header prefix, the receiver package accepts too', () => {
  const prefix = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,62}-$/);
  fc.assert(
    fc.property(fc.oneof(prefix, fc.string()), (text) => {
      if (SETTINGS.header_prefix.parse(text) !== undefined) headerNames(text);
    }),
  );
});

test('the message names the place that was wrong', () => {
  assert.equal(refusal({ flags: { port: 'x' } }), '--port is "x": expected a whole number from 0 to 65535.');
  const config = settingsFile('{"port": {"a": 1}}');
  assert.ok(refusal({ flags: { config } }).startsWith(`"port" in ${config} is `));
  assert.match(refusal({ env: { BROXI_HOST: '' } }), /^BROXI_HOST is empty: expected an IP address/);
});

test('a PostgreSQL database has no file', () => {
  const { databaseUrl, databasePath } = read({ env: { BROXI_DATABASE_URL: 'postgres://u:pw@h/db' } });
  assert.deepEqual([databaseUrl, databasePath], ['postgres://u:pw@h/db', null]);
});

test('servers share the work on a PostgreSQL database only', () => {
  const env = { BROXI_DATABASE_URL: 'postgres://h/db' };
  assert.equal(read({ env: { ...env, BROXI_ROLE: 'api' } }).role, 'api');
  assert.equal(read({ env, flags: { role: 'deliver' } }).role, 'deliver');
  assert.match(refusal({ env: { BROXI_ROLE: 'api' } }), /^The role api needs a database that several servers share/);
});

test('secrets are never repeated', () => {
  for (const [name, value] of [
    ['API_KEY', 'hunter2'],
    ['ENCRYPTION_KEY', 'hunter2'],
    ['DATABASE_URL', 'postgres://u:hunter2@h:port/d'],
  ]) {
    assert.doesNotMatch(refusal({ env: { [`BROXI_${name}`]: value } }), /hunter2/);
  }
  assert.doesNotMatch(refusal({ flags: { config: settingsFile('{"api_key": hunter2}') } }), /hunter2/);
});

test('an unknown setting is refused with the nearest known one', () => {
  assert.equal(refusal({ env: { BROXI_PROT: '1' } }), 'BROXI_PROT is not a setting: did you mean BROXI_PORT?');
  assert.equal(refusal({ env: { broxi_port: '1' } }), 'broxi_port is not a setting: did you mean BROXI_PORT?');
  assert.match(refusal({ env: { BROXI_QQQQQQQQ: '1' } }), /there are BROXI_CONFIG, BROXI_DATABASE_URL, /);
  const config = settingsFile('{"hots": "::"}');
  assert.equal(refusal({ flags: { config } }), `"hots" in ${config} is not a setting: did you mean host?`);
  assert.match(refusal({ flags: { config: settingsFile('{"config": "x"}') } }), /"config" in .* is not a setting/);
  assert.match(refusal({ flags: { config: settingsFile('{"__proto__": 1}') } }), /"__proto__" in .* is not a setting/);
});

test('what Kubernetes sets for a service called broxi-webhooks is not taken for a setting', () => {
  const env = {
    BROXI_WEBHOOKS_SERVICE_HOST: '10.0.0.1',
    BROXI_WEBHOOKS_SERVICE_PORT_HTTP: '80',
    BROXI_WEBHOOKS_PORT: 'tcp://10.0.0.1:80',
    BROXI_WEBHOOKS_PORT_80_TCP_ADDR: '10.0.0.1',
  };
  assert.equal(read({ env }).port, 8080);
  assert.match(refusal({ env: { BROXI_WEBHOOKS_PORT: '80' } }), /BROXI_WEBHOOKS_PORT is not a setting/);
});

test('a settings file that cannot be used', () => {
  const missing = join(folder, 'missing.json');
  assert.match(refusal({ flags: { config: missing } }), /missing\.json cannot be read \(ENOENT\)/);
  assert.match(refusal({ flags: { config: settingsFile('{"port": 1') } }), /is not JSON/);
  for (const content of ['[]', 'null', '"x"']) {
    assert.match(refusal({ flags: { config: settingsFile(content) } }), /must hold one JSON object/);
  }
});

test('the API key of the environment', () => {
  assert.equal(apiKeyOfEnvironment({}), undefined);
  assert.equal(apiKeyOfEnvironment({ BROXI_API_KEY: 'k'.repeat(24), BROXI_PROT: 'x' }), 'k'.repeat(24));
  assert.throws(() => apiKeyOfEnvironment({ BROXI_API_KEY: 'short' }), InvalidSettingError);
});

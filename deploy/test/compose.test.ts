import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { readConfig, SETTINGS } from '../../packages/server/src/config.ts';
import { ROOT, readText, readYaml } from './deploy-files.ts';
import { STOP_LIMIT_S } from './stop-limit.ts';

interface Service {
  image: string;
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  restart: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  stop_grace_period?: string;
  depends_on?: Record<string, { condition: string }>;
  deploy?: { replicas: number };
  build?: { context: string; dockerfile: string };
  healthcheck?: { test: string[] };
}

const [compose] = readYaml('deploy/compose.yaml') as [
  { services: Record<'broxi' | 'balancer' | 'postgres', Service>; volumes: Record<string, null> },
];
const { broxi, balancer, postgres } = compose.services;

test('every service comes back, and none is of whatever version is newest', () => {
  for (const [name, service] of Object.entries(compose.services)) {
    assert.equal(service.restart, 'unless-stopped', name);
    assert.match(service.image, name === 'broxi' ? /^broxi-webhooks$/ : /:\d+(\.\d+)*$/, name);
  }
});

test('two servers with one database and one encryption key, whose settings are acceptable', () => {
  assert.equal(broxi.deploy?.replicas, 2);
  const given = {
    POSTGRES_PASSWORD: 'secret',
    BROXI_ENCRYPTION_KEY: `${'A'.repeat(43)}=`,
    BROXI_API_KEY: 'k'.repeat(24),
  };
  const env = Object.entries(broxi.environment ?? {}).map(([name, value]) => [name, interpolate(value, given)]);
  const config = readConfig({ mode: 'serve', env: Object.fromEntries(env) });
  assert.deepEqual([config.databasePath, config.role], [null, 'all']);
  assert.equal(new URL(config.databaseUrl).host, 'postgres');
  const { POSTGRES_USER, POSTGRES_DB } = postgres.environment ?? {};
  assert.equal(config.databaseUrl, `postgres://${POSTGRES_USER}:secret@postgres/${POSTGRES_DB}`);
  assert.throws(() => interpolate(broxi.environment?.['BROXI_ENCRYPTION_KEY'] ?? '', {}), /is not set/);
});

test('the database is asked whether it is there, and is kept', () => {
  assert.deepEqual(postgres.healthcheck?.test.slice(0, 2), ['CMD', 'pg_isready']);
  assert.equal(broxi.depends_on?.['postgres']?.condition, 'service_healthy');
  const [volume] = postgres.volumes?.[0]?.split(':') ?? [];
  assert.ok(Object.keys(compose.volumes).includes(volume ?? ''));
  assert.equal(postgres.ports, undefined, 'it is not reached from outside');
});

test('a stop may take as long as it needs, and the server has no more rights than it needs', () => {
  assert.ok(Number.parseInt(broxi.stop_grace_period ?? '', 10) > STOP_LIMIT_S);
  assert.equal(broxi.read_only, true);
  assert.deepEqual(broxi.cap_drop, ['ALL']);
  assert.deepEqual(broxi.security_opt, ['no-new-privileges:true']);
});

test('the load balancer knows the port, asks for readiness, and is a configuration that HAProxy takes', () => {
  const text = readText('deploy/haproxy.cfg');
  const port = SETTINGS.port.initial('serve');
  assert.match(text, new RegExp(`server-template \\S+ 16 broxi:${port} check `));
  assert.match(text, /option httpchk GET \/readyz$/m);
  assert.deepEqual(balancer.ports, [`127.0.0.1:${port}:${port}`]);
  assert.ok(balancer.volumes?.[0]?.startsWith('./haproxy.cfg:'));
  execFileSync('haproxy', ['-c', '-f', `${ROOT}deploy/haproxy.cfg`], { stdio: ['ignore', 'ignore', 'inherit'] });
});

/** `${NAME:?message}`, the only form that is used. @throws Error for one that is not given */
function interpolate(text: string, given: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+):\?([^}]*)\}/g, (_, name: string, message: string) => {
    const value = given[name];
    if (value === undefined) throw new Error(`${name} ${message}`);
    return value;
  });
}

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { nearestNames } from '@broxi/events/names';
import { parseNetwork } from './domain/ip-address.ts';
import { InvalidSettingError } from './errors.ts';

/** `serve` is strict. `dev` is the same server for one's own machine: http and receivers on loopback are allowed. */
export type Mode = 'serve' | 'dev';

/** What of the work a server does, where several share a database: it takes events in, it sends, or both. */
export type Role = 'all' | 'api' | 'deliver';

/** What a server is started with; every field is checked. */
export interface Config {
  mode: Mode;
  /** As it was given: `sqlite:<path>` or `postgres://…`. */
  databaseUrl: string;
  /** The database file, absolute; null: the database is a server's. */
  databasePath: string | null;
  /** Always `all` on a SQLite file, which has one server. */
  role: Role;
  host: string;
  /** 0: the system picks a free one. */
  port: number;
  /** The operator's key, 24 characters or more; null: the server generates one. */
  apiKey: string | null;
  /** Base64 of 32 bytes; null: the server generates one beside the database. */
  encryptionKey: string | null;
  allowHttp: boolean;
  /** Whether receivers on 127.0.0.0/8 and ::1 are allowed. Follows from the mode. */
  allowLoopback: boolean;
  /** CIDRs that receivers may be in although they are not public. */
  allowNetworks: string[];
  headerPrefix: string;
  /** Events that are older and not owed any more are removed; 1 to 3,650. */
  retentionDays: number;
}

/** One setting. All its names follow from its key in `SETTINGS`: `port` is `--port`, `BROXI_PORT`, and `"port"` in the file. */
export interface Setting<Value> {
  about: string;
  /** The value's place in help texts, such as `<url>`; square brackets: `--name` alone means true. */
  placeholder: string;
  /** Ends the sentence "expected …" when a value is refused. */
  expected: string;
  /** Never repeated in messages: it is a secret, or may carry one. */
  secret?: true;
  /** The default, for readers. */
  otherwise: string;
  initial(mode: Mode): Value;
  /** Undefined for a text that is not acceptable. */
  parse(text: string): Value | undefined;
}

const ROLES: readonly Role[] = ['all', 'api', 'deliver'];

/** Every setting there is: the one source of flags, variables, file keys, help texts and defaults. */
export const SETTINGS = {
  config: define<string | null>({
    about: 'file with settings: a JSON object of lower snake case names, such as {"port": 8080}',
    placeholder: '<file>',
    expected: 'the path of a JSON file',
    otherwise: 'none',
    initial: () => null,
    parse: (text) => text,
  }),
  database_url: define({
    about: 'where events and deliveries are kept; a relative path starts at the working directory',
    placeholder: '<url>',
    expected: 'sqlite:<path>, such as sqlite:./broxi-data/broxi.db, or postgres://<user>:<password>@<host>/<database>',
    secret: true,
    otherwise: 'sqlite:./broxi-data/broxi.db',
    initial: () => 'sqlite:./broxi-data/broxi.db',
    parse: (text) => (pathOf(text) !== null || isPostgresUrl(text) ? text : undefined),
  }),
  role: define<Role>({
    about: 'what of the work this server does, where several share a PostgreSQL database',
    placeholder: '<role>',
    expected: 'all, api (takes events in and answers) or deliver (sends)',
    otherwise: 'all',
    initial: () => 'all',
    parse: (text) => ROLES.find((role) => role === text),
  }),
  host: define({
    about: 'address to listen on',
    placeholder: '<address>',
    expected: 'an IP address without brackets, or a host name',
    otherwise: '127.0.0.1',
    initial: () => '127.0.0.1',
    parse: (text) => (isIP(text) !== 0 || isHostName(text) ? text : undefined),
  }),
  port: define({
    about: 'port to listen on; 0 picks a free one',
    placeholder: '<number>',
    expected: 'a whole number from 0 to 65535',
    otherwise: '8080',
    initial: () => 8080,
    parse: (text) => (/^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined),
  }),
  api_key: define<string | null>({
    about: "the operator's API key; better given as BROXI_API_KEY, because other users of a machine can read flags",
    placeholder: '<key>',
    expected: '24 to 256 printable ASCII characters without spaces',
    secret: true,
    otherwise: 'generated, and shown once at the first start',
    initial: () => null,
    parse: (text) => (/^[\x21-\x7e]{24,256}$/.test(text) ? text : undefined),
  }),
  encryption_key: define<string | null>({
    about: 'key that encrypts secrets in the database; better given as BROXI_ENCRYPTION_KEY',
    placeholder: '<key>',
    expected: 'the base64 of 32 bytes, such as `openssl rand -base64 32` makes',
    secret: true,
    otherwise: 'generated, and kept beside the database',
    initial: () => null,
    parse: (text) => (/^[\w+/-]{43}=?$/.test(text) && Buffer.from(text, 'base64').length === 32 ? text : undefined),
  }),
  allow_http: define({
    about: 'let webhooks have http:// addresses, not only https://',
    placeholder: '[true|false]',
    expected: 'true or false',
    otherwise: 'false; true in dev',
    initial: (mode) => mode === 'dev',
    parse: (text) => (/^(true|1)$/i.test(text) ? true : /^(false|0)$/i.test(text) ? false : undefined),
  }),
  allow_networks: define<string[]>({
    about: 'networks that receivers may be in although they are not public; cloud metadata services stay shut',
    placeholder: '<cidrs>',
    expected: 'CIDRs separated by commas, such as 10.0.0.0/8,fd00::/8',
    otherwise: 'none',
    initial: () => [],
    parse(text) {
      const networks = text.split(',').map((network) => network.trim());
      return networks.every((network) => parseNetwork(network) !== null) ? networks : undefined;
    },
  }),
  header_prefix: define({
    about: 'how the names of the headers sent to receivers begin',
    placeholder: '<prefix>',
    expected:
      'up to 64 letters, digits and dashes, starting with a letter and ending with a dash, such as X-Broxi-, and not Webhook- or Content-',
    otherwise: 'X-Broxi-',
    initial: () => 'X-Broxi-',
    // Standard Webhooks 1.0 owns the names that begin with webhook-.
    parse: (text) =>
      /^[A-Za-z][A-Za-z0-9-]{0,62}-$/.test(text) && !/^(webhook|content)-$/i.test(text) ? text : undefined,
  }),
  retention_days: define({
    about: 'how long events, deliveries and attempts are kept; what is still owed is never removed',
    placeholder: '<days>',
    expected: 'a whole number of days from 1 to 3650',
    otherwise: '30',
    initial: () => 30,
    parse: (text) => (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 3650 ? Number(text) : undefined),
  }),
};

export type SettingName = keyof typeof SETTINGS;

/** `port` → `--port`, `allow_http` → `--allow-http`. */
export function flagName(name: string): string {
  return `--${name.replaceAll('_', '-')}`;
}

/** `port` → `BROXI_PORT`. */
export function variableName(name: string): string {
  return `BROXI_${name.toUpperCase()}`;
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigSources {
  mode: Mode;
  /** Parsed flags, by the setting's name in camel case (`allowHttp`). */
  flags?: Readonly<Record<string, string | boolean | undefined>>;
  /** Default: the environment of this process. */
  env?: Environment;
}

/**
 * Reads and checks every setting: flags first, then the environment, then the file that `config` names, then defaults.
 * @throws InvalidSettingError naming the flag, variable or key, and what it would accept: for an unacceptable or empty value,
 *   a `BROXI_` variable or a key in the file that is no setting, and a file that cannot be read.
 */
export function readConfig({ mode, flags = {}, env = process.env }: ConfigSources): Config {
  refuseUnknownVariables(env);
  const places: Place[] = [
    { read: (name) => flags[camelCase(name)], called: flagName },
    { read: (name) => env[variableName(name)], called: variableName },
  ];
  const path = resolveSetting('config', mode, places);
  if (path !== null) places.push(settingsFile(path));
  const databaseUrl = resolveSetting('database_url', mode, places);
  const databasePath = pathOf(databaseUrl);
  const role = resolveSetting('role', mode, places);
  if (role !== 'all' && databasePath !== null) {
    throw new InvalidSettingError(
      `The role ${role} needs a database that several servers share, a postgres:// one: a SQLite file has one server, which does all of the work.`,
    );
  }
  return {
    mode,
    databaseUrl,
    databasePath,
    role,
    host: resolveSetting('host', mode, places),
    port: resolveSetting('port', mode, places),
    apiKey: resolveSetting('api_key', mode, places),
    encryptionKey: resolveSetting('encryption_key', mode, places),
    allowHttp: resolveSetting('allow_http', mode, places),
    allowLoopback: mode === 'dev',
    allowNetworks: resolveSetting('allow_networks', mode, places),
    headerPrefix: resolveSetting('header_prefix', mode, places),
    retentionDays: resolveSetting('retention_days', mode, places),
  };
}

/** The API key of the environment, for commands that call a server; undefined if it is not set. @throws InvalidSettingError */
export function apiKeyOfEnvironment(env: Environment = process.env): string | undefined {
  const place = { read: (name: string) => env[variableName(name)], called: variableName };
  return resolveSetting('api_key', 'serve', [place]) ?? undefined;
}

/** Somewhere settings are written. */
interface Place {
  read(name: SettingName): unknown;
  /** What the setting is called there. */
  called(name: SettingName): string;
}

type ValueOf<Name extends SettingName> = ReturnType<(typeof SETTINGS)[Name]['initial']>;

function resolveSetting<Name extends SettingName>(name: Name, mode: Mode, places: readonly Place[]): ValueOf<Name>;
function resolveSetting(name: SettingName, mode: Mode, places: readonly Place[]): unknown {
  const setting: Setting<unknown> = SETTINGS[name];
  const place = places.find((candidate) => candidate.read(name) !== undefined);
  if (place === undefined) return setting.initial(mode);
  const given = place.read(name);
  const text = asText(given);
  const value = text ? setting.parse(text) : undefined;
  if (value !== undefined) return value;
  const shown = text ?? JSON.stringify(given);
  const wrong = text === '' ? 'is empty' : setting.secret ? 'is not acceptable' : `is ${JSON.stringify(shown)}`;
  throw new InvalidSettingError(`${place.called(name)} ${wrong}: expected ${setting.expected}.`);
}

/** Files may say `8080`, `true` and `["10.0.0.0/8"]` where flags and variables have only text. */
function asText(given: unknown): string | undefined {
  if (Array.isArray(given)) return given.every((item) => typeof item === 'string') ? given.join(',') : undefined;
  return ['string', 'number', 'boolean'].includes(typeof given) ? String(given) : undefined;
}

function settingsFile(path: string): Place {
  const settings = parseSettingsFile(path);
  const names = Object.keys(SETTINGS).filter((name) => name !== 'config');
  for (const name of Object.keys(settings)) {
    if (!names.includes(name)) throw unknownSetting(`${JSON.stringify(name)} in ${path}`, name, names);
  }
  return { read: (name) => settings[name], called: (name) => `${JSON.stringify(name)} in ${path}` };
}

function parseSettingsFile(path: string): Record<string, unknown> {
  let settings: unknown;
  try {
    settings = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    // JSON.parse quotes what it could not read, and that may be a key.
    const reason = error instanceof SyntaxError ? 'is not JSON' : `cannot be read (${reasonOf(error)})`;
    throw new InvalidSettingError(`The settings file ${path} ${reason}: expected ${SETTINGS.config.expected}.`);
  }
  if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) return { ...settings };
  throw new InvalidSettingError(`The settings file ${path} must hold one JSON object, such as {"port": 8080}.`);
}

/** Kubernetes describes a service called `broxi-…` to every container by such variables; nobody wrote them. */
const SERVICE_LINK = /^BROXI_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

function refuseUnknownVariables(env: Environment): void {
  const known = Object.keys(SETTINGS).map(variableName);
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined || !/^broxi_/i.test(variable) || known.includes(variable)) continue;
    if (SERVICE_LINK.test(variable) || /^(tcp|udp|sctp):\/\//.test(value)) continue;
    throw unknownSetting(variable, variable.slice('BROXI_'.length), Object.keys(SETTINGS), variableName);
  }
}

function unknownSetting(called: string, name: string, names: string[], style = (known: string) => known) {
  const [nearest] = nearestNames(name, names);
  const hint = nearest ? `did you mean ${style(nearest)}?` : `there are ${names.map(style).join(', ')}.`;
  return new InvalidSettingError(`${called} is not a setting: ${hint}`);
}

/** The URL of a database without what may be secret in it: user, password and parameters. */
export function placeOf(databaseUrl: string): string {
  const { protocol, host, pathname } = new URL(databaseUrl);
  return `${protocol}//${host}${pathname}`;
}

/** The file of a `sqlite:` URL, absolute; null: it is none. */
export function pathOf(databaseUrl: string): string | null {
  // Two slashes and a name would be a host; a leading colon is SQLite's word for a database without a file.
  return /^sqlite:(?!\/\/[^/]|:).*[^/]$/.test(databaseUrl) ? resolve(databaseUrl.slice('sqlite:'.length)) : null;
}

export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\/./.test(text) && URL.canParse(text);
}

function isHostName(text: string): boolean {
  return (
    text.length <= 253 && /^(?!\d+(\.\d+)*$)[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/i.test(text)
  );
}

function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** Ties a setting's default to what its parser makes. */
function define<Value>(setting: Setting<Value>): Setting<Value> {
  return setting;
}

import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../free-port.ts';
import { waitUntil } from '../wait-until.ts';

/** The user that Debian's package makes: PostgreSQL refuses to run as root. */
const SERVER_USER = 'postgres';
const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 10_000;

/** Nothing of it outlasts the test, so nothing is kept safe from a loss of power. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '64MB',
  max_connections: '200',
  log_min_messages: 'panic',
};

/** A PostgreSQL of a test's own, on a free port, in a temporary folder. */
export class ThrowawayPostgres {
  readonly #folder: string;
  readonly #port: number;
  readonly #settings: Readonly<Record<string, string>>;
  #server: ChildProcess | null = null;
  #databases = 0;
  readonly #killAtExit = () => this.#server?.kill('SIGQUIT');

  private constructor(folder: string, port: number, settings: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#port = port;
    this.#settings = settings;
  }

  /**
   * @param settings of `postgresql.conf`, beside those that make it fast
   * @param parent where its folder is made
   */
  static async start(settings: Readonly<Record<string, string>> = {}, parent = tmpdir()): Promise<ThrowawayPostgres> {
    const folder = makeFolder(parent);
    const user = serverUser();
    const locale = ['--encoding=UTF8', '--locale=C.UTF-8'];
    const initdb = ['--pgdata', join(folder, 'data'), '--username=postgres', '--auth=trust', '--no-sync', ...locale];
    execFileSync(binary('initdb'), initdb, { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
    return await ThrowawayPostgres.#begin(folder, { ...SETTINGS, ...settings });
  }

  static async #begin(folder: string, settings: Readonly<Record<string, string>>): Promise<ThrowawayPostgres> {
    const postgres = new ThrowawayPostgres(folder, await freePort(), settings);
    process.once('exit', postgres.#killAtExit);
    await postgres.resume();
    return postgres;
  }

  /** Starts a synchronous standby: from now on every commit waits until that has it, too. */
  async addStandby(): Promise<ThrowawayPostgres> {
    const folder = makeFolder();
    const from = `host=127.0.0.1 port=${this.#port} user=postgres application_name=standby`;
    const parameters = ['--pgdata', join(folder, 'data'), '--dbname', from, '--write-recovery-conf', '--no-sync'];
    await promisify(execFile)(binary('pg_basebackup'), [...parameters, '--checkpoint=fast'], {
      ...serverUser(),
      cwd: folder,
    });
    const standby = await ThrowawayPostgres.#begin(folder, this.#settings);
    const follows = async (state: string) =>
      (await this.query(`SELECT 1 FROM pg_stat_replication WHERE ${state}`)).length > 0;
    // No commit waits for one that is still coming.
    await waitUntil('the standby follows', () => follows("state = 'streaming'"), START_DEADLINE_MS);
    await this.query("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
    await this.query('SELECT pg_reload_conf()');
    await waitUntil('the standby is in step', () => follows("sync_state = 'sync'"), START_DEADLINE_MS);
    return standby;
  }

  /** Makes a standby the server that writes. */
  async promote(): Promise<void> {
    await this.query('SELECT pg_promote()');
  }

  get port(): number {
    return this.#port;
  }

  /** Of the process that accepts connections. */
  get pid(): number {
    const pid = this.#server?.pid;
    if (pid === undefined) throw new Error('PostgreSQL is not running.');
    return pid;
  }

  /** Starts the server again after a {@link halt}. */
  async resume(): Promise<void> {
    const settings = Object.entries({ ...this.#settings, unix_socket_directories: this.#folder });
    const options = settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = spawn(binary('postgres'), ['-D', join(this.#folder, 'data'), '-p', String(this.#port), ...options], {
      ...serverUser(),
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#server = server;
    const deadline = performance.now() + START_DEADLINE_MS;
    while (!(await this.#accepts())) {
      if (server.exitCode !== null || performance.now() > deadline) throw new Error('PostgreSQL does not start.');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** `fast`: ends connections and shuts down. `immediate`: as a crash. */
  async halt(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null || server.exitCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    const timer = setTimeout(() => server.kill('SIGKILL'), STOP_DEADLINE_MS);
    await exited;
    clearTimeout(timer);
  }

  async stop(): Promise<void> {
    await this.halt('immediate');
    process.off('exit', this.#killAtExit);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A new database. @param template the URL of one that it is a copy of; nobody is connected to it @returns its URL */
  async createDatabase(template = this.url('template1')): Promise<string> {
    this.#databases += 1;
    const name = `test_${this.#databases}`;
    await this.query(`CREATE DATABASE ${name} TEMPLATE ${nameOf(template)}`);
    return this.url(name);
  }

  async dropDatabase(url: string): Promise<void> {
    await this.query(`DROP DATABASE ${nameOf(url)} WITH (FORCE)`);
  }

  url(database = 'postgres'): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/${database}`;
  }

  /** Runs a statement on a connection of its own. */
  async query<Row extends object>(text: string, url = this.url()): Promise<Row[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }

  async #accepts(): Promise<boolean> {
    try {
      await this.query('SELECT 1');
      return true;
    } catch {
      return false;
    }
  }
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

function makeFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'broxi-postgres-'));
  const user = serverUser();
  if (user !== null) chownSync(folder, user.uid, user.gid);
  return folder;
}

/** Debian keeps the server's programs off the path. */
function binary(name: string): string {
  const folders = globSync('/usr/lib/postgresql/*/bin').toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  const path = folders.map((folder) => join(folder, name)).find((each) => existsSync(each));
  return path ?? name;
}

/** Null: whoever runs the test. */
function serverUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const idOf = (flag: string) => Number(execFileSync('id', [flag, SERVER_USER], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

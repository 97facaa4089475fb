import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ThrowawayPostgres } from '../postgres/throwaway-postgres.ts';
import { type ServerProcess, startServer } from '../start-server.ts';
import type { Finding } from './finding.ts';

/** Those that come have shared the work by then. */
const SETTLED_MS = 5_000;
const MOST_PER_SECOND = 2;

/** What servers without anything to do ask of PostgreSQL: every statement counts, BEGIN and COMMIT too. */
export async function postgresIdle(options: { processes: number; seconds: number }): Promise<Finding> {
  const { processes, seconds } = options;
  const postgres = await ThrowawayPostgres.start({ shared_preload_libraries: 'pg_stat_statements' });
  const servers: ServerProcess[] = [];
  try {
    const url = await postgres.createDatabase();
    await postgres.query('CREATE EXTENSION pg_stat_statements');
    const env = { BROXI_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    for (let i = 0; i < processes; i += 1) servers.push(await startServer('', ['--database-url', url], env));
    await pause(SETTLED_MS);
    await postgres.query('SELECT pg_stat_statements_reset()');
    await pause(seconds * 1000);
    const statements = await postgres.query<{ calls: number; query: string }>(
      `SELECT calls::int AS calls, left(regexp_replace(query, '\\s+', ' ', 'g'), 60) AS query
        FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
        WHERE d.datname = '${new URL(url).pathname.slice(1)}' ORDER BY calls DESC`,
    );
    const rate = (calls: number) => calls / seconds / processes;
    const all = rate(statements.reduce((sum, { calls }) => sum + calls, 0));
    const breaches =
      all > MOST_PER_SECOND ? [`${all.toFixed(2)} statements a second, more than ${MOST_PER_SECOND}`] : [];
    if (all === 0) breaches.push('nothing was counted');
    return {
      title: `${processes} servers at rest for ${seconds} s`,
      table: [
        ['statement', 'a second and server'],
        ...statements.map(({ query, calls }) => [`\`${query.trim()}\``, rate(calls).toFixed(2)]),
        ['**all**', all.toFixed(2)],
      ],
      breaches,
    };
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
    await postgres.stop();
  }
}

import { randomBytes } from 'node:crypto';
import { ThrowawayPostgres } from '../postgres/throwaway-postgres.ts';
import { runCrashLoop } from './crash-loop.ts';
import { crashTable } from './crash-table.ts';
import type { Finding } from './finding.ts';

export interface KillPostgresOptions {
  kills: number;
  seed: number;
  ratePerSecond: number;
  /** Servers on one database. */
  processes: number;
  shortestLifeMs?: number;
  /** With one kill of so many PostgreSQL ends as in a crash, too, and starts again. */
  crashesOneIn: number;
}

/** `kill -9` of servers that share a PostgreSQL database, and crashes of that. */
export async function killPostgres({ crashesOneIn, ...options }: KillPostgresOptions): Promise<Finding> {
  const postgres = await ThrowawayPostgres.start();
  let downs = 0;
  try {
    const report = await runCrashLoop({
      ...options,
      databaseUrl: await postgres.createDatabase(),
      env: { BROXI_ENCRYPTION_KEY: randomBytes(32).toString('base64') },
      async whileDown() {
        downs += 1;
        if (downs % crashesOneIn !== 0) return;
        await postgres.halt('immediate');
        await postgres.resume();
      },
    });
    const title = `kill -9 of ${options.processes} servers on PostgreSQL, and ${Math.floor(downs / crashesOneIn)} crashes of that, seed ${options.seed}`;
    return { title, table: crashTable([['', report]]), breaches: report.breaches };
  } finally {
    await postgres.stop();
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { PostgresFault } from './fault.ts';
import { ROLE, type Scene } from './scene.ts';

/** Others have every connection that PostgreSQL, or the role, may have; then the servers lose theirs. */
export const connections: PostgresFault = {
  name: 'connections',
  title: 'no connection is free (53300)',
  async strike(scene) {
    const lastsMs = scene.isShort ? 1_500 : 20_000;
    const from = performance.now();
    const others = await takeAllConnections(scene);
    await pause(lastsMs);
    await Promise.all(others.map((client) => client.end()));
    await scene.query(`ALTER ROLE ${ROLE} CONNECTION LIMIT 1`);
    await scene.terminate();
    await pause(lastsMs);
    await scene.query(`ALTER ROLE ${ROLE} CONNECTION LIMIT -1`);
    return { awayMs: performance.now() - from, remark: `${others.length} connections of others` };
  },
};

async function takeAllConnections(scene: Scene): Promise<pg.Client[]> {
  await scene.query('CREATE ROLE greedy LOGIN').catch(() => {});
  const url = new URL(scene.databaseUrl);
  url.username = 'greedy';
  const clients: pg.Client[] = [];
  do {
    await scene.terminate();
    while (true) {
      const client = new pg.Client({ connectionString: url.href });
      client.on('error', () => {});
      try {
        await client.connect();
      } catch {
        break;
      }
      clients.push(client);
    }
  } while ((await scene.query(`SELECT 1 FROM pg_stat_activity WHERE usename = '${ROLE}'`)).length > 0);
  return clients;
}

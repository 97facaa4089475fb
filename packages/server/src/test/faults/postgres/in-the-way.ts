import pg from 'pg';
import type { PostgresFault } from './fault.ts';
import { ROLE, type Scene } from './scene.ts';

/** One transaction of so many that record events collides. */
const COLLIDES = 7;
/** Rows that the other session locks, one after the other. */
const ROWS = 40;

const COLLIDE = `
  CREATE SEQUENCE broxi.transactions;
  CREATE SEQUENCE broxi.collisions;
  CREATE FUNCTION broxi.collide() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    IF nextval('broxi.transactions') % ${COLLIDES} = 0 THEN
      PERFORM nextval('broxi.collisions');
      RAISE EXCEPTION 'collided' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NULL; END $$;
  CREATE TRIGGER collide AFTER INSERT ON broxi.events EXECUTE FUNCTION broxi.collide()`;
const COLLIDE_NO_MORE = `
  DROP FUNCTION broxi.collide CASCADE; DROP SEQUENCE broxi.transactions; DROP SEQUENCE broxi.collisions`;

/**
 * Transactions that PostgreSQL undoes: serialization failures (40001), and deadlocks (40P01) with a session that locks what
 * is owed in the other order, and looks for deadlocks later than the servers do. The servers' role asks for serializable
 * transactions, which theirs must not be.
 */
export const inTheWay: PostgresFault = {
  name: 'in-the-way',
  title: 'serialization failures (40001) and deadlocks (40P01)',
  async strike(scene) {
    const until = performance.now() + (scene.isShort ? 3_000 : 30_000);
    const database = 'SELECT deadlocks::int AS count FROM pg_stat_database WHERE datname = current_database()';
    const before = await countOf(scene, database);
    await scene.query(`ALTER ROLE ${ROLE} SET default_transaction_isolation = serializable`);
    await scene.terminate();
    await scene.query(COLLIDE);
    const own = await lockBackwards(scene, until);
    const collisions = await countOf(scene, 'SELECT last_value::int AS count FROM broxi.collisions');
    await scene.query(COLLIDE_NO_MORE);
    await scene.query(`ALTER ROLE ${ROLE} RESET default_transaction_isolation`);
    await scene.terminate();
    const deadlocks = (await countOf(scene, database)) - before - own;
    const breaches = collisions > 0 && deadlocks > 0 ? [] : ['nothing was in the way of anybody'];
    return { awayMs: 0, remark: `${collisions} × 40001, ${deadlocks} × 40P01`, breaches };
  },
};

/** @returns in how many deadlocks it was the one that was undone */
async function lockBackwards(scene: Scene, until: number): Promise<number> {
  const client = new pg.Client({ connectionString: scene.databaseUrl });
  await client.connect();
  let undone = 0;
  const lockAll = async () => {
    try {
      await client.query('BEGIN');
      const { rows } = await client.query<{ id: string }>(`SELECT id FROM broxi.queue ORDER BY seq DESC LIMIT ${ROWS}`);
      for (const { id } of rows) await client.query('SELECT 1 FROM broxi.queue WHERE id = $1 FOR UPDATE', [id]);
      await client.query('COMMIT');
    } catch (error) {
      if (!(error instanceof pg.DatabaseError && error.code === '40P01')) throw error;
      undone += 1;
      await client.query('ROLLBACK');
    }
  };
  try {
    await client.query("SET deadlock_timeout = '300ms'");
    while (performance.now() < until) await lockAll();
    return undone;
  } finally {
    await client.end();
  }
}

async function countOf(scene: Scene, text: string): Promise<number> {
  return (await scene.query<{ count: number }>(text))[0]?.count ?? 0;
}

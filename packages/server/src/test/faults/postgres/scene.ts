import { randomBytes } from 'node:crypto';
import { shardOf } from '../../../store/postgres/shards.ts';
import { ThrowawayPostgres } from '../../postgres/throwaway-postgres.ts';
import { type ServerProcess, startServer } from '../../start-server.ts';
import { seededRandom } from '../seeded-random.ts';
import { Line } from './line.ts';
import { type FlowReceiver, startFlowReceiver } from './receivers.ts';

/** A server, and its way to the database. */
export interface Node {
  server: ServerProcess;
  line: Line;
}

/** What the faults happen to: several servers on one database, each on a line of its own, and receivers. */
export interface Scene {
  /** The one that writes. */
  postgres: ThrowawayPostgres;
  /** Of the servers' database there, for the superuser. */
  readonly databaseUrl: string;
  readonly receiver: FlowReceiver;
  readonly nodes: readonly Node[];
  readonly random: () => number;
  /** Faults last as long as it takes to see what they do, and no longer. */
  readonly isShort: boolean;
  /** Starts another server. Its `stop` is for whoever started it; what still runs in the end is killed. */
  startNode(options?: { env?: Readonly<Record<string, string>>; port?: number }): Promise<Node>;
  /** The server that sends the narrow webhook's deliveries now. */
  ownerOfNarrow(): Promise<Node>;
  /** Runs a statement in the servers' database, as the superuser. */
  query<Row extends object>(text: string): Promise<Row[]>;
  /** Ends connections of the servers. @param most how many; default: all */
  terminate(most?: number): Promise<number>;
}

/** Whom the servers connect as: no superuser, so that limits hold for them. */
export const ROLE = 'broxi_server';
/** Connections at most: enough for the servers, and few enough to be used up. */
const MAX_CONNECTIONS = 80;

/** @param options.nodes servers from the start on */
export async function withScene<Result>(
  options: { nodes: number; seed: number; isShort: boolean },
  use: (scene: Scene) => Promise<Result>,
): Promise<Result> {
  // A deadlock is noticed soon, so that there can be many.
  const settings = { max_connections: String(MAX_CONNECTIONS), deadlock_timeout: '100ms', wal_level: 'replica' };
  const first = await ThrowawayPostgres.start(settings);
  const random = seededRandom(options.seed);
  const receiver = await startFlowReceiver(random);
  const nodes: Node[] = [];
  const all: Node[] = [];
  const lines: Line[] = [];
  const key = randomBytes(32).toString('base64');
  const database = new URL(await first.createDatabase()).pathname.slice(1);
  let narrowId = '';
  const scene: Scene = {
    postgres: first,
    get databaseUrl() {
      return scene.postgres.url(database);
    },
    receiver,
    nodes,
    random,
    isShort: options.isShort,
    query: (text) => scene.postgres.query(text, scene.databaseUrl),
    async startNode({ env = {}, port = 0 } = {}) {
      const line = await Line.start(scene.postgres.port);
      lines.push(line);
      const url = `postgres://${ROLE}@127.0.0.1:${line.port}/${database}`;
      const flags = ['--database-url', url, '--port', String(port)];
      const server = await startServer('', flags, { BROXI_ENCRYPTION_KEY: key, ...env });
      const node = { server, line };
      all.push(node);
      return node;
    },
    async ownerOfNarrow() {
      const [lane] = await scene.query<{ workspaceId: string; webhookId: string }>(
        `SELECT workspace_id AS "workspaceId", webhook_id AS "webhookId"
          FROM broxi.webhook_versions WHERE webhook_id = '${narrowId}' LIMIT 1`,
      );
      if (lane === undefined) throw new Error('the narrow webhook is there');
      const ports = await scene.query<{ port: number }>(
        `SELECT a.client_port AS port FROM broxi.shards s JOIN pg_stat_activity a
            ON a.application_name = 'broxi-webhooks listen' AND a.query LIKE '%' || s.node_id || '%'
          WHERE s.number = ${shardOf(lane)}`,
      );
      const owner = all.find(({ line }) => ports.some(({ port }) => line.clientPorts.includes(port)));
      if (owner === undefined) throw new Error('somebody owns the narrow webhook, and listens');
      return owner;
    },
    async terminate(most = Number.MAX_SAFE_INTEGER) {
      const ended = await scene.query(
        `SELECT pg_terminate_backend(pid) FROM (
          SELECT pid FROM pg_stat_activity WHERE usename = '${ROLE}' ORDER BY random() LIMIT ${most}) chosen`,
      );
      return ended.length;
    },
  };
  try {
    await scene.query(`CREATE ROLE ${ROLE} LOGIN`);
    await scene.query(`GRANT CREATE ON DATABASE ${database} TO ${ROLE}`);
    for (let i = 0; i < options.nodes; i += 1) nodes.push(await scene.startNode());
    const [node] = nodes;
    if (node === undefined) throw new Error('a scene needs a server');
    narrowId = await receiver.addWebhooks(node.server);
    return await use(scene);
  } finally {
    await Promise.all(all.map(({ server }) => server.kill()));
    await Promise.all(lines.map((line) => line.stop()));
    await receiver.close();
    await scene.postgres.stop();
    if (scene.postgres !== first) await first.stop();
  }
}

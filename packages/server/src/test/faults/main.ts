/** `npm run faults:<name>`: breaks things on purpose and tells what became of the promises. Exit code 1: one was broken. */
import { parseArgs } from 'node:util';
import { copy } from './copy.ts';
import { diskFull } from './disk-full.ts';
import { durability } from './durability.ts';
import { type Finding, renderFinding } from './finding.ts';
import { input } from './input.ts';
import { kill } from './kill.ts';
import { killPostgres } from './kill-postgres.ts';
import { matrix } from './matrix.ts';
import { STAGES } from './matrix-rows.ts';
import { postgresFaults } from './postgres-faults.ts';
import { postgresIdle } from './postgres-idle.ts';
import { receivers } from './receivers.ts';
import { secondServer } from './second-server.ts';
import { stop } from './stop.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: 'string', default: '5' },
    /** Default: another one each time. */
    seed: { type: 'string' },
    /** Events per second. Default 500; with PostgreSQL, which writes six deliveries for each, 50. */
    rate: { type: 'string' },
    /** Servers that share PostgreSQL. */
    processes: { type: 'string', default: '3' },
    /** Random bodies. */
    bodies: { type: 'string', default: '5000' },
    /** One of the faults of PostgreSQL; may come several times. */
    only: { type: 'string', multiple: true },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const ratePerSecond = Number(values.rate ?? 500);
const processes = Number(values.processes);
const crashes = { kills: Number(values.kills), seed, ratePerSecond };

const PROGRAMS: Readonly<Record<string, () => Promise<Finding>>> = {
  kill: () => kill(crashes),
  copy: () => copy(crashes),
  'kill-postgres': () => killPostgres({ ...crashes, processes, crashesOneIn: 5 }),
  postgres: () =>
    postgresFaults({ only: values.only, processes, seed, ratePerSecond: Number(values.rate ?? 50), isShort: false }),
  'postgres-idle': () => postgresIdle({ processes, seconds: 120 }),
  durability: () => durability(crashes),
  'disk-full': () => diskFull({ ratePerSecond }),
  stop: () => stop({ ratePerSecond }),
  'second-server': () => secondServer({ ratePerSecond }),
  receivers: () => receivers({ events: 100 }),
  matrix: () => matrix(STAGES),
  input: () => input({ seed, bodies: Number(values.bodies), awaitStalled: true }),
};

const chosen = positionals[0] === 'all' ? Object.keys(PROGRAMS) : positionals;
for (const name of chosen) {
  const run = PROGRAMS[name];
  if (run === undefined) throw new Error(`there is no ${name}: ${Object.keys(PROGRAMS).join(', ')} or all`);
  const finding = await run();
  console.log(renderFinding(finding));
  if (finding.breaches.length > 0) process.exitCode = 1;
}

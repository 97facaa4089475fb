/** `npm run faults:<name>`: breaks things on purpose and tells what became of the promises. Exit code 1: one was broken. */
import { parseArgs } from 'node:util';
import { diskFull } from './disk-full.ts';
import { durability } from './durability.ts';
import { type Finding, renderFinding } from './finding.ts';
import { input } from './input.ts';
import { kill } from './kill.ts';
import { killPostgres } from './kill-postgres.ts';
import { matrix } from './matrix.ts';
import { STAGES } from './matrix-rows.ts';
import { receivers } from './receivers.ts';
import { secondServer } from './second-server.ts';
import { stop } from './stop.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: 'string', default: '5' },
    /** Default: another one each time. */
    seed: { type: 'string' },
    /** Events per second. */
    rate: { type: 'string', default: '500' },
    /** Servers that share PostgreSQL. */
    processes: { type: 'string', default: '3' },
    /** Random bodies. */
    bodies: { type: 'string', default: '5000' },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const ratePerSecond = Number(values.rate);
const crashes = { kills: Number(values.kills), seed, ratePerSecond };

const PROGRAMS: Readonly<Record<string, () => Promise<Finding>>> = {
  kill: () => kill(crashes),
  'kill-postgres': () => killPostgres({ ...crashes, processes: Number(values.processes), crashesOneIn: 5 }),
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

import type { Finding } from './finding.ts';
import { connections } from './postgres/connections.ts';
import { cutOff } from './postgres/cut-off.ts';
import { down } from './postgres/down.ts';
import { failover } from './postgres/failover.ts';
import type { PostgresFault } from './postgres/fault.ts';
import { inTheWay } from './postgres/in-the-way.ts';
import { crash, restart } from './postgres/restart.ts';
import { HEADING, runFault } from './postgres/run-fault.ts';
import { withScene } from './postgres/scene.ts';
import { skew } from './postgres/skew.ts';
import { terminate } from './postgres/terminate.ts';

const FAULTS: readonly PostgresFault[] = [
  terminate,
  restart,
  crash,
  down,
  connections,
  inTheWay,
  skew,
  cutOff,
  failover,
];

export interface PostgresFaultsOptions {
  /** Names of some of them, in the order of all; default: all. */
  only?: readonly string[] | undefined;
  /** Servers on one database. */
  processes: number;
  seed: number;
  ratePerSecond: number;
  /** As long as the tests can wait for. */
  isShort: boolean;
}

/** What PostgreSQL, and the way to it, can do to servers, one after the other, to the same ones. */
export async function postgresFaults(options: PostgresFaultsOptions): Promise<Finding> {
  const { only, processes, seed, ratePerSecond, isShort } = options;
  const chosen = FAULTS.filter(({ name }) => only?.includes(name) ?? true);
  if (chosen.length === 0) throw new Error(`there is no ${only}: ${FAULTS.map(({ name }) => name).join(', ')}`);
  return await withScene({ nodes: processes, seed, isShort }, async (scene) => {
    const table: Finding['table'][number][] = [HEADING];
    const breaches: string[] = [];
    for (const fault of chosen) {
      const report = await runFault(fault, scene, ratePerSecond);
      table.push(report.row);
      breaches.push(...report.breaches);
    }
    return { title: `PostgreSQL fails ${processes} servers, seed ${seed}`, table, breaches };
  });
}

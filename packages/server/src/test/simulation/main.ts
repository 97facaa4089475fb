/** `npm run simulate -- --seeds 2000` or `-- --seed 17`. Exit code 1: an invariant was broken, or a state never reached. */
import { parseArgs } from 'node:util';
import { findMutant, mutateModules } from './mutate.ts';

const { values } = parseArgs({
  options: {
    /** How many, from `--from` on. */
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    /** One alone, with all that happened in it. */
    seed: { type: 'string' },
    /** With this breakage: see mutants.ts. */
    mutant: { type: 'string' },
  },
});

if (values.mutant !== undefined) mutateModules(findMutant(values.mutant));
// Only now: what is loaded before is not broken.
const { renderRun, runSeeds } = await import('./run-seeds.ts');

if (values.seed === undefined) {
  const run = await runSeeds({ from: Number(values.from), count: Number(values.seeds), most: 1 });
  console.log(renderRun(run));
  if (run.failed.length > 0 || run.reached.missing.length > 0) process.exitCode = 1;
} else {
  const { Simulation } = await import('./simulation.ts');
  const { breaches, trace, steps } = await new Simulation(Number(values.seed)).run();
  console.log([...trace, `${steps} steps`, ...breaches.map((breach) => `BREACH: ${breach}`)].join('\n'));
  if (breaches.length > 0) process.exitCode = 1;
}

import { Reached, STATES } from './reached.ts';
import { type Outcome, Simulation } from './simulation.ts';

/** What many seeds came to. */
export interface Run {
  seeds: number;
  steps: number;
  seconds: number;
  failed: Outcome[];
  reached: Reached;
}

/** @param options.most ends the run with so many failed seeds */
export async function runSeeds({ from, count, most }: { from: number; count: number; most: number }): Promise<Run> {
  const began = performance.now();
  const run: Run = { seeds: 0, steps: 0, seconds: 0, failed: [], reached: new Reached() };
  for (let seed = from; seed < from + count && run.failed.length < most; seed += 1) {
    const outcome = await new Simulation(seed).run();
    run.seeds += 1;
    run.steps += outcome.steps;
    run.reached.add(outcome.reached);
    if (outcome.breaches.length > 0) run.failed.push(outcome);
    // A seed takes no turn of the event loop by itself.
    await new Promise((resolve) => setImmediate(resolve));
  }
  run.seconds = (performance.now() - began) / 1000;
  return run;
}

export function renderRun({ seeds, steps, seconds, failed, reached }: Run): string {
  const rate = (seeds / seconds).toFixed(0);
  const counted = STATES.map((state) => `${String(reached.counts.get(state) ?? 0).padStart(9)}  ${state}`);
  const breaches = failed.flatMap(({ seed, breaches: [first] }) => [
    `seed ${seed}: ${first}`,
    `  npm run simulate -- --seed ${seed}`,
  ]);
  const missing = reached.missing.map((state) => `never reached: ${state}`);
  return [
    ...counted,
    ...breaches,
    ...missing,
    `${seeds} seeds, ${steps} steps, ${seconds.toFixed(1)} s, ${rate} seeds/s`,
  ].join('\n');
}

import { join } from 'node:path';
import type { Surroundings } from './compare.ts';
import { type DrainCase, measureDrain } from './drain.ts';
import { startNginx } from './nginx.ts';
import type { DrainResult } from './report.ts';
import type { Settings } from './settings.ts';

/** One case after the other, each with a new server and a new database. */
export async function drainCases(surroundings: Surroundings, settings: Settings): Promise<DrainResult> {
  const { group, tools, directory, machine, say } = surroundings;
  const receiver = await startNginx(group, tools.nginx, join(directory, 'receiver'));
  const sizes = settings.drainSizes.toSorted((a, b) => a - b);
  const cases: DrainCase[] = [];
  for (const pending of sizes) {
    say(`${pending} deliveries pending over ${settings.drainWebhooks} webhooks …`);
    const plan = {
      pending,
      webhooks: settings.drainWebhooks,
      firstArrivals: sizes[0] ?? pending,
      serverEntry: settings.serverEntry,
      directory: join(directory, `drain-${cases.length}`),
    };
    const measured = await measureDrain(group, receiver, plan);
    say(`${Math.round(measured.drainedPerSecond)} per second, ${measured.missing} missing`);
    cases.push(measured);
  }
  const [smallest, largest] = [cases[0], cases.at(-1)];
  const ratio =
    smallest === undefined || largest === undefined || smallest === largest
      ? null
      : largest.firstDrainedPerSecond / smallest.firstDrainedPerSecond;
  return { kind: 'drain', ratio, cases, settings, machine };
}

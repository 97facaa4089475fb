import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError } from './bench-error.ts';
import type { Surroundings } from './compare.ts';
import { measureFilters, reportFilters } from './filters.ts';
import { findTools } from './find-tool.ts';
import { describeMachine } from './machine.ts';
import { runMeasurement, type SurroundedSettings } from './measurements.ts';
import { ProcessGroup } from './processes.ts';
import { parseSettings, USAGE } from './settings.ts';

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));

/** Runs the benchmark and answers the exit code: 0; 1 when an accepted event never arrived; 130 or 143 after a signal. */
async function main(args: readonly string[]): Promise<number> {
  const settings = parseSettings(args);
  if (settings === null) {
    console.log(USAGE);
    return 0;
  }
  const { measurement } = settings;
  if (measurement === 'filters') {
    console.log(reportFilters(await measureFilters()));
    return 0;
  }
  if (process.platform !== 'linux') throw new BenchError('The benchmark reads /proc and runs on Linux only.');
  const group = new ProcessGroup();
  const directory = await mkdtemp(join(resolve(settings.directory), 'broxi-bench-'));
  const interrupted = new Promise<number>((resolve) => {
    process.once('SIGINT', () => resolve(130));
    process.once('SIGTERM', () => resolve(143));
  });
  try {
    const tools = await findTools(group, settings.install);
    const machine = await describeMachine(directory);
    const say = (line: string) => console.error(line);
    return await Promise.race([
      measure({ group, tools, directory, machine, say }, { ...settings, measurement }),
      interrupted,
    ]);
  } finally {
    await group.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(surroundings: Surroundings, settings: SurroundedSettings): Promise<number> {
  const { result, text, missing } = await runMeasurement(surroundings, settings);
  console.log(text);
  await mkdir(RESULTS, { recursive: true });
  const file = join(RESULTS, `${new Date().toISOString().replaceAll(':', '-')}-${result.kind}.json`);
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`written to ${file}`);
  if (missing === 0) return 0;
  console.error(`${missing} accepted events never arrived.`);
  return 1;
}

try {
  // An interrupted measurement may still be waiting for something.
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/**
 * Runs seeds in a process of their own, with the breakage in it, until an invariant is broken.
 * @returns the seed, and what it shows, without ids and instants; null if none of the seeds shows it
 */
export async function findBreakage(mutant: Mutant, seeds: number): Promise<{ seed: number; breach: string } | null> {
  const parameters = ['--conditions=source', MAIN, '--seeds', String(seeds), '--mutant', mutant.name];
  const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [, seed, breach] = /^seed (\d+): (?:\d+ ms: )?(.*)$/m.exec(output) ?? [];
  if (seed !== undefined && breach !== undefined) return { seed: Number(seed), breach: general(breach) };
  if (!output.includes('seeds/s')) throw new Error(`mutant "${mutant.name}": ${errors}${output}`);
  return null;
}

function general(breach: string): string {
  return breach.replace(/del_[0-9a-f]{32}/g, 'a delivery').replace(/\|/g, '/');
}

import { dirname } from 'node:path';
import { BenchError } from './bench-error.ts';
import type { ProcessGroup } from './processes.ts';

/** The short commit of the checkout that a file is in, with `-dirty` if it was changed since; null where Git knows nothing. */
export async function commitOf(group: ProcessGroup, file: string): Promise<string | null> {
  const args = ['-C', dirname(file), 'describe', '--always', '--dirty', '--exclude', '*'];
  try {
    return (await group.run({ name: 'git', file: 'git', args }, 30_000)).trim();
  } catch (error) {
    if (error instanceof BenchError) return null;
    throw error;
  }
}

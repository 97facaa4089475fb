import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { BenchError } from './bench-error.ts';
import type { ProcessGroup } from './processes.ts';

/** The programs that the benchmark drives, and the Debian packages that hold them. */
const PACKAGES = { nginx: 'nginx-light', wrk: 'wrk' };
export type Tool = keyof typeof PACKAGES;

/** The path of a tool, or null. Also looks where an ordinary user's PATH does not: Debian keeps nginx in /usr/sbin. */
export function findTool(tool: Tool, path = process.env.PATH ?? ''): string | null {
  const directories = [...path.split(delimiter).filter(Boolean), '/usr/sbin', '/usr/local/sbin', '/usr/bin'];
  return directories.map((directory) => join(directory, tool)).find(isExecutable) ?? null;
}

/**
 * The paths of both tools. With `install`, and as root on Debian, missing ones are installed; never unasked, because
 * Debian starts nginx as a service when it is installed. Throws a `BenchError` that says how to get what is missing.
 */
export async function findTools(group: ProcessGroup, install: boolean): Promise<Record<Tool, string>> {
  if (install) await installMissing(group);
  return { nginx: requireTool('nginx'), wrk: requireTool('wrk') };
}

function requireTool(tool: Tool): string {
  const path = findTool(tool);
  if (path !== null) return path;
  throw new BenchError(
    `The benchmark needs ${tool}. On Debian, as root: apt-get install ${PACKAGES[tool]} (or run the benchmark as root with --install).`,
  );
}

async function installMissing(group: ProcessGroup): Promise<void> {
  const missing = (['nginx', 'wrk'] as const).filter((tool) => findTool(tool) === null);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new BenchError('--install needs Debian, or a system like it with apt-get, and root.');
  }
  const packages = missing.map((tool) => PACKAGES[tool]);
  const args = ['install', '--yes', '--no-install-recommends', ...packages];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await group.run({ name: 'apt-get install', file: '/usr/bin/apt-get', args, env }, 300_000);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

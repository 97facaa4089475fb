import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The oldest versions that the packages promise to run on. */
const LOWEST = { node24: '24.21.0' } as const;

/** Paths of the lowest supported runtimes; fetched from the npm registry once, and kept below node_modules. */
export async function provideLowestRuntimes(): Promise<Record<keyof typeof LOWEST, string>> {
  return { node24: provideNode(LOWEST.node24) };
}

function provideNode(version: string): string {
  const name = `node-linux-${process.arch}`;
  const folder = resolve('node_modules/.cache/runtimes', version);
  const binary = join(folder, 'node_modules', name, 'bin/node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, `${name}@${version}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  return binary;
}

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The oldest versions that the packages promise to run on: the server on Node 24, the receiver on Node 18. */
const LOWEST = { node24: '24.21.0', node18: '18.20.8' } as const;

/**
 * The path of a lowest supported runtime; fetched from the npm registry once, and kept below node_modules.
 * @throws Error where there is none for this machine, or it cannot be fetched
 */
export function provideLowestRuntime(name: keyof typeof LOWEST): string {
  const version = LOWEST[name];
  if (process.platform !== 'linux') {
    throw new Error(`The smoke run on Node ${version} needs Linux: only there is this runtime a package.`);
  }
  const packageName = `node-linux-${process.arch}`;
  const folder = resolve('node_modules/.cache/runtimes', version);
  const binary = join(folder, 'node_modules', packageName, 'bin/node');
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  // A manifest of its own: npm would otherwise look for one further up, and find this workspace.
  writeFileSync(join(folder, 'package.json'), '{"private": true}');
  const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder];
  try {
    execFileSync('npm', ['install', ...flags, `${packageName}@${version}`], { stdio: ['ignore', 'ignore', 'inherit'] });
  } catch (cause) {
    throw new Error(`Node ${version} for the smoke run could not be fetched from the npm registry.`, { cause });
  }
  return binary;
}

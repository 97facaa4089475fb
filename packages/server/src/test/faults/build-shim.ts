import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Compiles what is preloaded into a server. @returns the variables that preload it @throws if there is no C compiler */
export function buildShim(name: 'synced-image' | 'disk-timeline', folder: string): Record<string, string> {
  if (process.platform !== 'linux') throw new Error('What is below the page cache can only be looked at on Linux.');
  const library = join(folder, `${name}.so`);
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, source, '-ldl', '-lpthread']);
  } catch (cause) {
    throw new Error(`${name}.c was not compiled; a C compiler is needed (on Debian: apt-get install gcc libc6-dev).`, {
      cause,
    });
  }
  // libuv must not write past the C library, where nothing could be preloaded.
  return { LD_PRELOAD: library, UV_USE_IO_URING: '0' };
}

/** `npm run verify`: what must hold beside the tests. Every step runs; the first failure does not hide the others. */
import { PUBLIC_PACKAGES } from './packages.ts';
import { runCommand } from './run-command.ts';

const STEPS: readonly { name: string; command: string; parameters: readonly string[] }[] = [
  { name: 'types', command: 'tsc', parameters: ['--noEmit'] },
  { name: 'format and lint', command: 'biome', parameters: ['check', '--error-on-warnings', '.'] },
  { name: 'unused code', command: 'knip', parameters: [] },
  { name: 'build', command: process.execPath, parameters: ['tools/build.ts'] },
  { name: 'packed packages', command: process.execPath, parameters: ['tools/check-packed.ts'] },
  ...PUBLIC_PACKAGES.map((name) => ({
    name: `exports of ${name}`,
    command: 'publint',
    parameters: ['--strict', `packages/${name}`],
  })),
];

let failures = 0;
for (const { name, command, parameters } of STEPS) {
  const startedAt = performance.now();
  const code = await runCommand(command, parameters, { quiet: true });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (code !== 0) failures += 1;
}
process.exitCode = failures === 0 ? 0 : 1;

/** `npm run build`: compiles every public package into its dist/, with declarations and without tests. */
import { rmSync, writeFileSync } from 'node:fs';
import { PUBLIC_PACKAGES } from './packages.ts';
import { runCommand } from './run-command.ts';

for (const name of PUBLIC_PACKAGES) {
  const folder = `packages/${name}`;
  rmSync(`${folder}/dist`, { recursive: true, force: true });
  const settings = `${folder}/tsconfig.build.json`;
  writeFileSync(
    settings,
    JSON.stringify({
      extends: '../../tsconfig.json',
      // Built packages see each other as their users will: by name, through dist.
      compilerOptions: { noEmit: false, declaration: true, rootDir: 'src', outDir: 'dist', customConditions: [] },
      include: ['src'],
      exclude: ['src/**/*.test.ts', 'src/test', 'src/store/conformance', 'src/http/test-app.ts'],
    }),
  );
  const code = await runCommand('tsc', ['-p', settings]);
  rmSync(settings);
  if (code !== 0) {
    process.exitCode = 1;
    break;
  }
}

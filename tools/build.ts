/** `npm run build`: compiles every public package into its dist/, with declarations and without tests, and puts the licence beside it. */
import { chmodSync, copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PUBLIC_PACKAGES } from './packages.ts';
import { rewriteThreadUrls } from './rewrite-thread-urls.ts';
import { runCommand } from './run-command.ts';

/** Tests, and the doubles that only they use. */
const NOT_PUBLISHED = ['**/*.test.ts', 'test/**', 'store/conformance/**', '**/test-*.ts', '**/fake-*.ts'];

async function build(name: string): Promise<number> {
  const folder = resolve('packages', name);
  const dist = join(folder, 'dist');
  rmSync(dist, { recursive: true, force: true });
  const settings = writeSettings(folder);
  try {
    const code = await runCommand('tsc', ['-p', settings]);
    if (code !== 0) return code;
  } finally {
    rmSync(settings);
  }
  for (const file of globSync('**/*.js', { cwd: dist })) {
    const path = join(dist, file);
    const compiled = readFileSync(path, 'utf8');
    const rewritten = rewriteThreadUrls(compiled);
    if (rewritten !== compiled) writeFileSync(path, rewritten);
    if (rewritten.startsWith('#!')) chmodSync(path, 0o755);
  }
  copyFileSync('LICENSE', join(folder, 'LICENSE'));
  return 0;
}

/** They lie in the package while it is built: only so does TypeScript find the sources behind the `imports` of its manifest. */
function writeSettings(folder: string): string {
  const settings = {
    extends: '../../tsconfig.json',
    // Built packages see each other as their users will: by name, through dist.
    compilerOptions: { noEmit: false, declaration: true, rootDir: 'src', outDir: 'dist', customConditions: [] },
    include: ['src'],
    exclude: NOT_PUBLISHED.map((pattern) => `src/${pattern}`),
  };
  const path = join(folder, 'tsconfig.build.json');
  writeFileSync(path, JSON.stringify(settings));
  return path;
}

for (const name of PUBLIC_PACKAGES) {
  const code = await build(name);
  if (code !== 0) {
    console.error(`packages/${name} was not built.`);
    process.exitCode = 1;
    break;
  }
}

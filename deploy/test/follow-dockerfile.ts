import { execFileSync } from 'node:child_process';
import { chownSync, cpSync, mkdirSync } from 'node:fs';
import { dirname, join, matchesGlob, posix } from 'node:path';
import { ROOT, readText } from './deploy-files.ts';
import type { Stage } from './read-dockerfile.ts';

/** What following a stage leaves: a folder that stands for the root of its file system, and the variables of `ENV`. */
export interface Followed {
  folder: string;
  env: Record<string, string>;
}

/**
 * Does what the stages say, each in a folder of its own, without a container: paths of the image lie below that folder, and
 * commands run in the working directory there. So they must not name absolute paths; none here does.
 * @param folder an empty one
 * @returns the last stage. @throws when a command fails, and for an instruction that is not known here
 */
export function followStages(stages: readonly Stage[], folder: string): Followed {
  const followed = new Map<string, Followed>();
  let last: Followed | undefined;
  for (const [n, stage] of stages.entries()) {
    last = followStage(stage, { folder: join(folder, String(n)), earlier: followed });
    if (stage.name !== null) followed.set(stage.name, last);
  }
  if (last === undefined) throw new Error('There is no stage.');
  return last;
}

function followStage(
  { instructions }: Stage,
  { folder, earlier }: { folder: string; earlier: ReadonlyMap<string, Followed> },
): Followed {
  const env: Record<string, string> = {};
  let workingDirectory = '/';
  const inImage = (path: string) => join(folder, posix.resolve(workingDirectory, path));
  for (const { name, text } of instructions) {
    switch (name) {
      case 'WORKDIR':
        workingDirectory = text;
        mkdirSync(inImage('.'), { recursive: true });
        break;
      case 'COPY':
        copy(text, { inImage, earlier });
        break;
      case 'RUN':
        run(text, inImage('.'));
        break;
      case 'ENV': {
        const [key = '', value = ''] = text.split('=');
        env[key] = value;
        break;
      }
      case 'USER':
      case 'VOLUME':
      case 'EXPOSE':
      case 'HEALTHCHECK':
      case 'STOPSIGNAL':
      case 'ENTRYPOINT':
      case 'CMD':
        break;
      default:
        throw new Error(`How to follow ${name} is not known.`);
    }
  }
  return { folder, env };
}

function copy(
  text: string,
  { inImage, earlier }: { inImage: (path: string) => string; earlier: ReadonlyMap<string, Followed> },
): void {
  const words = text.split(' ');
  const flags = words.filter((word) => word.startsWith('--'));
  const [target = '', ...sources] = words.filter((word) => !word.startsWith('--')).reverse();
  const from = flags.find((flag) => flag.startsWith('--from='))?.slice('--from='.length);
  const origin = from === undefined ? ROOT : earlier.get(from)?.folder;
  if (origin === undefined) throw new Error(`There is no stage ${from}.`);
  for (const source of sources) {
    const destination = target.endsWith('/') ? join(inImage(target), posix.basename(source)) : inImage(target);
    mkdirSync(dirname(destination), { recursive: true });
    const filter = from === undefined ? (path: string) => isSent(posix.relative(ROOT, path)) : () => true;
    cpSync(join(origin, source), destination, { recursive: true, verbatimSymlinks: true, filter });
    const [uid, gid] = (flags.find((flag) => flag.startsWith('--chown='))?.slice('--chown='.length) ?? '').split(':');
    if (uid && gid && process.getuid?.() === 0) chownSync(destination, Number(uid), Number(gid));
  }
}

/** Whether the file is part of what `docker build` is given: the last line of .dockerignore that fits decides. */
export function isSent(path: string): boolean {
  let sent = true;
  for (const line of readText('.dockerignore').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const pattern = line.replace(/^!/, '');
    const itself = path.split('/').some((_, n, parts) => matchesGlob(parts.slice(0, n + 1).join('/'), pattern));
    if (itself) sent = line.startsWith('!');
  }
  return sent;
}

function run(command: string, cwd: string): void {
  execFileSync('/bin/sh', ['-ec', command], {
    cwd,
    env: { ...withoutOuterNpm(process.env), npm_config_prefer_offline: 'true' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** An npm that runs this process tells those below it which package they are of. */
function withoutOuterNpm(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const told = /^(npm_(package|lifecycle|config_local_prefix|command)|INIT_CWD)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !told.test(name)));
}

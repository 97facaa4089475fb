import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';

/** Something beside Node that tests need. */
interface Requirement {
  name: string;
  debianPackages: readonly string[];
  isMet(): boolean;
}

const REQUIREMENTS: readonly Requirement[] = [
  {
    name: 'Python with Flask',
    debianPackages: ['python3', 'python3-flask'],
    isMet: () => ['python3', '/usr/bin/python3'].some((python) => succeeds(python, ['-c', 'import flask'])),
  },
  {
    name: 'nginx',
    debianPackages: ['nginx-light'],
    isMet: () => succeeds('nginx', ['-v']) || existsSync('/usr/sbin/nginx'),
  },
  {
    name: 'PostgreSQL',
    debianPackages: ['postgresql'],
    // Debian keeps the server's programs off the path.
    isMet: () => globSync('/usr/lib/postgresql/*/bin/initdb').length > 0 || succeeds('initdb', ['--version']),
  },
  { name: 'HAProxy', debianPackages: ['haproxy'], isMet: () => succeeds('haproxy', ['-v']) },
  {
    name: 'systemd-analyze',
    debianPackages: ['systemd'],
    isMet: () => succeeds('systemd-analyze', ['--version']),
  },
  { name: 'wrk', debianPackages: ['wrk'], isMet: () => canStart('wrk') },
  { name: 'a C compiler', debianPackages: ['gcc', 'libc6-dev'], isMet: () => succeeds('cc', ['--version']) },
  { name: 'openssl', debianPackages: ['openssl'], isMet: () => succeeds('openssl', ['version']) },
];

/** Finds what the tests need or, as root on Debian, installs it. @throws naming what is missing and how to get it */
export async function provideRequirements(): Promise<void> {
  const missing = REQUIREMENTS.filter((requirement) => !requirement.isMet());
  if (missing.length === 0) return;
  const packages = missing.flatMap(({ debianPackages }) => debianPackages);
  const names = missing.map(({ name }) => name).join(', ');
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error(`The tests need ${names}. On Debian: apt-get install ${packages.join(' ')}`);
  }
  console.log(`Installing ${packages.join(', ')} for the tests.`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'], env });
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  });
  const still = missing.filter((requirement) => !requirement.isMet()).map(({ name }) => name);
  if (still.length > 0) throw new Error(`The tests need ${still.join(', ')}, and installing did not provide it.`);
}

function succeeds(command: string, parameters: readonly string[]): boolean {
  try {
    execFileSync(command, parameters, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** For a command that has no way to be asked kindly. */
function canStart(command: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/${command}`));
}

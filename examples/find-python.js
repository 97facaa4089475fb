import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
const run = promisify(execFile);
const candidates = ['python3', '/usr/bin/python3'];
/**
 * The absolute path of a Python that can import Flask. As root on Debian it installs `python3-flask` when there is none, and says so
 * on stderr. The environment variable PYTHON names the one to use instead.
 * @throws Error when there is none and none could be installed; never answers with a Python that would fail later.
 */
export async function findPython(machine = thisMachine, chosen = process.env.PYTHON) {
    if (chosen) {
        const path = await machine.withFlask(chosen);
        if (path)
            return path;
        throw new Error(`PYTHON is ${chosen}: it cannot be run, or cannot import Flask.`);
    }
    const found = await firstWithFlask(machine);
    if (found)
        return found;
    if (await machine.canInstall()) {
        await machine.installFlask();
        const installed = await firstWithFlask(machine);
        if (installed)
            return installed;
    }
    throw new Error(`No Python with Flask: tried ${candidates.join(' and ')}. Install Flask (\`apt-get install python3-flask\` or \`pip install flask\`), or set PYTHON.`);
}
async function firstWithFlask(machine) {
    for (const command of candidates) {
        const path = await machine.withFlask(command);
        if (path)
            return path;
    }
    return undefined;
}
const thisMachine = {
    async withFlask(command) {
        try {
            // The interpreter's own path: the command may be a shim, which would stand between a signal and the process.
            const { stdout } = await run(command, ['-c', 'import flask, sys; print(sys.executable)']);
            return stdout.trim();
        }
        catch {
            return undefined;
        }
    },
    async canInstall() {
        if (process.getuid?.() !== 0)
            return false;
        const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
        return /^ID(_LIKE)?=.*debian/m.test(release);
    },
    async installFlask() {
        console.error('No Python here can import Flask: installing the Debian package python3-flask.');
        try {
            await run('apt-get', ['install', '-y', 'python3-flask'], {
                env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
            });
        }
        catch (cause) {
            throw new Error('`apt-get install -y python3-flask` failed; `apt-get update` may have to run first.', { cause });
        }
    },
};

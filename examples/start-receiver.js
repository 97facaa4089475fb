import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { findPython } from './find-python.js';
export const receiverNames = ['express-basic', 'flask-basic', 'secure', 'with-package'];
const startTimeoutMs = 30_000;
const killAfterMs = 5_000;
/** The program and arguments that run an example. */
export async function commandOf(name) {
    const folder = join(import.meta.dirname, name);
    switch (name) {
        case 'flask-basic':
            return [await findPython(), '-u', join(folder, 'receiver.py')];
        case 'with-package':
            return [process.execPath, '--conditions=source', join(folder, 'receiver.ts')];
        default:
            return [process.execPath, join(folder, 'receiver.js')];
    }
}
/**
 * Runs an example as a process of its own, on a free port of 127.0.0.1.
 * @throws Error with what the process wrote to stderr when it ends before it listens, or does not listen within 30 s.
 */
export async function startReceiver(name, settings) {
    const [command, ...args] = await commandOf(name);
    const child = spawn(command, args, {
        env: { ...process.env, PORT: '0', WEBHOOK_SECRET: settings.secret },
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = new Promise((resolve) => child.once('close', () => resolve()));
    const killWithUs = () => child.kill('SIGKILL');
    process.once('exit', killWithUs);
    child.once('close', () => process.off('exit', killWithUs));
    const output = followOutput(child, name);
    const stop = () => end(child, closed);
    try {
        await output.until(() => output.url !== undefined, startTimeoutMs, 'listening');
    }
    catch (error) {
        await stop();
        throw error;
    }
    const { url } = output;
    if (url === undefined)
        throw new Error(`${name} has no address.`);
    return {
        url,
        async received(count, { timeoutMs = 10_000 } = {}) {
            await output.until(() => output.events.length >= count, timeoutMs, `${count} received`);
            return [...output.events];
        },
        stop,
    };
}
/** Reads what the child prints, and lets callers wait for it. */
function followOutput(child, name) {
    const events = [];
    const waiting = new Set();
    const output = { url: undefined, events, until };
    let stderr = '';
    let end;
    const wake = () => {
        for (const check of [...waiting])
            check();
    };
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
        // Split at line feeds only: node:readline also splits at U+2028, which JSON text may hold.
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
            const [, url] = /^listening on (http:\S+)$/.exec(line) ?? [];
            if (url)
                output.url = url;
            else if (line.startsWith('{'))
                events.push(parseReceived(line));
        }
        wake();
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
        stderr += text;
    });
    child.once('error', (error) => {
        end = `could not be started: ${error.message}`;
        wake();
    });
    child.once('close', (code, signal) => {
        end ??= `ended (${signal ?? `exit code ${code}`})`;
        wake();
    });
    function until(holds, timeoutMs, what) {
        return new Promise((resolve, reject) => {
            const settle = (problem) => {
                clearTimeout(timer);
                waiting.delete(check);
                if (problem === undefined)
                    resolve();
                else
                    reject(new Error(`${name}: ${problem} while waiting for: ${what}.\n${stderr}`.trimEnd()));
            };
            const check = () => {
                if (holds())
                    settle();
                else if (end !== undefined)
                    settle(end);
            };
            const timer = setTimeout(() => settle(`${timeoutMs} ms went by, with ${events.length} received,`), timeoutMs);
            waiting.add(check);
            check();
        });
    }
    return output;
}
function parseReceived(line) {
    const { received, delivery_id } = JSON.parse(line);
    return { event: received, deliveryId: delivery_id };
}
async function end(child, closed) {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    await closed;
    clearTimeout(timer);
}

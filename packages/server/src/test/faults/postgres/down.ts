import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../free-port.ts';
import { becomesTrue, waitUntil } from '../../wait-until.ts';
import type { PostgresFault } from './fault.ts';

const ALIVE_MS = 10_000;
const READY_MS = 15_000;

/** PostgreSQL is stopped, and started again much later. A server that is started meanwhile waits for it. */
export const down: PostgresFault = {
  name: 'down',
  title: 'PostgreSQL is stopped; a server is started meanwhile',
  async strike(scene, load) {
    const refusedBefore = load.refusals.length;
    const goneAt = performance.now();
    await scene.postgres.halt('fast');
    const port = await freePort();
    const starting = scene.startNode({ port });
    const status = (path: string) =>
      fetch(`http://127.0.0.1:${port}${path}`).then(
        (answer) => answer.status,
        () => null,
      );
    await waitUntil('the new server is alive', async () => (await status('/healthz')) === 200, ALIVE_MS);
    const breaches: string[] = [];
    if ((await status('/readyz')) !== 503) breaches.push('a server is ready without a database');
    await pause(scene.isShort ? 0 : 60_000);
    for (const { server } of scene.nodes) {
      const answer = await fetch(`${server.url}/healthz`);
      if (answer.status !== 200) breaches.push(`/healthz answered ${answer.status} meanwhile`);
    }
    const refused = load.refusals.length - refusedBefore;
    if (refused === 0) breaches.push('no answer was 503 meanwhile');
    await scene.postgres.resume();
    const awayMs = performance.now() - goneAt;
    if (!(await becomesTrue(async () => (await status('/readyz')) === 200, READY_MS))) {
      breaches.push('the server that was started meanwhile is not ready');
    }
    const { server } = await starting;
    if (!server.output().includes('waiting for the database')) breaches.push('it did not say what it waits for');
    const code = await server.stop();
    if (code !== 0) breaches.push(`it stopped with ${code}`);
    return { awayMs, remark: '', breaches };
  },
};

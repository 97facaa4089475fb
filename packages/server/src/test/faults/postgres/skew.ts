import { setTimeout as pause } from 'node:timers/promises';
import type { PostgresFault } from './fault.ts';

const SKEW_MS = 120_000;
/** For what lies between the signature of an attempt and its arrival. */
const TOLERANCE_MS = 2_000;
const MODULE = new URL('shifted-clock.ts', import.meta.url).href;

/** Two more servers take part, whose clocks are wrong, one before the right time and one behind. */
export const skew: PostgresFault = {
  name: 'skew',
  title: 'two more servers, their clocks 2 min ahead and behind',
  async strike(scene, load) {
    scene.receiver.takeMostOff();
    const skewed = await Promise.all(
      [SKEW_MS, -SKEW_MS].map((ms) =>
        scene.startNode({ env: { NODE_OPTIONS: `--import=${MODULE}`, SHIFT_CLOCK_MS: String(ms) } }),
      ),
    );
    load.resume([...scene.nodes, ...skewed].map(({ server }) => server.url));
    await pause(scene.isShort ? 3_000 : 30_000);
    load.resume(scene.nodes.map(({ server }) => server.url));
    const [own] = await scene.query<{ nodes: number }>(
      'SELECT count(DISTINCT node_id)::int AS nodes FROM broxi.shards WHERE node_id IS NOT NULL',
    );
    const breaches: string[] = [];
    if (own?.nodes !== scene.nodes.length + skewed.length) breaches.push(`only ${own?.nodes} servers had webhooks`);
    const offMs = scene.receiver.takeMostOff();
    if (offMs > TOLERANCE_MS) breaches.push(`an attempt was signed ${offMs} ms beside its time`);
    for (const { server } of skewed) {
      const code = await server.stop();
      if (code !== 0) breaches.push(`a server stopped with ${code}: ${server.output()}`);
    }
    return { awayMs: 0, remark: `${own?.nodes} servers had webhooks`, breaches };
  },
};

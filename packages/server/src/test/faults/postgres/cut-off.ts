import { setTimeout as pause } from 'node:timers/promises';
import { waitUntil } from '../../wait-until.ts';
import type { PostgresFault } from './fault.ts';
import type { Scene } from './scene.ts';

/** Beyond the time after which another server has taken over. */
const CUT_MS = { short: 11_000, full: 40_000 };
/** So slowly the receiver answers what is in the air when the line is cut. */
const HELD_MS = 10_500;
const UNDER_WAY_MS = 200;
/** What a load balancer needs to find out that a server does not answer. */
const ROUTED_AWAY_MS = 1_000;
const TAKE_OVER_MS = 15_000;

/**
 * A server hears nothing from PostgreSQL any more, and is not told so, while its attempts are in the air. Another one sends
 * in its place; what it learns too late counts for nothing. When the line is mended, what was on its way arrives.
 */
export const cutOff: PostgresFault = {
  name: 'cut-off',
  title: 'a server is cut off from PostgreSQL (black hole), attempts in the air',
  async strike(scene, load) {
    const { receiver } = scene;
    const victim = await scene.ownerOfNarrow();
    const others = scene.nodes.filter((node) => node !== victim);
    const usualMs = receiver.narrowMs;
    receiver.narrowMs = HELD_MS;
    await pause(UNDER_WAY_MS);
    victim.line.cut();
    const cutAt = performance.now();
    await pause(ROUTED_AWAY_MS);
    receiver.narrowMs = usualMs;
    load.resume(others.map(({ server }) => server.url));
    await waitUntil('another server has taken over', async () => (await ownerOf(scene)) !== victim, TAKE_OVER_MS);
    const tookOverMs = performance.now() - cutAt;
    await pause(Math.max(0, cutAt + (scene.isShort ? CUT_MS.short : CUT_MS.full) - performance.now()));
    victim.line.mend();
    load.resume(scene.nodes.map(({ server }) => server.url));
    const sentTwice = sentByTwo(scene);
    const breaches = sentTwice === 0 ? ['nothing was in the air when the line was cut'] : [];
    const remark = `taken over after ${(tookOverMs / 1000).toFixed(1)} s, ${sentTwice} late outcomes fenced off`;
    return { awayMs: 0, remark, breaches, mayOverlap: true };
  },
};

function ownerOf(scene: Scene) {
  return scene.ownerOfNarrow().catch(() => null);
}

/** Attempts that two servers made, each under the same number: the outcome of one of them was not written. */
function sentByTwo({ receiver }: Scene): number {
  const attempts = receiver.requests.map(({ deliveryId, attempt }) => `${deliveryId} ${attempt}`);
  return attempts.length - new Set(attempts).size;
}

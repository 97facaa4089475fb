import { setTimeout as pause } from 'node:timers/promises';
import type { PostgresFault } from './fault.ts';

/** The primary dies at once; its synchronous standby takes its place, behind the address that the servers know. */
export const failover: PostgresFault = {
  name: 'failover',
  title: 'the primary dies, its synchronous standby is promoted',
  async strike(scene) {
    const standby = await scene.postgres.addStandby();
    await pause(scene.isShort ? 500 : 10_000);
    const goneAt = performance.now();
    await scene.postgres.halt('immediate');
    for (const { line } of scene.nodes) line.leadTo(standby.port);
    // They find one that only reads at first.
    await pause(scene.isShort ? 500 : 5_000);
    await standby.promote();
    await scene.postgres.stop();
    scene.postgres = standby;
    return { awayMs: performance.now() - goneAt, remark: '' };
  },
};

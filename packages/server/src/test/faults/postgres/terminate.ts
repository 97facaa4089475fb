import { setTimeout as pause } from 'node:timers/promises';
import type { PostgresFault } from './fault.ts';

const LONGEST_PAUSE_MS = 300;
const MOST_AT_ONCE = 4;

/** As an administrator does it, or a pooler that restarts. */
export const terminate: PostgresFault = {
  name: 'terminate',
  title: '`pg_terminate_backend` again and again',
  async strike(scene) {
    const until = performance.now() + (scene.isShort ? 2_500 : 60_000);
    let ended = 0;
    while (performance.now() < until) {
      await pause(scene.random() * LONGEST_PAUSE_MS);
      ended += await scene.terminate(1 + Math.floor(scene.random() * MOST_AT_ONCE));
    }
    return { awayMs: 0, remark: `${ended} connections ended` };
  },
};

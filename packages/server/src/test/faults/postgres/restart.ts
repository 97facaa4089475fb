import { setTimeout as pause } from 'node:timers/promises';
import type { PostgresFault } from './fault.ts';

const BETWEEN_MS = 2_000;

/** PostgreSQL ends under load, and comes back at once. */
function restarts(how: { name: string; title: string; mode: 'fast' | 'immediate' }): PostgresFault {
  return {
    ...how,
    async strike(scene) {
      const times = scene.isShort ? 1 : 5;
      let awayMs = 0;
      for (let i = 0; i < times; i += 1) {
        if (i > 0) await pause(BETWEEN_MS);
        const goneAt = performance.now();
        await scene.postgres.halt(how.mode);
        await scene.postgres.resume();
        awayMs = Math.max(awayMs, performance.now() - goneAt);
      }
      return { awayMs, remark: `${times} times` };
    },
  };
}

export const restart = restarts({ name: 'restart', title: 'PostgreSQL restarts (fast)', mode: 'fast' });
export const crash = restarts({ name: 'crash', title: 'PostgreSQL crashes (immediate shutdown)', mode: 'immediate' });

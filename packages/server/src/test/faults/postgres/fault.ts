import type { Load } from '../load.ts';
import type { Scene } from './scene.ts';

/** One way in which PostgreSQL, or what lies before it, fails servers that are under load. */
export interface PostgresFault {
  /** For `--only`, and what the keys of its events begin with. */
  name: string;
  /** What the table says. */
  title: string;
  /** Breaks something, and repairs it. Resolves when nothing is broken any more. */
  strike(scene: Scene, load: Load): Promise<Strike>;
}

/** What came of it. */
export interface Strike {
  /** For how long nothing could be written at all, at the longest; 0: there was no such time. */
  awayMs: number;
  /** Says how often it took effect: one that never did has tested nothing. */
  remark: string;
  /** One sentence for each expectation of its own that was not met. */
  breaches?: readonly string[];
  /** Whether two servers may send the same webhook's deliveries at once for a while. Default false. */
  mayOverlap?: boolean;
}

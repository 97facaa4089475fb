import type { Reached } from './reached.ts';
import type { Disk } from './store/disk.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What every check sees, and whom it tells. */
export interface Witness {
  time: VirtualTime;
  disk: Disk;
  reached: Reached;
  /** @param what one sentence, without the instant */
  breach(what: string): void;
}

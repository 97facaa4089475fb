import type { Lane } from '../domain/webhook.ts';

/** Which lanes are this process's to send: all of them, unless several processes share the database. */
export interface Ownership {
  /** Whether a lane is ours now. In memory; to be looked at before each start. `sweep` and wakes are about such lanes alone. */
  owns(lane: Lane): boolean;
  /** Registers who is told when lanes come or go. One listener. */
  onOwnership(listener: OwnershipListener): void;
}

export interface OwnershipListener {
  /** Lanes came: a sweep finds what waits in them, and what is remembered of them is out of date. */
  gained(isGained: (lane: Lane) => boolean): void;
  /** Lanes go: none of them is ours any more. Resolves when nothing of them is in the air, or waits for its outcome to be written. */
  letGo(isLost: (lane: Lane) => boolean): Promise<void>;
}

import type { Ring } from '../../store/postgres/bell.ts';
import type { Chance } from './chance.ts';
import type { Connection } from './store/connection.ts';
import type { ProcessClock } from './virtual-time.ts';

/** As the real one does. */
const RING_EVERY_MS = 50;
const CONNECT_AGAIN_MS = 5_000;
const PATIENCE_MS = 5_000;

type Hear = (ring: Ring) => void;

/** How nodes ring for each other, through the database: some rings are lost, and those for a node that cannot be reached. */
export class Bells {
  readonly #hearing = new Map<string, Hear>();
  readonly #chance: Chance;
  readonly #lost: number;

  /** @param lost the share of rings that nobody hears; 1: as behind a pooler */
  constructor(chance: Chance, lost: number) {
    this.#chance = chance;
    this.#lost = lost;
  }

  open(
    { nodeId, clock, connection }: { nodeId: string; clock: ProcessClock; connection: Connection },
    onRing: Hear,
  ): { start(): void; ring(nodeIds: readonly string[], ring: Ring): void; stop(): Promise<void> } {
    const rings = new Map<string, [nodeId: string, ring: Ring]>();
    let isPlanned = false;
    const ringNow = () => {
      isPlanned = false;
      const all = [...rings.values()];
      rings.clear();
      const notify = () => {
        for (const [other, ring] of all) if (!this.#chance.happens(this.#lost)) this.#hearing.get(other)?.(ring);
      };
      connection.ask(notify, PATIENCE_MS).catch(() => {});
    };
    const listen = () => {
      connection
        .ask(() => {
          this.#hearing.set(nodeId, (ring) => {
            if (!connection.isOut) clock.hear(0, () => onRing(ring));
          });
        }, PATIENCE_MS)
        .then(
          () => onRing('wakes'),
          () => clock.after(CONNECT_AGAIN_MS, listen),
        );
    };
    return {
      start: listen,
      ring: (nodeIds, ring) => {
        for (const other of nodeIds) if (other !== nodeId) rings.set(`${other} ${ring}`, [other, ring]);
        if (rings.size === 0 || isPlanned) return;
        isPlanned = true;
        clock.after(RING_EVERY_MS, ringNow);
      },
      stop: async () => {
        this.#hearing.delete(nodeId);
        ringNow();
      },
    };
  }
}

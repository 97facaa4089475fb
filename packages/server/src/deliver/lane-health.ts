import { afterLanding, type Evidence, isNewsOf } from '../domain/circuit.ts';
import { type FailingStreak, isHopeless, isStreakNews, lengthen } from '../domain/failing-streak.ts';
import { OutcomeWindow } from '../domain/outcome-window.ts';
import type { Destination } from '../domain/webhook.ts';

/** An attempt that came back, as far as the health of its destination goes. Instants are milliseconds since the epoch. */
export interface Landed {
  evidence: Exclude<Evidence, 'own_failure'>;
  startedAt: number;
  now: number;
  isProbe: boolean;
  /** `max_concurrency` of the webhook. */
  slots: number;
  /** When a person last resumed the webhook. */
  resumedAt: number;
}

/** What an attempt changed. */
export interface HealthNews {
  destination: Pick<Destination, 'circuit' | 'failing'>;
  /** It is worth a write. */
  isNews: boolean;
  /** Nothing was accepted for so long that the webhook is to be disabled. */
  isHopeless: boolean;
}

/**
 * How one destination does, as the owner of its lane sees it: the outcomes of the last minute. A crash forgets them; what
 * outlasts it is in {@link Destination}.
 */
export class LaneHealth {
  #window = new OutcomeWindow();
  /** Attempts that started earlier tell nothing about the present. */
  #countsFrom = 0;
  /** What is on disk of the streak. */
  #keptStreak: FailingStreak | null;

  constructor({ failing }: Pick<Destination, 'failing'>) {
    this.#keptStreak = failing;
  }

  /** Forgetting it would change nothing. */
  isQuiet({ failing }: Pick<Destination, 'failing'>, now: number): boolean {
    return failing === null && this.#window.isEmpty(now);
  }

  /** The streak is about to be written, with whatever else is. */
  written({ failing }: Pick<Destination, 'failing'>): void {
    this.#keptStreak = failing;
  }

  /** Takes an attempt into account. */
  observe(before: Pick<Destination, 'circuit' | 'failing'>, landed: Landed): HealthNews {
    const { evidence, startedAt, isProbe, now } = landed;
    const { circuit } = before;
    const failing = evidence === 'success' ? null : lengthen(present(before.failing, landed), now);
    // What was in the air when the circuit opened tells of the time before it, whenever it lands.
    const isLate = circuit.state !== 'open' && startedAt < this.#countsFrom;
    if (circuit.state !== 'open' && !isLate) this.#window.add(evidence, now);
    const outage = evidence === 'counted_failure' && !isLate && this.#window.showsOutage(now);
    const after = isLate ? circuit : afterLanding(circuit, { evidence, isProbe, outage, slots: landed.slots, now });
    if (circuit.state === 'open' && after.state === 'half_open') this.#beginAnew(evidence, now);
    const isNews = isNewsOf(circuit, after) || isStreakNews(this.#keptStreak, failing);
    return {
      destination: { circuit: after, failing },
      isNews,
      isHopeless: failing !== null && isHopeless(failing, now),
    };
  }

  /** A probe was answered: what was before does not count against what comes after it. */
  #beginAnew(probe: Landed['evidence'], now: number): void {
    this.#countsFrom = now;
    this.#window = new OutcomeWindow();
    this.#window.add(probe, now);
  }
}

/** A streak that began before a person resumed the webhook is over. */
function present(failing: FailingStreak | null, { resumedAt }: Landed): FailingStreak | null {
  return failing !== null && failing.since < resumedAt ? null : failing;
}

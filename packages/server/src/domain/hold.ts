import type { Destination } from './webhook.ts';
import type { WebhookConfig } from './webhook-config.ts';

/** What stops the line of a webhook beside its configuration. Instants are milliseconds since the epoch. */
export interface Hold {
  /** A person paused it; null: not paused. It goes on taking events. */
  pausedAt: number | null;
  /** The system switched it off; null: it did not. It goes on taking events. */
  disabledAt: number | null;
  /** Null unless disabled. */
  disabledReason: DisabledReason | null;
  /** When a person last resumed it; 0: never. What was counted against its receiver before no longer is. */
  resumedAt: number;
}

/** `gone`: the receiver answered 410. `no_success`: nothing was accepted for five days. */
export type DisabledReason = 'gone' | 'no_success';

export const NO_HOLD: Hold = { pausedAt: null, disabledAt: null, disabledReason: null, resumedAt: 0 };

/**
 * What a person may do to it. `enable` leaves a pause, and takes back what the system did. Where there is nothing to take back,
 * `resume` and `enable` still make what was counted against the receiver a thing of the past.
 */
export type HoldChange = 'pause' | 'resume' | 'enable';

/** Pure: the hold after a person changed it; the same object where there is nothing to change. */
export function changeHold(hold: Hold, change: HoldChange, now: number): Hold {
  switch (change) {
    case 'pause':
      return hold.pausedAt === null ? { ...hold, pausedAt: now } : hold;
    case 'resume':
      return { ...NO_HOLD, resumedAt: now };
    case 'enable':
      return { ...NO_HOLD, pausedAt: hold.pausedAt, resumedAt: now };
  }
}

/**
 * Why deliveries of a webhook are held; never written for one of them.
 * - `inactive`: a person switched it off; it takes no new events either
 * - `paused`, `disabled`: see {@link Hold}
 * - `circuit_open`: the destination fails so often that only probes are sent; of a webhook, its own URL
 */
export type HeldReason = 'inactive' | 'paused' | 'disabled' | 'circuit_open';

/** Pure: why nothing is sent, in a fixed order; empty: it is. */
export function heldReasons(
  { active }: Pick<WebhookConfig, 'active'>,
  hold: Hold,
  { circuit }: Pick<Destination, 'circuit'>,
): HeldReason[] {
  const reasons: [HeldReason, boolean][] = [
    ['inactive', !active],
    ['paused', hold.pausedAt !== null],
    ['disabled', hold.disabledAt !== null],
    ['circuit_open', circuit.state === 'open'],
  ];
  return reasons.filter(([, holds]) => holds).map(([reason]) => reason);
}

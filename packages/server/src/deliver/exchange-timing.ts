import type { Socket } from 'node:net';
import type { ExchangeTiming } from '../domain/attempt.ts';

/** When the steps of making one connection were over, on the monotonic clock; null: not yet, or there is no such step. */
export interface ConnectionSteps {
  /** To give up with while it is being made. */
  socket: Socket | null;
  readonly beganAt: number;
  resolvedAt: number | null;
  connectedAt: number | null;
  securedAt: number | null;
}

/**
 * Leads from a connection to the exchange that it is made for. undici tells neither of the two about the other, but it calls
 * them in order: it begins a connection within the dispatch that needs one, or behind it when a connection that was kept
 * turns out to be closed, and it starts the first request of a connection within the hand-over of its socket.
 */
export interface ConnectionWatch {
  /** Of the connection that was begun last. A dispatch that finds null behind it, having set null before, began none. */
  begun: ConnectionSteps | null;
  /** Of the connection that is handed over at this moment; null at any other. */
  handedOver: ConnectionSteps | null;
}

/** An exchange that took no step. */
export const NO_TIMING: ExchangeTiming = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null };

/**
 * How long each phase took that came to its end.
 * @param connection null: the exchange made none
 * @param requestedAt when the request was written to the connection
 */
export function timingOf(
  connection: Omit<ConnectionSteps, 'socket'> | null,
  requestedAt: number | null,
  firstByteAt: number | null,
): ExchangeTiming {
  const firstByteMs = wholeMs(requestedAt, firstByteAt);
  if (connection === null) return { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs };
  const { beganAt, resolvedAt, connectedAt, securedAt } = connection;
  return {
    dnsMs: wholeMs(beganAt, resolvedAt),
    connectMs: wholeMs(resolvedAt ?? beganAt, connectedAt),
    tlsMs: wholeMs(connectedAt, securedAt),
    firstByteMs,
  };
}

/** Rounded down, so that the phases do not add up to more than the exchange took. */
function wholeMs(from: number | null, to: number | null): number | null {
  return from === null || to === null ? null : Math.floor(to - from);
}

import { lookup } from 'node:dns';
import { isIP, type LookupFunction, Socket } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { type Clock, systemClock } from '../clock.ts';
import type { AddressPolicy } from '../domain/public-address.ts';
import type { ConnectionSteps, ConnectionWatch } from './exchange-timing.ts';

/** The address that a URL leads to must not be connected to. */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';
}

/** Longest time to wait for a connection; an attempt's own deadline is usually earlier. */
const CONNECT_TIMEOUT_MS = 60_000;
const IDLE_CONNECTION_MS = 30_000;
/** Headers of an answer; more makes it malformed. */
const MAX_ANSWER_HEADER_BYTES = 16 * 1024;

/** An agent that tells when the steps of a connection were over. */
export type GuardedAgent = Agent & { readonly connections: ConnectionWatch };

/**
 * An undici agent that connects to nothing that the policy refuses. Addresses are checked where the connection is made, so
 * that a name cannot lead elsewhere between check and use: IP literals before connecting, resolved addresses in the look-up,
 * and the peer's address once more before the first byte is written.
 * @param clock whose monotonic time the steps of connections are noted in
 */
export function createGuardedAgent(policy: AddressPolicy, clock: Pick<Clock, 'monotonic'> = systemClock): GuardedAgent {
  const connections: ConnectionWatch = { begun: null, handedOver: null };
  const connect = buildConnector({ lookup: guardedLookup(policy), timeout: CONNECT_TIMEOUT_MS, allowH2: false });
  const agent = new Agent({
    pipelining: 1,
    // While HTTP/2 is possible, all requests to an origin wait for the first handshake with it, also if that never ends.
    allowH2: false,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    maxHeaderSize: MAX_ANSWER_HEADER_BYTES,
    connect(options, callback) {
      const literal = options.hostname.replace(/^\[|\]$/g, '');
      const refusal = isIP(literal) === 0 ? null : policy.refuses(literal);
      if (refusal !== null) {
        callback(new AddressRefusedError(refusal), null);
        return;
      }
      const steps: ConnectionSteps = {
        socket: null,
        beganAt: clock.monotonic(),
        resolvedAt: null,
        connectedAt: null,
        securedAt: null,
      };
      connections.begun = steps;
      const connecting: unknown = connect(options, (error, socket) => {
        if (error !== null) {
          callback(error, null);
          return;
        }
        if (options.protocol === 'https:') steps.securedAt = clock.monotonic();
        const peerRefusal = refusesPeer(socket, policy);
        if (peerRefusal === null) {
          connections.handedOver = steps;
          callback(null, socket);
          connections.handedOver = null;
        } else {
          socket.destroy();
          callback(new AddressRefusedError(peerRefusal), null);
        }
      });
      // undici returns the socket, and its types do not say so.
      if (connecting instanceof Socket) noteSteps(connecting, steps, clock);
    },
  });
  return Object.assign(agent, { connections });
}

/** A socket that connects to an IP literal looks nothing up. Notes a step before undici, which sends as soon as it hears of it. */
function noteSteps(socket: Socket, steps: ConnectionSteps, clock: Pick<Clock, 'monotonic'>): void {
  steps.socket = socket;
  socket.prependOnceListener('lookup', (error: Error | null) => {
    if (error === null) steps.resolvedAt = clock.monotonic();
  });
  socket.prependOnceListener('connect', () => {
    steps.connectedAt = clock.monotonic();
  });
}

function refusesPeer(socket: Socket, policy: AddressPolicy): string | null {
  return socket.remoteAddress === undefined ? 'the peer closed the connection' : policy.refuses(socket.remoteAddress);
}

/** Resolves a name to the addresses that the policy allows; fails if none is left. */
function guardedLookup(policy: AddressPolicy): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 0);
        return;
      }
      const allowed = addresses.filter(({ address }) => policy.refuses(address) === null);
      const first = allowed[0];
      if (first === undefined) {
        const reason = addresses[0] && policy.refuses(addresses[0].address);
        callback(new AddressRefusedError(`${hostname} resolves to what must not be reached: ${reason}`), '', 0);
      } else if (options.all === true) {
        callback(null, allowed);
      } else {
        callback(null, first.address, first.family);
      }
    });
  };
}

import { lookup } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { Agent, buildConnector } from 'undici';
import type { AddressPolicy } from '../domain/public-address.ts';

/** The address that a URL leads to must not be connected to. */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';
}

/** Longest time to wait for a connection; an attempt's own deadline is usually earlier. */
const CONNECT_TIMEOUT_MS = 60_000;
const IDLE_CONNECTION_MS = 30_000;
/** Headers of an answer; more makes it malformed. */
const MAX_ANSWER_HEADER_BYTES = 16 * 1024;

/**
 * An undici agent that connects to nothing that the policy refuses. Addresses are checked where the connection is made, so
 * that a name cannot lead elsewhere between check and use: IP literals before connecting, resolved addresses in the look-up,
 * and the peer's address once more before the first byte is written.
 */
export function createGuardedAgent(policy: AddressPolicy): Agent {
  const connect = buildConnector({ lookup: guardedLookup(policy), timeout: CONNECT_TIMEOUT_MS, allowH2: false });
  return new Agent({
    pipelining: 1,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    maxHeaderSize: MAX_ANSWER_HEADER_BYTES,
    connect(options, callback) {
      const literal = options.hostname.replace(/^\[|\]$/g, '');
      const refusal = isIP(literal) === 0 ? null : policy.refuses(literal);
      if (refusal !== null) {
        callback(new AddressRefusedError(refusal), null);
        return;
      }
      connect(options, (error, socket) => {
        if (error !== null) {
          callback(error, null);
          return;
        }
        const peerRefusal = refusesPeer(socket, policy);
        if (peerRefusal === null) {
          callback(null, socket);
        } else {
          socket.destroy();
          callback(new AddressRefusedError(peerRefusal), null);
        }
      });
    },
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

import { type FailureKind, isOwnFailure } from '../domain/attempt.ts';
import { AddressRefusedError } from './address-guard.ts';

interface Failure {
  failure: FailureKind;
  message: string;
}

const BY_CODE: Readonly<Record<string, FailureKind>> = {
  ENOTFOUND: 'dns',
  ENODATA: 'dns',
  EAI_AGAIN: 'resolver',
  EAI_FAIL: 'resolver',
  EAI_MEMORY: 'resolver',
  EAI_SYSTEM: 'resolver',
  ESERVFAIL: 'resolver',
  EREFUSED: 'resolver',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_reset',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EMFILE: 'out_of_sockets',
  ENFILE: 'out_of_sockets',
  ENOBUFS: 'out_of_sockets',
  ENOMEM: 'out_of_sockets',
  EADDRNOTAVAIL: 'out_of_sockets',
  UND_ERR_PRX_TLS: 'proxy',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'malformed_response',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'malformed_response',
  UND_ERR_RESPONSE: 'malformed_response',
};

const NOT_HTTP = 'the answer is not valid HTTP';

const IN_WORDS: Partial<Record<FailureKind, string>> = {
  dns: 'the host name could not be resolved',
  connection_refused: 'nothing listens at this address and port',
  connection_reset: 'the connection was closed before the answer was complete',
  resolver: 'the name server of this machine gives no answer',
  unreachable: 'there is no route to the address',
  out_of_sockets: 'this machine has no socket left',
  proxy: 'the egress proxy could not be used',
  timeout: 'the connection could not be made within the timeout',
  malformed_response: NOT_HTTP,
};

/** Says in the field's words what a network error means. */
export function failureOf(error: Error): Failure {
  const cause = error instanceof AggregateError ? firstThatTells(error) : error;
  if (cause instanceof AddressRefusedError) return { failure: 'address_refused', message: cause.message };
  // undici promises a code of llhttp (`HPE_…`) with these, and gives none.
  if (cause.name === 'HTTPParserError') {
    return { failure: 'malformed_response', message: cause.message || NOT_HTTP };
  }
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const failure = kindOf(code);
  const words = IN_WORDS[failure] ?? handshakeReason(cause);
  return { failure, message: words === undefined ? cause.message : code ? `${words} (${code})` : words };
}

/** OpenSSL's message is a line of its source code; Node keeps what went wrong beside it. Certificate errors speak for themselves. */
function handshakeReason(cause: Error): string | undefined {
  if (!('reason' in cause && 'library' in cause) || typeof cause.reason !== 'string') return undefined;
  return `the TLS handshake failed, expected a server that speaks https here: ${cause.reason}`;
}

/** Of several addresses that were tried: an address that this machine has no route to says nothing about the others. */
function firstThatTells(error: AggregateError): Error {
  const errors = error.errors.filter((one) => one instanceof Error);
  return errors.find((one) => !('code' in one && isOwnFailure(kindOf(String(one.code))))) ?? errors[0] ?? error;
}

function kindOf(code: string): FailureKind {
  const known = BY_CODE[code];
  if (known !== undefined) return known;
  if (code.startsWith('HPE_')) return 'malformed_response';
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO)/.test(code)) return 'tls';
  return 'network';
}

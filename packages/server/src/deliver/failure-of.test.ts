import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressRefusedError } from './address-guard.ts';
import { failureOf } from './failure-of.ts';

const coded = (code: string) => Object.assign(new Error(`raw text of ${code}`), { code });

const EXPECTED = {
  dns: ['ENOTFOUND', 'ENODATA'],
  resolver: ['EAI_AGAIN', 'EAI_FAIL', 'EAI_MEMORY', 'EAI_SYSTEM', 'ESERVFAIL', 'EREFUSED'],
  connection_refused: ['ECONNREFUSED'],
  connection_reset: ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'],
  unreachable: ['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
  out_of_sockets: ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL'],
  proxy: ['UND_ERR_PRX_TLS'],
  timeout: ['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'],
  malformed_response: [
    'UND_ERR_HEADERS_OVERFLOW',
    'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    'UND_ERR_RESPONSE',
    'HPE_INVALID_CONSTANT',
  ],
  tls: [
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'EPROTO',
  ],
  network: ['UND_ERR_ABORTED', 'SOMETHING_NEW', ''],
} as const;

test('names every known error in the words of the field, with its code', () => {
  for (const [failure, codes] of Object.entries(EXPECTED)) {
    for (const code of codes) {
      const told = failureOf(coded(code));
      assert.equal(told.failure, failure, code);
      if (failure === 'network') assert.equal(told.message, `raw text of ${code}`);
      else if (failure !== 'tls') assert.match(told.message, new RegExp(`^[a-z].* \\(${code}\\)$`));
    }
  }
});

test('an answer that the parser refuses says what is wrong with it', () => {
  const refusal = (message: string) => Object.assign(new Error(message), { name: 'HTTPParserError', code: undefined });
  const failure = 'malformed_response';
  const reason = 'Response does not match the HTTP/1.1 protocol (Invalid character in chunk size)';
  assert.deepEqual(failureOf(refusal(reason)), { failure, message: reason });
  assert.deepEqual(failureOf(refusal('')), { failure, message: 'the answer is not valid HTTP' });
});

test('a failed TLS handshake is told in one line without the source of OpenSSL', () => {
  const raw = '40B3F0F4777F0000:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:x.c:78:\n';
  const parts = { code: 'ERR_SSL_WRONG_VERSION_NUMBER', library: 'SSL routines', reason: 'wrong version number' };
  assert.deepEqual(failureOf(Object.assign(new Error(raw), parts)), {
    failure: 'tls',
    message:
      'the TLS handshake failed, expected a server that speaks https here: wrong version number (ERR_SSL_WRONG_VERSION_NUMBER)',
  });
});

test('a refused address says why, wherever it was refused', () => {
  const refused = new AddressRefusedError('10.0.0.1 is an address of a private network');
  const expected = { failure: 'address_refused', message: '10.0.0.1 is an address of a private network' };
  assert.deepEqual(failureOf(refused), expected);
  assert.deepEqual(failureOf(new AggregateError([refused, coded('ECONNREFUSED')])), expected);
});

test('of several addresses the first one’s failure counts that is not our own', () => {
  for (const own of ['ENETUNREACH', 'EADDRNOTAVAIL']) {
    assert.equal(
      failureOf(new AggregateError([coded(own), coded('ECONNREFUSED'), coded('ECONNRESET')])).failure,
      'connection_refused',
    );
  }
  assert.equal(failureOf(new AggregateError([coded('EHOSTUNREACH'), coded('EMFILE')])).failure, 'unreachable');
  assert.equal(
    failureOf(new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')])).failure,
    'connection_refused',
  );
  assert.deepEqual(failureOf(new AggregateError([], 'none')), { failure: 'network', message: 'none' });
});

test('an error without a code is told as it is', () => {
  assert.deepEqual(failureOf(new Error('what?')), { failure: 'network', message: 'what?' });
  assert.deepEqual(failureOf(Object.assign(new Error('what?'), { code: 7 })), { failure: 'network', message: 'what?' });
});

import { webcrypto } from 'node:crypto';

// Node 18 has Web Crypto, but not where browsers and edge runtimes have it.
globalThis.crypto ??= webcrypto as Crypto;

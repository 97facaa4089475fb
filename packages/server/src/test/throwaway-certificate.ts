import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate of this machine's loopback addresses that signs itself: who trusts it trusts the server that shows it. */
export interface ThrowawayCertificate {
  /** PEM. */
  key: string;
  /** PEM. */
  cert: string;
  /** Where the certificate lies, for NODE_EXTRA_CA_CERTS. */
  certFile: string;
}

/** Makes a key and a certificate that is good for a day. @throws if there is no openssl */
export function makeThrowawayCertificate(folder: string): ThrowawayCertificate {
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = ['req', '-x509', '-days', '1', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const names = ['-subj', '/CN=throw-away', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  try {
    execFileSync('openssl', [...request, ...names, '-keyout', keyFile, '-out', certFile], { stdio: 'pipe' });
  } catch (cause) {
    throw new Error('No certificate was made; openssl is needed (on Debian: apt-get install openssl).', { cause });
  }
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), certFile };
}

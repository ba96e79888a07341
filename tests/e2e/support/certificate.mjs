// Certificates made with the openssl program: by themselves, or by an authority with one in between.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString();

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
const RSA = ['-newkey', 'rsa:2048'];

// A certificate for `name`, signed by itself, as DIR/LABEL.pem and .key: {key, cert} as bytes, {keyFile, certFile}.
export function makeCertificate(dir, label, name, { rsa = false } = {}) {
  const keyFile = path.join(dir, `${label}.key`);
  const certFile = path.join(dir, `${label}.pem`);
  openssl('req', '-x509', ...(rsa ? RSA : EC), '-nodes', '-days', '2', '-keyout', keyFile, '-out', certFile, '-subj', `/CN=${name}`,
    '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`);
  return { key: readFileSync(keyFile), cert: readFileSync(certFile), keyFile, certFile };
}

// The same by a root and an authority in between; `certFile` is the chain without the root, which is `rootFile`.
export function makeChain(dir, label, name) {
  const file = (part) => path.join(dir, `${label}-${part}`);
  openssl('req', '-x509', ...EC, '-nodes', '-days', '2', '-keyout', file('root.key'), '-out', file('root.pem'), '-subj', `/CN=${label} root`);
  const issue = (part, subject, issuer, extensions) => {
    openssl('req', '-new', ...EC, '-nodes', '-keyout', file(`${part}.key`), '-out', file(`${part}.csr`), '-subj', `/CN=${subject}`);
    writeFileSync(file(`${part}.ext`), extensions);
    openssl('x509', '-req', '-in', file(`${part}.csr`), '-CA', file(`${issuer}.pem`), '-CAkey', file(`${issuer}.key`), '-CAcreateserial',
      '-days', '2', '-extfile', file(`${part}.ext`), '-out', file(`${part}.pem`));
  };
  issue('middle', `${label} middle`, 'root', 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n');
  issue('leaf', name, 'middle', `subjectAltName=DNS:${name},IP:127.0.0.1\nextendedKeyUsage=serverAuth\n`);
  writeFileSync(file('chain.pem'), Buffer.concat([readFileSync(file('leaf.pem')), readFileSync(file('middle.pem'))]));
  return { keyFile: file('leaf.key'), certFile: file('chain.pem'), rootFile: file('root.pem') };
}

// SHA-256 of the first certificate of a PEM file: `AB:CD:…`.
export const fingerprint = (certFile) => openssl('x509', '-in', certFile, '-noout', '-fingerprint', '-sha256').trim().split('=')[1];

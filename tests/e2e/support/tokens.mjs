// Tokens made by a library that is not ours (jose), the good ones and the forged ones.

import { webcrypto as crypto } from 'node:crypto';
import { SignJWT, generateKeyPair } from 'jose';

const bytes = (text) => new TextEncoder().encode(text);
export const nowSeconds = () => Math.floor(Date.now() / 1000);

// An HS256 token. `claims` may set or, with undefined, leave out any claim; default: valid for an hour.
export function mintToken(secret, claims, header = {}) {
  const payload = { exp: nowSeconds() + 3600, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header }).sign(bytes(secret));
}

// Signed with a key that the server has never seen.
export async function mintWithForeignKey(algorithm, claims) {
  const { privateKey } = await generateKeyPair(algorithm);
  const payload = { exp: nowSeconds() + 3600, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: algorithm, typ: 'JWT' }).sign(privateKey);
}

const base64url = (text) => Buffer.from(text).toString('base64url');

// `header` and `payload` as they stand, with no signature.
export function assembleUnsigned(header, payload) {
  return `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}.`;
}

// Signs payload text that no JSON library would write (duplicate claims, broken values).
export async function signText(secret, payloadText, header = { alg: 'HS256', typ: 'JWT' }) {
  const key = await crypto.subtle.importKey('raw', bytes(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const input = `${base64url(JSON.stringify(header))}.${base64url(payloadText)}`;
  const mac = await crypto.subtle.sign('HMAC', key, bytes(input));
  return `${input}.${Buffer.from(mac).toString('base64url')}`;
}

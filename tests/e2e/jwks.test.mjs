// Tokens of an identity provider: public keys from a file and from a URL that this file serves, tokens by jose and
// jsonwebtoken, rotation, outages, and what none of them may do.

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign as signRaw } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before } from 'node:test';
import { SignJWT, exportJWK } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { expectProblem } from './support/client.mjs';
import { RawSocket } from './support/raw.mjs';
import { Server, makeTempDir, runToExit, startServer, testSecret } from './support/server.mjs';
import { mintToken, nowSeconds, signText } from './support/tokens.mjs';
import { test, until } from './support/wait.mjs';

function makePair(kind, options = {}) {
  return generateKeyPairSync(kind, { ...(kind === 'rsa' ? { modulusLength: 2048 } : {}), ...(kind === 'ec' ? { namedCurve: 'P-256' } : {}), ...options });
}
const jwkOf = async (pair, more) => ({ ...(await exportJWK(pair.publicKey)), use: 'sig', ...more });

const pairs = { RS256: makePair('rsa'), PS256: makePair('rsa'), ES256: makePair('ec'), EdDSA: makePair('ed25519') };
const algorithms = Object.keys(pairs);
const kidOf = (algorithm) => `key-${algorithm}`;
const allKeys = async () => ({ keys: await Promise.all(algorithms.map((alg) => jwkOf(pairs[alg], { kid: kidOf(alg), alg }))) });

const claims = (more = {}) => ({ sub: 'someone', exp: nowSeconds() + 3600, ...more });
function tokenBy(algorithm, more = {}, header = {}, pair = pairs[algorithm]) {
  return new SignJWT(claims(more)).setProtectedHeader({ alg: algorithm, kid: kidOf(algorithm), typ: 'JWT', ...header }).sign(pair.privateKey);
}

// With a header that no library would write.
function signByHand(header, pair, options = { dsaEncoding: 'ieee-p1363' }) {
  const text = [header, JSON.stringify(claims())].map((part) => Buffer.from(part).toString('base64url')).join('.');
  return `${text}.${signRaw('sha256', Buffer.from(text), { key: pair.privateKey, ...options }).toString('base64url')}`;
}

const list = (server, token) => fetch(`${server.url}/chat/sessions`, { headers: { Authorization: `Bearer ${token}` } });
async function expectAccepted(server, token, why) {
  const response = await list(server, token);
  assert.equal(response.status, 200, `${why}: ${await response.text()}`);
}
const expectRefused = async (server, token) => expectProblem(await list(server, token), 401, 'unauthorized');

let server;
before(async () => {
  const file = path.join(makeTempDir(), 'keys.json');
  writeFileSync(file, JSON.stringify(await allKeys()));
  server = await startServer({ args: ['--jwks', file] });
});
after(() => server?.stop());

for (const algorithm of algorithms) {
  test(`${algorithm}: good tokens are accepted, others are not`, async () => {
    await expectAccepted(server, await tokenBy(algorithm), algorithm);
    await expectAccepted(server, await tokenBy(algorithm, { aud: ['x', 'authenticated'] }, { typ: 'at+jwt' }), 'an access token of RFC 9068');
    const good = await tokenBy(algorithm);
    const [header, , signature] = good.split('.');
    const other = Buffer.from(JSON.stringify(claims({ sub: 'somebody else' }))).toString('base64url');
    await expectRefused(server, `${header}.${other}.${signature}`);
    await expectRefused(server, good.slice(0, good.lastIndexOf('.') + 1));
    await expectRefused(server, good.slice(0, good.lastIndexOf('.')));
    await expectRefused(server, good.slice(0, -4));
    await expectRefused(server, await tokenBy(algorithm, { exp: nowSeconds() - 1 }));
    await expectRefused(server, await tokenBy(algorithm, { nbf: nowSeconds() + 600 }));
    await expectRefused(server, await tokenBy(algorithm, { aud: 'another app' }));
    await expectRefused(server, await tokenBy(algorithm, {}, { typ: 'logout+jwt' }));
    await expectRefused(server, await tokenBy(algorithm, {}, {}, { privateKey: makePair({ RS256: 'rsa', PS256: 'rsa', ES256: 'ec', EdDSA: 'ed25519' }[algorithm]).privateKey }));
    for (const kid of algorithms.filter((name) => name !== algorithm)) await expectRefused(server, await tokenBy(algorithm, {}, { kid: kidOf(kid) }));
  });
}

test('tokens by jsonwebtoken are accepted too', async () => {
  for (const algorithm of ['RS256', 'PS256', 'ES256']) {
    const options = { algorithm, keyid: kidOf(algorithm), subject: 'someone', expiresIn: '1h', audience: 'authenticated' };
    await expectAccepted(server, jsonwebtoken.sign({}, pairs[algorithm].privateKey, options), algorithm);
  }
  await expectAccepted(server, jsonwebtoken.sign({}, testSecret, { subject: 'someone', expiresIn: '1h' }), 'HS256');
});

test('a public key is no secret, in whatever form', async () => {
  for (const algorithm of algorithms) {
    const { publicKey } = pairs[algorithm];
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const forms = [pem, pem.trim(), publicKey.export({ type: 'spki', format: 'der' }), JSON.stringify(await exportJWK(publicKey)), JSON.stringify(await jwkOf(pairs[algorithm], { kid: kidOf(algorithm), alg: algorithm }))];
    for (const secret of forms) {
      const key = typeof secret === 'string' ? new TextEncoder().encode(secret) : new Uint8Array(secret);
      for (const header of [{ alg: 'HS256', kid: kidOf(algorithm) }, { alg: 'HS256' }]) {
        await expectRefused(server, await new SignJWT(claims()).setProtectedHeader(header).sign(key));
      }
    }
  }
});

test('keys that a token brings along, and key ids that are paths, are not followed', async () => {
  let asked = 0;
  const evil = http.createServer((request, response) => { asked += 1; response.end(JSON.stringify({ keys: [] })); });
  await new Promise((resolve) => { evil.listen(0, '127.0.0.1', resolve); });
  const own = makePair('ec');
  const url = `http://127.0.0.1:${evil.address().port}/keys`;
  const jwk = await jwkOf(own, { kid: 'own' });
  for (const header of [{ jwk }, { jku: url, kid: 'own' }, { x5u: url, kid: 'own' }, { x5c: [own.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] }, { kid: '../../../../dev/null' }, { kid: "' OR '1'='1" }, { kid: url }, { kid: '' }]) {
    await expectRefused(server, await tokenBy('ES256', {}, header, own));
  }
  await expectAccepted(server, await tokenBy('ES256', {}, { jku: url, x5u: url, jwk }), 'a good signature, whatever else the header says');
  await expectRefused(server, signByHand('{"alg":"ES256","kid":"key-ES256","crit":["exp"]}', pairs.ES256));
  assert.equal(asked, 0);
  evil.close();
});

test('another curve, and a signature in DER, are refused', async () => {
  const p384 = makePair('ec', { namedCurve: 'P-384' });
  await expectRefused(server, await new SignJWT(claims()).setProtectedHeader({ alg: 'ES384', kid: kidOf('ES256') }).sign(p384.privateKey));
  const header = '{"alg":"ES256","kid":"key-ES256"}';
  await expectRefused(server, signByHand(header, pairs.ES256, { dsaEncoding: 'der' }));
  await expectRefused(server, signByHand(header, p384));
  await expectAccepted(server, signByHand(header, pairs.ES256), 'the same in its raw form');
});

test('Supabase tokens are accepted, by the legacy secret and by the signing key, and grant nothing', async () => {
  const supabase = { sub: '3f1c8e9a-5d0b-4c8e-9a51-000000000001', aud: 'authenticated', iss: 'https://ref.supabase.co/auth/v1', role: 'service_role', aal: 'aal1', session_id: 'x', is_anonymous: false, email: 'a@b.c', app_metadata: { provider: 'email', roles: ['admin'] }, user_metadata: { bobbin_role: 'admin' } };
  const byKey = await tokenBy('ES256', { ...supabase, bobbin_role: 'admin', bobbin_scope: 'replicate' });
  const bySecret = await mintToken(testSecret, supabase, { kid: 'legacy' });
  for (const token of [byKey, bySecret]) {
    await expectAccepted(server, token, 'Supabase');
    await expectProblem(await fetch(`${server.url}/admin/accounts`, { headers: { Authorization: `Bearer ${token}` } }), 403, 'forbidden');
  }
  const admin = await mintToken(testSecret, { sub: 'operator', bobbin_role: 'admin' });
  assert.equal((await fetch(`${server.url}/admin/accounts`, { headers: { Authorization: `Bearer ${admin}` } })).status, 200);
});

test('only the local secret speaks for a built-in account', async () => {
  for (const algorithm of algorithms) await expectRefused(server, await tokenBy(algorithm, { sub: 'acct_0123456789' }));
  await expectAccepted(server, await tokenBy('ES256', { sub: 'acct' }), 'a sub of the issuer’s own');
});

test('a token ends on a connection that stays open', async () => {
  const expires = nowSeconds() + 2;
  const token = await tokenBy('ES256', { exp: expires });
  const raw = await RawSocket.connect(server);
  const request = `GET /chat/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  const statuses = [];
  await until('the token’s end', async () => {
    raw.send(request);
    const responses = await raw.waitForResponses(statuses.length + 1);
    const ended = nowSeconds();
    statuses.push(responses.at(-1).status);
    return ended > expires;
  });
  raw.end();
  assert.equal(statuses[0], 200);
  assert.equal(statuses.at(-1), 401);
  assert.deepEqual(statuses, [...statuses].sort(), 'once refused, always refused');
});

test('a bad file, or a URL that anybody could answer, is no start', async () => {
  const dir = makeTempDir();
  const file = path.join(dir, 'bad.json');
  const weak = await jwkOf(makePair('rsa', { modulusLength: 1024 }), { kid: 'too short' });
  const bad = { 'no such file': null, 'no JSON': 'x', 'no keys': '{"keys":[]}', 'a symmetric key': '{"keys":[{"kty":"oct","kid":"sym","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}]}', 'a short key': JSON.stringify({ keys: [weak] }) };
  for (const [why, text] of Object.entries(bad)) {
    if (text !== null) writeFileSync(file, text);
    const made = await runToExit(['serve', '--listen', '127.0.0.1:0', '--data', path.join(dir, 'data'), '--upstream', 'offline', '--jwks', file]);
    assert.equal(made.code, 1, why);
    assert.match(made.stderr, /--jwks .*bad\.json: /, why);
  }
  const made = await runToExit(['serve', '--listen', '127.0.0.1:0', '--data', path.join(dir, 'data'), '--upstream', 'offline', '--jwks', file]);
  assert.match(made.stderr, /skipped.*too short/, 'the log names the key');
  for (const url of ['http://id.example/keys', 'ftp://127.0.0.1/keys']) {
    const refused = await runToExit(['serve', '--listen', '127.0.0.1:0', '--data', path.join(dir, 'data'), '--upstream', 'offline'], { BOBBIN_JWKS: url });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /--jwks/);
  }
});

// An issuer on this machine: what it answers can change, and it counts who asks.
class Issuer {
  constructor() {
    this.requests = 0;
    this.sockets = new Set();
  }

  async start(port = 0) {
    this.http = http.createServer((request, response) => {
      this.requests += 1;
      if (this.hold) return void this.held.push(response);
      this.answer(response);
    });
    this.held = [];
    await new Promise((resolve) => { this.http.listen(port, '127.0.0.1', resolve); });
    this.port = this.http.address().port;
    this.url = `http://127.0.0.1:${this.port}/.well-known/jwks.json`;
    return this;
  }

  answer(response) {
    if (this.broken) return void response.writeHead(500).end('{"error":"down"}');
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'public, max-age=600' });
    response.end(JSON.stringify({ keys: this.keys }));
  }

  async stop() {
    this.http.closeAllConnections();
    await new Promise((resolve) => { this.http.close(resolve); });
  }
}

const keyFor = async (pair, kid) => jwkOf(pair, { kid, alg: 'ES256', key_ops: ['verify'] });
const tokenOf = (pair, kid, more) => tokenBy('ES256', more, { kid }, pair);

async function counterOf(started, name) {
  const text = await (await fetch(`${started.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)[1]);
}

test('keys of a URL: rotation at once, a floor between refreshes, all workers', async () => {
  const issuer = await new Issuer().start();
  const [first, second, third] = [makePair('ec'), makePair('ec'), makePair('ec')];
  issuer.keys = [await keyFor(first, 'k1')];
  const rotating = await startServer({ args: ['--jwks', issuer.url, '--workers', '3'] });
  try {
    // The first request waits for the first fetch rather than being refused.
    await expectAccepted(rotating, await tokenOf(first, 'k1'), 'the first key');
    const atStart = issuer.requests;
    assert.equal(atStart, 1);

    issuer.keys = [await keyFor(second, 'k2')];
    const old = await tokenOf(first, 'k1');
    await expectAccepted(rotating, old, 'nothing has been asked since');
    const fresh = await tokenOf(second, 'k2');
    // Many at once, on connections of their own, so on several workers: one refresh for all.
    const statuses = await Promise.all(Array.from({ length: 24 }, async () => (await list(rotating, fresh)).status));
    assert.deepEqual(new Set(statuses), new Set([200]));
    assert.equal(issuer.requests, 2);
    await expectRefused(rotating, old, 'the removed key’s tokens end, remembered or not');

    issuer.keys = [await keyFor(third, 'k3')];
    for (let i = 0; i < 30; ++i) await expectRefused(rotating, await tokenOf(third, i % 2 ? 'k3' : `made up ${i}`));
    assert.equal(issuer.requests, 2, 'not again within 30 s, whoever asks');
    await expectAccepted(rotating, fresh, 'the set in use');
    assert.equal(await counterOf(rotating, 'bobbin_jwks_keys'), 1);
    assert.equal(await counterOf(rotating, 'bobbin_jwks_fetches_total'), 2);
  } finally {
    await rotating.stop();
    await issuer.stop();
  }
});

test('an outage and bad answers leave the last good set, also over a restart', async () => {
  const issuer = await new Issuer().start();
  const [known, next] = [makePair('ec'), makePair('ec')];
  issuer.keys = [await keyFor(known, 'k1')];
  const steady = new Server({ args: ['--jwks', issuer.url] });
  try {
    await steady.start();
    await expectAccepted(steady, await tokenOf(known, 'k1'), 'the issuer is up');
    const copy = path.join(steady.dataDir, 'jwks.json');
    await until('the copy', () => existsSync(copy));
    assert.equal(statSync(copy).mode & 0o777, 0o600);

    issuer.broken = true;
    await expectRefused(steady, await tokenOf(next, 'k2'));
    await expectAccepted(steady, await tokenOf(known, 'k1'), 'the answer was an error');
    await steady.waitForLog(/JWKS cannot be fetched/);
    assert.ok(await counterOf(steady, 'bobbin_jwks_fetch_failures_total') >= 1);

    await issuer.stop();
    await steady.restart();
    await expectAccepted(steady, await tokenOf(known, 'k1'), 'restarted without the issuer');
    await expectRefused(steady, await tokenOf(next, 'k2'));

    // It comes back with another key: the retry finds it without any token’s asking.
    issuer.broken = false;
    issuer.keys = [await keyFor(next, 'k2')];
    await issuer.start(issuer.port);
    await until('the retry', async () => (await list(steady, await tokenOf(next, 'k2'))).status === 200);
    await expectRefused(steady, await tokenOf(known, 'k1'));
    await until('the new copy', () => readFileSync(copy, 'utf8').includes('k2'));

    // The copy is the URL’s own: another issuer does not inherit it.
    await issuer.stop();
    const elsewhere = `http://127.0.0.1:${issuer.port}/other`;
    await steady.restart({ args: ['--jwks', elsewhere] });
    await expectRefused(steady, await tokenOf(next, 'k2'));
  } finally {
    await steady.stop();
  }
});

test('a request waits for a slow issuer, and a drain does not wait for it', async () => {
  const issuer = await new Issuer().start();
  const pair = makePair('ec');
  issuer.keys = [await keyFor(pair, 'k1')];
  issuer.hold = true;
  const waiting = await startServer({ args: ['--jwks', issuer.url, '--workers', '2'] });
  try {
    await until('the first fetch', () => issuer.held.length === 1);
    const answers = Promise.all(Array.from({ length: 8 }, async () => list(waiting, await tokenOf(pair, 'k1'))));
    await expectAccepted(waiting, await mintToken(testSecret, { sub: 'local' }), 'others do not wait');
    issuer.hold = false;
    issuer.answer(issuer.held[0]);
    for (const response of await answers) assert.equal(response.status, 200);
    assert.equal(issuer.requests, 1);

    issuer.hold = true;
    const asking = list(waiting, await tokenOf(makePair('ec'), 'nobody'));
    await until('the refresh', () => issuer.held.length === 2);
    const ended = waiting.terminate();
    await expectProblem(await asking, 401, 'unauthorized');
    assert.equal((await ended).code, 0);
  } finally {
    await waiting.stop();
    await issuer.stop();
  }
});

test('an issuer by name counts where one is set; local tokens need not name it', async () => {
  const file = path.join(makeTempDir(), 'keys.json');
  writeFileSync(file, JSON.stringify(await allKeys()));
  const strict = await startServer({ args: ['--jwks', file, '--jwt-issuer', 'https://id.example/', '--jwt-audience', 'bobbin'] });
  try {
    await expectAccepted(strict, await tokenBy('RS256', { iss: 'https://id.example/', aud: ['bobbin', 'account'] }), 'the issuer');
    await expectRefused(strict, await tokenBy('RS256', { aud: 'bobbin' }));
    await expectRefused(strict, await tokenBy('RS256', { iss: 'https://id.example', aud: 'bobbin' }));
    await expectRefused(strict, await tokenBy('RS256', { iss: 'https://id.example/', aud: 'authenticated' }));
    await expectAccepted(strict, await mintToken(testSecret, { sub: 'script', aud: 'bobbin' }), 'ours');
    await expectRefused(strict, await signText(testSecret, `{"sub":"x","aud":"bobbin","iss":"https://else.example","exp":${nowSeconds() + 60}}`));
  } finally {
    await strict.stop();
  }
});

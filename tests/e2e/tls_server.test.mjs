// The server's own TLS as the openssl client, curl and a browser see it: what is spoken and what is refused, which
// certificate is shown and when it is exchanged.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import tls from 'node:tls';
import { openBrowser, openPage } from './support/browser.mjs';
import { fingerprint, makeCertificate, makeChain } from './support/certificate.mjs';
import { newUser } from './support/client.mjs';
import { RawSocket } from './support/raw.mjs';
import { answerWhenOpened, startScripted } from './support/scripted_upstream.mjs';
import { flag, makeTempDir, runToExit, startServer } from './support/server.mjs';
import { makeGate, manyStarts, test, until } from './support/wait.mjs';

// What fetch checks is checked here by openssl and curl, which are told what to trust.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';

const dir = makeTempDir();
let chain;
let server;
const tlsArgs = ({ certFile, keyFile }) => ['--tls-cert', certFile, '--tls-key', keyFile];
before(async () => {
  chain = makeChain(dir, 'main', 'chat.example.com');
  server = await startServer({ args: [...tlsArgs(chain), '--log-level', 'debug'] });
});
after(() => server?.stop());

// A handshake by `openssl s_client`, ended at once: {ok, text} with all that it printed.
function handshake(...args) { return handshakeAt(server, ...args); }
function handshakeAt(where, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${where.port}`, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => { text += bytes; });
    child.once('error', reject);
    child.once('close', (code) => resolve({ ok: code === 0 && /Cipher is (?!\(NONE\))/.test(text), text }));
  });
}
const cipherOf = ({ text }) => /Cipher is (\S+)/.exec(text)?.[1];

function curl(...args) {
  return execFileSync('curl', ['-sS', '--noproxy', '*', ...args], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}
const trusting = (where) => ['--cacert', chain.rootFile, '--resolve', `chat.example.com:${where.port}:127.0.0.1`];
const at = (where, target) => `https://chat.example.com:${where.port}${target}`;

test('TLS 1.2 and 1.3 are spoken, older ones are refused by their alert', async () => {
  for (const version of ['-tls1_2', '-tls1_3']) assert.ok((await handshake(version)).ok, version);
  for (const version of ['-tls1', '-tls1_1']) {
    const { ok, text } = await handshake(version, '-cipher', 'ALL:@SECLEVEL=0');
    assert.ok(!ok, text);
    assert.match(text, /alert protocol version/i);
  }
});

test('with TLS 1.2 every cipher is refused that has no forward secrecy or no authentication of its own', async () => {
  const all = execFileSync('openssl', ['ciphers', '-tls1_2', '-s', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'], { encoding: 'utf8' })
    .trim().split(':').filter((name) => !name.startsWith('TLS_'));
  assert.ok(all.length > 40, `${all.length}`);
  const rsa = await startServer({ args: tlsArgs(makeCertificate(dir, 'rsa', 'localhost', { rsa: true })) });
  try {
    for (const [where, kind] of [[server, 'ECDSA'], [rsa, 'RSA']]) {
      const accepted = [];
      for (let from = 0; from < all.length; from += 8) {
        await Promise.all(all.slice(from, from + 8).map(async (name) => {
          const result = await handshakeAt(where, '-tls1_2', '-cipher', `${name}:@SECLEVEL=0`);
          if (result.ok) accepted.push(cipherOf(result));
        }));
      }
      assert.deepEqual(accepted.sort(), [`ECDHE-${kind}-AES128-GCM-SHA256`, `ECDHE-${kind}-AES256-GCM-SHA384`, `ECDHE-${kind}-CHACHA20-POLY1305`]);
    }
  } finally {
    await rsa.stop();
  }
});

test('X25519, P-256 and P-384 are known, others are refused', async () => {
  const keyOf = async (...args) => /Server Temp Key: ([^,\n]+(?:, [a-z]\w+)?)/.exec((await handshake(...args)).text)?.[1];
  for (const version of ['-tls1_2', '-tls1_3']) assert.equal(await keyOf(version, '-groups', 'X25519:P-256'), 'X25519');
  for (const [group, name] of [['X25519', 'X25519'], ['P-256', 'ECDH, prime256v1'], ['P-384', 'ECDH, secp384r1']]) {
    assert.equal(await keyOf('-tls1_3', '-groups', group), name, group);
  }
  for (const group of ['P-521', 'X448', 'ffdhe2048']) assert.ok(!(await handshake('-tls1_3', '-groups', group)).ok, group);
});

test('ALPN gives http/1.1; who offers only others is refused; without ALPN it is HTTP/1.1 all the same', async () => {
  assert.match((await handshake('-alpn', 'http/1.1')).text, /ALPN protocol: http\/1\.1/);
  assert.match((await handshake('-alpn', 'h2,http/1.1')).text, /ALPN protocol: http\/1\.1/);
  const other = await handshake('-alpn', 'h2,h3');
  assert.ok(!other.ok);
  assert.match(other.text, /alert no application protocol/i);
  const none = await handshake();
  assert.ok(none.ok);
  assert.match(none.text, /No ALPN negotiated/);
  assert.match(curl(...trusting(server), '-o', '/dev/null', '-w', '%{http_version} %{http_code}', at(server, '/health')), /^1\.1 200$/);
});

test('no compression, no early data, secure renegotiation only in name', async () => {
  const old = await handshake('-tls1_2');
  assert.match(old.text, /Compression: NONE/);
  assert.match(old.text, /Secure Renegotiation IS supported/);
  assert.match(old.text, /Extended master secret: yes/);
  // Tickets follow the handshake: the request makes sure that they are read.
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, '-tls1_3', '-ign_eof'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (bytes) => { text += bytes; });
  child.stdin.write('GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await new Promise((resolve) => child.once('close', resolve));
  assert.match(text, /Max Early Data: 0/);
  assert.match(text, /"status":"ok"/);
  assert.match(text, /closed/);
});

test('a client that wants to renegotiate is refused', async () => {
  const socket = tls.connect({ port: server.port, host: '127.0.0.1', maxVersion: 'TLSv1.2' });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const error = await new Promise((resolve) => {
    socket.once('error', resolve);
    socket.renegotiate({}, (failure) => { if (failure) resolve(failure); });
  });
  assert.match(String(error), /renegotiation/i);
  socket.destroy();
});

test('the whole chain is shown, so that a client needs the root alone', async () => {
  const { text } = await handshake('-CAfile', chain.rootFile, '-verify_hostname', 'chat.example.com', '-showcerts');
  assert.match(text, /Verify return code: 0 \(ok\)/);
  assert.equal(text.match(/BEGIN CERTIFICATE/g).length, 2);
  assert.match(curl(...trusting(server), at(server, '/health')), /"status":"ok"/);
});

test('a session is resumed without a second signature', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const connect = (session) => new Promise((resolve, reject) => {
      const socket = tls.connect({ port: server.port, host: '127.0.0.1', minVersion: version, maxVersion: version, session }, () => {
        socket.write('GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      });
      let ticket;
      socket.on('session', (bytes) => { ticket = bytes; });
      socket.on('data', () => {});
      socket.on('error', reject);
      const reused = () => socket.isSessionReused();
      let wasReused = false;
      socket.once('secureConnect', () => { wasReused = reused(); });
      socket.on('close', () => resolve({ wasReused, ticket: ticket ?? socket.getSession() }));
    });
    const first = await connect();
    assert.equal(first.wasReused, false);
    assert.equal((await connect(first.ticket)).wasReused, true, version);
  }
});

test('large bodies, a stream and a HEAD pass over TLS as they do without', async () => {
  const user = await newUser(server);
  const body = path.join(dir, 'body.json');
  writeFileSync(body, JSON.stringify({ message: 'm'.repeat(200 * 1024), thread_id: 'large' }));
  const auth = ['-H', `Authorization: Bearer ${user.token}`];
  const text = curl(...trusting(server), ...auth, '-H', 'Content-Type: application/json', '--data-binary', `@${body}`, at(server, '/chat/stream'));
  assert.match(text, /"type":"done"/);
  const history = JSON.parse(curl(...trusting(server), ...auth, at(server, '/chat/history?thread_id=large')));
  assert.equal(history.messages[0].content.length, 200 * 1024);
  assert.match(curl(...trusting(server), '-I', at(server, '/')), /^HTTP\/1\.1 200 /);
});

test('plain HTTP at the port is told to use https', async () => {
  const raw = await RawSocket.connect(server);
  raw.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [answer] = await raw.waitForResponses(1);
  assert.equal(answer.status, 400);
  assert.match(JSON.parse(answer.body).detail, /https:\/\//);
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal(answer.headers['strict-transport-security'], undefined);
  await raw.waitForClose();
});

test('what is not TLS harms nobody', async () => {
  for (const bytes of [Buffer.alloc(200, 0), Buffer.from('160301', 'hex'), Buffer.from('16030100057777777777', 'hex'), Buffer.alloc(70_000, 0x16)]) {
    const raw = await RawSocket.connect(server);
    raw.send(bytes);
    raw.end();
  }
  assert.ok((await handshake()).ok);
});

test('HTTPS is insisted on for a public name, and for nothing else', async () => {
  const fieldOf = (target, ...more) => /^strict-transport-security: (.*)\r$/im.exec(curl(...trusting(server), ...more, '-I', target))?.[1];
  assert.match(fieldOf(at(server, '/')), /^max-age=\d{8}$/);
  assert.match(fieldOf(at(server, '/nowhere')), /^max-age=/);
  assert.equal(fieldOf(`${server.url}/`, '-k'), undefined);
  assert.equal(fieldOf(at(server, '/'), '-H', 'Host: box.local'), undefined);
});

test('SIGHUP: new connections get the new certificate, an open stream goes on, bad files change nothing', manyStarts, async () => {
  const upstream = await startScripted();
  const files = { certFile: path.join(dir, 'live.pem'), keyFile: path.join(dir, 'live.key') };
  const install = (certificate) => {
    copyFileSync(certificate.certFile, files.certFile);
    copyFileSync(certificate.keyFile, files.keyFile);
  };
  const a = makeCertificate(dir, 'a', 'localhost');
  const b = makeCertificate(dir, 'b', 'localhost');
  install(a);
  const own = await startServer({ upstream: upstream.url, args: tlsArgs(files) });
  const shown = () => new Promise((resolve, reject) => {
    const socket = tls.connect({ port: own.port, host: '127.0.0.1' }, () => { resolve(socket.getPeerCertificate().fingerprint256); socket.end(); });
    socket.on('error', reject);
  });
  try {
    assert.equal(await shown(), fingerprint(a.certFile));
    const gate = makeGate();
    upstream.answer(answerWhenOpened(gate, 'before '));
    const user = await newUser(own);
    const stream = await user.open('after the change', 't');
    await stream.until('token');

    install(b);
    own.signal('SIGHUP');
    await own.waitForLog(/the certificate was read again/);
    assert.equal(await shown(), fingerprint(b.certFile));

    writeFileSync(files.certFile, 'no certificate');
    own.signal('SIGHUP');
    await own.waitForLog(/cannot be read again; the old one stays/);
    assert.equal(await shown(), fingerprint(b.certFile));

    gate.open();
    assert.equal((await stream.finish()).data.type, 'done');
    assert.match(stream.text, /^before .*after the change/);
    assert.deepEqual(await own.terminate(), { code: 0, signal: null });
  } finally {
    await own.stop();
    await upstream.stop();
  }
});

test('without TLS, SIGHUP ends nothing', async () => {
  const own = await startServer();
  try {
    own.signal('SIGHUP');
    await own.waitForLog(/nothing to read again/);
    assert.equal((await fetch(`${own.url}/health`)).status, 200);
  } finally {
    await own.stop();
  }
});

test('a certificate that cannot be used is a clear message and no start', manyStarts, async () => {
  const a = makeCertificate(dir, 'one', 'localhost');
  const b = makeCertificate(dir, 'two', 'localhost');
  const missing = path.join(dir, 'missing.pem');
  const locked = path.join(dir, 'locked.key');
  execFileSync('openssl', ['pkey', '-in', a.keyFile, '-aes256', '-passout', 'pass:secret', '-out', locked]);
  for (const [args, message] of [
    [['--tls-cert', a.certFile], /tls-key/],
    [['--tls-key', a.keyFile], /tls-cert/],
    [['--tls-self-signed', ...tlsArgs(a)], /tls-cert|tls-self-signed/],
    [tlsArgs({ certFile: missing, keyFile: a.keyFile }), /certificate file cannot be opened.*No such file/],
    [tlsArgs({ certFile: a.certFile, keyFile: missing }), /key file cannot be opened.*No such file/],
    [tlsArgs({ certFile: a.certFile, keyFile: b.keyFile }), /not that of the certificate/],
    [tlsArgs({ certFile: a.keyFile, keyFile: a.keyFile }), /no certificate in PEM/],
    [tlsArgs({ certFile: a.certFile, keyFile: locked }), /without a password/],
  ]) {
    const { code, stdout, stderr } = await runToExit(['serve', '--listen', '127.0.0.1:0', '--upstream', 'offline', '--data', path.join(makeTempDir(), 'data'), ...args]);
    assert.ok(code > 0, `${args}: ${code}`);
    assert.ok(!stdout.includes('listening on'), stdout);
    assert.match(stderr, message);
  }
});

test('a key that others can read is warned of', async () => {
  const open = makeCertificate(dir, 'open', 'localhost');
  chmodSync(open.keyFile, 0o640);
  const own = await startServer({ args: tlsArgs(open) });
  try {
    await own.waitForLog(/TLS key can be read by others/);
  } finally {
    await own.stop();
  }
});

test('a self-signed certificate is made once, is for all names of the machine, and its fingerprint is printed', manyStarts, async () => {
  const own = await startServer({ args: ['--tls-self-signed'] });
  try {
    const certFile = path.join(own.dataDir, 'tls-cert.pem');
    assert.ok(own.url.startsWith('https://'));
    const printed = () => /^certificate SHA-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})$/m.exec(own.stdout)?.[1];
    const first = await until('the fingerprint', printed);
    assert.equal(first, fingerprint(certFile));
    for (const name of ['tls-cert.pem', 'tls-key.pem']) assert.equal(statSync(path.join(own.dataDir, name)).mode & 0o777, 0o600);
    for (const host of ['localhost', '127.0.0.1']) {
      const text = curl('--cacert', certFile, '-D', '-', `https://${host}:${own.port}/health`);
      assert.match(text, /"status":"ok"/);
      assert.doesNotMatch(text, /strict-transport-security/i);
    }
    // Not even where the name is public: browsers would let nobody pass their warning any more.
    assert.doesNotMatch(curl('-k', '-H', 'Host: chat.example.com', '-D', '-', `${own.url}/health`), /strict-transport-security/i);
    const text = execFileSync('openssl', ['x509', '-in', certFile, '-noout', '-text'], { encoding: 'utf8' });
    assert.match(text, /CA:FALSE/);
    assert.match(text, /prime256v1/);
    await own.terminate();
    await own.restart();
    assert.equal(await until('the fingerprint', printed), first);
    await own.terminate();
    rmSync(path.join(own.dataDir, 'tls-key.pem'));
    await own.restart();
    assert.notEqual(await until('the fingerprint', printed), first);
  } finally {
    await own.stop();
  }
});

test('a browser signs in by the link and chats over https', manyStarts, async () => {
  const own = await startServer({ args: ['--tls-self-signed', flag.loginLink] });
  const link = await until('the sign-in link', () => /^open (https:\/\/\S+\/#login=\S+)$/m.exec(own.stdout)?.[1]);
  const browser = await openBrowser();
  try {
    const strict = await openPage(browser, own);
    await assert.rejects(strict.goto(own.url), /ERR_CERT_AUTHORITY_INVALID/);
    const plain = await openPage(browser, { url: `http://127.0.0.1:${own.port}` });
    const refused = await plain.goto(`http://127.0.0.1:${own.port}/`);
    assert.equal(refused.status(), 400);
    assert.match(await plain.locator('body').innerText(), /https:\/\//, 'the browser shows what is wrong');

    const page = await openPage(browser, own, { ignoreHTTPSErrors: true });
    await page.goto(link);
    await page.getByRole('heading', { name: 'New chat' }).waitFor();
    await page.getByLabel('Message', { exact: true }).fill('Hello over TLS');
    await page.keyboard.press('Enter');
    await page.locator('.message.assistant .body').filter({ hasText: 'Hello over TLS' }).waitFor();
    await page.locator('#messages:not(:has([aria-busy]))').waitFor();
    await page.reload();
    await page.locator('.message.assistant .body').filter({ hasText: 'Hello over TLS' }).waitFor();
    assert.deepEqual(page.complaints, []);
  } finally {
    await browser.close();
    await own.stop();
  }
});

test('the log says nothing of keys', () => {
  assert.ok(!server.stderr.includes('PRIVATE KEY'));
  assert.ok(!server.stderr.includes(readFileSync(chain.keyFile, 'latin1').split('\n')[1]));
});

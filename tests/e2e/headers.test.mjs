// What browsers are told with every answer: of each route in each of its ways, and of what a connection refuses by
// itself; who may read it from elsewhere; and whom the server takes for its client behind a proxy.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { newUser } from './support/client.mjs';
import { RawSocket } from './support/raw.mjs';
import { flag, runToExit, startServer } from './support/server.mjs';
import { manyStarts, test } from './support/wait.mjs';

const ORIGIN = 'https://app.example';
let server;
let user;
before(async () => {
  server = await startServer({ args: [flag.corsOrigin, ORIGIN] });
  user = await newUser(server);
});
after(() => server?.stop());

// The router's own table, so that a new route cannot be left out.
const routes = [...readFileSync(new URL('../../src/api/router.cpp', import.meta.url), 'utf8')
  .matchAll(/\{\s*Method::(\w+),\s*"([^"]+)",/g)].map(([, method, pattern]) => [method.replace('_', '').toUpperCase(), pattern.replace(/\{\w+\}/g, 'x')]);

function checkFields(headers, what) {
  const field = (name) => headers[name] ?? null;
  assert.match(field('content-security-policy') ?? '', /^default-src 'none'; /, what);
  assert.match(field('content-security-policy'), /frame-ancestors 'none'/, what);
  assert.equal(field('x-content-type-options'), 'nosniff', what);
  assert.equal(field('x-frame-options'), 'DENY', what);
  assert.equal(field('referrer-policy'), 'no-referrer', what);
  assert.equal(field('cross-origin-resource-policy'), 'same-origin', what);
  assert.equal(field('server'), 'bobbin', `${what}: a name and no version`);
  assert.equal(field('x-powered-by'), null, what);
  assert.equal(field('strict-transport-security'), null, what);
  assert.equal(field('access-control-allow-credentials'), null, what);
}

// One request on a connection of its own; the connection ends with the answer's head.
async function headOf(method, path, headers = {}, body = '') {
  const raw = await RawSocket.connect(server);
  const fields = Object.entries({ Host: 'x', ...(body ? { 'Content-Length': body.length } : {}), ...headers }).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  raw.send(`${method} ${path} HTTP/1.1\r\n${fields}\r\n${body}`);
  const [text] = await raw.waitFor(/^HTTP\/1\.1 [^]*?\r\n\r\n/);
  raw.end();
  const [statusLine, ...lines] = text.trimEnd().split('\r\n');
  const found = {};
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase();
    assert.ok(!(name in found) || name === 'set-cookie', `${method} ${path}: ${name} twice`);
    found[name] = line.slice(line.indexOf(':') + 1).trim();
  }
  return { status: Number(statusLine.split(' ')[1]), headers: found };
}

test('every route has them, with and without a token, and to another method', manyStarts, async () => {
  assert.ok(routes.length >= 16, `${routes.length} routes`);
  const authorized = { Authorization: `Bearer ${user.token}`, 'Content-Type': 'application/json' };
  for (const [method, path] of routes) {
    const body = ['POST', 'PATCH', 'PUT'].includes(method) ? '{}' : '';
    for (const [headers, wanted] of [[{}, ''], [authorized, body], [authorized, body && '{']]) {
      const answer = await headOf(method, path, headers, wanted);
      checkFields(answer.headers, `${method} ${path} ${answer.status}`);
    }
    checkFields((await headOf('OPTIONS', path)).headers, `OPTIONS ${path}`);
    checkFields((await headOf('TRACE', path)).headers, `TRACE ${path}`);
  }
});

test('a stream has them, too', async () => {
  const body = JSON.stringify({ message: 'hello', thread_id: 'stream' });
  const { status, headers } = await headOf('POST', '/chat/stream', { Authorization: `Bearer ${user.token}`, 'Content-Type': 'application/json', Origin: ORIGIN }, body);
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/event-stream');
  assert.equal(headers['access-control-allow-origin'], ORIGIN);
  checkFields(headers, 'stream');
});

test('what a connection refuses by itself has them', async () => {
  for (const [bytes, status] of [
    ['GET / HTTP/2.0\r\n\r\n', 400], ['nonsense\r\n\r\n', 400], ['GET / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    [`GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414], [`GET / HTTP/1.1\r\nHost: a\r\nA: ${'b'.repeat(17_000)}\r\n\r\n`, 431],
    ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n', 413], ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n', 501],
  ]) {
    const raw = await RawSocket.connect(server);
    raw.send(bytes);
    const [answer] = await raw.waitForResponses(1);
    assert.equal(answer.status, status, bytes.slice(0, 60));
    checkFields(answer.headers, bytes.slice(0, 60));
    raw.end();
  }
});

test('the page has a policy of its own that lets it load its own files alone', async () => {
  const { headers } = await headOf('GET', '/');
  checkFields(headers, '/');
  assert.match(headers['content-security-policy'], /script-src 'self'/);
  assert.doesNotMatch(headers['content-security-policy'], /unsafe|\*|http/);
  assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
  assert.match(headers['permissions-policy'], /camera=\(\)/);
  assert.doesNotMatch((await headOf('GET', '/health')).headers['content-security-policy'], /self/);
});

test('another origin reads what its list says, and nobody else does', async () => {
  const read = async (origin, path = '/nowhere') => (await headOf('GET', path, { Origin: origin })).headers;
  const allowed = await read(ORIGIN);
  assert.equal(allowed['access-control-allow-origin'], ORIGIN);
  for (const name of ['Retry-After', 'WWW-Authenticate', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset']) {
    assert.ok(allowed['access-control-expose-headers'].split(', ').includes(name), name);
  }
  assert.equal(allowed.vary, 'Origin');
  for (const origin of ['null', '*', 'https://app.example.evil.example', 'https://evil.example#https://app.example', 'http://app.example',
    'https://app.example:443', 'https://APP.example', 'https://app.example/', `${ORIGIN}, ${ORIGIN}`, '']) {
    const refused = await read(origin);
    assert.equal(refused['access-control-allow-origin'], undefined, origin);
    assert.equal(refused.vary, 'Origin', 'a cache must not give one origin what is for another');
  }
  const preflight = (await headOf('OPTIONS', '/me/settings', { Origin: ORIGIN, 'Access-Control-Request-Method': 'PATCH' })).headers;
  assert.match(preflight['access-control-allow-methods'], /PATCH/);
  assert.ok(Number(preflight['access-control-max-age']) >= 600);
});

test('`*` allows all, without credentials', async () => {
  const own = await startServer({ args: [flag.corsOrigin, '*'] });
  try {
    const response = await fetch(`${own.url}/health`, { headers: { Origin: 'https://anybody.example' } });
    assert.equal(response.headers.get('access-control-allow-origin'), '*');
    assert.equal(response.headers.get('access-control-allow-credentials'), null);
  } finally {
    await own.stop();
  }
});

test('origins that no browser sends are refused at the start', manyStarts, async () => {
  for (const origin of ['null', 'https://app.example/', 'app.example', 'https://App.example', '*,https://app.example']) {
    const { code, stderr } = await runToExit(['serve', '--listen', '127.0.0.1:0', '--upstream', 'offline', flag.corsOrigin, origin]);
    assert.ok(code > 0, origin);
    assert.match(stderr, /--cors-origin: /);
  }
});

test('the client behind a trusted proxy is who the proxy says, and only then', manyStarts, async () => {
  const ask = async (own, headers) => {
    const path = `/nowhere-${Math.random()}`;
    await fetch(own.url + path, { headers });
    const line = await own.waitForLog(new RegExp(`request .*path=${path} .*client=(\\S+)`));
    return line[1];
  };
  assert.equal(await ask(server, { 'X-Forwarded-For': '192.0.2.1' }), '127.0.0.1');
  const own = await startServer({ args: ['--trusted-proxy', '127.0.0.0/8', '--trusted-proxy', '10.0.0.0/8,fd00::/8'] });
  try {
    assert.equal(await ask(own, {}), '127.0.0.1');
    assert.equal(await ask(own, { 'X-Forwarded-For': '6.6.6.6, 192.0.2.1, 10.1.1.1' }), '192.0.2.1');
    assert.equal(await ask(own, { Forwarded: 'for="[2001:db8::7]:123";proto=https' }), '2001:db8::7');
    assert.equal(await ask(own, { 'X-Forwarded-For': '192.0.2.1, nonsense' }), '127.0.0.1');
    const hsts = async (headers) => {
      const raw = await RawSocket.connect(own);
      raw.send(`GET / HTTP/1.1\r\nHost: chat.example.com\r\n${headers}\r\n`);
      const [head] = await raw.waitFor(/^HTTP\/1\.1 200[^]*?\r\n\r\n/);
      raw.end();
      return /^strict-transport-security: (.*)\r$/im.exec(head)?.[1];
    };
    assert.match(await hsts('X-Forwarded-Proto: https\r\n') ?? '', /max-age/);
    assert.equal(await hsts('X-Forwarded-Proto: http\r\n'), undefined);
    assert.equal(await hsts(''), undefined);
  } finally {
    await own.stop();
  }
  for (const network of ['0.0.0.0/0', 'proxy.example', '10.0.0.0/33']) {
    const { code, stderr } = await runToExit(['serve', '--listen', '127.0.0.1:0', '--upstream', 'offline', '--trusted-proxy', network]);
    assert.ok(code > 0, network);
    assert.match(stderr, /--trusted-proxy: /);
  }
});

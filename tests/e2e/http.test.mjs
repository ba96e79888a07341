// HTTP/1.1 as clients and proxies use it: keep-alive, pipelining, 100-continue, HEAD, CORS.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { newUser } from './support/client.mjs';
import { RawSocket } from './support/raw.mjs';
import { flag, startServer } from './support/server.mjs';
import { test } from './support/wait.mjs';

const ORIGIN = 'https://app.example';
let server;
let user;
before(async () => {
  server = await startServer({ args: [flag.corsOrigin, ORIGIN] });
  user = await newUser(server);
});
after(() => server?.stop());

const authorization = () => `Authorization: Bearer ${user.token}\r\n`;

test('a connection serves one request after the other', async () => {
  const raw = await RawSocket.connect(server);
  for (let count = 1; count <= 5; ++count) {
    raw.send('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    const responses = await raw.waitForResponses(count);
    assert.equal(responses.at(-1).status, 200);
  }
  raw.end();
});

test('a connection goes on after a request that was refused in good order', async () => {
  const raw = await RawSocket.connect(server);
  raw.send(`POST /chat/stream HTTP/1.1\r\nHost: x\r\n${authorization()}Content-Type: application/json\r\nContent-Length: 5\r\n\r\n{"a":`);
  await raw.waitForResponses(1);
  raw.send('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
  const responses = await raw.waitForResponses(2);
  assert.deepEqual(responses.map((response) => response.status), [400, 200]);
  raw.end();
});

test('pipelined requests are answered in order, however they are cut', async () => {
  const requests = ['/health', '/nowhere', '/chat/sessions', '/chat/history?thread_id=none', '/health']
    .map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n${authorization()}\r\n`).join('');
  for (const step of [requests.length, 1, 37]) {
    const raw = await RawSocket.connect(server);
    for (let at = 0; at < requests.length; at += step) raw.send(requests.slice(at, at + step));
    const responses = await raw.waitForResponses(5);
    assert.deepEqual(responses.map((response) => response.status), [200, 404, 200, 404, 200]);
    assert.deepEqual(JSON.parse(responses[2].body), { sessions: [] });
    raw.end();
  }
});

test('a request that follows a stream on its connection is answered after the stream', async () => {
  const raw = await RawSocket.connect(server);
  const other = await newUser(server);
  const body = '{"message":"stream me","thread_id":"piped"}';
  raw.send(`POST /chat/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${other.token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
    'GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
  await raw.waitFor(/"type":"done"[^]*HTTP\/1\.1 200 OK[^]*"status":\s*"ok"/);
  raw.end();
});

test('Connection: close and HTTP/1.0 close after the answer', async () => {
  for (const request of ['GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'GET /health HTTP/1.0\r\nHost: x\r\n\r\n']) {
    const raw = await RawSocket.connect(server);
    raw.send(request);
    await raw.waitForClose();
    assert.equal(raw.responses()[0].status, 200);
    raw.end();
  }
});

test('a body in chunks, in odd pieces, with an extension and a trailer', async () => {
  const other = await newUser(server);
  const raw = await RawSocket.connect(server);
  const body = '4;x=y\r\n{"me\r\n1\r\ns\r\n1e\r\nsage":"im Stück","thread_id":\r\n4\r\n"c"}\r\n0\r\nX-Trailer: 1\r\n\r\n';
  raw.send(`POST /chat/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${other.token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += 3) raw.send(bytes.subarray(at, at + 3));
  await raw.waitFor(/"type":"done"/);
  assert.equal((await other.contents('c'))[0], 'im Stück');
  raw.end();
});

test('Expect: 100-continue is answered before the body is sent', async () => {
  const other = await newUser(server);
  const raw = await RawSocket.connect(server);
  const body = '{"message":"after the interim answer","thread_id":"e"}';
  raw.send(`POST /chat/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${other.token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`);
  await raw.waitFor(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
  raw.send(body);
  await raw.waitFor(/HTTP\/1\.1 200 OK[^]*"type":"done"/);
  assert.equal((await other.contents('e'))[0], 'after the interim answer');
  raw.end();
});

test('HEAD gives the head of GET without a body', async () => {
  for (const path of ['/health', '/']) {
    const get = await fetch(server.url + path);
    const body = await get.arrayBuffer();
    const raw = await RawSocket.connect(server);
    raw.send(`HEAD ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    await raw.waitForClose();
    assert.match(raw.text, /^HTTP\/1\.1 200 /);
    assert.ok(raw.text.endsWith('\r\n\r\n'), 'no body');
    if (path === '/') assert.match(raw.text.toLowerCase(), new RegExp(`content-length: ${body.byteLength}\r\n`));
    raw.end();
  }
});

test('a preflight from an allowed origin is answered, one from another is not allowed', async () => {
  const preflight = (origin) => fetch(`${server.url}/chat/stream`, {
    method: 'OPTIONS',
    headers: { Origin: origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization, content-type, last-event-id, idempotency-key' },
  });
  const allowed = await preflight(ORIGIN);
  assert.ok([200, 204].includes(allowed.status), `${allowed.status}`);
  assert.equal(allowed.headers.get('access-control-allow-origin'), ORIGIN);
  assert.match(allowed.headers.get('access-control-allow-methods'), /POST/);
  const headers = allowed.headers.get('access-control-allow-headers').toLowerCase();
  for (const name of ['authorization', 'content-type']) assert.ok(headers.includes(name), headers);
  assert.match(allowed.headers.get('vary') ?? '', /origin/i);
  for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'null', 'http://app.example']) {
    assert.equal((await preflight(origin)).headers.get('access-control-allow-origin'), null, origin);
  }
});

test('answers and refusals to an allowed origin can be read by it', async () => {
  for (const path of ['/health', '/chat/sessions', '/nowhere']) {
    const response = await fetch(server.url + path, { headers: { Origin: ORIGIN } });
    assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN, path);
  }
  assert.equal((await fetch(`${server.url}/health`, { headers: { Origin: 'https://evil.example' } })).headers.get('access-control-allow-origin'), null);
});

test('a refusal before the body has been read can be read by an allowed origin, too', async () => {
  const head = (framing) => `POST /chat/stream HTTP/1.1\r\nHost: x\r\nOrigin: ${ORIGIN}\r\n${authorization()}` +
    `Content-Type: application/json\r\n${framing}\r\n\r\n`;
  const tooLarge = 1024 * 1024 + 1;
  const chunk = Buffer.concat([Buffer.from(`${tooLarge.toString(16)}\r\n`), Buffer.alloc(tooLarge, 0x20)]);
  for (const pieces of [[head(`Content-Length: ${tooLarge}`)], [head('Transfer-Encoding: chunked'), chunk]]) {
    const raw = await RawSocket.connect(server);
    for (const piece of pieces) raw.send(piece);
    const [response] = await raw.waitForResponses(1);
    assert.equal(response.status, 413);
    assert.equal(response.headers['access-control-allow-origin'], ORIGIN);
    assert.match(response.headers.vary ?? '', /origin/i);
    raw.end();
  }
  const message = JSON.stringify({ message: 'x'.repeat(256 * 1024 + 1) });
  const response = await fetch(`${server.url}/chat/stream`, {
    method: 'POST', body: message, headers: { Origin: ORIGIN, Authorization: `Bearer ${user.token}`, 'Content-Type': 'application/json' },
  });
  assert.deepEqual([response.status, response.headers.get('access-control-allow-origin')], [413, ORIGIN]);
  await response.text();
});

test('the page comes with a policy that allows this host only, and is revalidated by its etag', async () => {
  const page = await fetch(`${server.url}/`);
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-type'), /^text\/html\b/);
  assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  const etag = page.headers.get('etag');
  assert.match(etag, /^"[0-9a-f]+"$/);
  assert.equal((await fetch(`${server.url}/`, { headers: { 'If-None-Match': etag } })).status, 304);
  for (const match of (await page.text()).matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
    assert.equal((await fetch(server.url + match[1])).status, 200, match[1]);
  }
});

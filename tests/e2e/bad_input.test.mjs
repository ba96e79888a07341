// Input that must be refused: each gets its status of api.md, changes nothing, and the process lives.

import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { expectProblem, newUser } from './support/client.mjs';
import { exchangeUntilClosed, RawSocket } from './support/raw.mjs';
import { startServer } from './support/server.mjs';
import { test } from './support/wait.mjs';

let server;
let user;
let untouched;
before(async () => {
  server = await startServer();
  user = await newUser(server);
  await user.ask('the only message', 'kept');
  untouched = [await user.sessions(), await user.history('kept')];
});
after(() => server?.stop());

// After whatever a test sent: same process, same data.
afterEach(async () => {
  assert.ok(server.alive);
  const before = untouched;
  untouched = [await user.sessions(), await user.history('kept')];     // so that one failure is not blamed on the next test
  assert.deepEqual(untouched, before);
});

const bytes = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const deep = (depth) => `{"message":"a","x":${'['.repeat(depth)}${']'.repeat(depth)}}`;

const malformed = {
  'an empty body': '',
  'white space': '  \n',
  'no JSON': 'message=hello',
  'an object that ends early': '{"message":"a"',
  'a broken value in a field that nobody reads': '{"message":"a","x":tru}',
  'a number with a leading zero in a field that nobody reads': '{"message":"a","x":01}',
  'a trailing comma in a field that nobody reads': '{"message":"a","x":[1,]}',
  'a trailing comma': '{"message":"a",}',
  'text after the object': '{"message":"a"} x',
  'two objects': '{"message":"a"}{"message":"b"}',
  'single quotes': "{'message':'a'}",
  'a raw line end in a string': '{"message":"a\nb"}',
  'a raw NUL in a string': bytes('{"message":"a', [0], 'b"}'),
  'a NUL after the object': bytes('{"message":"a"}', [0]),
  'an unknown escape': '{"message":"\\x41"}',
  'a lone high surrogate': '{"message":"\\ud83d"}',
  'a lone low surrogate': '{"message":"\\ude00 b"}',
  'a lone surrogate in a field that nobody reads': '{"message":"a","x":"\\ud83d\\u0041"}',
  'a byte that is no UTF-8': bytes('{"message":"', [0xff], '"}'),
  'an overlong slash': bytes('{"message":"', [0xc0, 0xaf], '"}'),
  'a surrogate in UTF-8': bytes('{"message":"', [0xed, 0xa0, 0x80], '"}'),
  'a character that is cut': bytes('{"message":"', [0xe2, 0x82], '"}'),
  'invalid UTF-8 in a field that nobody reads': bytes('{"message":"a","x":"', [0x80], '"}'),
  'UTF-16': Buffer.from('\ufeff{"message":"a"}', 'utf16le'),
  'nesting without end': deep(100_000),
};
for (const [name, body] of Object.entries(malformed)) {
  test(`400: ${name}`, async () => { await expectProblem(await user.post(body), 400, 'malformed'); });
}

const notAllowed = {
  'no message': '{}',
  'message null': '{"message":null}',
  'message a number': '{"message":1}',
  'message a list': '{"message":["a"]}',
  'message an object': '{"message":{"text":"a"}}',
  'an empty message': '{"message":""}',
  'a message of white space alone': '{"message":" \\n\\t"}',
  'a message given twice': '{"message":"a","message":"b"}',
  'thread_id a number': '{"message":"a","thread_id":1}',
  'thread_id false': '{"message":"a","thread_id":false}',
  'thread_id of 129 bytes': JSON.stringify({ message: 'a', thread_id: 'x'.repeat(129) }),
  'thread_id of 65 characters in 130 bytes': JSON.stringify({ message: 'a', thread_id: 'é'.repeat(65) }),
  'thread_id with a line end': '{"message":"a","thread_id":"a\\nb"}',
  'thread_id with NUL': '{"message":"a","thread_id":"a\\u0000b"}',
  'thread_id with a C1 control': '{"message":"a","thread_id":"a\\u0085b"}',
  'thread_id with DEL': '{"message":"a","thread_id":"a\\u007fb"}',
  'on_busy that does not exist': '{"message":"a","on_busy":"explode"}',
  'on_busy a number': '{"message":"a","on_busy":1}',
  'a list': '[{"message":"a"}]',
  'text': '"message"',
  'null': 'null',
};
for (const [name, body] of Object.entries(notAllowed)) {
  test(`422: ${name}`, async () => { await expectProblem(await user.post(body), 422, 'invalid'); });
}

test('413: a message over 256 KiB, and one of 256 KiB is fine', async () => {
  await expectProblem(await user.post({ message: 'x'.repeat(256 * 1024 + 1) }), 413, 'too_large');
  await expectProblem(await user.post({ message: 'é'.repeat(128 * 1024 + 1) }), 413, 'too_large');
  const other = await newUser(server);
  const message = 'é'.repeat(128 * 1024);
  const { threadId } = await other.ask(message);
  assert.equal((await other.contents(threadId))[0], message);
});

test('a message may hold NUL and other controls, written as escapes, and keeps them', async () => {
  const other = await newUser(server);
  const message = 'a\u0000b\u0007c\u001b[31m\u0085';
  const { threadId } = await other.ask(message);
  assert.equal((await other.contents(threadId))[0], message);
});

test('413: a body over 1 MiB, by its announced length and by its chunks', async () => {
  const big = Buffer.alloc(1024 * 1024 + 1, 0x20);
  for (const framing of [`Content-Length: ${big.length}`, 'Transfer-Encoding: chunked']) {
    const raw = await RawSocket.connect(server);
    raw.send(`POST /chat/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.token}\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`);
    if (framing.startsWith('Transfer')) raw.send(Buffer.concat([Buffer.from(`${big.length.toString(16)}\r\n`), big, Buffer.from('\r\n0\r\n\r\n')]));
    const [response] = await raw.waitForResponses(1);
    assert.equal(response.status, 413);
    assert.equal(JSON.parse(response.body).code, 'too_large');
    raw.end();
  }
});

test('415: a body that does not say that it is JSON', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', '']) {
    await expectProblem(await user.post(new TextEncoder().encode('{"message":"a"}'), { 'Content-Type': type }), 415, 'unsupported_media_type');
  }
});

test('400: cursors that this server never gave out', async () => {
  const bad = ['x', '%00', '..', '!!!!', 'A'.repeat(500), 'AAAA', '%F0%9F%A7%B5', '9223372036854775808', '-1'];
  for (const cursor of bad) {
    await expectProblem(await user.request(`/chat/history?thread_id=kept&limit=1&before=${cursor}`), 400, 'malformed');
    await expectProblem(await user.request(`/chat/sessions?limit=1&cursor=${cursor}`), 400, 'malformed');
  }
});

test('422: a delete with a parameter of another name, which must not pass for "delete all"', async () => {
  const other = await newUser(server);
  for (const id of ['a', 'b']) await other.ask(`in ${id}`, id);
  for (const query of ['threadid=a', 'thread-id=a', 'Thread_Id=a', 'id=a', 'threadid', 'thread_id=a&threadid=b']) {
    await expectProblem(await other.request(`/chat/history?${query}`, { method: 'DELETE' }), 422, 'invalid');
  }
  assert.deepEqual((await other.sessions()).sessions.map((session) => session.id), ['b', 'a']);
  for (const id of ['a', 'b']) assert.equal((await other.history(id)).message_count, 2);
});

test('a cursor of one list or thread is of no use in another', async () => {
  const other = await newUser(server);
  for (const id of ['one', 'two']) for (let turn = 0; turn < 2; ++turn) await other.ask(`in ${id}`, id);
  const { next_cursor: ofHistory } = await other.history('one', '&limit=1');
  const { next_cursor: ofSessions } = await other.sessions('?limit=1');
  await expectProblem(await other.request(`/chat/sessions?limit=1&cursor=${encodeURIComponent(ofHistory)}`), 400);
  await expectProblem(await other.request(`/chat/history?thread_id=one&before=${encodeURIComponent(ofSessions)}`), 400);
  await expectProblem(await other.request(`/chat/history?thread_id=two&before=${encodeURIComponent(ofHistory)}`), 400);
  await expectProblem(await user.request(`/chat/history?thread_id=kept&before=${encodeURIComponent(ofHistory)}`), 400);
});

test('queries: thread_id missing, broken escapes, no UTF-8', async () => {
  await expectProblem(await user.request('/chat/history'), 422);
  await expectProblem(await user.request('/chat/history?thread_id='), 422);
  await expectProblem(await user.request(`/chat/history?thread_id=${'x'.repeat(129)}`), 422);
  for (const query of ['thread_id=%', 'thread_id=%4', 'thread_id=%zz', 'thread_id=%ff', 'thread_id=%c0%af']) {
    await expectProblem(await user.request(`/chat/history?${query}`), 400, 'malformed');
  }
  // Deleting everything must never be what a slip of the pen in thread_id leads to.
  for (const query of ['thread_id=', 'thread_id=%', 'thread_id=%ff']) {
    const response = await user.request(`/chat/history?${query}`, { method: 'DELETE' });
    assert.ok([400, 422].includes(response.status), `${query}: ${response.status}`);
  }
});

test('404: routes that do not exist', async () => {
  for (const path of ['/nowhere', '/chat', '/chat/', '/chat/stream/', '/chat//sessions', '/CHAT/sessions', '/chat/history/x', '/../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd']) {
    await expectProblem(await user.request(path), 404, 'not_found');
  }
});

test('405 with Allow: methods that a route does not have', async () => {
  const wrong = [['PUT', '/chat/stream', 'POST'], ['DELETE', '/chat/stream', 'POST'], ['POST', '/chat/history?thread_id=kept', 'DELETE'], ['PATCH', '/chat/sessions', 'GET'], ['POST', '/chat/sessions', 'GET'], ['POST', '/health', 'GET'], ['PUT', '/', 'GET']];
  for (const [method, path, allowed] of wrong) {
    const response = await user.request(path, { method });
    assert.ok(response.headers.get('allow')?.split(/, */).includes(allowed), `${method} ${path}: ${response.headers.get('allow')}`);
    await expectProblem(response, 405, 'method_not_allowed');
  }
});

// ---- framing, on a raw socket: answered 400 and closed, for what follows cannot be trusted

const host = 'Host: x\r\n';
const ambiguous = {
  'Transfer-Encoding and Content-Length': `POST /chat/stream HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'two lengths that differ': `POST /chat/stream HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
  'a length list that differs': `POST /chat/stream HTTP/1.1\r\n${host}Content-Length: 3, 4\r\n\r\nabcd`,
  'a signed length': `POST /chat/stream HTTP/1.1\r\n${host}Content-Length: +3\r\n\r\nabc`,
  'a length in hex': `POST /chat/stream HTTP/1.1\r\n${host}Content-Length: 0x3\r\n\r\nabc`,
  'a length that overflows': `POST /chat/stream HTTP/1.1\r\n${host}Content-Length: 18446744073709551619\r\n\r\nabc`,
  'a folded header': `GET /health HTTP/1.1\r\n${host}X-A: one\r\n two\r\n\r\n`,
  'a space before the colon': `GET /health HTTP/1.1\r\n${host}X-A : one\r\n\r\n`,
  'a header without a name': `GET /health HTTP/1.1\r\n${host}: one\r\n\r\n`,
  'a header without a colon': `GET /health HTTP/1.1\r\n${host}nonsense\r\n\r\n`,
  'NUL in a header': `GET /health HTTP/1.1\r\n${host}X-A: a\0b\r\n\r\n`,
  'no Host': 'GET /health HTTP/1.1\r\n\r\n',
  'two Hosts': 'GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'two spaces in the request line': `GET  /health HTTP/1.1\r\n${host}\r\n`,
  'HTTP/0.9': 'GET /health\r\n\r\n',
  'HTTP/2.0': `GET /health HTTP/2.0\r\n${host}\r\n`,
  'bare LF line ends': 'GET /health HTTP/1.1\nHost: x\n\n',
  'a bare CR in a header': `GET /health HTTP/1.1\r\n${host}X-A: a\rb\r\n\r\n`,
  'an empty Transfer-Encoding': `POST /chat/stream HTTP/1.1\r\n${host}Transfer-Encoding:\r\n\r\n`,
  'Transfer-Encoding in HTTP/1.0': `POST /chat/stream HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunked twice': `POST /chat/stream HTTP/1.1\r\n${host}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
  'a chunk size with a sign': `POST /chat/stream HTTP/1.1\r\n${host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n`,
  'a TLS hello': bytes([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03], '\r\n\r\n'),
};
for (const [name, request] of Object.entries(ambiguous)) {
  test(`400 and close: ${name}`, async () => {
    // A request that was smuggled behind the bad one would be answered too.
    const smuggled = `GET /health HTTP/1.1\r\n${host}\r\n`;
    const raw = await exchangeUntilClosed(server, bytes(request, smuggled));
    assert.match(raw.text, /^HTTP\/1\.1 400 /, raw.text);
    assert.equal(raw.text.match(/HTTP\/1\.1 \d{3} /g).length, 1, 'one answer only');
  });
}

test('501 and close: a transfer coding that nobody here knows', async () => {
  const raw = await exchangeUntilClosed(server, `POST /chat/stream HTTP/1.1\r\n${host}Transfer-Encoding: br\r\n\r\n`);
  assert.match(raw.text, /^HTTP\/1\.1 501 /);
});

test('414 and 431 and close: a request line and a header block that are too long', async () => {
  const line = await exchangeUntilClosed(server, `GET /${'a'.repeat(9000)} HTTP/1.1\r\n${host}\r\n`);
  assert.match(line.text, /^HTTP\/1\.1 414 /);
  const block = await exchangeUntilClosed(server, `GET /health HTTP/1.1\r\n${host}X-A: ${'a'.repeat(17000)}\r\n\r\n`);
  assert.match(block.text, /^HTTP\/1\.1 431 /);
});

test('a body that never comes whole stores nothing', async () => {
  const raw = await RawSocket.connect(server);
  raw.send(`POST /chat/stream HTTP/1.1\r\n${host}Authorization: Bearer ${user.token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"message":"half`);
  raw.end();
});

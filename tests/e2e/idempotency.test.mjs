// Idempotency-Key: a request that is sent again is the same request, whatever became of the first one.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { expectProblem, EventReader, isTerminal, newUser } from './support/client.mjs';
import { postRequest, readAndCut } from './support/cut_stream.mjs';
import { RawSocket } from './support/raw.mjs';
import { answerWith, startScripted } from './support/scripted_upstream.mjs';
import { flag, startServer } from './support/server.mjs';
import { makeGate, manyStarts, test, until } from './support/wait.mjs';

let server;
let upstream;
before(async () => {
  upstream = await startScripted();
  server = await startServer({ upstream: upstream.url, args: [flag.workers, '2'] });
});
after(async () => {
  await server?.stop();
  await upstream?.stop();
});

const named = (key) => ({ 'Idempotency-Key': key });

async function postNamed(user, key, body, headers = {}) {
  const response = await user.post(body, { ...named(key), ...headers });
  assert.equal(response.status, 200, response.status === 200 ? '' : await response.text());
  return new EventReader(response);
}

test('the same request joins its run, and names the thread that the first one made', async () => {
  const user = await newUser(server);
  upstream.answer(answerWith('a', 'b', 'c'));
  const before = upstream.requests.length;
  const first = await postNamed(user, 'key', { message: 'hello' });
  await first.finish();
  for (let i = 0; i < 6; ++i) {
    const again = await postNamed(user, 'key', { message: 'hello' });
    await again.finish();
    assert.deepEqual(again.events, first.events);
  }
  const rest = await postNamed(user, 'key', { message: 'hello' }, { 'Last-Event-ID': '3' });
  await rest.finish();
  assert.deepEqual(rest.events, first.events.slice(3));
  assert.equal(upstream.requests.length, before + 1);
  assert.equal((await user.sessions()).sessions.length, 1);
  assert.equal((await user.history(first.events[0].data.thread_id)).message_count, 2);
});

test('requests with and without a key go to the disk together', async () => {
  const user = await newUser(server);
  upstream.answer(answerWith('a'));
  // Enough at once that some of both share a write.
  const posts = Array.from({ length: 60 }, async (_, i) => {
    const response = await user.post({ message: 'hello', thread_id: `t${i}` }, i % 2 ? named(`key ${i}`) : {});
    return (await new EventReader(response).finish()).data.type;
  });
  assert.deepEqual(new Set(await Promise.all(posts)), new Set(['done']));
  assert.ok(server.alive);
});

test('what else is asked under a key is refused; fields that mean nothing do not count', async () => {
  const user = await newUser(server);
  upstream.answer(answerWith('a'));
  await (await postNamed(user, 'key', { message: 'hello', thread_id: 't' })).finish();
  for (const other of [{ message: 'hullo', thread_id: 't' }, { message: 'hello' }, { message: 'hello', thread_id: 't', model: 'm' },
    { message: 'hello', thread_id: 't', on_busy: 'reject' }]) {
    await expectProblem(await user.post(other, named('key')), 422, 'idempotency_mismatch');
  }
  await (await postNamed(user, 'key', '{"thread_id":"t","unknown":[1], "on_busy":"queue", "message":"hello"}')).finish();
  const stranger = await newUser(server);
  await (await postNamed(stranger, 'key', { message: 'another user', thread_id: 't' })).finish();
  assert.deepEqual(await user.contents('t'), ['hello', 'a']);
});

test('bad keys are refused and store nothing', async () => {
  const user = await newUser(server);
  for (const key of ['', 'x'.repeat(129)]) {
    await expectProblem(await user.post({ message: 'no', thread_id: 't' }, named(key)), 422, 'invalid');
  }
  const raw = await RawSocket.connect(server);
  raw.send(postRequest(user, { message: 'no', thread_id: 't' }, named('a')).replace('\r\nIdempotency-Key', '\r\nIdempotency-Key: b\r\nIdempotency-Key'));
  const [refused] = await raw.waitForResponses(1);
  assert.equal(refused.status, 422);
  raw.end();
  assert.deepEqual((await user.sessions()).sessions, []);
});

test('a refused request leaves its key free', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  upstream.answer(async (reply) => {
    reply.head();
    await gate.opened;
    await reply.finish();
  });
  const active = await user.open('one', 't');
  await active.next();
  const body = { message: 'two', thread_id: 't', on_busy: 'reject' };
  await expectProblem(await user.post(body, named('key')), 409, 'busy');
  gate.open();
  await active.finish();
  await (await postNamed(user, 'key', body)).finish();
  assert.equal((await user.history('t')).messages.filter((message) => message.content === 'two').length, 1);
});

test('a queued request is joined in the queue', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  upstream.answer(async (reply, request) => {
    reply.head();
    if (request.body.messages.at(-1).content === 'one') await gate.opened;
    await reply.text('fine');
    await reply.finish();
  });
  const active = await user.open('one', 't');
  await active.next();
  const waiting = [];
  for (let i = 0; i < 5; ++i) waiting.push(await postNamed(user, 'key', { message: 'two', thread_id: 't' }));
  const firsts = await Promise.all(waiting.map((stream) => stream.next()));
  for (const first of firsts) assert.deepEqual(first.data, firsts[0].data);
  assert.equal(firsts[0].data.type, 'queued');
  gate.open();
  for (const stream of [active, ...waiting]) assert.equal((await stream.finish()).data.type, 'done');
  assert.deepEqual(await user.contents('t'), ['one', 'fine', 'two', 'fine']);
});

test('of a failed run the failure is told again, and nothing runs again; of a deleted thread, 410', async () => {
  const user = await newUser(server);
  upstream.answer(async (reply) => reply.json(500, {}));
  const before = upstream.requests.length;
  const first = await postNamed(user, 'key', { message: 'hello', thread_id: 't' });
  assert.equal((await first.finish()).data.type, 'error');
  const asked = upstream.requests.length;
  assert.ok(asked > before);
  const again = await postNamed(user, 'key', { message: 'hello', thread_id: 't' });
  await again.finish();
  assert.deepEqual(again.events, first.events);
  assert.equal(upstream.requests.length, asked);
  await user.deleteThread('t');
  await expectProblem(await user.post({ message: 'hello', thread_id: 't' }, named('key')), 410, 'gone');
});

test('a storm of retries, cut at every byte, is one message and one request to the model', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  upstream.answer(async (reply) => {
    reply.head();
    for (const piece of ['so ', 'many ', 'words']) await reply.text(piece);
    await gate.opened;
    await reply.finish();
  });
  const before = upstream.requests.length;
  const request = postRequest(user, { message: 'storm' }, named('storm'));
  const storm = [];
  // Cut in the request …
  for (let bytes = 1; bytes < request.length; bytes += 3) {
    storm.push(RawSocket.connect(server).then((raw) => {
      raw.send(request.slice(0, bytes));
      raw.socket.end();
      return raw.waitForClose().finally(() => raw.end());
    }));
    // … and in the answer.
    if (bytes % 2 === 1) storm.push(readAndCut(server, request, { cutAfter: bytes * 3, isEnough: (events) => events.length >= 4 }));
  }
  await Promise.all(storm);
  gate.open();
  const { events } = await readAndCut(server, request);
  assert.ok(isTerminal(events.at(-1)));
  assert.equal(events.filter((event) => event.data.type === 'token').map((event) => event.data.content).join(''), 'so many words');
  assert.equal(upstream.requests.length, before + 1);
  const { sessions } = await user.sessions();
  assert.equal(sessions.length, 1);
  assert.deepEqual(await user.contents(sessions[0].id), ['storm', 'so many words']);
});

test('a key survives kill -9 with its message', manyStarts, async () => {
  const own = await startServer({ upstream: upstream.url });
  try {
    const user = await newUser(own);
    upstream.answer(async (reply) => {
      reply.head();
      await reply.text('begun');
    });
    const before = upstream.requests.length;
    const first = await postNamed(user, 'key', { message: 'hello', thread_id: 't' });
    await first.until('token');
    await own.kill();
    await own.start();
    const again = await postNamed(user, 'key', { message: 'hello', thread_id: 't' });
    assert.equal((await again.finish()).data.type, 'interrupted');
    assert.equal(again.text, 'begun');
    assert.equal(upstream.requests.length, before + 1);
    assert.deepEqual(await user.contents('t'), ['hello', 'begun']);
    await until('the thread to be idle', async () => (await user.history('t')).active_run === undefined);
  } finally {
    await own.stop();
  }
});

// Commit, then speak: while the disk holds a sync back, nobody is told of what waits for it, on any route.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { newUser } from '../e2e/support/client.mjs';
import { routes } from '../e2e/support/routes.mjs';
import { answerWith, startScripted } from '../e2e/support/scripted_upstream.mjs';
import { startServer } from '../e2e/support/server.mjs';
import { makeGate, test, until } from '../e2e/support/wait.mjs';
import { FaultDisk, WAL } from './support/faults.mjs';

let disk;
let upstream;
let server;
before(async () => {
  disk = new FaultDisk();
  upstream = await startScripted();
  server = await startServer({ upstream: upstream.url, dataDir: disk.dataDir, env: disk.env, args: ['--workers', '2'] });
});
after(async () => {
  disk?.release();
  await server?.stop();
  await upstream?.stop();
  disk?.remove();
});

// The routes that can be read, the page's files apart.
const readable = routes.filter(({ method, path }) => method === 'GET' && !/^\/([\w.]+\.\w+)?$/.test(path)).map(({ path }) => path);

// Requests one route; a stream is read on in the background. Answers {route, status, text}, text growing where it streams.
async function readRoute(user, route, thread) {
  const filled = route.replace('{id}', encodeURIComponent(thread)).replace(/\{[^}]+\}/g, '01a21125-ac9f-7051-91ae-47fcf6a54008');
  const response = await user.request(`${filled}?thread_id=${encodeURIComponent(thread)}&limit=100&q=${encodeURIComponent(thread)}`);
  const answer = { route, status: response.status, text: '' };
  const whole = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) answer.text += decoder.decode(bytes, { stream: true });
  })();
  whole.catch(() => {});
  if (!/event-stream/.test(response.headers.get('content-type') ?? '')) await whole;
  return answer;
}

// What this user can read on all routes, asked twice by connections of their own.
async function readEverything(user, thread) {
  const answers = [];
  for (let round = 0; round < 2; ++round) {
    answers.push(...await Promise.all(readable.map((route) => readRoute(user, route, thread))));
  }
  return answers;
}

const pick = (answers, route) => answers.filter((answer) => answer.route === route);
const sequences = (answers) => pick(answers, '/health').map((answer) => JSON.parse(answer.text).store.sequence);
// Counters that follow commits; others (requests, connections, runs begun) count what was asked, not what is kept.
const committed = (answers) => pick(answers, '/metrics').map((answer) => answer.text.split('\n').filter((line) => /^\w*(store_com|tokens_streamed|runs_done)/.test(line)).join('\n'));
// What must stay as it was, but for the clock.
const steady = (answers, route) => pick(answers, route).map((answer) => `${answer.status} ${answer.text}`);

// Sends a request that must not be answered while syncs are held.
function sendHeld(promise) {
  const sent = { answered: false };
  sent.response = promise.then((response) => { sent.answered = true; return response; });
  sent.response.catch(() => {});
  return sent;
}

// Does `act` with syncs held; checks that all routes say the same as before, and `secret` nowhere; then releases.
async function checkHidden({ user, thread, secret, act, isUnderWay = () => true }) {
  const earlier = await readEverything(user, thread);
  disk.hold();
  try {
    const sent = sendHeld(act());
    await disk.waitForHeld();
    await until('the server to work on it', isUnderWay);
    const now = await readEverything(user, thread);
    assert.ok(disk.held > 0, 'the sync waits still');
    assert.equal(sent.answered, false, 'the author was answered before the sync');
    for (const answer of now) assert.ok(!answer.text.includes(secret), `${answer.route} shows ${secret}: ${answer.text}`);
    assert.equal(new Set([...sequences(earlier), ...sequences(now)]).size, 1, 'the sequence of /health moved');
    assert.equal(new Set([...committed(earlier), ...committed(now)]).size, 1, `metrics moved: ${committed(now)}`);
    for (const route of readable.filter((each) => each.startsWith('/chat/') && each !== '/chat/stream')) {
      assert.equal(new Set([...steady(earlier, route), ...steady(now, route)]).size, 1, `${route} changed: ${steady(now, route)}`);
    }
    disk.release();
    return await sent.response;
  } finally {
    disk.release();
  }
}

test('the routes that can be read are found in the table of the router', () => {
  for (const route of ['/chat/history', '/chat/sessions', '/chat/sessions/{id}/queue', '/health', '/metrics']) assert.ok(readable.includes(route), route);
});

test('a message is on no route, and its author hears nothing, before the sync; then it is everywhere', async () => {
  const user = await newUser(server);
  upstream.answer(answerWith('the answer'));
  await user.ask('something earlier', 'other');
  const before = upstream.requests.length;
  const response = await checkHidden({
    user, thread: 'held-thread', secret: 'held-message',
    act: () => user.post({ message: 'held-message', thread_id: 'held-thread' }),
    isUnderWay: () => upstream.requests.length > before,   // the model is asked beside the commit
  });
  assert.match(await response.text(), /"start"[^]*the answer[^]*"done"/);
  assert.deepEqual(await user.contents('held-thread'), ['held-message', 'the answer']);
  assert.deepEqual((await user.sessions()).sessions.map((session) => session.id), ['held-thread', 'other']);
});

test('a message in a thread that is there changes neither history, list nor preview before the sync', async () => {
  const user = await newUser(server);
  upstream.answer(answerWith('fine'));
  await user.ask('first', 't');
  const response = await checkHidden({ user, thread: 't', secret: 'second-message', act: () => user.post({ message: 'second-message', thread_id: 't' }) });
  await response.text();
  assert.deepEqual(await user.contents('t'), ['first', 'fine', 'second-message', 'fine']);
});

test('a waiting message is not in the queue before the sync, and its cancelling not before the next', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  upstream.answer(async (reply) => { reply.head(); await reply.text('x'); await gate.opened; await reply.finish(); });
  const active = await user.open('active', 't');
  await active.until('token');
  const response = await checkHidden({ user, thread: 't', secret: 'waiting-message', act: () => user.post({ message: 'waiting-message', thread_id: 't' }) });
  const { queue } = await user.json('/chat/sessions/t/queue');
  assert.deepEqual(queue.map((entry) => entry.message), ['waiting-message']);
  const cancelled = await checkHidden({
    user, thread: 't', secret: 'cancelled', act: () => user.request(`/chat/sessions/t/queue/${queue[0].run_id}`, { method: 'DELETE' }),
  });
  assert.equal(cancelled.status, 200);
  assert.deepEqual((await user.json('/chat/sessions/t/queue')).queue, []);
  await response.body.cancel();
  gate.open();
  await active.finish();
});

test('a deleted thread is there for all readers until the sync, and the deleter hears nothing', async () => {
  const user = await newUser(server);
  upstream.answer(answerWith('fine'));
  for (const thread of ['kept', 'gone']) await user.ask('hello', thread);
  const one = await checkHidden({ user, thread: 'gone', secret: 'deleted_sessions', act: () => user.request('/chat/history?thread_id=gone', { method: 'DELETE' }) });
  assert.equal(one.status, 200);
  assert.equal((await user.request('/chat/history?thread_id=gone')).status, 404);
  const all = await checkHidden({ user, thread: 'kept', secret: 'deleted_sessions', act: () => user.request('/chat/history', { method: 'DELETE' }) });
  assert.equal(all.status, 200);
  assert.deepEqual((await user.sessions()).sessions, []);
});

test('the end of an answer is not told before its sync; the tokens before it are', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  upstream.answer(async (reply) => { reply.head(); await reply.text('one '); await gate.opened; await reply.text('two'); await reply.finish(); });
  const stream = await user.open('question', 't');
  await stream.until('token');
  disk.hold();
  try {
    gate.open();
    assert.equal((await stream.next()).data.content, 'two');
    let told = null;
    const next = stream.next().then((event) => { told = event; return event; });
    await disk.waitForHeld();
    assert.deepEqual(await user.contents('t'), ['question'], 'the answer is not in history');
    assert.equal((await user.history('t')).active_run !== undefined, true);
    assert.equal(told, null, 'the end was told before the sync');
    disk.release();
    assert.equal((await next).data.type, 'done');
    assert.deepEqual(await user.contents('t'), ['question', 'one two']);
  } finally {
    disk.release();
  }
});

for (const [what, pattern] of [['the log of the store', WAL], ['every file', '']]) {
  test(`tokens of a running answer flow while the sync of ${what} is held back by another's message`, async () => {
    const user = await newUser(server);
    const gates = [makeGate(), makeGate()];
    upstream.answer(async (reply, request) => {
      if (request.body.messages.at(-1).content !== 'streams') return answerWith('x')(reply);
      reply.head();
      await reply.text('0');
      for (const [index, gate] of gates.entries()) { await gate.opened; await reply.text(`${index + 1}`); }
      return reply.finish();
    });
    const stream = await user.open('streams', 'streaming');
    await stream.until('token');
    disk.hold(pattern);
    try {
      const other = sendHeld(user.post({ message: 'waits', thread_id: 'other' }));
      await disk.waitForHeld();
      for (const gate of gates) {
        gate.open();
        assert.equal((await stream.next()).data.type, 'token');
      }
      assert.equal(stream.text, '012');
      assert.ok(disk.held > 0);
      assert.equal(other.answered, false);
      disk.release();
      assert.equal((await stream.finish()).data.type, 'done');
      await (await other.response).text();
    } finally {
      disk.release();
    }
  });
}

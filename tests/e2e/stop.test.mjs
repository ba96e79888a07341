// Stop, interrupt and continue: a run ends when somebody says so, what it said is kept, and it can be finished later.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { expectProblem, newUser } from './support/client.mjs';
import { answerWith, chunkOf, startScripted } from './support/scripted_upstream.mjs';
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

const stop = (user, body) => user.request('/chat/stop', { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
const stopped = async (user, body) => {
  const response = await stop(user, body);
  assert.equal(response.status, 200, response.status === 200 ? '' : await response.text());
  return response.json();
};

// Says `begun` and then nothing more.
function beginAndHang() {
  upstream.answer(async (reply) => {
    reply.head();
    await reply.text('begun');
  });
}

// Many times, as connections fall on either worker.
test('stop ends the run from any device, closes the model\'s connection and keeps what was said', async () => {
  const user = await newUser(server);
  beginAndHang();
  for (let round = 0; round < 8; ++round) {
    const threadId = `t${round}`;
    const stream = await user.open('hello', threadId);
    const { data } = await stream.next();
    await stream.until('token');
    const request = upstream.requests.at(-1);
    const answer = await stopped(user, { thread_id: threadId, ...(round % 2 ? { run_id: data.run_id } : {}) });
    const end = await stream.finish();
    assert.deepEqual(answer, { stopped: true, last_event_id: Number(end.id) });
    assert.deepEqual([end.data.type, end.data.reason, end.data.message_id], ['stopped', 'stopped', data.message_id]);
    await request.closed;
    const { messages } = await user.history(threadId);
    assert.deepEqual(messages.map((message) => [message.content, message.status]), [['hello', 'complete'], ['begun', 'stopped']]);
    assert.deepEqual(messages[1].usage, { prompt_tokens: 0, completion_tokens: 1, total_tokens: 1 });
    assert.deepEqual(await stopped(user, { thread_id: threadId }), { stopped: false, last_event_id: Number(end.id) });
  }
});

test('usage that the model\'s server tells on the way is kept with the partial answer', async () => {
  const user = await newUser(server);
  upstream.answer(async (reply) => {
    reply.head();
    await reply.event(chunkOf({ delta: { content: 'begun' } }, { usage: { prompt_tokens: 7, completion_tokens: 1, total_tokens: 8 } }));
  });
  const stream = await user.open('hello', 't');
  await stream.until('token');
  await stopped(user, { thread_id: 't' });
  assert.deepEqual((await user.history('t')).messages[1].usage, { prompt_tokens: 7, completion_tokens: 1, total_tokens: 8 });
});

test('before the first token: the model is left alone and the question stays', async () => {
  const user = await newUser(server);
  upstream.answer(async () => {});
  const before = upstream.requests.length;
  const stream = await user.open('hello', 't');
  await stream.next();
  await until('the model to be asked', () => upstream.requests.length > before);
  assert.equal((await stopped(user, { thread_id: 't' })).stopped, true);
  assert.equal((await stream.finish()).data.type, 'stopped');
  await upstream.requests.at(-1).closed;
  assert.deepEqual(await user.contents('t'), ['hello']);
});

test('stop of a waiting message takes it out of the queue; the queue goes on after a stop', async () => {
  const user = await newUser(server);
  upstream.answer(async (reply, request) => {
    reply.head();
    await reply.text('re: ');
    if (request.body.messages.at(-1).content === 'hang') return;
    await reply.finish();
  });
  const active = await user.open('hang', 't');
  await active.until('token');
  const second = await user.open('second', 't');
  const { data } = await second.next();
  const third = await user.open('third', 't');
  await third.next();
  assert.deepEqual(await stopped(user, { thread_id: 't', run_id: data.run_id }), { stopped: true, last_event_id: 1 });
  assert.deepEqual((await second.finish()).data.reason, 'cancelled');
  await stopped(user, { thread_id: 't' });
  assert.equal((await active.finish()).data.type, 'stopped');
  assert.equal((await third.finish()).data.type, 'done');
  assert.deepEqual(await user.contents('t'), ['hang', 're: ', 'third', 're: ']);
});

test('stop: bad input', async () => {
  const user = await newUser(server);
  const other = await newUser(server);
  upstream.answer(answerWith('x'));
  await other.ask('hello', 'theirs');
  await expectProblem(await stop(user, { thread_id: 'theirs' }), 404, 'not_found');
  await expectProblem(await stop(user, { thread_id: 'none', run_id: 'x' }), 404, 'not_found');
  for (const body of [{}, { thread_id: 1 }, { thread_id: '' }, { thread_id: 't', run_id: 1 }, []]) {
    await expectProblem(await stop(user, body), 422);
  }
});

test('on_busy "interrupt" stops the run and goes before all that wait', async () => {
  const user = await newUser(server);
  upstream.answer(async (reply, request) => {
    reply.head();
    await reply.text('re: ');
    if (request.body.messages.at(-1).content === 'hang') return;
    await reply.text(request.body.messages.at(-1).content);
    await reply.finish();
  });
  const active = await user.open('hang', 't');
  await active.until('token');
  const waiting = await user.open('waits', 't');
  await waiting.next();
  const urgent = await user.open('urgent', 't', { on_busy: 'interrupt' });
  assert.deepEqual((await urgent.next()).data.position, 1);
  const end = await active.finish();
  assert.deepEqual([end.data.type, end.data.reason], ['stopped', 'interrupted']);
  for (const stream of [urgent, waiting]) assert.equal((await stream.finish()).data.type, 'done');
  assert.deepEqual(await user.contents('t'), ['hang', 're: ', 'urgent', 're: urgent', 'waits', 're: waits']);
  await user.ask('idle', 't', { on_busy: 'interrupt' });
});

test('on_disconnect "stop": the run ends with its client', async () => {
  const user = await newUser(server);
  beginAndHang();
  const stream = await user.open('hello', 't', { on_disconnect: 'stop' });
  await stream.until('token');
  await stream.close();
  await until('the run to end', async () => (await user.history('t')).active_run === undefined);
  const { messages } = await user.history('t');
  assert.deepEqual([messages[1].content, messages[1].status], ['begun', 'stopped']);
});

test('continue: a new run that begins with what there is, and is the answer from then on', async () => {
  const user = await newUser(server);
  beginAndHang();
  const stream = await user.open('hello', 't');
  await stream.until('token');
  await stopped(user, { thread_id: 't' });
  await stream.finish();
  const old = (await user.history('t')).messages[1];
  upstream.answer(answerWith(' and ', 'done'));
  const again = await user.open(undefined, 't', { continue: true });
  await again.finish();
  assert.equal(again.text, 'begun and done');
  const asked = upstream.requests.at(-1).body.messages;
  assert.deepEqual(asked.slice(-3, -1).map((message) => [message.role, message.content]), [['user', 'hello'], ['assistant', 'begun']]);
  assert.equal(asked.at(-1).role, 'user');
  const { messages, message_count: count } = await user.history('t');
  assert.equal(count, 2);
  assert.deepEqual(messages.map((message) => [message.content, message.status]), [['hello', 'complete'], ['begun and done', 'complete']]);
  assert.notEqual(messages[1].id, old.id);
  assert.equal(again.events[0].data.user_message_id, messages[0].id);
  await user.ask('more', 't');
  assert.deepEqual(await user.contents('t'), ['hello', 'begun and done', 'more', ' and done']);
  await expectProblem(await user.post({ continue: true, thread_id: 't' }), 422, 'invalid');
});

test('a continuation that is stopped at once keeps what was there', async () => {
  const user = await newUser(server);
  beginAndHang();
  const stream = await user.open('hello', 't');
  await stream.until('token');
  await stopped(user, { thread_id: 't' });
  upstream.answer(async () => {});
  const again = await user.open(undefined, 't', { continue: true });
  await again.until('token');
  await expectProblem(await user.post({ continue: true, thread_id: 't' }), 409, 'busy');
  await stopped(user, { thread_id: 't' });
  assert.deepEqual(await user.contents('t'), ['hello', 'begun']);
});

test('a question without an answer can be continued: it is answered', async () => {
  const user = await newUser(server);
  upstream.answer(async (reply) => reply.json(500, {}));
  const stream = await user.open('hello', 't');
  assert.equal((await stream.finish()).data.type, 'error');
  upstream.answer(answerWith('fine'));
  const again = await user.open(undefined, 't', { continue: true });
  await again.finish();
  assert.deepEqual(await user.contents('t'), ['hello', 'fine']);
  assert.equal(upstream.requests.at(-1).body.messages.at(-1).content, 'hello');
});

test('continue: bad input', async () => {
  const user = await newUser(server);
  await expectProblem(await user.post({ continue: true, thread_id: 'none' }), 404, 'not_found');
  for (const body of [{ continue: true }, { continue: 'yes', thread_id: 't' }, { continue: true, thread_id: 't', message: 'x' },
    { message: 'x', on_disconnect: 'explode' }, { message: 'x', on_busy: 'explode' }]) {
    await expectProblem(await user.post(body), 422, 'invalid');
  }
  assert.deepEqual((await user.sessions()).sessions, []);
});

test('after kill -9 an interrupted answer can be continued', manyStarts, async () => {
  const own = await startServer({ upstream: upstream.url });
  try {
    const user = await newUser(own);
    beginAndHang();
    const stream = await user.open('hello', 't');
    await stream.until('token');
    await own.kill();
    await own.start();
    upstream.answer(answerWith(', ended'));
    const again = await user.open(undefined, 't', { continue: true });
    await again.finish();
    assert.deepEqual(await user.contents('t'), ['hello', 'begun, ended']);
  } finally {
    await own.stop();
  }
});

test('an interrupt that was stored goes first after a restart too', manyStarts, async () => {
  const own = await startServer({ upstream: upstream.url });
  try {
    const user = await newUser(own);
    const gate = makeGate();
    upstream.answer(async (reply, request) => {
      reply.head();
      if (request.body.messages.at(-1).content !== 'hang') await gate.opened;
      await reply.text(`re: ${request.body.messages.at(-1).content}`);
      if (request.body.messages.at(-1).content !== 'hang') await reply.finish();
    });
    const active = await user.open('hang', 't');
    await active.until('token');
    for (const message of ['waits', 'waits too']) await (await user.open(message, 't')).next();
    await (await user.open('urgent', 't', { on_busy: 'interrupt' })).until('start');
    await (await user.open('more urgent', 't', { on_busy: 'interrupt' })).next();
    await own.kill();
    await own.start();
    gate.open();
    await until('all to be answered', async () => (await user.contents('t')).at(-1) === 're: waits too');
    const contents = await user.contents('t');
    assert.deepEqual(contents.filter((text) => !text.startsWith('re: ')), ['hang', 'urgent', 'more urgent', 'waits', 'waits too']);
  } finally {
    await own.stop();
  }
});

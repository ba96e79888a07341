// One run per thread: what happens to submits that come while it is busy.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { expectProblem, newUser } from './support/client.mjs';
import { answerWith, startScripted } from './support/scripted_upstream.mjs';
import { startServer } from './support/server.mjs';
import { makeGate, test, until } from './support/wait.mjs';

let server;
let upstream;
before(async () => {
  upstream = await startScripted();
  server = await startServer({ upstream: upstream.url });
});
after(async () => {
  await server?.stop();
  await upstream?.stop();
});

// An upstream that answers `re: …`, but the message `hold` only once the gate is open.
function answerHeldBy(gate) {
  upstream.answer(async (reply, request) => {
    const message = request.body.messages.at(-1).content;
    reply.head();
    await reply.text('re: ');
    if (message === 'hold') await gate.opened;
    await reply.text(message);
    await reply.finish();
  });
}

// A stream whose first event has arrived.
async function openAndBegin(user, message, more) {
  const stream = await user.open(message, 't', more);
  const first = await stream.next();
  return { stream, first: first.data };
}

test('submits to a busy thread are told their place and are answered in the order in which they came', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  answerHeldBy(gate);
  const { stream: held } = await openAndBegin(user, 'hold');
  const waiting = [];
  for (let index = 1; index <= 10; ++index) {
    const { stream, first } = await openAndBegin(user, `message ${index}`);
    assert.equal(first.type, 'queued');
    assert.equal(first.position, index);
    waiting.push(stream);
  }
  assert.deepEqual(await user.contents('t'), ['hold'], 'a queued message is not in history before its turn');
  gate.open();
  await held.finish();
  for (const [index, stream] of waiting.entries()) {
    assert.equal((await stream.finish()).data.type, 'done');
    assert.equal(stream.text, `re: message ${index + 1}`);
    const numbered = stream.events.filter((event) => event.data.type !== 'queued').map((event) => event.id);
    assert.deepEqual(numbered, numbered.map((_, at) => String(at + 1)), 'ids count from 1 at `start`');
  }
  const contents = await user.contents('t');
  assert.deepEqual(contents.filter((_, at) => at % 2 === 0), ['hold', ...waiting.map((_, index) => `message ${index + 1}`)]);
});

test('on_busy "reject" is 409 while a run is active and nothing is stored; idle, it is answered', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  answerHeldBy(gate);
  const { stream } = await openAndBegin(user, 'hold');
  await expectProblem(await user.post({ message: 'no', thread_id: 't', on_busy: 'reject' }), 409, 'busy');
  gate.open();
  await stream.finish();
  await user.ask('yes', 't', { on_busy: 'reject' });
  assert.deepEqual(await user.contents('t'), ['hold', 're: hold', 'yes', 're: yes']);
});

test('a full queue is 429 with Retry-After, and nothing is stored', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  answerHeldBy(gate);
  const { stream: held } = await openAndBegin(user, 'hold');
  const waiting = await Promise.all(Array.from({ length: 128 }, (_, index) => openAndBegin(user, `message ${index}`)));
  const refused = await user.post({ message: 'one too many', thread_id: 't' });
  assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/);
  await expectProblem(refused, 429, 'queue_full');
  gate.open();
  await held.finish();
  for (const { stream } of waiting) assert.equal((await stream.finish()).data.type, 'done');
  const contents = await user.contents('t');
  assert.equal(contents.length, 2 * 129);
  assert.ok(!contents.includes('one too many'));
});

test('the queue goes on after an error', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  upstream.answer(async (reply, request) => {
    if (request.body.messages.at(-1).content !== 'fails') return answerWith('fine')(reply);
    await gate.opened;
    return reply.json(500, {});
  });
  const { stream: failing } = await openAndBegin(user, 'fails');
  const { stream: next, first } = await openAndBegin(user, 'works');
  assert.equal(first.type, 'queued');
  gate.open();
  assert.equal((await failing.finish()).data.type, 'error');
  assert.equal((await next.finish()).data.type, 'done');
  assert.deepEqual(await user.contents('t'), ['fails', 'works', 'fine']);
});

test('a reader that leaves does not stop its run', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  answerHeldBy(gate);
  const { stream } = await openAndBegin(user, 'hold');
  await stream.close();
  gate.open();
  await until('the answer to be stored', async () => (await user.history('t')).message_count === 2);
  assert.deepEqual(await user.contents('t'), ['hold', 're: hold']);
});

test('deleting a thread ends its run and its queue as stopped, closes the upstream, and nothing comes back', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  answerHeldBy(gate);
  const { stream: held } = await openAndBegin(user, 'hold');
  const { stream: queued } = await openAndBegin(user, 'waits');
  await until('the upstream to be asked', () => upstream.requests.at(-1)?.body.messages.at(-1).content === 'hold');
  const asked = upstream.requests.at(-1);
  await user.deleteThread('t');
  for (const stream of [held, queued]) {
    const end = await stream.finish();
    assert.deepEqual([end.data.type, end.data.reason], ['stopped', 'deleted']);
  }
  await asked.closed;
  gate.open();
  await user.ask('a new beginning', 't');
  assert.deepEqual(await user.contents('t'), ['a new beginning', 're: a new beginning']);
});

// ---- the queue from outside

const queueOf = async (user) => (await user.json('/chat/sessions/t/queue')).queue;
const cancel = (user, runId) => user.request(`/chat/sessions/t/queue/${runId}`, { method: 'DELETE' });

test('what waits can be listed with its position and taken out; the rest moves up', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  answerHeldBy(gate);
  const { stream: held } = await openAndBegin(user, 'hold');
  assert.deepEqual(await queueOf(user), []);
  const waiting = [];
  for (const message of ['one', 'two', 'three']) waiting.push(await openAndBegin(user, message));
  const listed = (entries) => entries.map(({ position, message, run_id: runId }) => [position, message, runId]);
  const [one, two, three] = waiting.map(({ first }) => first.run_id);
  assert.deepEqual(listed(await queueOf(user)), [[1, 'one', one], [2, 'two', two], [3, 'three', three]]);

  const answer = await cancel(user, two);
  assert.equal(answer.status, 200, await answer.text());
  const end = await waiting[1].stream.finish();
  assert.deepEqual([end.data.type, end.data.reason], ['stopped', 'cancelled']);
  assert.deepEqual(listed(await queueOf(user)), [[1, 'one', one], [2, 'three', three]]);
  const { stream: four, first } = await openAndBegin(user, 'four');
  assert.equal(first.position, 3);

  await expectProblem(await cancel(user, two), 404, 'not_found');
  gate.open();
  await held.finish();
  for (const stream of [waiting[0].stream, waiting[2].stream, four]) assert.equal((await stream.finish()).data.type, 'done');
  assert.deepEqual(await user.contents('t'), ['hold', 're: hold', 'one', 're: one', 'three', 're: three', 'four', 're: four']);
  assert.deepEqual(await queueOf(user), []);
  await expectProblem(await cancel(user, one), 404, 'not_found');
});

test('the queue of an unknown thread, or of somebody else, is not found, and nothing in it is touched', async () => {
  const user = await newUser(server);
  const stranger = await newUser(server);
  const gate = makeGate();
  answerHeldBy(gate);
  const { stream: held } = await openAndBegin(user, 'hold');
  const { stream, first } = await openAndBegin(user, 'waits');
  for (const runId of ['00000000-0000-7000-8000-000000000000', 'nonsense', held.events[0].data.run_id]) {
    await expectProblem(await cancel(user, runId), 404, 'not_found');
  }
  await expectProblem(await user.request('/chat/sessions/unknown/queue'), 404, 'not_found');
  await expectProblem(await stranger.request('/chat/sessions/t/queue'), 404, 'not_found');
  await expectProblem(await cancel(stranger, first.run_id), 404, 'not_found');
  await stranger.ask('a thread of the same id', 't');
  await expectProblem(await cancel(stranger, first.run_id), 404, 'not_found');
  assert.equal((await queueOf(user)).length, 1);
  gate.open();
  for (const open of [held, stream]) assert.equal((await open.finish()).data.type, 'done');
});

// ---- times

// Fails unless the texts are in this order; RFC 3339 with a fixed number of digits compares as text.
function assertAscending(timestamps) {
  for (const text of timestamps) assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.deepEqual(timestamps, [...timestamps].sort());
}

test('timestamps of messages that have waited never run backwards in history', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  answerHeldBy(gate);
  const { stream: held } = await openAndBegin(user, 'hold');
  const waiting = [];
  for (const message of ['one', 'two', 'three']) waiting.push(await openAndBegin(user, message));
  gate.open();
  for (const { stream } of [{ stream: held }, ...waiting]) await stream.finish();
  const { messages } = await user.history('t');
  assert.equal(messages.length, 8);
  assertAscending(messages.map((message) => message.timestamp));
});

test('sessions come newest first by the timestamps that they show, also while messages wait', async () => {
  const user = await newUser(server);
  const gates = { first: makeGate(), second: makeGate() };
  upstream.answer(async (reply, request) => {
    const message = request.body.messages.at(-1).content;
    reply.head();
    await gates[message]?.opened;
    await reply.text(message);
    await reply.finish();
  });
  const expectNewestFirst = async (ids) => {
    const { sessions } = await user.sessions();
    assert.deepEqual(sessions.map((session) => session.id), ids);
    assertAscending(sessions.map((session) => session.timestamp).reverse());
  };
  const { stream: first } = await openAndBegin(user, 'first');
  const { stream: second } = await openAndBegin(user, 'second');
  await user.ask('meanwhile', 'other');
  await expectNewestFirst(['other', 't']);
  gates.first.open();
  await first.finish();
  await second.until('start');
  await expectNewestFirst(['t', 'other']);
  await user.ask('meanwhile, again', 'other');
  await expectNewestFirst(['other', 't']);
  gates.second.open();
  await second.finish();
  await expectNewestFirst(['t', 'other']);
});

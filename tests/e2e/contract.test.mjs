// The contract that existing clients use: their exact requests, and the name and type of every field of the answers.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { expectProblem, newUser } from './support/client.mjs';
import { answerWith, startScripted } from './support/scripted_upstream.mjs';
import { startServer } from './support/server.mjs';
import { test } from './support/wait.mjs';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
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

test('the old client’s request, thread_id null, is answered as a stream that proxies leave alone', async () => {
  const user = await newUser(server);
  const response = await user.request('/chat/stream', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: '{"message":"Hello","thread_id":null}',
  });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type'), /^text\/event-stream\b/);
  assert.equal(response.headers.get('cache-control'), 'no-cache, no-transform');
  assert.equal(response.headers.get('x-accel-buffering'), 'no');
  await response.text();
});

test('start, token and done have the documented fields, and ids count from 1', async () => {
  const user = await newUser(server);
  upstream.answer(answerWith('To', ' fix', ' it'));
  const { events, threadId, text } = await user.ask('How do I fix it?', null);
  assert.equal(text, 'To fix it');
  assert.deepEqual(events.map((event) => event.id), events.map((_, index) => String(index + 1)));
  assert.ok(events.every((event) => event.name === undefined), 'no `event:` field: old clients read `type`');

  const start = events[0].data;
  assert.equal(start.type, 'start');
  assert.match(start.thread_id, /^thread-/);
  assert.match(start.thread_id.slice('thread-'.length), UUID);
  for (const name of ['user_message_id', 'message_id', 'run_id']) assert.match(start[name], UUID, name);
  for (const { data } of events.slice(1, -1)) assert.deepEqual(data, { type: 'token', content: data.content });

  const done = events.at(-1).data;
  assert.equal(done.type, 'done');
  assert.equal(done.thread_id, threadId);
  assert.equal(done.message_id, start.message_id);
  assert.equal(done.finish_reason, 'stop');
  assert.ok('usage' in done);
});

test('thread_id absent, null or empty makes a thread; a given one is used as it is', async () => {
  const user = await newUser(server);
  const bodies = ['{"message":"a"}', '{"message":"a","thread_id":null}', '{"message":"a","thread_id":""}'];
  const made = new Set();
  for (const body of bodies) {
    const response = await user.post(body);
    made.add(/"thread_id":"(thread-[^"]+)"/.exec(await response.text())[1]);
  }
  assert.equal(made.size, 3);
  const given = 'Fäden/für?&#%+ alle 🧵';
  assert.equal((await user.ask('a', given)).threadId, given);
  assert.equal((await user.history(given)).thread_id, given);
  const longest = 'x'.repeat(128);
  assert.equal((await user.ask('a', longest)).threadId, longest);
});

test('unknown request fields and other JSON layouts are accepted', async () => {
  const user = await newUser(server);
  const response = await user.post(' {"extra" : {"deep":[1,2.5e3,null,true]}, "message" : "a\\u0062c" }\r\n', { 'Content-Type': 'application/json; charset=utf-8' });
  assert.equal(response.status, 200);
  const threadId = /"thread_id":"([^"]+)"/.exec(await response.text())[1];
  assert.equal((await user.contents(threadId))[0], 'abc');
});

test('history has the documented shape, oldest first', async () => {
  const user = await newUser(server);
  upstream.answer(answerWith('one'));
  const { threadId, events } = await user.ask('first');
  await user.ask('second', threadId);
  const history = await user.history(threadId);
  assert.equal(history.thread_id, threadId);
  assert.equal(history.message_count, 4);
  assert.deepEqual(history.messages.map(({ role, content }) => [role, content]),
    [['user', 'first'], ['assistant', 'one'], ['user', 'second'], ['assistant', 'one']]);
  for (const message of history.messages) assert.match(message.timestamp, TIME);
  const times = history.messages.map((message) => message.timestamp);
  assert.deepEqual(times, [...times].sort());
  assert.equal(history.messages[0].id, events[0].data.user_message_id);
  assert.equal(history.messages[1].id, events[0].data.message_id);
  assert.ok(!('next_cursor' in history));
});

test('sessions have the documented shape', async () => {
  const user = await newUser(server);
  assert.deepEqual(await user.sessions(), { sessions: [] });
  upstream.answer(answerWith('An answer.'));
  const { threadId } = await user.ask('A question?');
  const { sessions, ...rest } = await user.sessions();
  assert.deepEqual(rest, {});
  assert.equal(sessions.length, 1);
  const [session] = sessions;
  assert.equal(session.id, threadId);
  assert.equal(session.title, 'A question?');
  assert.equal(session.preview, 'An answer.');
  assert.equal(session.message_count, 2);
  assert.match(session.timestamp, TIME);
});

test('titles are cut at 50 and previews at 60 graphemes, with dots only when cut', async () => {
  const user = await newUser(server);
  const family = '👨‍👩‍👧‍👦';
  const cases = [
    ['x'.repeat(50), 'y'.repeat(60), 'x'.repeat(50), 'y'.repeat(60)],
    ['x'.repeat(51), 'y'.repeat(61), `${'x'.repeat(50)}...`, `${'y'.repeat(60)}...`],
    [family.repeat(51), 'e\u0301'.repeat(61), `${family.repeat(50)}...`, `${'e\u0301'.repeat(60)}...`],
    ['🇩🇪'.repeat(51), '한국'.repeat(31), `${'🇩🇪'.repeat(50)}...`, `${'한국'.repeat(30)}...`],
    ['ab', 'नमस्ते', 'ab', 'नमस्ते'],
  ];
  for (const [message, answer, title, preview] of cases) {
    upstream.answer(answerWith(answer));
    const { threadId } = await user.ask(message);
    const session = (await user.sessions('?limit=1')).sessions[0];
    assert.equal(session.id, threadId);
    assert.equal(session.title, title);
    assert.equal(session.preview, preview);
  }
});

test('the title stays that of the first message, the preview follows the last', async () => {
  const user = await newUser(server);
  upstream.answer(answerWith('answer 1'));
  const { threadId } = await user.ask('first question');
  upstream.answer(answerWith('answer 2'));
  await user.ask('second question', threadId);
  const [session] = (await user.sessions()).sessions;
  assert.deepEqual([session.title, session.preview, session.message_count], ['first question', 'answer 2', 4]);
});

test('history pages backwards by next_cursor and meets every message once', async () => {
  const user = await newUser(server);
  const threadId = 'paged';
  upstream.answer(async (reply, request) => answerWith(`re ${request.body.messages.at(-1).content}`)(reply));
  for (let turn = 0; turn < 12; ++turn) await user.ask(`message ${turn}`, threadId);
  const whole = await user.history(threadId);
  assert.equal(whole.messages.length, 24);
  let gathered = [];
  let query = '&limit=7';
  for (;;) {
    const page = await user.history(threadId, query);
    assert.equal(page.message_count, 24);
    gathered = [...page.messages, ...gathered];
    if (!page.next_cursor) break;
    assert.equal(page.messages.length, 7);
    query = `&limit=7&before=${encodeURIComponent(page.next_cursor)}`;
  }
  assert.deepEqual(gathered, whole.messages);
  const exact = await user.history(threadId, '&limit=24');
  assert.equal(exact.messages.length, 24);
  assert.ok(!exact.next_cursor);
});

test('sessions page by next_cursor and meet every thread once, newest first', async () => {
  const user = await newUser(server);
  const ids = Array.from({ length: 11 }, (_, index) => `thread ${index}`);
  for (const id of ids) await user.ask('hello', id);
  const seen = [];
  let query = '?limit=4';
  for (;;) {
    const page = await user.sessions(query);
    seen.push(...page.sessions.map((session) => session.id));
    if (!page.next_cursor) break;
    query = `?limit=4&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
  assert.deepEqual(seen, [...ids].reverse());
});

test('a limit that is out of range or no number is 422, at the edges it is fine', async () => {
  const user = await newUser(server);
  await user.ask('hello', 'limits');
  for (const path of ['/chat/history?thread_id=limits&', '/chat/sessions?']) {
    for (const bad of ['0', '1001', '-1', 'abc', '1.5', '', '99999999999999999999', '%31%30%00']) {
      await expectProblem(await user.request(`${path}limit=${bad}`), 422);
    }
    for (const good of ['1', '1000']) await user.json(`${path}limit=${good}`);
  }
});

test('an unknown thread is 404 on read and on delete', async () => {
  const user = await newUser(server);
  await expectProblem(await user.request('/chat/history?thread_id=nowhere'), 404, 'not_found');
  await expectProblem(await user.request('/chat/history?thread_id=nowhere', { method: 'DELETE' }), 404, 'not_found');
});

test('deleting one thread and deleting all say how much went', async () => {
  const user = await newUser(server);
  for (const id of ['a', 'b', 'c']) await user.ask('hello', id);
  await user.ask('again', 'a');
  assert.deepEqual(await user.deleteThread('a'), { deleted_sessions: 1, deleted_messages: 4 });
  await expectProblem(await user.request('/chat/history?thread_id=a'), 404);
  assert.deepEqual((await user.sessions()).sessions.map((session) => session.id), ['c', 'b']);
  assert.deepEqual(await user.deleteAll(), { deleted_sessions: 2, deleted_messages: 4 });
  assert.deepEqual(await user.sessions(), { sessions: [] });
  assert.deepEqual(await user.deleteAll(), { deleted_sessions: 0, deleted_messages: 0 });
});

test('a thread made again under a deleted id begins empty', async () => {
  const user = await newUser(server);
  await user.ask('old text', 'again');
  await user.deleteThread('again');
  upstream.answer(answerWith('fresh'));
  await user.ask('new text', 'again');
  assert.deepEqual(await user.contents('again'), ['new text', 'fresh']);
  const [session] = (await user.sessions()).sessions;
  assert.deepEqual([session.title, session.message_count], ['new text', 2]);
});

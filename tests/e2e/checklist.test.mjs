// The old system's checklist, each item one test by its name.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Client, expectProblem, newUser } from './support/client.mjs';
import { answerWith, startScripted } from './support/scripted_upstream.mjs';
import { startServer } from './support/server.mjs';
import { test } from './support/wait.mjs';

let server;
let upstream;
const answerToLast = async (reply, request) => answerWith('re: ', request.body.messages.at(-1).content)(reply);

before(async () => {
  upstream = await startScripted();
  upstream.answer(answerToLast);
  server = await startServer({ upstream: upstream.url });
});
after(async () => {
  await server?.stop();
  await upstream?.stop();
});

// [['q', 're: q'], …] of a history that must be made of whole turns.
function turnsOf(messages) {
  assert.deepEqual(messages.map((message) => message.role), messages.map((_, index) => (index % 2 ? 'assistant' : 'user')));
  const contents = messages.map((message) => message.content);
  return contents.flatMap((content, index) => (index % 2 ? [] : [[content, contents[index + 1]]]));
}

test('a new chat gets a unique thread id', async () => {
  const user = await newUser(server);
  const made = await Promise.all(Array.from({ length: 30 }, () => user.ask('hello', null)));
  assert.equal(new Set(made.map((turn) => turn.threadId)).size, 30);
});

test('messages persist', async () => {
  const user = await newUser(server);
  const { threadId } = await user.ask('remember me');
  for (let read = 0; read < 3; ++read) assert.deepEqual(await user.contents(threadId), ['remember me', 're: remember me']);
});

test('switching loads the right messages', async () => {
  const user = await newUser(server);
  const ids = ['one', 'one ', 'on', 'ONE', 'one/two', 'один'];       // near misses of each other
  for (const id of ids) await user.ask(`in <${id}>`, id);
  for (const id of [...ids].reverse()) assert.deepEqual(await user.contents(id), [`in <${id}>`, `re: in <${id}>`]);
});

test('sessions survive a refresh, a new sign-in and a restart', async () => {
  const own = await startServer({ upstream: upstream.url });
  try {
    const user = await newUser(own, 'returning');
    for (const id of ['first', 'second']) await user.ask(`hello ${id}`, id);
    const list = await user.sessions();
    const history = await user.history('first');
    assert.deepEqual(await user.sessions(), list);
    const signedInAgain = new Client(own, await own.token('returning', { jti: 'another token' }));
    assert.deepEqual(await signedInAgain.sessions(), list);
    await own.restart();
    assert.deepEqual(await user.sessions(), list);
    assert.deepEqual(await user.history('first'), history);
    assert.equal((await own.terminate()).code, 0);
    await own.start();
    assert.deepEqual(await user.sessions(), list);
    assert.deepEqual(await user.history('first'), history);
  } finally {
    await own.stop();
  }
});

test('two tabs stay isolated', async () => {
  const user = await newUser(server);
  const tabs = await Promise.all(['left', 'right'].map((text) => user.open(text, null)));
  await Promise.all(tabs.map((tab) => tab.finish()));
  const [left, right] = tabs;
  assert.equal(left.text, 're: left');
  assert.equal(right.text, 're: right');
  const [leftId, rightId] = tabs.map((tab) => tab.events[0].data.thread_id);
  assert.notEqual(leftId, rightId);
  assert.deepEqual(await user.contents(leftId), ['left', 're: left']);
  assert.deepEqual(await user.contents(rightId), ['right', 're: right']);
});

test('clear history removes all', async () => {
  const user = await newUser(server);
  const neighbour = await newUser(server);
  await neighbour.ask('stays', 'kept');
  for (let index = 0; index < 20; ++index) await user.ask('hello', `thread ${index}`);
  assert.deepEqual(await user.deleteAll(), { deleted_sessions: 20, deleted_messages: 40 });
  assert.deepEqual(await user.sessions(), { sessions: [] });
  await expectProblem(await user.request('/chat/history?thread_id=thread%207'), 404);
  assert.deepEqual(await neighbour.contents('kept'), ['stays', 're: stays']);
});

test('the list is newest first', async () => {
  const user = await newUser(server);
  for (const id of ['a', 'b', 'c']) await user.ask('hello', id);
  const order = async () => (await user.sessions()).sessions.map((session) => session.id);
  assert.deepEqual(await order(), ['c', 'b', 'a']);
  await user.ask('again', 'a');
  assert.deepEqual(await order(), ['a', 'c', 'b']);
  await user.ask('again', 'a');
  await user.ask('again', 'b');
  assert.deepEqual(await order(), ['b', 'a', 'c']);
  const times = (await user.sessions()).sessions.map((session) => session.timestamp);
  assert.deepEqual(times, [...times].sort().reverse());
});

test('long conversations page', async () => {
  const user = await newUser(server);
  for (let turn = 0; turn < 110; ++turn) await user.ask(`message ${turn}`, 'long');
  const newest = await user.history('long', '&limit=50');
  assert.equal(newest.messages.at(-1).content, 're: message 109');
  assert.equal(newest.message_count, 220);
  let pages = [newest.messages];
  for (let cursor = newest.next_cursor; cursor;) {
    const page = await user.history('long', `&limit=50&before=${encodeURIComponent(cursor)}`);
    pages = [page.messages, ...pages];
    cursor = page.next_cursor;
  }
  assert.deepEqual(pages.map((page) => page.length), [20, 50, 50, 50, 50]);
  assert.deepEqual(turnsOf(pages.flat()), Array.from({ length: 110 }, (_, turn) => [`message ${turn}`, `re: message ${turn}`]));
});

test('concurrent messages do not race: 100 at once to one new thread are answered one after the other in queue order', async () => {
  const user = await newUser(server);
  const texts = Array.from({ length: 100 }, (_, index) => `message ${index}`);
  const streams = await Promise.all(texts.map((text) => user.open(text, 'busy')));
  const ends = await Promise.all(streams.map((stream) => stream.finish()));
  assert.ok(ends.every((end) => end.data.type === 'done'), JSON.stringify(ends.find((end) => end.data.type !== 'done')));
  streams.forEach((stream, index) => assert.equal(stream.text, `re: ${texts[index]}`));

  const turns = turnsOf((await user.history('busy')).messages);
  assert.equal(turns.length, 100);
  assert.deepEqual(turns.map(([question]) => question).sort(), [...texts].sort());
  for (const [question, answer] of turns) assert.equal(answer, `re: ${question}`);

  // The first did not wait; each stream says once that its turn has come.
  const turnOf = new Map(turns.map(([question], index) => [question, index]));
  const waited = streams.map((stream, index) => ({ turn: turnOf.get(texts[index]), stream })).sort((a, b) => a.turn - b.turn);
  assert.ok(!waited[0].stream.types.includes('queued'), 'the first did not wait');
  assert.ok(waited.filter(({ stream }) => stream.types[0] === 'queued').length > 0, 'some waited');
  for (const { stream } of waited) {
    assert.deepEqual(stream.types.filter((type) => type === 'start'), ['start']);
    assert.ok(['queued', 'start'].includes(stream.types[0]));
  }
  assert.equal((await user.sessions()).sessions[0].message_count, 200);
});

test('concurrent messages do not race: to many threads', async () => {
  const user = await newUser(server);
  const jobs = Array.from({ length: 120 }, (_, index) => ({ id: `many ${index % 40}`, text: `text ${index}` }));
  await Promise.all(jobs.map(({ id, text }) => user.ask(text, id)));
  const { sessions } = await user.sessions();
  assert.equal(sessions.length, 40);
  for (const session of sessions) {
    assert.equal(session.message_count, 6);
    const expected = jobs.filter((job) => job.id === session.id).map(({ text }) => [text, `re: ${text}`]).sort();
    assert.deepEqual(turnsOf((await user.history(session.id)).messages).sort(), expected);
  }
});

test('concurrent messages do not race: beside deletes', async () => {
  const user = await newUser(server);
  const streams = [];
  const deletions = [];
  for (let round = 0; round < 25; ++round) {
    for (const id of ['x', 'y']) {
      streams.push(user.open(`round ${round}`, id));
      if (round % 3 === 2) deletions.push(user.request(`/chat/history?thread_id=${id}`, { method: 'DELETE' }));
    }
    if (round % 10 === 9) deletions.push(user.request('/chat/history', { method: 'DELETE' }));
  }
  for (const response of await Promise.all(deletions)) assert.ok([200, 404].includes(response.status), `${response.status}`);
  for (const stream of await Promise.all(streams)) {
    const end = await stream.finish();
    if (end.data.type === 'stopped') assert.equal(end.data.reason, 'deleted');
    else assert.equal(end.data.type, 'done');
  }
  // What is left is made of whole turns, and list and history agree about it.
  const { sessions } = await user.sessions();
  for (const session of sessions) {
    const { messages, message_count: count } = await user.history(session.id);
    assert.equal(count, messages.length);
    assert.equal(session.message_count, count);
    for (const [question, answer] of turnsOf(messages)) assert.equal(answer, `re: ${question}`);
  }
  await user.deleteAll();
  assert.deepEqual(await user.sessions(), { sessions: [] });
});

// Titles from the model: asked for when switched on, told when stored, and never in anybody's way.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { EventReader, newUser } from './support/client.mjs';
import { answerWith, startScripted } from './support/scripted_upstream.mjs';
import { flag, startServer } from './support/server.mjs';
import { makeGate, manyStarts, test, until } from './support/wait.mjs';

let upstream;
let servers;
before(async () => {
  upstream = await startScripted();
  const start = (...args) => startServer({ upstream: upstream.url, args: [flag.workers, '2', ...args] });
  servers = { off: await start(), after: await start(flag.titles, 'after'), during: await start(flag.titles, 'during') };
});
after(async () => {
  for (const server of Object.values(servers ?? {})) await server.stop();
  await upstream?.stop();
});

const LONG = 'All roads lead to Rome. '.repeat(40);
const asksForTitle = (request) => request.body.messages[0].role === 'system' && /name conversations/.test(request.body.messages[0].content);

// Answers go by `answer`, requests for titles by `title`.
function script(answer, title) {
  upstream.requests.length = 0;
  upstream.answer((reply, request) => (asksForTitle(request) ? title : answer)(reply, request));
}
const titleRequests = () => upstream.requests.filter(asksForTitle);
const titleOf = async (user, id = 't') => (await user.sessions()).sessions.find((session) => session.id === id)?.title;
const hang = async (reply) => { reply.head(); await reply.text('A bet'); };

async function openFeed(user) {
  const feed = new EventReader(await user.request('/chat/events'));
  await feed.until('ready');
  return feed;
}

test('after the first answer: list and feed have the better title, and nothing follows the end of the stream', async () => {
  const user = await newUser(servers.after);
  const feed = await openFeed(user);
  const gate = makeGate();
  script(answerWith('In ', 'spring.'), async (reply) => { await gate.opened; await answerWith('"Travel', ' season"')(reply); });
  const turn = await user.ask('When should I go?', 't');
  assert.equal(await titleOf(user), 'When should I go?');
  assert.ok(!turn.events.some(({ data }) => data.type === 'title'));
  await until('the model to be asked for a title', () => titleRequests().length === 1);
  const [request] = titleRequests();
  assert.match(request.body.messages[1].content, /When should I go\?[^]*In spring\./);
  assert.equal(request.body.tools, undefined);
  gate.open();
  const told = await feed.until('thread_changed');
  assert.equal(told.data.thread_id, 't');
  assert.equal(told.data.session.title, 'Travel season');
  assert.equal(await titleOf(user), 'Travel season');
  await user.ask('And where?', 't');
  assert.equal(titleRequests().length, 1);
  assert.equal(await titleOf(user), 'Travel season');
  await feed.close();
});

test('during the first answer: the event comes before the end, with a number of its own, and again when read again', async () => {
  const user = await newUser(servers.during);
  const gate = makeGate();
  script(async (reply) => {
    reply.head();
    await reply.text(LONG);
    await gate.opened;
    await reply.text('The end.');
    await reply.finish();
  }, answerWith('**Title:** Roads to Rome\n'));
  const stream = await user.open('Where do roads lead?', 't');
  const event = await stream.until('title');
  assert.deepEqual(event.data, { type: 'title', thread_id: 't', title: 'Roads to Rome' });
  assert.equal(await titleOf(user), 'Roads to Rome');  // commit, then speak
  gate.open();
  assert.equal((await stream.finish()).data.type, 'done');
  assert.equal(stream.text, `${LONG}The end.`);
  assert.deepEqual(stream.events.map(({ id }) => Number(id)), stream.events.map((_, at) => at + 1));
  const again = new EventReader(await user.request('/chat/stream?thread_id=t'));
  await again.finish();
  assert.deepEqual(again.events.map(({ id, data }) => [id, data]), stream.events.map(({ id, data }) => [id, data]));
});

test('during: a title that is late delays no end and comes by the feed', async () => {
  const user = await newUser(servers.during);
  const feed = await openFeed(user);
  const gate = makeGate();
  script(answerWith(LONG), async (reply) => { await gate.opened; await answerWith('Late but good')(reply); });
  const turn = await user.ask('question', 't');
  assert.ok(!turn.events.some(({ data }) => data.type === 'title'));
  await until('the model to be asked for a title', () => titleRequests().length === 1);
  gate.open();
  assert.equal((await feed.until('thread_changed')).data.session.title, 'Late but good');
  await feed.close();
});

test('switched off there is one request and the first words are the title', async () => {
  const user = await newUser(servers.off);
  script(answerWith(LONG), answerWith('Never'));
  await user.ask('question', 't');
  await user.ask('another', 't');
  assert.equal(upstream.requests.length, 2);
  assert.equal(titleRequests().length, 0);
  assert.equal(await titleOf(user), 'question');
});

test('a temporary chat is not named', async () => {
  const user = await newUser(servers.after);
  script(answerWith('answer'), answerWith('Never'));
  await user.ask('question', 't', { expires_in: 3600 });
  await user.ask('another', 't');
  assert.equal(titleRequests().length, 0);
});

for (const [what, title] of [
  ['is refused', async (reply) => reply.json(400, { error: { message: 'no titles here' } })],
  ['cannot be made', async (reply) => reply.json(503, { error: { message: 'busy' } })],
  ['is cut', async (reply) => { reply.head(); await reply.raw('data: {"cho'); reply.cut(); }],
  ['is empty', answerWith('  \n')],
  ['is an essay', answerWith('word '.repeat(500))],
  ['is no JSON', async (reply) => { reply.head(); await reply.event('{{{'); reply.end(); }],
]) {
  test(`a title that ${what} changes nothing`, async () => {
    const user = await newUser(servers.after);
    script(answerWith('answer'), title);
    await user.ask('question', 't');
    await until('the request for a title to be over', () => titleRequests()[0]?.response.writableFinished || titleRequests()[0]?.response.destroyed);
    await user.ask('another', 't');
    assert.equal(await titleOf(user), 'question');
    assert.equal(titleRequests().length, 1);
    const health = await (await fetch(`${servers.after.url}/health`)).json();
    assert.equal(health.status, 'ok');
    assert.ok(!/the model did not answer/.test(servers.after.stderr), servers.after.stderr);
  });
}

test('a title that hangs: the next messages are answered, and deleting the thread closes its connection, on any worker', async () => {
  const user = await newUser(servers.after);
  script(answerWith('answer'), hang);
  for (let round = 0; round < 8; ++round) {
    const threadId = `t${round}`;
    await user.ask('question', threadId);
    await until('the model to be asked for a title', () => titleRequests().length === round + 1);
    await user.ask('another', threadId);
    assert.equal(await titleOf(user, threadId), 'question');
    const request = titleRequests()[round];
    assert.equal(request.response.destroyed, false);
    await user.deleteThread(threadId);
    await request.closed;
    assert.equal(await titleOf(user, threadId), undefined);
  }
});

test('deletion while the title is on its way: the thread made again is named by its own words', async () => {
  const user = await newUser(servers.after);
  const gate = makeGate();
  script(answerWith('answer'), async (reply, request) => {
    if (/first life/.test(request.body.messages[1].content)) await gate.opened;
    await answerWith(/first life/.test(request.body.messages[1].content) ? 'Old' : 'New')(reply);
  });
  await user.ask('first life', 't');
  await until('the model to be asked for a title', () => titleRequests().length === 1);
  await user.deleteAll();
  await user.ask('second life', 't');
  await until('the new title', async () => await titleOf(user) === 'New');
  gate.open();
  await titleRequests()[0].closed;
  assert.equal(await titleOf(user), 'New');
});

test('stopping the answer closes the connection of its title too', async () => {
  const user = await newUser(servers.during);
  script(async (reply) => { reply.head(); await reply.text(LONG); }, hang);
  const stream = await user.open('question', 't');
  await until('the model to be asked for a title', () => titleRequests().length === 1);
  await user.json('/chat/stop', { method: 'POST', body: JSON.stringify({ thread_id: 't' }), headers: { 'Content-Type': 'application/json' } });
  assert.equal((await stream.finish()).data.type, 'stopped');
  await titleRequests()[0].closed;
  assert.equal(await titleOf(user), 'question');
});

test('SIGTERM and kill -9 leave the first words, and nobody asks again', manyStarts, async () => {
  script(answerWith('answer'), hang);
  const server = await startServer({ upstream: upstream.url, args: [flag.titles, 'after'] });
  try {
    const user = await newUser(server);
    await user.ask('question', 't1');
    await until('the model to be asked for a title', () => titleRequests().length === 1);
    assert.deepEqual(await server.terminate(), { code: 0, signal: null });
    await titleRequests()[0].closed;
    await server.restart();
    await user.ask('question two', 't2');
    await until('the model to be asked for a title', () => titleRequests().length === 2);
    await server.restart();
    assert.equal(await titleOf(user, 't1'), 'question');
    assert.equal(await titleOf(user, 't2'), 'question two');
    await user.ask('another', 't1');
    await user.ask('another', 't2');
    assert.equal(titleRequests().length, 2);
  } finally {
    await server.stop();
  }
});

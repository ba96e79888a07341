// A run is followed again, from any point, by anybody of its user, on any worker, live or over, also after a restart.

import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { expectProblem, EventReader, isTerminal, newUser } from './support/client.mjs';
import { postRequest, readAndCut, streamRequest } from './support/cut_stream.mjs';
import { startScripted } from './support/scripted_upstream.mjs';
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

const pieces = ['To ', 'be, ', 'ör ', '日本語', ' "quoted"\n', '👩🏽‍🚀', ' line\u2028two ', 'end.'];
const answer = pieces.join('');

// Says the pieces, each once `gate(index)` resolves.
function sayBehind(gates) {
  upstream.answer(async (reply) => {
    reply.head();
    for (const [index, piece] of pieces.entries()) {
      await gates[index]?.opened;
      await reply.text(piece);
    }
    await gates[pieces.length]?.opened;
    await reply.finish();
  });
}

async function follow(user, query, headers = {}) {
  const response = await user.request(`/chat/stream?${query}`, { headers });
  assert.equal(response.status, 200, response.status === 200 ? '' : await response.text());
  return new EventReader(response);
}

const tokensOf = (events) => events.filter((event) => event.data.type === 'token').map((event) => event.data.content).join('');

function expectWhole(events) {
  assert.deepEqual(events.map((event) => event.id), events.map((_, index) => String(index + 1)), 'each event once, in order');
  assert.equal(events.filter(isTerminal).length, 1);
  assert.ok(isTerminal(events.at(-1)));
}

test('a run that is over is replayed from every event on, and from the start', async () => {
  const user = await newUser(server);
  sayBehind([]);
  const { events } = await user.ask('hello', 't');
  const runId = events[0].data.run_id;
  for (let last = -1; last <= events.length; ++last) {
    const again = await follow(user, `thread_id=t&run_id=${runId}`, { 'Last-Event-ID': String(last) });
    while (await again.next());
    assert.deepEqual(again.events.map((event) => [event.id, event.data]),
      events.slice(Math.max(last, 0)).map((event) => [event.id, event.data]));
  }
  const newest = await follow(user, 'thread_id=t', { 'Last-Event-ID': '3' });
  await newest.finish();
  expectWhole(newest.events);
});

// The promise of the project, as a property: whatever is cut and wherever, the tokens together are the stored message.
test('over any number of cuts, after every event and inside of them, the tokens are the stored message', async () => {
  const user = await newUser(server);
  sayBehind([]);
  const whole = await readAndCut(server, postRequest(user, { message: 'measure', thread_id: 'm' }));
  expectWhole(whole.events);
  const step = Math.max(1, Math.floor(whole.bytes / 150));
  let cuts = 0;
  for (let cutAfter = 1; cutAfter < whole.bytes; cutAfter += step) {
    const threadId = `c${cutAfter}`;
    let { events } = await readAndCut(server, postRequest(user, { message: 'cut', thread_id: threadId }), { cutAfter });
    let runId = events[0]?.data.run_id;
    if (runId === undefined) {  // the client does not know its run: the newest one
      await until('the run to be stored', async () => (await user.request(`/chat/history?thread_id=${threadId}`)).status === 200);
    }
    for (let rounds = 0; !events.some(isTerminal) && rounds < 500; ++rounds) {
      const request = streamRequest(user, { threadId, runId, after: runId === undefined ? undefined : events.length });
      // A cut that leaves the head alone brings nothing new: each round may read a little more.
      const part = await readAndCut(server, request, { cutAfter: cutAfter + 40 * rounds });
      events = events.concat(part.events);
      runId ??= events[0]?.data.run_id;
      cuts += 1;
    }
    expectWhole(events);
    assert.equal(tokensOf(events), answer);
    assert.equal((await user.contents(threadId)).at(-1), answer);
  }
  assert.ok(cuts > 150, `only ${cuts} cuts`);
});

test('many readers, on both workers, get a live run whole, whenever they come', async () => {
  const user = await newUser(server);
  const gates = Array.from({ length: pieces.length + 1 }, makeGate);
  sayBehind(gates);
  const first = await user.open('hello', 't');
  const runId = (await first.next()).data.run_id;
  const readers = [first];
  for (const gate of gates) {
    // New connections spread over the workers.
    for (let i = 0; i < 4; ++i) readers.push(await follow(user, `thread_id=t&run_id=${runId}`));
    for (const reader of readers.slice(-4)) await reader.next();
    gate.open();
  }
  for (const reader of readers) {
    await reader.finish();
    expectWhole(reader.events);
    assert.equal(reader.text, answer);
  }
});

test('a reader of a queued run is told its place and gets the run when its turn comes', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  sayBehind([gate]);
  const active = await user.open('one', 't');
  await active.next();
  const queued = await user.open('two', 't');
  const { data } = await queued.next();
  assert.equal(data.type, 'queued');
  await queued.close();
  const readers = await Promise.all(Array.from({ length: 4 }, () => follow(user, `thread_id=t&run_id=${data.run_id}`)));
  for (const reader of readers) assert.deepEqual((await reader.next()).data, data);
  gate.open();
  for (const reader of [active, ...readers]) assert.equal((await reader.finish()).data.type, 'done');
  for (const reader of readers) assert.equal(reader.text, answer);
});

test('nothing to follow: 404 for what is not there or not the user\'s, 204 where no run ever was', async () => {
  const user = await newUser(server);
  const other = await newUser(server);
  sayBehind([]);
  const { events } = await user.ask('hello', 't');
  const runId = events[0].data.run_id;
  await expectProblem(await user.request('/chat/stream?thread_id=none'), 404, 'not_found');
  await expectProblem(await user.request('/chat/stream?thread_id=t&run_id=01890000-0000-7000-8000-000000000000'), 404);
  await expectProblem(await user.request('/chat/stream?thread_id=t&run_id=x'), 404);
  await expectProblem(await other.request(`/chat/stream?thread_id=t&run_id=${runId}`), 404);
  await expectProblem(await user.request('/chat/stream'), 422);
  for (const bad of ['x', '1.5', '-2', '99999999999999999999']) {
    await expectProblem(await user.request(`/chat/stream?thread_id=t&run_id=${runId}`, { headers: { 'Last-Event-ID': bad } }), 400);
  }
});

test('beyond the log: one resync with the message, then the end', async () => {
  const user = await newUser(server);
  sayBehind([]);
  const { events } = await user.ask('hello', 't');
  const runId = events[0].data.run_id;
  const reader = await follow(user, `thread_id=t&run_id=${runId}`, { 'Last-Event-ID': String(events.length + 5) });
  while (await reader.next());
  assert.deepEqual(reader.types, ['resync', 'done']);
  assert.equal(reader.events[0].id, String(events.length - 1));
  assert.equal(reader.events[0].data.message.content, answer);
  assert.deepEqual(reader.events[1].data, events.at(-1).data);
});

test('a live run and a number that it has not reached: resync with what there is, then live', async () => {
  const user = await newUser(server);
  const gates = Array.from({ length: pieces.length + 1 }, makeGate);
  sayBehind(gates);
  const first = await user.open('hello', 't');
  const runId = (await first.next()).data.run_id;
  gates[0].open();
  await first.until('token');
  const reader = await follow(user, `thread_id=t&run_id=${runId}`, { 'Last-Event-ID': '50' });
  const { id, data } = await reader.next();
  assert.deepEqual([id, data.type, data.message.content], ['2', 'resync', pieces[0]]);
  for (const gate of gates) gate.open();
  await reader.finish();
  assert.equal(data.message.content + reader.text, answer);
});

test('after kill -9 and a restart the rest is there, with its end', manyStarts, async () => {
  const own = await startServer({ upstream: upstream.url });
  try {
    const user = await newUser(own);
    const gates = Array.from({ length: pieces.length + 1 }, makeGate);
    sayBehind(gates);
    const stream = await user.open('hello', 't');
    for (const gate of gates.slice(0, 3)) gate.open();
    const runId = (await stream.next()).data.run_id;
    for (let i = 0; i < 3; ++i) await stream.until('token');
    await own.kill();
    await own.start();
    for (let last = 0; last < 4; ++last) {
      const reader = await follow(user, `thread_id=t&run_id=${runId}`, { 'Last-Event-ID': String(last) });
      assert.equal((await reader.finish()).data.type, 'interrupted');
      assert.equal(tokensOf(stream.events.slice(0, last)) + reader.text, pieces.slice(0, 3).join(''));
      assert.equal(reader.events.at(-1).id, '5');
    }
    assert.equal((await user.contents('t')).at(-1), pieces.slice(0, 3).join(''));
  } finally {
    await own.stop();
  }
});

test('where the log is gone, as an hour after the end: one resync with the message, then the end', async () => {
  const own = await startServer({ upstream: upstream.url });
  try {
    const user = await newUser(own);
    sayBehind([]);
    const { events } = await user.ask('hello', 't');
    const runId = events[0].data.run_id;
    await own.kill();
    const log = path.join(own.dataDir, 'runlog');
    for (const name of readdirSync(log)) rmSync(path.join(log, name));
    await own.start();
    for (const last of [0, 1, events.length - 2]) {
      const reader = await follow(user, `thread_id=t&run_id=${runId}`, { 'Last-Event-ID': String(last) });
      while (await reader.next());
      assert.deepEqual(reader.types, ['resync', 'done']);
      assert.equal(reader.events[0].data.message.content, answer);
      assert.deepEqual(reader.events[1].data, events.at(-1).data);
    }
    const end = await follow(user, `thread_id=t&run_id=${runId}`, { 'Last-Event-ID': String(events.length - 1) });
    while (await end.next());
    assert.deepEqual(end.types, ['done']);
  } finally {
    await own.stop();
  }
});

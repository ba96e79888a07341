// GET /chat/events: every change of a user, once, in order, on every tab, whichever worker it is on.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { decodeJwt } from 'jose';
import { Client, EventReader, expectProblem, newUser } from './support/client.mjs';
import { RawSocket } from './support/raw.mjs';
import { answerWith, startScripted } from './support/scripted_upstream.mjs';
import { flag, Server, startServer } from './support/server.mjs';
import { nowSeconds } from './support/tokens.mjs';
import { makeGate, manyStarts, test, until } from './support/wait.mjs';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
// So many connections are never all on one of two workers, but once in 2^19 runs.
const TABS = 20;
const twoWorkers = [flag.workers, '2'];
let server;
let upstream;

before(async () => {
  upstream = await startScripted();
  upstream.answer(answerWith('fine'));
  server = await startServer({ upstream: upstream.url, args: twoWorkers });
});
after(async () => {
  await server?.stop();
  await upstream?.stop();
});

// An open feed. Without `lastId` it has begun: `feed.position` is the id of `ready`.
async function openFeed(user, lastId) {
  const response = await user.request('/chat/events', { headers: lastId === undefined ? {} : { 'Last-Event-ID': String(lastId) } });
  assert.equal(response.status, 200);
  const feed = new EventReader(response);
  if (lastId === undefined) {
    const ready = await feed.next();
    assert.deepEqual(ready.data, { type: 'ready' });
    feed.position = ready.id;
  }
  return feed;
}

async function take(feed, count) {
  const events = [];
  while (events.length < count) {
    const event = await feed.next();
    assert.ok(event, `the feed ended after ${JSON.stringify(events)}`);
    events.push(event);
  }
  return events;
}

const shown = (events) => events.map(({ data }) => `${data.type} ${data.thread_id ?? ''}`.trim());
const ids = (events) => events.map((event) => Number(event.id));

function assertRising(numbers) {
  for (let at = 1; at < numbers.length; ++at) assert.ok(numbers[at] > numbers[at - 1], `rising ids: ${numbers}`);
}

const setKeepDays = (user, days) => user.json('/me/settings', {
  method: 'PATCH', body: JSON.stringify({ keep_days: days }), headers: { 'Content-Type': 'application/json' },
});

test('the stream has the head of an event stream, and begins with the newest change', async () => {
  const user = await newUser(server);
  const response = await user.request('/chat/events');
  assert.match(response.headers.get('content-type'), /^text\/event-stream\b/);
  assert.equal(response.headers.get('cache-control'), 'no-cache, no-transform');
  assert.equal(response.headers.get('x-accel-buffering'), 'no');
  const feed = new EventReader(response);
  const ready = await feed.next();
  assert.deepEqual(ready.data, { type: 'ready' });
  assert.match(ready.id, /^\d+$/);
  await feed.close();
  const head = await user.request('/chat/events', { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.match(head.headers.get('content-type'), /^text\/event-stream\b/);
  await expectProblem(await fetch(`${server.url}/chat/events`), 401, 'unauthorized');
});

test('every tab on both workers sees the same events of a turn, with the session as the list shows it', async () => {
  const user = await newUser(server);
  const feeds = await Promise.all(Array.from({ length: TABS }, () => openFeed(user)));
  const { events } = await user.ask('How do I fix it?', 't');
  const seen = await Promise.all(feeds.map((feed) => take(feed, 2)));
  for (const [index, one] of seen.entries()) {
    assert.deepEqual(shown(one), ['run_started t', 'run_finished t']);
    assert.deepEqual(ids(one), ids(seen[0]));
    assertRising([Number(feeds[index].position), ...ids(one)]);
    for (const { data } of one) {
      assert.match(data.timestamp, TIME);
      assert.equal(data.run_id, events[0].data.run_id);
    }
    assert.deepEqual(one[1].data.session, (await user.sessions()).sessions[0]);
    assert.equal(one[0].data.session.id, 't');
    assert.equal(one[0].data.session.title, 'How do I fix it?');
  }
  await Promise.all(feeds.map((feed) => feed.close()));
});

test('queue, settings, deletes and a thread made again under the same id', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  upstream.answer(async (reply, request) => {
    reply.head();
    await reply.text('re');
    if (request.body.messages.at(-1).content === 'hold') await gate.opened;
    await reply.finish();
  });
  const feed = await openFeed(user);
  const run = await user.open('hold', 't');
  await run.next();
  const waiting = await user.open('later', 't');
  const queued = await waiting.next();
  await user.json(`/chat/sessions/t/queue/${queued.data.run_id}`, { method: 'DELETE' });
  await setKeepDays(user, 30);
  gate.open();
  await run.finish();
  await user.deleteThread('t');
  await user.ask('again', 't');
  await user.deleteAll();
  const events = await take(feed, 9);
  assert.deepEqual(shown(events), ['run_started t', 'submit_queued t', 'queue_cancelled t', 'setting_changed', 'run_finished t',
    'thread_deleted t', 'run_started t', 'run_finished t', 'all_threads_deleted']);
  assertRising(ids(events));
  assert.equal(events[1].data.run_id, queued.data.run_id);
  assert.ok(events[4].data.session.expires_at, 'the session has what the setting says');
  for (const at of [3, 5, 8]) assert.equal(events[at].data.session, undefined);

  // Told from the start, the same changes carry no session: the thread is gone, whichever of the two it was.
  const later = await openFeed(user, feed.position);
  const replayed = await take(later, 9);
  assert.deepEqual(replayed.map(({ id, data }) => ({ id, data })),
    events.map(({ id, data: { session, ...rest } }) => ({ id, data: rest })));
  await user.ask('third', 't');
  const [third] = await take(later, 1);
  assert.equal(third.data.session.title, 'third');
  // And what the dead ones did says nothing of the third.
  const again = await openFeed(user, feed.position);
  const all = await take(again, 10);
  assert.deepEqual(all.map(({ data }) => data.session?.title), [...Array(9).fill(undefined), 'third']);
  upstream.answer(answerWith('fine'));
  await Promise.all([feed, later, again].map((one) => one.close()));
});

test('a feed that was cut anywhere goes on after Last-Event-ID, without gap or double', async () => {
  const user = await newUser(server);
  const whole = await openFeed(user);
  for (let turn = 0; turn < 5; ++turn) await user.ask(`turn ${turn}`, `t${turn % 2}`);
  const events = await take(whole, 10);
  const rests = [];
  for (let cut = 0; cut <= events.length; ++cut) {
    const rest = await openFeed(user, cut === 0 ? whole.position : events[cut - 1].id);
    assert.deepEqual(ids(await take(rest, 10 - cut)), ids(events.slice(cut)));
    rests.push(rest);
  }
  await user.ask('live', 't0');
  const live = ids(await take(whole, 2));
  for (const rest of rests) assert.deepEqual(ids(await take(rest, 2)), live);
  await Promise.all([whole, ...rests].map((feed) => feed.close()));
});

test('nobody sees what another user does, with the same thread id or without', async () => {
  const [anna, bob] = [await newUser(server), await newUser(server)];
  const feed = await openFeed(bob);
  const start = feed.position;
  await anna.ask('secret of anna', 't');
  await anna.deleteThread('t');
  await setKeepDays(anna, 3);
  await bob.ask('bob', 't');
  const events = await take(feed, 2);
  assert.deepEqual(shown(events), ['run_started t', 'run_finished t']);
  assert.equal(events[1].data.session.title, 'bob');
  const replay = await openFeed(bob, start);
  assert.deepEqual(ids(await take(replay, 2)), ids(events));
  assert.ok(!JSON.stringify([...feed.events, ...replay.events]).includes('anna'));
  await Promise.all([feed.close(), replay.close()]);
});

test('an id beyond the newest change is told to read anew, and the feed goes on', async () => {
  const user = await newUser(server);
  for (const id of ['18446744073709551615', '999999999999']) {
    const feed = await openFeed(user, id);
    const resync = await feed.next();
    assert.deepEqual(resync.data, { type: 'resync' });
    assert.ok(Number(resync.id) < 999999999999);
    await setKeepDays(user, 7);
    const [event] = await take(feed, 1);
    assert.equal(event.data.type, 'setting_changed');
    assert.ok(Number(event.id) > Number(resync.id));
    await feed.close();
  }
});

test('a Last-Event-ID that is no id of this feed is refused', async () => {
  const user = await newUser(server);
  for (const id of ['', 'x', '-1', '+1', '1.5', '0x10', '1,2', '18446744073709551616', '99999999999999999999999', '١']) {
    const headers = { 'Last-Event-ID': Buffer.from(id).toString('latin1') };
    await expectProblem(await user.request('/chat/events', { headers }), 400, 'malformed');
  }
  const raw = await RawSocket.connect(server);
  raw.send(`GET /chat/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.token}\r\nLast-Event-ID: 1\r\nLast-Event-ID: 1\r\n\r\n`);
  await raw.waitFor(/^HTTP\/1\.1 400 /);
  raw.end();
});

test('a reader that takes nothing holds little memory, delays nobody, and gets all once it reads', manyStarts, async () => {
  const user = await newUser(server);
  const live = await openFeed(user);
  const stalled = await RawSocket.connect(server);
  stalled.socket.pause();
  stalled.send(`GET /chat/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.token}\r\n\r\n`);
  // A title of fifty letters with many marks makes an event of 2 KB and more. All of them are more than the kernel keeps
  // for a connection plus what it may have waiting before it is dropped: it is still there only because the feed waited.
  const message = `a${'\u0301'.repeat(100)}`.repeat(49);
  const turns = 1200;
  for (let done = 0; done < turns; done += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, at) => user.ask(message, `t${done + at}`)));
    await take(live, 40);
  }
  const bytes = live.events.reduce((sum, event) => sum + JSON.stringify(event.data).length, 0);
  assert.ok(bytes > 6_000_000, `${bytes} bytes of events`);
  stalled.socket.resume();
  await until('the stalled reader to have all', () => {
    assert.ok(!stalled.closed, 'it was dropped');
    return stalled.received.includes(`id: ${live.events.at(-1).id}\n`);
  });
  const seen = [...stalled.text.matchAll(/^id: (\d+)$/gm)].map((match) => match[1]);
  assert.deepEqual(seen.slice(1), live.events.slice(1).map((event) => event.id).filter((id) => Number(id) > Number(seen[0])));
  assert.ok(Number(seen[0]) >= Number(live.position) && Number(seen[0]) < Number(live.events[1].id) + 1);
  stalled.end();
  await live.close();
});

test('a client that leaves is forgotten, also while nothing happens', async () => {
  const own = await startServer({ args: twoWorkers });
  try {
    const user = await newUser(own);
    const feeds = await Promise.all(Array.from({ length: TABS }, () => openFeed(user)));
    const open = async () => Number(/^bobbin_feeds_open (\d+)$/m.exec(await (await fetch(`${own.url}/metrics`)).text())[1]);
    assert.equal(await open(), TABS);
    await Promise.all(feeds.map((feed) => feed.close()));
    await until('all feeds to be forgotten', async () => await open() === 0);
  } finally {
    await own.stop();
  }
});

test('after kill -9 a feed goes on after the last id that it had, with what the restart changed', manyStarts, async () => {
  const own = new Server({ upstream: upstream.url, args: twoWorkers });
  const gate = makeGate();
  try {
    await own.start();
    const user = await newUser(own);
    const feed = await openFeed(user);
    const seen = [];
    await user.ask('one', 't');
    seen.push(...await take(feed, 2));
    for (let round = 0; round < 5; ++round) {
      upstream.answer(async (reply) => { reply.head(); await reply.text('half'); await gate.opened; });
      const cut = await user.open(`cut ${round}`, 't');
      await cut.until('token');
      // The last id before the kill is an earlier one in every other round: more is then caught up.
      if (round % 2 === 0) seen.push(...await take(seen.feed ?? feed, 1));
      await own.kill();
      await own.restart();
      const next = await openFeed(user, seen.at(-1).id);
      seen.push(...await take(next, round % 2 === 0 ? 1 : 2));
      seen.feed = next;
    }
    upstream.answer(answerWith('fine'));
    assert.deepEqual(shown(seen), Array.from({ length: 6 }, () => ['run_started t', 'run_finished t']).flat());
    assertRising(ids(seen));
    const replay = await openFeed(user, feed.position);
    assert.deepEqual(ids(await take(replay, 12)), ids(seen));
    await replay.close();
  } finally {
    gate.open();
    upstream.answer(answerWith('fine'));
    await own.stop();
  }
});

test('a feed ends in order when its token does, and goes on with a fresh one', async () => {
  const user = await newUser(server);
  const { sub } = decodeJwt(user.token);
  const short = new Client(server, await server.token(sub, { exp: nowSeconds() + 2 }));
  const feed = await openFeed(short);
  assert.equal(await feed.next(), null);
  await expectProblem(await short.request('/chat/events'), 401, 'unauthorized');
  await user.ask('meanwhile', 't');
  const again = await openFeed(user, feed.position);
  assert.deepEqual(shown(await take(again, 2)), ['run_started t', 'run_finished t']);
  await again.close();
});

test('SIGTERM ends every feed in order, and the server with them', async () => {
  const own = await startServer({ args: twoWorkers });
  try {
    const user = await newUser(own);
    const feeds = await Promise.all(Array.from({ length: 8 }, () => openFeed(user)));
    const ends = feeds.map((feed) => feed.next());
    assert.deepEqual(await own.terminate(), { code: 0, signal: null });
    assert.deepEqual(await Promise.all(ends), feeds.map(() => null), 'whole chunked bodies, not cut ones');
  } finally {
    await own.stop();
  }
});

// How long conversations are kept: temporary chats, a user's limit, the server's.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Client, expectProblem, newUser } from './support/client.mjs';
import { startScripted } from './support/scripted_upstream.mjs';
import { makeTempDir, startServer } from './support/server.mjs';
import { test, until } from './support/wait.mjs';

let upstream, server;
before(async () => {
  upstream = await startScripted();
  server = await startServer({ upstream: upstream.url });
});
after(async () => {
  await server?.stop();
  await upstream?.stop();
});

const DAY_MS = 24 * 3600 * 1000;
const change = (user, body) => user.request('/me/settings', { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) });
const set = async (user, body) => (await change(user, body)).json();
const ids = async (user) => (await user.sessions()).sessions.map((session) => session.id);

test('a temporary chat says when it expires, and each message moves that on', async () => {
  const user = await newUser(server);
  const { threadId } = await user.ask('for a while', undefined, { expires_in: 3600 });
  await user.ask('for ever');
  const [lasting, temporary] = (await user.sessions()).sessions;
  assert.equal('expires_at' in lasting, false);
  assert.equal(temporary.id, threadId);
  assert.equal(Date.parse(temporary.expires_at) - Date.parse(temporary.timestamp), 3_600_000);
  await user.ask('more', threadId);
  await user.ask('again', threadId, { expires_in: 3600 });
  const moved = (await user.sessions()).sessions[0];
  assert.ok(moved.expires_at > temporary.expires_at);
});

test('a conversation does not become temporary, or less so, by a later message', async () => {
  const user = await newUser(server);
  const { threadId } = await user.ask('for ever');
  await expectProblem(await user.post({ message: 'not', thread_id: threadId, expires_in: 60 }), 422);
  const temporary = await user.ask('for a while', undefined, { expires_in: 3600 });
  await expectProblem(await user.post({ message: 'not', thread_id: temporary.threadId, expires_in: 60 }), 422);
  assert.equal((await user.history(threadId)).message_count, 2);
  assert.equal((await user.history(temporary.threadId)).message_count, 2);
});

test('what is not a length of time is refused, and stores nothing', async () => {
  const user = await newUser(server);
  for (const expires_in of [0, -1, 1.5, '60', true, [], {}, 315_360_001, 1e300]) {
    await expectProblem(await user.post({ message: 'x', expires_in }), 422, 'invalid');
  }
  for (const keep_days of [0, -1, 1.5, '7', false, [], {}, 36_501, 1e300]) {
    await expectProblem(await change(user, { keep_days }), 422, 'invalid');
  }
  await expectProblem(await change(user, '[]'), 422);
  await expectProblem(await change(user, '{'), 400);
  assert.equal((await user.json('/me/settings')).keep_days, null);
  assert.deepEqual(await ids(user), []);
  await user.ask('null is as if absent', undefined, { expires_in: null });
  assert.equal('expires_at' in (await user.sessions()).sessions[0], false);
});

test('a user sets a limit for all of their conversations, and takes it back', async () => {
  const user = await newUser(server);
  const other = await newUser(server);
  await user.ask('kept a week');
  await other.ask('kept');
  assert.equal((await set(user, { keep_days: 7 })).keep_days, 7);
  assert.equal((await set(user, { unknown: 1 })).keep_days, 7);
  const [session] = (await user.sessions()).sessions;
  assert.equal(Date.parse(session.expires_at) - Date.parse(session.timestamp), 7 * DAY_MS);
  assert.equal((await other.json('/me/settings')).keep_days, null);
  assert.equal('expires_at' in (await other.sessions()).sessions[0], false);
  assert.equal((await set(user, { keep_days: null })).keep_days, null);
  assert.equal('expires_at' in (await user.sessions()).sessions[0], false);
  await expectProblem(await fetch(`${server.url}/me/settings`), 401);
});

test('a temporary chat is gone after its time, text and all; the others and the limits outlive a restart', async () => {
  const dataDir = makeTempDir();
  const options = { upstream: upstream.url, dataDir, args: ['--keep-days', '30'] };
  const first = await startServer(options);
  const user = new Client(first, await first.token('me'));
  const kept = await user.ask('kept');
  await set(user, { keep_days: 10 });
  const temporary = await user.ask('short-lived', undefined, { expires_in: 1 });
  const expiresAt = Date.parse((await user.sessions()).sessions[0].expires_at);
  await first.stop();
  await until('its time is over', () => Date.now() > expiresAt);
  const second = await startServer(options);
  try {
    const again = new Client(second, await second.token('me'));
    await until('it is gone', async () => (await ids(again)).length === 1);
    assert.deepEqual(await ids(again), [kept.threadId]);
    await expectProblem(await again.request(`/chat/history?thread_id=${temporary.threadId}`), 404);
    assert.equal((await again.json('/me/settings')).keep_days, 10);
    const [session] = (await again.sessions()).sessions;
    assert.equal(Date.parse(session.expires_at) - Date.parse(session.timestamp), 10 * DAY_MS);
    const other = new Client(second, await second.token('other'));
    await other.ask('the server keeps it thirty days');
    const [long] = (await other.sessions()).sessions;
    assert.equal(Date.parse(long.expires_at) - Date.parse(long.timestamp), 30 * DAY_MS);
  } finally {
    await second.stop();
  }
});

// A user with something of everything that a user can have, and callers of every kind.

import assert from 'node:assert/strict';
import { Client } from './client.mjs';
import { answerWith, startScripted } from './scripted_upstream.mjs';
import { flag, runToExit, startServer, testSecret } from './server.mjs';
import { makeGate, until } from './wait.mjs';

export const password = 'correct horse';
let count = 0;

// A server with accounts, an admin, and a model that holds answers back: {server, upstream, admin, hold(), stop()}.
export async function startPlace({ workers = '2' } = {}) {
  const gates = new Map();
  const upstream = await startScripted();
  upstream.answer(async (reply, request) => {
    const gate = gates.get(/^hold \d+/.exec(request.body.messages.at(-1).content)?.[0]);
    if (!gate) return answerWith('Hello ', 'there')(reply);
    reply.head();
    await reply.text('Held ');
    await gate.opened;
    return reply.finish();
  });
  const args = ['--registration', 'open', flag.workers, workers, flag.loginLink];
  const server = await startServer({ upstream: upstream.url, args }).catch(async (error) => {
    await upstream.stop();   // or the process would wait for it
    throw error;
  });
  const place = {
    server,
    upstream,
    // A message whose answer says one word, and the rest when the gate is opened.
    hold() {
      const gate = makeGate();
      const message = `hold ${++count}`;
      gates.set(message, gate);
      return { message, open: gate.open };
    },
    async stop() {
      await server.stop();
      await upstream.stop();
    },
  };
  const setup = await until('the link for the first admin', () => /#setup=([\w-]{43})$/m.exec(server.stdout)?.[1]);
  place.admin = await makeAccount(place, { setup });
  place.replica = await mintHere('replica', 'replicate');
  return place;
}

// A token that only the host can make.
export async function mintHere(user, scope) {
  return (await runToExit(['token', '--user', user, '--scope', scope], { BOBBIN_JWT_SECRET: testSecret })).stdout.trim();
}

const jsonOf = (body) => ({ method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

// A client with an account: {…, user, email, refreshToken}.
export async function makeAccount(place, more = {}) {
  const email = `someone${++count}@example.org`;
  const response = await fetch(`${place.server.url}/auth/register`, jsonOf({ email, password, ...more }));
  assert.equal(response.status, 201);
  const made = await response.json();
  return Object.assign(new Client(place.server, made.access_token), { user: made.user_id, email, refreshToken: made.refresh_token });
}

// A client of another issuer. Names are equally long, so that what is made of them is, too.
export async function makeUser(place) {
  const name = `user-${String(++count).padStart(8, '0')}`;
  return Object.assign(new Client(place.server, await place.server.token(name)), { user: name });
}

export const postJson = (client, path, body, status = 200) => client.json(path, jsonOf(body), status);

async function openHeld(client, hold, thread) {
  const stream = await client.open(hold.message, thread);
  const { run_id: run } = (await stream.until('start')).data;
  await stream.until('token');
  return { stream, run };
}

// Threads of every kind: `first` is done, `busy` has a run and a queue, `stopped` was stopped, `again` is the second of its
// name, `deleted` is gone.
async function furnishThreads(place, client, has, name) {
  const first = await client.ask('Hello', name('first'));
  has.run = first.events[0].data.run_id;
  for (const message of ['one', 'two']) await client.ask(message, name('again'));
  has.oldCursor = (await client.history(name('again'), '&limit=1')).next_cursor;
  await client.deleteThread(name('again'));
  await client.ask('three', name('again'));
  has.cursor = (await client.history(name('first'), '&limit=1')).next_cursor;

  const [stopped, busy] = [place.hold(), place.hold()];
  const cut = await openHeld(client, stopped, name('stopped'));
  await postJson(client, '/chat/stop', { thread_id: name('stopped') });
  await cut.stream.finish();
  has.stoppedRun = cut.run;
  const active = await openHeld(client, busy, name('busy'));
  has.activeRun = active.run;
  has.activeStream = active.stream;
  const waiting = await client.open('Next', name('busy'));
  has.queuedRun = (await waiting.until('queued')).data.run_id;
  await waiting.close();
  has.release = () => { stopped.open(); busy.open(); };
  // The stream may have been ended by what was done meanwhile.
  has.leave = async () => { has.release(); await active.stream.close().catch(() => {}); };

  const deleted = { message: 'Sent and deleted', thread_id: name('deleted') };
  for (const [key, body] of [['sent-once', { message: 'Sent once' }], ['sent-and-deleted', deleted]]) {
    await (await client.post(body, { 'Idempotency-Key': name(key) })).text();
  }
  await client.deleteThread(name('deleted'));
  has.sessionsCursor = (await client.sessions('?limit=1')).next_cursor;
}

// Gives `client` threads, used Idempotency-Keys, API keys and settings; `name` is what its threads and keys are called by.
// Answers their ids; `release()` lets what runs come to its end, `leave()` too, and reads no more.
export async function furnish(place, client, { threads = true, name = (plain) => plain } = {}) {
  const has = { client, release() {}, async leave() {} };
  if (threads) await furnishThreads(place, client, has, name);
  has.key = await postJson(client, '/auth/keys', { name: 'reads', scopes: ['read'] }, 201);
  has.chatKey = await postJson(client, '/auth/keys', { name: 'chats', scopes: ['chat'] }, 201);
  await client.json('/me/settings', { ...jsonOf({ theme: 'dark', keep_days: 30 }), method: 'PATCH' });
  return has;
}

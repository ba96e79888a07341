// Nobody else's ids resolve: on every route that has an owner, in path, query, headers and body, they are answered like
// ids that do not exist, and nothing of their owner changes. Made from docs/openapi.yaml and the router's own table.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { isOwned, operations } from './support/api_document.mjs';
import { Client, EventReader } from './support/client.mjs';
import { routes } from './support/routes.mjs';
import { attemptsAt, carriersOf, fieldsOf, flatten, likeness, ruleNameOf, rules } from './support/trespass.mjs';
import { manyStarts, test } from './support/wait.mjs';
import { furnish, makeAccount, makeUser, postJson, startPlace } from './support/world.mjs';

const named = (plain) => `victim-${plain}`;
const owned = operations.filter(isOwned);

let place;
let victim;
let packs;
let map;
before(async () => {
  place = await startPlace();
  victim = await furnish(place, await makeAccount(place), { name: named });
  const invitation = await postJson(place.admin, '/admin/invitations', {}, 201);
  const always = { key: victim.key.id, account: victim.client.user, invitation: invitation.id, sessionsCursor: victim.sessionsCursor, request: named('sent-once') };
  packs = [
    { ...always, thread: named('busy'), run: victim.activeRun, cursor: victim.cursor },
    { ...always, thread: named('busy'), run: victim.queuedRun, cursor: victim.cursor },
    { ...always, thread: named('first'), run: victim.run, cursor: victim.cursor },
    { ...always, thread: named('stopped'), run: victim.stoppedRun, cursor: victim.cursor },
    { ...always, thread: named('again'), run: victim.run, cursor: victim.oldCursor },
    { ...always, thread: named('deleted'), run: victim.run, cursor: victim.oldCursor, request: named('sent-and-deleted') },
  ];
  map = new Map(packs.flatMap(Object.values).map((text) => [text, likeness(text)]));
});
after(async () => {
  await victim?.leave();
  await place?.stop();
});

test('every route with an owner is here, and of every parameter and field it is known what it names', () => {
  const page = routes.filter(({ access }) => access !== 'open').map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(owned.map(({ name }) => name).sort(), page.sort());
  const used = new Set();
  for (const api of operations) {
    for (const { place: where, name } of fieldsOf(api)) {
      const rule = ruleNameOf(api, where, name);
      assert.ok(rule, `${api.name}: does "${name}" (${where}) name something of a user? Say so in support/trespass.mjs`);
      used.add(rule);
    }
  }
  assert.deepEqual(Object.keys(rules).filter((rule) => !used.has(rule)), [], 'rules of fields that are no more');
});

// ---- what the owner has

async function everythingOf({ client }) {
  const { sessions } = await client.sessions();
  const threads = await Promise.all(sessions.map(async ({ id }) => [id, await client.history(id), await client.json(`/chat/sessions/${id}/queue`)]));
  return { sessions, threads, settings: await client.json('/me/settings'), keys: await client.json('/auth/keys'), me: await client.json('/auth/me') };
}

async function openFeed(client, headers = {}) {
  const response = await client.request('/chat/events', { headers });
  assert.equal(response.status, 200);
  return new EventReader(response);
}

const changeTheme = (client, theme) => client.json('/me/settings', { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ theme }) });

// ---- those who try

async function ownThingsOf(client) {
  const asked = await client.ask('Hello', 'mine');
  await client.ask('Hello', 'mine');
  await client.ask('Hello', 'mine-too');
  return { thread: 'mine', run: asked.events[0].data.run_id, cursor: (await client.history('mine', '&limit=1')).next_cursor, sessionsCursor: (await client.sessions('?limit=1')).next_cursor };
}

const callers = {
  'another user': async () => makeUser(place),
  'another account': async () => makeAccount(place),
  'an API key of another user': async () => {
    const user = await makeUser(place);
    const { key } = await postJson(user, '/auth/keys', { name: 'k', scopes: ['chat'] }, 201);
    return Object.assign(new Client(place.server, key), { user: user.user });
  },
  // Who may manage accounts is told of their ids; of chats an admin is told no more than anybody.
  'an admin': async () => {
    const { invitation } = await postJson(place.admin, '/admin/invitations', { role: 'admin' }, 201);
    return makeAccount(place, { invitation });
  },
};

for (const [who, make] of Object.entries(callers)) {
  test(`${who} finds nothing by another's ids, and changes nothing`, manyStarts, async () => {
    const earlier = await everythingOf(victim);
    const feed = await openFeed(victim.client);
    await feed.until('ready');
    // One has the ids of somebody, the other those of nobody; so both go the same way.
    const [one, other] = [await make(), await make()];
    const [ownOne, ownOther] = [await ownThingsOf(one), await ownThingsOf(other)];
    let tried = 0;
    for (const api of owned.filter((each) => who !== 'an admin' || each.access !== 'admin')) {
      const attempts = attemptsAt(api, ownOne, packs, map);
      const references = attemptsAt(api, ownOther, packs, map);
      assert.equal(attempts.length, references.length);
      for (const [at, { theirs }] of attempts.entries()) {
        const answer = await flatten(await one.request(theirs.path, theirs), one.user, map);
        const { nobodys } = references[at];
        const reference = await flatten(await other.request(nobodys.path, nobodys), other.user, map);
        assert.equal(answer, reference, `${api.name}: ${JSON.stringify(theirs)}`);
        tried += 1;
      }
    }
    assert.ok(tried > 100, `${tried} attempts`);
    assert.deepEqual(await everythingOf(victim), earlier);
    await changeTheme(victim.client, 'light');
    assert.equal((await feed.next()).data.type, 'setting_changed', 'the owner hears of nothing but of what the owner does');
    await feed.close();
    await changeTheme(victim.client, 'dark');
  });
}

test('whatever number the live feed is read from, it has one’s own changes alone', async () => {
  const user = await makeUser(place);
  await ownThingsOf(user);
  const readFrom = async (client, id) => {
    const reader = await openFeed(client, { 'Last-Event-ID': id });
    const events = [];
    for (let event = await reader.next(); event; event = await reader.next()) {
      events.push(event);
      if (event.data.type === 'setting_changed' && event.id === client.lastChange) break;
    }
    await reader.close();
    return events;
  };
  const lastChangeOf = async (client, theme) => {
    const reader = await openFeed(client);
    await reader.until('ready');
    await changeTheme(client, theme);
    client.lastChange = (await reader.until('setting_changed')).id;
    await reader.close();
  };
  await lastChangeOf(victim.client, 'light');
  await lastChangeOf(user, 'dark');
  const theirs = await readFrom(victim.client, '0');
  const own = await readFrom(user, '0');
  assert.ok(theirs.length >= 15 && own.length >= 7);
  for (const { id } of theirs) {
    assert.deepEqual(await readFrom(user, id), own.filter((event) => Number(event.id) > Number(id)), `from ${id}`);
  }
  const told = JSON.stringify(own);
  for (const text of packs.flatMap(({ thread, run }) => [thread, run])) assert.ok(!told.includes(text), text);
});

test('what the owner had running goes on to its end', async () => {
  victim.release();
  assert.equal((await victim.activeStream.finish()).data.type, 'done');
  assert.deepEqual(await victim.client.contents(named('first')), ['Hello', 'Hello there']);
});

test('routes that name nobody’s things are those that list or make one’s own', () => {
  assert.deepEqual(owned.filter((api) => carriersOf(api).length === 0).map(({ name }) => name).sort(), [
    'DELETE /auth/me', 'GET /admin/invitations', 'GET /auth/keys', 'GET /auth/me', 'GET /chat/events', 'GET /chat/models', 'GET /me/settings',
    'PATCH /me/settings', 'POST /admin/invitations', 'POST /auth/keys', 'POST /auth/password',
  ]);
});

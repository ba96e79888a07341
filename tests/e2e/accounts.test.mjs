// Accounts of a box without an identity provider: made, signed in and out, refreshed, blocked and deleted, with what
// each of these ends: tokens on kept-alive connections, open streams, other devices.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before } from 'node:test';
import { ended, password, printedSecret, setupSecret, startAccounts } from './support/accounts.mjs';
import { EventReader } from './support/client.mjs';
import { runToExit, startServer, testSecret } from './support/server.mjs';
import { mintToken, nowSeconds } from './support/tokens.mjs';
import { test, until } from './support/wait.mjs';

let server;
let admin;
let call;
let register;
let login;
let refresh;
let statusOf;
let invite;
let newUser;
let openFeed;
before(async () => {
  ({ server, admin, call, register, login, refresh, statusOf, invite, newUser, openFeed } = await startAccounts());
});
after(() => server?.stop());

// ---- how accounts are made

test('the link that is printed at the start makes the first admin, once', async () => {
  const fresh = await startServer({ args: ['--registration', 'closed'] });
  assert.equal(await call('GET', '/health', { on: fresh }).then(() => printedSecret(fresh)), undefined);
  await fresh.restart({ args: ['--registration', 'open'] });
  const setup = await setupSecret(fresh);
  assert.equal((await register({ email: 'a@b.c', password, setup: `${setup.slice(0, -1)}x` }, fresh)).status, 403);
  const first = await register({ email: 'a@b.c', password, setup }, fresh);
  assert.equal(first.status, 201);
  assert.equal((await call('GET', '/auth/me', { token: first.body.access_token, on: fresh })).body.role, 'admin');
  const second = await register({ email: 'd@b.c', password, setup }, fresh);
  assert.equal(second.status, 403);
  assert.match(second.body.detail, /has an admin already/);
  await fresh.restart();
  await fresh.waitForLog(/serving address/);
  assert.equal(printedSecret(fresh), undefined);
  // Accounts survive, and the token goes on, as the secret is the same.
  assert.equal((await call('GET', '/auth/me', { token: first.body.access_token, on: fresh })).status, 200);
  const open = await register({ email: 'd@b.c', password }, fresh);
  assert.equal((await call('GET', '/auth/me', { token: open.body.access_token, on: fresh })).body.role, 'user');
  await fresh.stop();
});

test('without an invitation nobody registers, and each invitation makes one account', async () => {
  assert.equal((await register({ email: 'x@example.org', password })).status, 403);
  const { invitation, path, expires_at: expiresAt } = await invite();
  assert.equal(path, `/#invite=${invitation}`);
  assert.ok(Date.parse(expiresAt) > Date.now() + 6 * 86_400_000);
  assert.equal((await register({ email: 'x@example.org', password: 'short', invitation })).status, 422);
  assert.equal((await register({ email: 'no address', password, invitation })).status, 422);
  assert.equal((await register({ email: 'admin@example.ORG', password, invitation })).status, 409);
  assert.equal((await register({ email: 'x@example.org', password, invitation })).status, 201);
  assert.equal((await register({ email: 'y@example.org', password, invitation })).status, 403);
});

test('an invitation can be taken back, lists without its secret, and can make an admin', async () => {
  const first = await invite();
  const second = await invite({ role: 'admin', expires_in: 60 });
  const listed = (await call('GET', '/admin/invitations', { token: admin.access_token })).body.invitations;
  assert.deepEqual(listed.filter((each) => [first.id, second.id].includes(each.id)).map((each) => each.role).sort(), ['admin', 'user']);
  assert.ok(listed.every((each) => each.invitation === undefined && each.created_by === admin.user_id));
  const gone = await call('DELETE', `/admin/invitations/${first.id}`, { token: admin.access_token });
  assert.equal(gone.status, 204);
  assert.equal((await call('DELETE', `/admin/invitations/${first.id}`, { token: admin.access_token })).status, 404);
  assert.equal((await register({ email: 'z@example.org', password, invitation: first.invitation })).status, 403);
  const other = await register({ email: 'second.admin@example.org', password, invitation: second.invitation });
  assert.equal((await call('GET', '/auth/me', { token: other.body.access_token })).body.role, 'admin');
});

test('an account id is no outside user, and nothing outside speaks for an account', async () => {
  const user = await newUser();
  assert.match(user.user_id, /^acct_[0-9a-f-]{36}$/);
  // Signed with the right secret, but standing on no login: good as long as it is younger than the epoch.
  const minted = await mintToken(testSecret, { sub: user.user_id, iat: nowSeconds() });
  assert.equal(await statusOf(minted), 200);
  assert.equal(await statusOf(await mintToken(testSecret, { sub: 'acct_unknown', iat: nowSeconds() })), 401);
});

// ---- signing in

test('an address is the same in any case and width', async () => {
  const user = await newUser();
  for (const email of [user.email.toUpperCase(), user.email.replace('user', 'ｕｓｅｒ')]) {
    const back = await login({ email, password });
    assert.equal(back.status, 200);
    assert.equal(back.body.user_id, user.user_id);
  }
});

test('a wrong password and an unknown address are the same refusal', async () => {
  const user = await newUser();
  const wrong = await login({ email: user.email, password: 'wrong horse' });
  const unknown = await login({ email: 'nobody@example.org', password: 'wrong horse' });
  assert.equal(wrong.status, 401);
  assert.deepEqual(wrong.body, unknown.body);
  assert.equal((await login({ email: 'no address', password })).status, 401);
  assert.equal((await login({ email: user.email, password: 'x'.repeat(2000) })).status, 401);
});

test('after failures an attempt waits, and is then judged all the same', async () => {
  const user = await newUser();
  for (let i = 0; i < 5; ++i) assert.equal((await login({ email: user.email, password: 'wrong horse' })).status, 401);
  const begun = Date.now();
  assert.equal((await login({ email: user.email, password })).status, 200);
  assert.ok(Date.now() - begun >= 240);
});

test('a flood of attempts at one account is refused with 429 and harms nobody else', async () => {
  const user = await newUser();
  const other = await newUser();
  const controller = new AbortController();
  const flood = Array.from({ length: 40 }, () => fetch(`${server.url}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: user.email, password: 'wrong horse' }),
    signal: controller.signal,
  }).catch(() => null));
  const refused = await Promise.race(flood.map(async (each) => {
    const response = await each;
    return response?.status === 429 ? response : new Promise(() => {});
  }));
  assert.ok(Number(refused.headers.get('retry-after')) >= 1);
  assert.equal((await refused.json()).code, 'rate_limited');
  assert.equal(await statusOf(other.access_token), 200);
  controller.abort();
  await Promise.all(flood);
});

// ---- refreshing

test('a refresh token is good once; two tabs at once get the same next one; an old one ends the login', async () => {
  const user = await newUser();
  const [one, two] = await Promise.all([refresh(user.refresh_token), refresh(user.refresh_token)]);
  assert.equal(one.status, 200);
  assert.equal(two.status, 200);
  assert.equal(one.body.refresh_token, two.body.refresh_token);
  assert.notEqual(one.body.refresh_token, user.refresh_token);
  const next = await refresh(one.body.refresh_token);
  assert.equal(next.status, 200);
  assert.equal(await statusOf(next.body.access_token), 200);
  // Somebody shows the very first one: whoever of the two is the thief, nobody is signed in any more.
  assert.equal((await refresh(user.refresh_token)).status, 401);
  assert.equal((await refresh(next.body.refresh_token)).status, 401);
  assert.equal(await statusOf(next.body.access_token), 401);
  assert.equal((await login({ email: user.email, password })).status, 200);
});

test('what is no refresh token of this server is 401', async () => {
  const user = await newUser();
  for (const token of ['x', user.access_token, `${user.refresh_token}A`, user.refresh_token.slice(0, -1)])
    assert.equal((await refresh(token)).status, 401);
  assert.equal(await statusOf(user.refresh_token), 401);
  assert.equal((await call('POST', '/auth/refresh', {})).status, 401);
});

test('a refresh survives kill -9 right after its answer', async () => {
  const user = await newUser();
  const next = await refresh(user.refresh_token);
  await server.restart();
  const after = await refresh(next.body.refresh_token);
  assert.equal(after.status, 200);
  assert.equal(await statusOf(after.body.access_token), 200);
});

// ---- cookies

const cookieOf = (answer) => answer.headers.get('set-cookie');

test('a browser keeps the refresh token in a cookie that no script and no other page can use', async () => {
  const user = await newUser();
  const signedIn = await login({ email: user.email, password, refresh: 'cookie' });
  assert.equal(signedIn.body.refresh_token, undefined);
  assert.match(cookieOf(signedIn), /^bobbin_refresh=bobr_[\w.-]+; Path=\/auth; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
  const Cookie = cookieOf(signedIn).split(';')[0];
  const by = (headers) => call('POST', '/auth/refresh', { headers: { Cookie, ...headers } });
  for (const headers of [{ Origin: 'http://evil.example' }, { Origin: 'null' }, { Origin: `http://127.0.0.1:${server.port + 1}` }])
    assert.equal((await by(headers)).status, 403, JSON.stringify(headers));
  for (const headers of [{ 'Sec-Fetch-Site': 'same-site' }, { Origin: server.url.replace('http', 'https') }])
    assert.equal((await by(headers)).status, 403, JSON.stringify(headers));
  // Nor may a page of elsewhere put this browser into an account of its own.
  const planted = await login({ email: user.email, password, refresh: 'cookie' }, { headers: { Origin: 'http://127.0.0.1:3000' } });
  assert.equal(planted.status, 403);
  assert.equal(cookieOf(planted), null);
  const own = await by({ Origin: server.url, Cookie: `theme=dark; ${Cookie}` });
  assert.equal(own.status, 200);
  assert.equal(own.body.refresh_token, undefined);
  const two = await by({ Cookie: `${Cookie}; bobbin_refresh=planted` });
  assert.equal(two.status, 401);
  const out = await call('POST', '/auth/logout', { headers: { Cookie: cookieOf(own).split(';')[0] } });
  assert.equal(out.status, 204);
  assert.match(cookieOf(out), /^bobbin_refresh=; .*Max-Age=0/);
  assert.equal(await statusOf(own.body.access_token), 401);
});

// ---- signing out

test('signing out ends the access token of that device, on kept-alive connections and on every worker, and no other device', async () => {
  const user = await newUser();
  const other = (await login({ email: user.email, password })).body;
  const agents = Array.from({ length: 8 }, () => new http.Agent({ keepAlive: true, maxSockets: 1 }));
  const get = (agent, token) => new Promise((resolve, reject) => {
    http.get(`${server.url}/chat/sessions`, { agent, headers: { Authorization: `Bearer ${token}` } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  });
  for (const agent of agents) assert.equal(await get(agent, user.access_token), 200);
  assert.equal((await call('POST', '/auth/logout', { token: user.access_token })).status, 204);
  for (const agent of agents) assert.equal(await get(agent, user.access_token), 401);
  for (const agent of agents) assert.equal(await get(agent, other.access_token), 200);
  for (const agent of agents) agent.destroy();
  assert.equal((await refresh(user.refresh_token)).status, 401);
});

test('signing out everywhere ends every device, every stream and every token without a login', async () => {
  const user = await newUser();
  const other = (await login({ email: user.email, password })).body;
  const minted = await mintToken(testSecret, { sub: user.user_id, iat: nowSeconds() - 1 });
  const bystander = await newUser();
  const feeds = await Promise.all([user, other, other, user].map((each) => openFeed(each.access_token)));
  const mintedFeed = await openFeed(minted);
  const bystanders = await openFeed(bystander.access_token);
  const out = await call('POST', '/auth/logout', { token: other.access_token, body: { everywhere: true } });
  assert.equal(out.status, 204);
  await Promise.all([...feeds, mintedFeed].map(ended));
  for (const token of [user.access_token, other.access_token, minted]) assert.equal(await statusOf(token), 401);
  for (const token of [user.refresh_token, other.refresh_token]) assert.equal((await refresh(token)).status, 401);
  assert.equal(await statusOf(bystander.access_token), 200);
  await bystanders.cancel();
});

test('a running answer goes on when its reader is signed out, and is there for who signs in again', async () => {
  const user = await newUser();
  const response = await fetch(`${server.url}/chat/stream`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${user.access_token}` },
    body: JSON.stringify({ message: 'hello', thread_id: 't' }),
  });
  const reader = new EventReader(response);
  await reader.until('start');
  await call('POST', '/auth/logout', { token: user.access_token });
  const back = (await login({ email: user.email, password })).body;
  await until('the answer', async () => {
    const { body } = await call('GET', '/chat/history?thread_id=t', { token: back.access_token });
    return body.message_count === 2;
  });
});

test('a new password ends all that there was but the device that set it', async () => {
  const user = await newUser();
  const feed = await openFeed(user.access_token);
  const body = { password, new_password: 'battery staple' };
  assert.equal((await call('POST', '/auth/password', { token: user.access_token, body: { ...body, password: 'wrong' } })).status, 401);
  assert.equal((await call('POST', '/auth/password', { token: user.access_token, body: { ...body, new_password: 'x' } })).status, 422);
  assert.equal(await statusOf(user.access_token), 200);
  const changed = await call('POST', '/auth/password', { token: user.access_token, body });
  assert.equal(changed.status, 200);
  await ended(feed);
  assert.equal(await statusOf(user.access_token), 401);
  assert.equal(await statusOf(changed.body.access_token), 200);
  assert.equal((await refresh(user.refresh_token)).status, 401);
  assert.equal((await login({ email: user.email, password })).status, 401);
  assert.equal((await login({ email: user.email, password: 'battery staple' })).status, 200);
});

test('a token from the host sets a forgotten password, once, and does nothing else', async () => {
  const user = await newUser();
  const { stdout } = await runToExit(['token', '--user', user.user_id, '--scope', 'password', '--ttl', '15m'], { BOBBIN_JWT_SECRET: testSecret });
  const token = stdout.trim();
  assert.equal(await statusOf(token), 403);
  assert.equal((await call('POST', '/auth/keys', { token, body: { name: 'k', scopes: ['read'] } })).status, 403);
  assert.equal((await call('DELETE', '/auth/me', { token, body: { password } })).status, 403);
  assert.equal((await call('POST', '/auth/logout', { token, body: { everywhere: true } })).status, 403);
  // An ordinary token needs the old password.
  assert.equal((await call('POST', '/auth/password', { token: user.access_token, body: { new_password: 'battery staple' } })).status, 401);
  const set = await call('POST', '/auth/password', { token, body: { new_password: 'battery staple' } });
  assert.equal(set.status, 200);
  assert.equal(await statusOf(set.body.access_token), 200);
  assert.equal(await statusOf(user.access_token), 401);
  assert.equal((await call('POST', '/auth/password', { token, body: { new_password: 'once more' } })).status, 401);
  assert.equal((await login({ email: user.email, password: 'battery staple' })).status, 200);
});

test('an attempt that waits is judged by the password of then: a thief with the old one comes too late', async () => {
  const user = await newUser();
  for (let i = 0; i < 8; ++i) await Promise.race([login({ email: user.email, password: 'wrong horse' }), until('a queue', () => true)]);
  const thief = login({ email: user.email, password });
  const change = call('POST', '/auth/password', { token: user.access_token, body: { password, new_password: 'of the thief' } });
  const removal = call('DELETE', '/auth/me', { token: user.access_token, body: { password } });
  const { stdout } = await runToExit(['token', '--user', user.user_id, '--scope', 'password'], { BOBBIN_JWT_SECRET: testSecret });
  const owner = await call('POST', '/auth/password', { token: stdout.trim(), body: { new_password: 'battery staple' } });
  assert.equal(owner.status, 200);
  for (const late of [await thief, await change, await removal]) assert.ok([401, 429].includes(late.status), String(late.status));
  assert.equal(await statusOf(owner.body.access_token), 200);
});

test('a reset token that is shown several times at once sets one password', async () => {
  const user = await newUser();
  const { stdout } = await runToExit(['token', '--user', user.user_id, '--scope', 'password'], { BOBBIN_JWT_SECRET: testSecret });
  const set = ['first one', 'second one', 'third one'].map((chosen) => call('POST', '/auth/password', { token: stdout.trim(), body: { new_password: chosen } }));
  assert.deepEqual((await Promise.all(set)).map((each) => each.status).sort(), [200, 401, 401]);
});

test('a user of another issuer has no account to sign out of', async () => {
  const token = await mintToken(testSecret, { sub: 'outside' });
  assert.deepEqual((await call('GET', '/auth/me', { token })).body, { id: 'outside', role: 'user', email: null, created_at: null });
  for (const [method, path, body] of [
    ['POST', '/auth/logout', { everywhere: true }],
    ['POST', '/auth/password', { password, new_password: password }],
    ['DELETE', '/auth/me', { password }],
  ]) assert.equal((await call(method, path, { token, body })).status, 403, path);
});

// ---- admins

test('only admins manage accounts, and what they see is no chat', async () => {
  const user = await newUser();
  for (const [method, path] of [['GET', '/admin/accounts'], ['PATCH', `/admin/accounts/${admin.user_id}`], ['DELETE', `/admin/accounts/${admin.user_id}`], ['POST', '/admin/invitations'], ['GET', '/admin/invitations'], ['DELETE', '/admin/invitations/x']]) {
    const answer = await call(method, path, { token: user.access_token, body: method === 'GET' ? undefined : { role: 'admin' } });
    assert.equal(answer.status, 403, path);
  }
  const { accounts } = (await call('GET', '/admin/accounts?limit=1000', { token: admin.access_token })).body;
  const listed = accounts.find((each) => each.id === user.user_id);
  assert.deepEqual(Object.keys(listed), ['id', 'email', 'role', 'state', 'created_at']);
  // An admin's token opens an admin's own threads and nobody else's.
  await call('POST', '/chat/stream', { token: user.access_token, body: { message: 'private words', thread_id: 'mine' } }).catch(() => {});
  assert.equal((await call('GET', '/chat/history?thread_id=mine', { token: admin.access_token })).status, 404);
});

test('the list of accounts comes in pages that hold each account once', async () => {
  for (let i = 0; i < 3; ++i) await newUser();
  const seen = [];
  let cursor = '';
  do {
    const { body } = await call('GET', `/admin/accounts?limit=2${cursor}`, { token: admin.access_token });
    seen.push(...body.accounts.map((each) => each.id));
    cursor = body.next_cursor ? `&cursor=${body.next_cursor}` : null;
  } while (cursor);
  assert.equal(new Set(seen).size, seen.length);
  assert.ok(seen.includes(admin.user_id) && seen.length >= 4);
});

test('a blocked account can do nothing, at once and everywhere, until it is active again', async () => {
  const user = await newUser();
  const key = (await call('POST', '/auth/keys', { token: user.access_token, body: { name: 'k', scopes: ['read'] } })).body.key;
  const feed = await openFeed(user.access_token);
  const keyFeed = await openFeed(key);
  const change = (body) => call('PATCH', `/admin/accounts/${user.user_id}`, { token: admin.access_token, body });
  assert.equal((await change({ state: 'blocked' })).body.state, 'blocked');
  await Promise.all([ended(feed), ended(keyFeed)]);
  assert.equal(await statusOf(user.access_token), 401);
  assert.equal(await statusOf(key), 401);
  assert.equal((await refresh(user.refresh_token)).status, 401);
  assert.equal((await login({ email: user.email, password })).status, 403);
  assert.equal((await login({ email: user.email, password: 'wrong horse' })).status, 401);
  await change({ state: 'active' });
  assert.equal((await login({ email: user.email, password })).status, 200);
  assert.equal(await statusOf(key), 200);
});

test('a role counts from the moment it changes, whatever the token was made with', async () => {
  const user = await newUser();
  const change = (body) => call('PATCH', `/admin/accounts/${user.user_id}`, { token: admin.access_token, body });
  await change({ role: 'admin' });
  assert.equal(await statusOf(user.access_token, '/admin/accounts'), 200);
  await change({ role: 'user' });
  assert.equal(await statusOf(user.access_token, '/admin/accounts'), 403);
  const claimed = await mintToken(testSecret, { sub: user.user_id, iat: nowSeconds() + 1, bobbin_role: 'admin' });
  assert.equal(await statusOf(claimed, '/admin/accounts'), 403);
});

test('bad changes are 422 or 404 and change nothing', async () => {
  const change = (id, body) => call('PATCH', `/admin/accounts/${id}`, { token: admin.access_token, body });
  const user = await newUser();
  for (const body of [{}, { role: 'king' }, { state: 'gone' }, { logout: 'yes' }, { role: 1 }])
    assert.equal((await change(user.user_id, body)).status, 422, JSON.stringify(body));
  for (const id of ['acct_none', 'outside', `acct_${'x'.repeat(200)}`, 'acct_%00'])
    assert.equal((await change(id, { role: 'user' })).status, 404, id);
  for (const cursor of ['outside', `acct_${'x'.repeat(200)}`, ''])
    assert.equal((await call('GET', `/admin/accounts?cursor=${cursor}`, { token: admin.access_token })).status, 400, cursor);
  assert.equal((await call('DELETE', '/admin/accounts/outside', { token: admin.access_token })).status, 404);
  assert.equal(await statusOf(user.access_token), 200);
});

test('a deleted account is gone with its chats, keys and tokens, and its address is free', async () => {
  const user = await newUser();
  const thread = { token: user.access_token, body: { message: 'hello', thread_id: 't' } };
  await (await fetch(`${server.url}/chat/stream`, { method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${user.access_token}` }, body: JSON.stringify(thread.body) })).text();
  const key = (await call('POST', '/auth/keys', { token: user.access_token, body: { name: 'k', scopes: ['chat'] } })).body.key;
  assert.equal((await call('DELETE', '/auth/me', { token: user.access_token, body: { password: 'wrong' } })).status, 401);
  assert.equal((await call('DELETE', '/auth/me', { token: user.access_token, body: { password } })).status, 204);
  assert.equal(await statusOf(user.access_token), 401);
  assert.equal(await statusOf(key), 401);
  assert.equal((await login({ email: user.email, password })).status, 401);
  const { invitation } = await invite();
  const again = await register({ email: user.email, password, invitation });
  assert.equal(again.status, 201);
  assert.notEqual(again.body.user_id, user.user_id);
  assert.deepEqual((await call('GET', '/chat/sessions', { token: again.body.access_token })).body.sessions, []);
  assert.equal((await call('DELETE', `/admin/accounts/${again.body.user_id}`, { token: admin.access_token })).status, 204);
  assert.equal(await statusOf(again.body.access_token), 401);
});

test('the last admin cannot be blocked, demoted or deleted', async () => {
  const alone = await startServer({ args: ['--registration', 'open'] });
  const only = (await register({ email: 'a@b.c', password, setup: await setupSecret(alone) }, alone)).body;
  const options = { token: only.access_token, on: alone };
  for (const body of [{ role: 'user' }, { state: 'blocked' }])
    assert.equal((await call('PATCH', `/admin/accounts/${only.user_id}`, { ...options, body })).status, 409);
  assert.equal((await call('DELETE', `/admin/accounts/${only.user_id}`, options)).status, 409);
  await (await fetch(`${alone.url}/chat/stream`, { method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${only.access_token}` }, body: JSON.stringify({ message: 'kept', thread_id: 't' }) })).text();
  assert.equal((await call('DELETE', '/auth/me', { ...options, body: { password } })).status, 409);
  assert.equal((await call('GET', '/chat/history?thread_id=t', options)).body.message_count, 2);
  assert.equal((await call('GET', '/admin/accounts', options)).status, 200);
  await alone.stop();
});

// ---- bad input

test('bad bodies are 400 or 422, and a secret never comes back in the answer or the log', async () => {
  for (const path of ['/auth/register', '/auth/login', '/auth/refresh', '/auth/logout']) {
    const raw = (body) => fetch(server.url + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    assert.equal((await raw('{')).status, 400, path);
    assert.equal((await raw('[]')).status, 422, path);
    assert.equal((await raw('"\xff')).status, 400, path);
  }
  for (const body of [{}, { email: 1, password }, { email: 'a@b.c', password: null }, { email: 'a@b.c', password, refresh: 'jar' }])
    assert.equal((await call('POST', '/auth/login', { body })).status, 422, JSON.stringify(body));
  const user = await newUser();
  for (const secret of [password, user.refresh_token, user.access_token]) assert.ok(!server.stderr.includes(secret));
});

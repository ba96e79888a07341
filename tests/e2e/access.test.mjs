// Who may call what: every route of the router's table by every kind of caller.

import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { buildRequest, isOwned, operations, plainRequest } from './support/api_document.mjs';
import { testSecret } from './support/server.mjs';
import { assembleUnsigned, mintToken, mintWithForeignKey, nowSeconds } from './support/tokens.mjs';
import { test } from './support/wait.mjs';
import { furnish, makeAccount, makeUser, mintHere, startPlace } from './support/world.mjs';

let place;
before(async () => { place = await startPlace(); });
after(() => place?.stop());

const owned = operations.filter(isOwned);

// A request that does nothing where it is let through: its body is refused, and its ids are of nothing.
function harmless(api) {
  const { values } = plainRequest(api);
  const request = buildRequest(api, { values, body: api.body ? [] : undefined });
  return api.path === '/chat/stream' || api.path === '/chat/history' ? { ...request, path: `${api.path}?thread_id=of-nobody` } : request;
}

async function send(api, token, request = harmless(api)) {
  const { method, path: target, headers, body } = request;
  const response = await fetch(place.server.url + target, { method, body, headers: { ...headers, ...(token === null ? {} : { Authorization: `Bearer ${token}` }) } });
  const isStream = /event-stream/.test(response.headers.get('content-type') ?? '');
  const text = isStream ? '' : await response.text();
  if (isStream) await response.body.cancel();
  return { status: response.status, headers: response.headers, text };
}

// ---- nobody

const strangers = {
  'no token': () => null,
  'no token but text': () => 'x',
  'an expired token': () => mintToken(testSecret, { sub: 'u', exp: nowSeconds() - 1 }),
  'a token of another secret': () => mintToken(`${testSecret}!`, { sub: 'u' }),
  'a token without a signature': () => assembleUnsigned({ alg: 'none', typ: 'JWT' }, { sub: 'u', exp: nowSeconds() + 60 }),
  'an unknown API key': () => `bob_${'A'.repeat(43)}`,
  'a refresh token': () => place.admin.refreshToken,
  'a token of an account that is not there': () => mintToken(testSecret, { sub: 'acct_00000000-0000-4000-8000-000000000000', iat: nowSeconds() }),
};
for (const [name, make] of Object.entries(strangers)) {
  test(`${name}: every route that is not open answers 401, says how to authenticate, and nothing else`, async () => {
    const token = await make();
    const bodies = new Set();
    for (const api of owned) {
      const { status, headers, text } = await send(api, token);
      assert.equal(status, 401, `${api.name}: ${text}`);
      assert.equal(headers.get('www-authenticate'), 'Bearer', api.name);
      assert.equal(headers.get('set-cookie'), null, api.name);
      assert.deepEqual(Object.keys(JSON.parse(text)), ['type', 'title', 'status', 'detail', 'code'], api.name);
      bodies.add(text);
    }
    assert.equal(bodies.size, 1, `the same on every route: ${[...bodies]}`);
  });
}

test('a token in the query, in a cookie or in two headers speaks for nobody', async () => {
  const { token } = await makeUser(place);
  for (const api of owned) {
    const request = harmless(api);
    const inQuery = { ...request, path: `${request.path}${request.path.includes('?') ? '&' : '?'}access_token=${token}` };
    assert.equal((await send(api, null, inQuery)).status, 401, api.name);
    const inCookie = { ...request, headers: { ...request.headers, Cookie: `access_token=${token}; bobbin_refresh=${place.admin.refreshToken}` } };
    assert.equal((await send(api, null, inCookie)).status, 401, api.name);
  }
});

// ---- each kind of caller

const mayCall = {
  'a user of another issuer': ['read', 'chat', 'person', 'password'],     // and is then told to have no password here
  'an account': ['read', 'chat', 'person', 'password'],
  'an admin': ['read', 'chat', 'person', 'password', 'admin'],
  'who forgot a password': ['password'],
  'a key that reads': ['read'],
  'a key that chats': ['read', 'chat'],
  'a key of an admin': ['read', 'chat'],
  'the replica': [],
};

test('each kind of caller is let through where its access says so, and is 403 everywhere else', async () => {
  const user = await furnish(place, await makeUser(place), { threads: false });
  const ofAdmin = await furnish(place, place.admin, { threads: false });
  const tokens = {
    'a user of another issuer': user.client.token, 'an account': (await makeAccount(place)).token, 'an admin': place.admin.token,
    'who forgot a password': await mintHere((await makeAccount(place)).user, 'password'),
    'a key that reads': user.key.key, 'a key that chats': user.chatKey.key, 'a key of an admin': ofAdmin.chatKey.key, 'the replica': place.replica,
  };
  for (const [who, access] of Object.entries(mayCall)) {
    for (const api of owned) {
      const { status, text } = await send(api, tokens[who]);
      const what = `${who}: ${api.name}: ${status} ${text}`;
      if (!access.includes(api.access)) assert.equal(status, 403, what);
      else assert.ok(![401, 403].includes(status), what);
    }
  }
});

const everything = async (client) => JSON.stringify(await Promise.all([
  client.sessions(), client.history('first'), client.history('busy'), client.json('/chat/sessions/busy/queue'), client.json('/me/settings'),
  client.json('/auth/keys').then(({ keys }) => keys.map((key) => ({ ...key, last_used_at: null }))),
]));

test('a key that reads changes nothing by any route, whatever is in the request', async () => {
  const world = await furnish(place, await makeUser(place));
  const before = await everything(world.client);
  const writing = owned.filter((api) => api.access !== 'read');
  assert.ok(writing.length > 15);
  for (const api of writing) {
    const values = { ...plainRequest(api).values, id: api.path.startsWith('/auth/keys') ? world.chatKey.id : 'busy', run_id: world.queuedRun, thread_id: 'first' };
    const known = Object.fromEntries(Object.entries(values).filter(([name]) => api.parameters.some((each) => each.name === name)));
    const { status, text } = await send(api, world.key.key, buildRequest(api, { values: known, body: plainRequest(api).body }));
    assert.equal(status, 403, `${api.name}: ${text}`);
  }
  assert.equal(await everything(world.client), before);
  await world.leave();
});

test('a method that a path does not know is 405 for everybody, with no look at the token', async () => {
  for (const api of owned) {
    const answers = [];
    for (const token of [null, 'x', place.admin.token]) answers.push(await send(api, token, { ...harmless(api), method: 'PUT', body: undefined }));
    assert.deepEqual(answers.map(({ status, text }) => `${status} ${text}`), Array(3).fill(`405 ${answers[0].text}`), api.path);
  }
});

// ---- tokens that claim

test('what a token of the server’s own secret claims of an account is less than what the account is', async () => {
  const account = await makeAccount(place);
  const claimed = await mintToken(testSecret, { sub: account.user, iat: nowSeconds() + 1, bobbin_role: 'admin' });
  for (const api of owned.filter((each) => each.access === 'admin')) assert.equal((await send(api, claimed)).status, 403, api.name);
  const old = await mintToken(testSecret, { sub: account.user });      // made at no time: before the account
  const ofNoLogin = await mintToken(testSecret, { sub: account.user, iat: nowSeconds(), bobbin_login: '00000000-0000-4000-8000-000000000000' });
  for (const api of owned) for (const token of [old, ofNoLogin]) assert.equal((await send(api, token)).status, 401, api.name);
});

test('a token by a key that nobody knows speaks for no account', async () => {
  const account = await makeAccount(place);
  for (const algorithm of ['RS256', 'ES256']) {
    const token = await mintWithForeignKey(algorithm, { sub: account.user, iat: nowSeconds(), bobbin_role: 'admin' });
    for (const api of owned) assert.equal((await send(api, token)).status, 401, api.name);
  }
});

test('another issuer speaks for its own users, for no account and no admin', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const sign = (claims) => {
    const text = `${part({ alg: 'RS256', typ: 'JWT', kid: 'other' })}.${part({ exp: nowSeconds() + 600, iat: nowSeconds() + 1, ...claims })}`;
    return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
  };
  const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'other', alg: 'RS256', use: 'sig' }] });
  const file = path.join(place.server.workDir, 'jwks.json');
  writeFileSync(file, jwks);
  const account = await makeAccount(place);
  await place.server.restart({ args: [...place.server.options.args, '--jwks', file] });
  const open = owned.find((api) => api.name === 'GET /auth/me');
  assert.equal(JSON.parse((await send(open, sign({ sub: 'outsider' }))).text).id, 'outsider');
  for (const sub of [account.user, place.admin.user]) {
    for (const api of owned) assert.equal((await send(api, sign({ sub, bobbin_role: 'admin' }))).status, 401, api.name);
  }
  for (const api of owned.filter((each) => each.access === 'admin')) assert.equal((await send(api, sign({ sub: 'outsider', bobbin_role: 'admin' }))).status, 403, api.name);
  assert.equal((await send(open, sign({ sub: 'outsider', bobbin_scope: 'replicate' }))).status, 200, 'its claims are not ours');
});

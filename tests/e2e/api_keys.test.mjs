// API keys: what each may do, for how long, who sees what of it; and the token of the replication tool.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { decodeJwt } from 'jose';
import { ended, startAccounts } from './support/accounts.mjs';
import { runToExit, testSecret } from './support/server.mjs';
import { mintToken } from './support/tokens.mjs';
import { test, until } from './support/wait.mjs';

let server;
let call;
let statusOf;
let newUser;
let openFeed;
before(async () => { ({ server, call, statusOf, newUser, openFeed } = await startAccounts()); });
after(() => server?.stop());

test('a key does what its scopes say, shows its last use, and ends when it is deleted', async () => {
  const user = await newUser();
  const create = (body) => call('POST', '/auth/keys', { token: user.access_token, body });
  const reader = (await create({ name: 'reader', scopes: ['read'] })).body;
  const writer = (await create({ name: 'writer', scopes: ['chat'], expires_in: 3600 })).body;
  assert.match(reader.key, /^bob_[\w-]{43}$/);
  assert.equal(await statusOf(reader.key), 200);
  assert.equal((await call('POST', '/chat/stream', { token: reader.key, body: { message: 'x' } })).status, 403);
  assert.equal((await call('DELETE', '/chat/history', { token: reader.key })).status, 403);
  const stopped = await call('POST', '/chat/stop', { token: writer.key, body: { thread_id: 'none' } });
  assert.equal(stopped.status, 404);
  for (const [method, path] of [['GET', '/auth/keys'], ['POST', '/auth/keys'], ['DELETE', '/auth/me'], ['POST', '/auth/password'], ['GET', '/admin/accounts']])
    assert.equal((await call(method, path, { token: writer.key, body: method === 'GET' ? undefined : {} })).status, 403, path);
  const { keys } = (await call('GET', '/auth/keys', { token: user.access_token })).body;
  assert.deepEqual(keys.map((key) => [key.name, key.scopes, key.key]).sort(), [['reader', ['read'], undefined], ['writer', ['read', 'chat'], undefined]]);
  await until('the note of its use', async () => {
    const now = (await call('GET', '/auth/keys', { token: user.access_token })).body.keys;
    return now.find((key) => key.name === 'reader').last_used_at !== null;
  });
  const feed = await openFeed(reader.key);
  assert.equal((await call('DELETE', `/auth/keys/${reader.id}`, { token: user.access_token })).status, 204);
  await ended(feed);
  assert.equal(await statusOf(reader.key), 401);
  assert.equal(await statusOf(writer.key), 200);
});

test('a key of another user is not there to delete', async () => {
  const [one, two] = [await newUser(), await newUser()];
  const { id, key } = (await call('POST', '/auth/keys', { token: one.access_token, body: { name: 'k', scopes: ['read'] } })).body;
  assert.equal((await call('DELETE', `/auth/keys/${id}`, { token: two.access_token })).status, 404);
  assert.equal((await call('DELETE', '/auth/keys/nonsense', { token: two.access_token })).status, 404);
  assert.equal(await statusOf(key), 200);
});

test('users of other issuers have keys, too, and keys expire', async () => {
  const token = await mintToken(testSecret, { sub: 'outside' });
  const { key } = (await call('POST', '/auth/keys', { token, body: { name: 'k', scopes: ['read'], expires_in: 2 } })).body;
  assert.equal((await call('GET', '/auth/me', { token: key })).body.id, 'outside');
  await until('its end', async () => (await statusOf(key)) === 401);
});

test('bad keys are 422', async () => {
  const user = await newUser();
  for (const body of [{ name: '', scopes: ['read'] }, { name: 'x' }, { name: 'x', scopes: [] }, { name: 'x', scopes: ['root'] }, { name: 'x', scopes: 'read' }, { name: 'x\n', scopes: ['read'] }, { name: 'x'.repeat(129), scopes: ['read'] }, { name: 'x', scopes: ['read'], expires_in: 0 }, { name: 'x', scopes: ['read'], expires_in: -1 }])
    assert.equal((await call('POST', '/auth/keys', { token: user.access_token, body })).status, 422, JSON.stringify(body));
  for (const key of ['bob_', `bob_${'A'.repeat(43)}`]) assert.equal(await statusOf(key), 401);
});

test('a replication token is minted on the host and opens no chat', async () => {
  const { stdout } = await runToExit(['token', '--user', 'replica', '--scope', 'replicate'], { BOBBIN_JWT_SECRET: testSecret });
  const token = stdout.trim();
  assert.equal(decodeJwt(token).bobbin_scope, 'replicate');
  assert.equal(await statusOf(token), 403);
  assert.equal((await call('POST', '/auth/keys', { token, body: { name: 'k', scopes: ['read'] } })).status, 403);
});

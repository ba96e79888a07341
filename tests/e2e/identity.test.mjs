// Who may speak: tokens by jose, good and forged, and what one user can see of another's threads.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Client, expectProblem, newUser } from './support/client.mjs';
import { RawSocket } from './support/raw.mjs';
import { runToExit, startServer, testSecret } from './support/server.mjs';
import { assembleUnsigned, mintToken, mintWithForeignKey, nowSeconds, signText } from './support/tokens.mjs';
import { test } from './support/wait.mjs';

let server;
before(async () => { server = await startServer(); });
after(() => server?.stop());

const listAs = (token, headers) => fetch(`${server.url}/chat/sessions`, { headers: headers ?? { Authorization: `Bearer ${token}` } });

async function expectRefused(token, why) {
  const response = await listAs(token);
  assert.equal(response.status, 401, why);
  assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer\b/, why);
  await expectProblem(response, 401, 'unauthorized');
}

const good = {
  'the plain claims': { sub: 'someone' },
  'aud "authenticated", as Supabase writes it': { sub: 'someone', aud: 'authenticated', role: 'authenticated', iss: 'https://x.supabase.co/auth/v1', email: 'a@b.c', app_metadata: { provider: 'email' } },
  'a list of audiences with ours in it': { sub: 'someone', aud: ['other', 'authenticated'] },
  'nbf in the past': { sub: 'someone', nbf: nowSeconds() - 60 },
  'a subject of 128 bytes': { sub: 'é'.repeat(64) },
};
for (const [name, claims] of Object.entries(good)) {
  test(`accepted: ${name}`, async () => {
    const response = await listAs(await mintToken(testSecret, claims));
    assert.equal(response.status, 200, await response.text());
  });
}

const forged = {
  'an expired token': () => mintToken(testSecret, { sub: 'u', exp: nowSeconds() - 1 }),
  'no exp': () => mintToken(testSecret, { sub: 'u', exp: undefined }),
  'nbf in the future': () => mintToken(testSecret, { sub: 'u', nbf: nowSeconds() + 3600 }),
  'another secret': () => mintToken(`${testSecret}!`, { sub: 'u' }),
  'another audience': () => mintToken(testSecret, { sub: 'u', aud: 'somebody else' }),
  'no sub': () => mintToken(testSecret, {}),
  'an empty sub': () => mintToken(testSecret, { sub: '' }),
  'a sub of 129 bytes': () => mintToken(testSecret, { sub: 'x'.repeat(129) }),
  'a sub that is a number': () => signText(testSecret, `{"sub":7,"exp":${nowSeconds() + 60}}`),
  'exp that is text': () => signText(testSecret, `{"sub":"u","exp":"${nowSeconds() + 60}"}`),
  'a claim given twice': () => signText(testSecret, `{"sub":"u","sub":"admin","exp":${nowSeconds() + 60}}`),
  'a payload that is broken JSON': () => signText(testSecret, `{"sub":"u","exp":${nowSeconds() + 60},"x":tru}`),
  'alg none': () => assembleUnsigned({ alg: 'none', typ: 'JWT' }, { sub: 'u', exp: nowSeconds() + 60 }),
  'alg none with an HS256 signature': () => signText(testSecret, `{"sub":"u","exp":${nowSeconds() + 60}}`, { alg: 'none' }),
  'alg written in lower case': () => signText(testSecret, `{"sub":"u","exp":${nowSeconds() + 60}}`, { alg: 'hs256' }),
  'HS512 with the right secret': () => mintToken(testSecret, { sub: 'u' }, { alg: 'HS512' }),
  'RS256 by a key nobody knows': () => mintWithForeignKey('RS256', { sub: 'u' }),
  'ES256 by a key nobody knows': () => mintWithForeignKey('ES256', { sub: 'u' }),
  'two parts': () => 'a.b',
  'no token at all': () => 'x',
  'a signature that is cut': async () => (await mintToken(testSecret, { sub: 'u' })).slice(0, -2),
  'a changed payload': async () => {
    const [header, , signature] = (await mintToken(testSecret, { sub: 'u' })).split('.');
    const payload = Buffer.from(JSON.stringify({ sub: 'v', exp: nowSeconds() + 60 })).toString('base64url');
    return `${header}.${payload}.${signature}`;
  },
};
for (const [name, make] of Object.entries(forged)) {
  test(`refused: ${name}`, async () => expectRefused(await make(), name));
}

test('refused: no header, another scheme, an empty one, a token in the query', async () => {
  const token = await server.token('u');
  const attempts = [{}, { Authorization: '' }, { Authorization: 'Bearer' }, { Authorization: `Basic ${token}` }, { Authorization: token }];
  for (const headers of attempts) {
    const response = await listAs('', headers);
    assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer\b/);
    await expectProblem(response, 401);
  }
  for (const name of ['access_token', 'token', 'jwt']) {
    await expectProblem(await fetch(`${server.url}/chat/sessions?${name}=${token}`), 401);
  }
});

test('refused: the header given twice', async () => {
  const token = await server.token('u');
  const raw = await RawSocket.connect(server);
  raw.send(`GET /chat/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  const [response] = await raw.waitForResponses(1);
  raw.end();
  assert.equal(response.status, 401, response.body);
});

test('every route of the API asks for a token, /health does not', async () => {
  const routes = [['POST', '/chat/stream'], ['GET', '/chat/history?thread_id=x'], ['DELETE', '/chat/history?thread_id=x'], ['DELETE', '/chat/history'], ['GET', '/chat/sessions']];
  for (const [method, path] of routes) {
    const response = await fetch(server.url + path, { method, headers: { 'Content-Type': 'application/json' }, body: method === 'POST' ? '{"message":"x"}' : undefined });
    await expectProblem(response, 401, 'unauthorized');
  }
  assert.equal((await fetch(`${server.url}/health`)).status, 200);
});

test('`bobbin token` makes a token that the server accepts, for that user', async () => {
  const made = await runToExit(['token', '--user', 'from the command line', '--ttl', '1h', '--jwt-secret-file', server.secretFile, '--data', server.dataDir]);
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/, 'the token alone, for use in $(…)');
  const byCommand = new Client(server, made.stdout.trim());
  const { threadId } = await byCommand.ask('hello');
  const byJose = new Client(server, await server.token('from the command line'));
  assert.equal((await byJose.history(threadId)).message_count, 2);
});

test('a user’s threads do not exist for others, and a post of the same id makes one’s own', async () => {
  const [alice, bob] = [await newUser(server), await newUser(server)];
  await alice.ask('a secret of alice', 'shared name');
  assert.deepEqual(await bob.sessions(), { sessions: [] });
  await expectProblem(await bob.request('/chat/history?thread_id=shared%20name'), 404);
  await expectProblem(await bob.request('/chat/history?thread_id=shared%20name', { method: 'DELETE' }), 404);
  await bob.ask('text of bob', 'shared name');
  assert.equal((await bob.contents('shared name'))[0], 'text of bob');
  assert.equal((await bob.history('shared name')).message_count, 2);
  await bob.deleteAll();
  assert.equal((await alice.contents('shared name'))[0], 'a secret of alice');
  assert.equal((await alice.history('shared name')).message_count, 2);
});

test('user ids that are prefixes of each other, or hold separators, stay apart', async () => {
  const names = ['u', 'u|t', 'u/t', 'uu', 'U', 'u ', 'ü', 'u\u0308'];
  const clients = [];
  for (const name of names) {
    const client = new Client(server, await server.token(name));
    await client.ask(`only <${name}>`, 't');
    clients.push(client);
  }
  for (const [index, client] of clients.entries()) {
    assert.deepEqual((await client.sessions()).sessions.map((session) => session.title), [`only <${names[index]}>`]);
    assert.equal((await client.contents('t'))[0], `only <${names[index]}>`);
  }
  await clients[0].deleteAll();
  assert.equal((await clients[1].history('t')).message_count, 2);
});

test('authentication failures are logged without the token', async () => {
  const token = await mintToken(`wrong-${testSecret}`, { sub: 'u' });
  await expectRefused(token, 'wrong secret');
  await server.waitForLog(/401|unauthorized|authentication/i);
  assert.ok(!server.stderr.includes(token));
  assert.ok(!server.stderr.includes(testSecret));
});

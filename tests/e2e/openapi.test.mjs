// docs/openapi.yaml and the server say the same: every route is described, every described request is sent, and every
// answer is what its description says, down to fields, headers and events.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import {
  apiDocument, buildRequest, checkAnswer, checkEvent, checkRequestBody, checkResponseExamples, exampleRequests, extras, isEventStream, operations, plainRequest,
} from './support/api_document.mjs';
import { Client, EventReader, isTerminal } from './support/client.mjs';
import { routes } from './support/routes.mjs';
import { manyStarts, test } from './support/wait.mjs';
import { furnish, makeAccount, makeUser, mintHere, postJson, startPlace } from './support/world.mjs';

let place;
let blocked;
before(async () => {
  place = await startPlace();
  blocked = await makeAccount(place);
  await place.admin.json(`/admin/accounts/${blocked.user}`, { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: '{"state":"blocked"}' });
});
after(() => place?.stop());

// ---- the document and the source

// {method, path, access} of the document's operations, with each file of the page.
const described = operations.flatMap(({ method, path, access, parameters }) => {
  const files = path === '/{file}' ? parameters.find((each) => each.name === 'file').schema.enum : [null];
  return files.map((file) => ({ method, path: file ? `/${file}` : path, access }));
});
const shown = (list) => list.map(({ method, path, access }) => `${method} ${path} ${access}`).sort();

test('the document is OpenAPI 3.1', async () => {
  const result = await new Validator().validate(structuredClone(apiDocument));
  assert.equal(result.valid, true, JSON.stringify(result.errors, null, 1));
  assert.match(apiDocument.openapi, /^3\.1\./);
});

test('the document has the routes of the router, each with who may call it, and no other', () => {
  assert.deepEqual(shown(described), shown(routes));
});

test('what a route asks for is its access', () => {
  const wanted = {
    read: [{ token: [] }, { apiKey: ['read'] }], chat: [{ token: [] }, { apiKey: ['chat'] }], person: [{ token: [] }], password: [{ token: [] }], admin: [{ token: ['admin'] }],
  };
  for (const { name, access, operation } of operations) {
    const security = operation.security ?? apiDocument.security;
    if (access === 'open') assert.ok(security.length === 0 || security.some((each) => Object.keys(each).length === 0), `${name} needs no token`);
    else assert.deepEqual(security, wanted[access], name);
  }
});

test('the words of `code`, and their statuses, are those of the source', () => {
  const source = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const names = new Map([...source('src/base/result.cpp').matchAll(/case Code::(\w+): return "(\w+)";/g)].map(([, code, name]) => [code, name]));
  const statuses = {};
  for (const [, cases, status] of source('src/api/problem.cpp').matchAll(/((?:case Code::\w+:\s*)+)return (\d+);/g)) {
    for (const [, code] of cases.matchAll(/Code::(\w+)/g)) statuses[names.get(code)] = Number(status);
  }
  assert.equal(Object.keys(statuses).length, names.size);
  // Of what went wrong inside clients see `internal` alone.
  const forClients = Object.fromEntries(Object.entries(statuses).filter(([name, status]) => status !== 500 || name === 'internal'));
  const { enum: words, 'x-status-of': table } = apiDocument.components.schemas.Code;
  assert.deepEqual(table, forClients);
  assert.deepEqual([...words].sort(), Object.keys(table).sort());
});

test('examples of answers are what their schemas say, and examples of requests that are granted too', () => {
  let answers = 0;
  for (const api of operations) {
    answers += checkResponseExamples(api);
    for (const request of exampleRequests(api)) {
      if (request.status < 300 && request.body !== undefined) checkRequestBody(api, request.body, `${api.name}, ${request.name}`);
    }
  }
  assert.ok(answers >= 10);
});

// ---- requests

const isAccountMatter = (api, as) => ['account', 'chat key', 'who forgot'].includes(as) || /^\/(auth|admin)\//.test(api.path);

// Requests that read alone share a world; but a stream is read until nothing is live any more.
const isShared = (api) => api.method === 'GET' && api.path !== '/chat/stream' && api.path !== '/chat/events';

async function makeWorld(api, as) {
  const client = isAccountMatter(api, as) ? await makeAccount(place) : await makeUser(place);
  const world = await furnish(place, client, { threads: api.path.startsWith('/chat/') });
  world.account = client.email ? client : null;
  if (api.path === '/admin/invitations/{id}' || api.path === '/auth/register') world.invitation = await postJson(place.admin, '/admin/invitations', {}, 201);
  if (api.path === '/auth/link') world.link = /#login=([\w-]+)|link=([\w-]+)/.exec(place.server.stdout)?.slice(1).find(Boolean);
  return world;
}

let fresh = 0;
// The document's ids, cursors and secrets are an example's; here is what they stand for.
async function valuesOf(world, api) {
  const etag = api.path === '/' || api.path === '/{file}' ? (await fetch(`${place.server.url}${api.path === '/' ? '/' : '/app.js'}`)).headers.get('etag') : '';
  return new Map(Object.entries({
    '0198c2a4-5d3e-7abc-8def-000000000001': world.run,
    '0198c2a4-5d3e-7abc-8def-000000000002': world.activeRun,
    '0198c2a4-5d3e-7abc-8def-000000000003': world.queuedRun,
    AQEAAAAAAAAABwAGRHqFCxAAAAZEeoULEADZgR4c: world.cursor,
    AQEAAAAAAAAACQAGRHqFCxAAAAZEeoULEADZgR4c: world.oldCursor,
    AQIABkR6hQsQAAVmaXJzdNmBHhw: world.sessionsCursor,
    '3f0c8a52-7d1e-4b6f-9a2c-5e8d7f6a1b3c': world.key.id,
    'acct_9b2f4e60-1c3d-4a5b-8c7d-9e0f1a2b3c4d': world.account?.user,
    'acct_0a1b2c3d-4e5f-4061-8273-94a5b6c7d8e9': place.admin.user,
    '7a1d9c34-2b5e-4f80-8c6d-1e3f5a7b9d0c': world.invitation?.id,
    QmOZ3kV5wX7yA9bC1dE3fG5hJ7kL9mN1pQ3rS5tU7vW: world.invitation?.invitation,
    'bobr_YWNjdF85YjJmNGU2MA.c2lnbmF0dXJl': world.account?.refreshToken,
    q8Tn0oXxA1Vb3m7cLk2d5g: world.link,
    '"the-etag-of-the-file"': etag,
    'me@example.org': world.account?.email,
    'blocked@example.org': blocked.email,
    'new@example.org': `new${++fresh}@example.org`,
  }));
}

function replaceIn(value, values) {
  if (Array.isArray(value)) return value.map((each) => replaceIn(each, values));
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaceIn(each, values)]));
  if (typeof value !== 'string') return value;
  let text = value;
  for (const [from, to] of values) {
    if (!text.includes(from)) continue;
    assert.ok(to, `this test has nothing for ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

const byAccess = { open: 'nobody', read: 'user', chat: 'user', person: 'account', password: 'account', admin: 'admin' };
const headersOf = (token) => (token ? { Authorization: `Bearer ${token}` } : {});

async function tokenOf(as, world) {
  switch (as) {
    case 'nobody': return null;
    case 'admin': return place.admin.token;
    case 'chat key': return world.chatKey.key;
    case 'who forgot': return mintHere(world.client.user, 'password');
    case 'user': return world.account ? (await makeUser(place)).token : world.client.token;
    default: assert.equal(as, 'account'); return world.client.token;
  }
}

const send = ({ method, path, headers, body }, token) => fetch(place.server.url + path, { method, body, headers: { ...headers, ...headersOf(token) } });

// Reads a stream to its end; a feed, which has none, until the world's queue is through.
async function readEvents(api, response, world, what) {
  const reader = new EventReader(response);
  for (let event = await reader.next(); event; event = await reader.next()) {
    checkEvent(api, event.data, what);
    const isLast = api.path === '/chat/events' ? event.data.type === 'run_finished' && event.data.run_id === world.queuedRun : isTerminal(event);
    if (isLast && api.path === '/chat/events') { await reader.close(); break; }
  }
  assert.ok(reader.events.length > 0, `${what}: events`);
  if (api.path !== '/chat/events') assert.ok(isTerminal(reader.events.at(-1)), `${what}: ${JSON.stringify(reader.events.at(-1))}`);
}

const seen = new Set();
async function judge(api, response, world, what) {
  if (isEventStream(response)) {
    checkAnswer(api, response, '', what);
    world?.release();
    await readEvents(api, response, world, what);
  } else {
    checkAnswer(api, response, await response.text(), what);
  }
  seen.add(`${api.name} ${response.status}`);
}

for (const api of operations) {
  test(`${api.name}: every example is answered as it says`, manyStarts, async () => {
    let world;
    for (const request of exampleRequests(api)) {
      const what = `${api.name}, ${request.name}`;
      const as = request.as ?? byAccess[api.access];
      if (!isShared(api)) await world?.leave();
      if (!isShared(api) || !world) world = await makeWorld(api, as);
      const built = buildRequest(api, replaceIn({ values: request.values, body: request.body }, await valuesOf(world, api)));
      const response = await send(built, await tokenOf(as, world));
      if (response.status !== request.status) assert.fail(`${what}: ${response.status} instead of ${request.status}: ${JSON.stringify(built)} ${await response.text()}`);
      await judge(api, response, world, what);
      if (api.path === '/admin/accounts/{id}' && response.status === 200) {
        await place.admin.json(`/admin/accounts/${world.account.user}`, { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: '{"role":"user"}' });
      }
    }
    await world.leave();
  });
}

test('bodies that are no JSON, of another type or too large are refused as described', async () => {
  for (const api of operations.filter((each) => each.body)) {
    const as = byAccess[api.access];
    const client = as === 'account' ? await makeAccount(place) : await makeUser(place);
    const token = await tokenOf(as, { client, account: client });
    const plain = buildRequest(api, plainRequest(api));
    const json = { 'Content-Type': 'application/json' };
    for (const [status, headers, body] of [[400, json, '{'], [400, json, '{"a":"\ud800'], [415, { 'Content-Type': 'text/plain' }, '{}'], [422, json, '[]'], [413, json, ' '.repeat(1024 * 1024 + 1)]]) {
      const response = await send({ ...plain, headers, body }, token);
      assert.equal(response.status, status, `${api.name} ${body.slice(0, 20)}`);
      await judge(api, response, null, `${api.name} with a bad body`);
    }
  }
});

test('a query that is not UTF-8 is 400', async () => {
  for (const api of operations) {
    const name = api.parameters.find((each) => each.in === 'query')?.name;
    if (!name) continue;
    const token = await tokenOf(byAccess[api.access], { client: await makeUser(place) });
    const { path, ...rest } = buildRequest(api, plainRequest(api));
    await judge(api, await send({ ...rest, path: `${path.split('?')[0]}?${name}=%ff` }, token), null, `${api.name} with bad bytes`);
    assert.ok(seen.has(`${api.name} 400`), api.name);
  }
});

test('a message of more than 256 KiB is 413', async () => {
  const api = operations.find((each) => each.name === 'POST /chat/stream');
  const response = await (await makeUser(place)).post({ message: 'x'.repeat(256 * 1024 + 1) });
  assert.equal(response.status, 413);
  await judge(api, response, null, 'a long message');
});

test('whoever may not call a route gets what is described for that', async () => {
  for (const api of operations.filter((each) => each.access !== 'open')) {
    const plain = buildRequest(api, plainRequest(api));
    for (const [status, token] of [[401, null], [401, 'x'], [403, place.replica]]) {
      const response = await send(plain, token);
      assert.equal(response.status, status, api.name);
      await judge(api, response, null, `${api.name} with ${token}`);
    }
  }
});

// ---- what every path answers

const head = (client, path) => client.request(path, { method: 'HEAD' });
// A stream's head says that the connection ends with it, a HEAD's that it ends here.
const steady = (headers) => [...headers].filter(([name]) => !['date', 'content-length', 'transfer-encoding', 'connection'].includes(name));

test('OPTIONS and 405 name the methods that the document has, and HEAD is the head of GET', async () => {
  const world = await furnish(place, await makeUser(place));
  for (const path of Object.keys(apiDocument.paths)) {
    const own = operations.filter((each) => each.path === path);
    const methods = own.flatMap((each) => (each.method === 'GET' ? ['GET', 'HEAD'] : [each.method]));
    const { path: target } = buildRequest(own[0], plainRequest(own[0]));
    const options = await fetch(place.server.url + target, { method: 'OPTIONS', headers: { Origin: 'http://a.example', 'Access-Control-Request-Method': 'GET' } });
    const api = extras.find((each) => each.path === path && each.method === 'OPTIONS');
    checkAnswer(api, options, await options.text(), `OPTIONS ${path}`);
    assert.deepEqual(options.headers.get('allow').split(', ').sort(), [...methods, 'OPTIONS'].sort(), path);
    const other = await fetch(place.server.url + target, { method: 'PUT' });
    assert.equal(other.status, 405, path);
    checkAnswer(own[0], other, await other.text(), `PUT ${path}`);
    assert.deepEqual(other.headers.get('allow').split(', ').sort(), [...methods, 'OPTIONS'].sort(), path);

    const get = own.find((each) => each.method === 'GET');
    const headApi = extras.find((each) => each.path === path && each.method === 'HEAD');
    assert.equal(Boolean(get), Boolean(headApi), `HEAD ${path}`);
    if (!get) continue;
    const client = get.access === 'admin' ? place.admin : world.client;
    const [full, headOnly] = [await client.request(target), await head(client, target)];
    await full.body?.cancel();
    checkAnswer(headApi, headOnly, await headOnly.text(), `HEAD ${path}`);
    assert.equal(headOnly.status, full.status, `HEAD ${path}`);
    assert.deepEqual(steady(headOnly.headers), steady(full.headers), `HEAD ${path}`);
  }
  await world.leave();
});

test('a path that is not described is 404 with a problem', async () => {
  for (const path of ['/nothing', '/chat', '/chat/stream/', '/v1/models', '/openapi.yaml']) {
    const response = await new Client(place.server, place.admin.token).request(path);
    assert.equal(response.status, 404, path);
    checkAnswer(operations[0], response, await response.text(), path);
  }
});

// What takes more than one request, or a server in trouble, to be answered; the file that has it.
const elsewhere = [
  [/ 503$/, 'drain, http, models, upstream'],
  [/ 507$/, 'tests/fault/full_disk'],
  [/^(POST \/auth\/(login|password)|DELETE \/auth\/me) 429$/, 'accounts'],
  [/^POST \/chat\/stream 429$/, 'queue'],
  [/^POST \/admin\/invitations 429$/, 'unit/storage'],
  [/^POST \/chat\/stop 410$/, 'nowhere: a thread has to be deleted between the end of its run and the look at it'],
  [/^GET \/chat\/stream 204$/, 'nowhere: a thread begins with a run'],
];

test('every described status has been seen, here or elsewhere', async () => {
  const client = await makeUser(place);
  const api = operations.find((each) => each.name === 'POST /auth/keys');
  for (let i = 0; i < 64; ++i) await postJson(client, '/auth/keys', { name: `key ${i}`, scopes: ['read'] }, 201);
  await judge(api, await send(buildRequest(api, plainRequest(api)), client.token), null, 'the 65th key');
  const missing = operations.flatMap((each) => each.statuses.map((status) => `${each.name} ${status}`))
    .filter((each) => !seen.has(each) && !elsewhere.some(([pattern]) => pattern.test(each)));
  assert.deepEqual(missing, []);
});

// GET /chat/models: what can be asked, from the model server in use; kept for a minute, bounded, and honest when it fails.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before } from 'node:test';
import { expectProblem, newUser } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { makeGate, test, until } from './support/wait.mjs';

// A model server with nothing but its list: `listing(response)` answers every request.
let listing;
let requests = [];
const upstream = http.createServer((request, response) => {
  requests.push(request);
  listing(response);
});
const respond = (status, body) => (response) => {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
};
const listOf = (...ids) => respond(200, { object: 'list', data: ids.map((id) => ({ id, object: 'model' })) });

before(() => new Promise((resolve) => upstream.listen(0, '127.0.0.1', resolve)));
after(() => { upstream.closeAllConnections(); upstream.close(); });

// A server of its own, since what one has heard it keeps.
async function withServer(options, body) {
  requests = [];
  const server = await startServer({ upstream: `http://127.0.0.1:${upstream.address().port}`, args: ['--workers', '1'], ...options });
  try {
    await body(await newUser(server), server);
  } finally {
    await server.stop();
  }
}

test('without a model server the built-in model names itself', () => withServer({ upstream: 'offline' }, async (user) => {
  assert.deepEqual(await user.json('/chat/models'), { models: [{ id: 'bobbin-offline', default: true }], default: 'bobbin-offline' });
  await expectProblem(await fetch(`${user.server.url}/chat/models`), 401, 'unauthorized');
}));

test('the server’s list in its order, with the model that is asked when none is named, and asked once a minute', () => {
  listing = listOf('nomic-embed-text', 'first "quoted"', 'second', 'second');
  return withServer({}, async (user) => {
    const expected = { models: [{ id: 'nomic-embed-text' }, { id: 'first "quoted"', default: true }, { id: 'second' }], default: 'first "quoted"' };
    for (let turn = 0; turn < 3; ++turn) assert.deepEqual(await user.json('/chat/models'), expected);
    assert.equal(requests.length, 1);
    assert.equal(requests[0].url, '/v1/models');
  });
});

test('the model of the command line is the default, listed or not, and the key is sent', () => {
  listing = listOf('a', 'b');
  return withServer({ args: ['--workers', '1', '--model', 'hidden'], env: { BOBBIN_UPSTREAM_KEY: 'sk-e2e' } }, async (user) => {
    assert.deepEqual(await user.json('/chat/models'), { models: [{ id: 'a' }, { id: 'b' }], default: 'hidden' });
    assert.equal(requests[0].headers.authorization, 'Bearer sk-e2e');
  });
});

test('entries that are no models are left out, and a long list is cut', () => {
  listing = respond(200, { data: [1, null, {}, { id: 7 }, { id: '' }, { id: 'a\nb' }, { id: 'x'.repeat(257) }, { id: 'good' },
    ...Array.from({ length: 3000 }, (_, at) => ({ id: `m${at}` }))] });
  return withServer({}, async (user) => {
    const { models } = await user.json('/chat/models');
    assert.equal(models.length, 1000);
    assert.deepEqual(models.slice(0, 2).map(({ id }) => id), ['good', 'm0']);
  });
});

test('a server that fails is 503 with the reason, and asked again', () => {
  listing = respond(500, '{"error":"down"}');
  return withServer({}, async (user) => {
    const fails = async (code, detail) => {
      const response = await user.request('/chat/models');
      assert.ok(response.headers.get('retry-after'));
      assert.match((await expectProblem(response, 503, code)).detail, detail);
    };
    await fails('upstream_unavailable', /model's server failed/);
    listing = respond(401, '{}');
    await fails('upstream_rejected', /API key/);
    for (const nonsense of ['', '{', '[]', '{}', '{"data":7}', '<html>']) {
      listing = respond(200, nonsense);
      await fails('upstream_rejected', /no list of models/);
    }
    listing = (response) => response.socket.destroy();
    await fails('upstream_unavailable', /./);
    listing = respond(200, `{"data":[{"id":"${'x'.repeat(1024 * 1024)}"}]}`);
    await fails('upstream_rejected', /too many/);
    listing = () => {};   // never an answer
    await fails('upstream_timeout', /slow/);
    listing = listOf('back');
    assert.equal((await user.json('/chat/models')).default, 'back');
  });
});

test('many who ask at once share one question', () => {
  const gate = makeGate();
  listing = async (response) => { await gate.opened; listOf('shared')(response); };
  return withServer({}, async (user) => {
    const answers = Array.from({ length: 20 }, () => user.json('/chat/models'));
    await until('the question', () => requests.length > 0);
    gate.open();
    for (const answer of await Promise.all(answers)) assert.equal(answer.default, 'shared');
    assert.equal(requests.length, 1);
  });
});

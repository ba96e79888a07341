// Limits: requests a minute of each user, API key and address, and answers at once of each user.

import assert from 'node:assert/strict';
import { Client, EventReader, expectProblem, newUser } from './support/client.mjs';
import { answerWhenOpened, answerWith, startScripted } from './support/scripted_upstream.mjs';
import { startServer } from './support/server.mjs';
import { makeGate, test, until } from './support/wait.mjs';

// So small that nothing refills while a test runs: one request in 20 s.
const few = 3;

async function withServer(options, body) {
  const server = await startServer(options);
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}

const numberOf = (response, name) => {
  const text = response.headers.get(name);
  assert.match(text ?? '', /^\d+$/, name);
  return Number(text);
};
const rateOf = (response) => ({
  limit: numberOf(response, 'ratelimit-limit'), remaining: numberOf(response, 'ratelimit-remaining'), reset: numberOf(response, 'ratelimit-reset'),
});

// The bucket is full again after as many intervals as it lacks requests; some of the last one may have passed.
function expectRate(response, limit, remaining) {
  const rate = rateOf(response);
  assert.deepEqual([rate.limit, rate.remaining], [limit, remaining]);
  const interval = 60 / limit;
  assert.ok(rate.reset > (limit - remaining - 1) * interval && rate.reset <= (limit - remaining) * interval, `reset ${rate.reset}`);
}

async function expectLimited(response) {
  assert.ok(numberOf(response, 'retry-after') >= 1);
  assert.equal(rateOf(response).remaining, 0);
  await expectProblem(response, 429, 'rate_limited');
}

test('a user’s requests are counted over all connections and workers, and every answer says what is left', async () => {
  await withServer({ args: ['--limit-requests', String(few), '--workers', '3'] }, async (server) => {
    const [ada, eve] = [await newUser(server), await newUser(server)];
    for (let left = few - 1; left >= 0; --left) {
      const response = await ada.request('/chat/sessions', { headers: { Connection: 'close' } });
      assert.equal(response.status, 200);
      expectRate(response, few, left);
    }
    const refused = await ada.request('/chat/sessions', { headers: { Connection: 'close' } });
    assert.ok(numberOf(refused, 'retry-after') <= 20);
    await expectLimited(refused);
    // Another token of the same user is the same user; another user is not.
    await expectLimited(await new Client(server, await server.token(ada.user, { jti: 'another' })).request('/chat/sessions'));
    assert.equal((await eve.request('/chat/sessions')).status, 200);
    // What has no user is counted by its address alone, and that has no limit here.
    for (const path of ['/health', '/ready', '/']) {
      const response = await fetch(server.url + path);
      assert.equal(response.headers.get('ratelimit-limit'), null, path);
      await response.arrayBuffer();
    }
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(metrics, /^bobbin_requests_limited_total 2$/m);
  });
});

test('a stream’s head says what is left, and what is refused is not stored', async () => {
  await withServer({ args: ['--limit-requests', String(few)] }, async (server) => {
    const user = await newUser(server);
    const response = await user.post({ message: 'hello', thread_id: 't' });
    expectRate(response, few, few - 1);
    await new EventReader(response).finish();
    assert.equal((await user.history('t')).message_count, 2);
    assert.equal((await user.request('/chat/nothing/here')).status, 404);  // of no route: only its address counts
    assert.equal((await user.request('/chat/sessions')).status, 200);
    await expectLimited(await user.post({ message: 'one too many', thread_id: 't' }));
    const other = await newUser(server);
    assert.deepEqual(await other.sessions(), { sessions: [] });
  });
});

test('an address is limited before its tokens are looked at, whatever it asks for', async () => {
  await withServer({ args: ['--limit-address-requests', String(few), '--limit-requests', '100'] }, async (server) => {
    const user = await newUser(server);
    const bad = await fetch(`${server.url}/chat/sessions`, { headers: { Authorization: 'Bearer nonsense' } });
    expectRate(bad, few, few - 1);
    await expectProblem(bad, 401, 'unauthorized');
    // The bucket that has the least left is the one to know of.
    const good = await user.request('/chat/sessions');
    assert.equal(good.status, 200);
    expectRate(good, few, few - 2);
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
    for (const path of ['/health', '/ready', '/', '/chat/sessions', '/nowhere']) await expectLimited(await fetch(server.url + path));
    await expectLimited(await user.request('/chat/sessions'));
    await expectLimited(await fetch(`${server.url}/chat/sessions`, { method: 'OPTIONS' }));
  });
});

test('behind a trusted proxy it is the client’s address that counts, of IPv6 its /64', async () => {
  await withServer({ args: ['--limit-address-requests', '2', '--trusted-proxy', '127.0.0.1'] }, async (server) => {
    const from = (address) => fetch(`${server.url}/health`, { headers: { 'X-Forwarded-For': address } });
    for (const address of ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9']) assert.equal((await from(address)).status, 200);
    await expectLimited(await from('2001:db8:1:2::77'));
    assert.equal((await from('2001:db8:1:3::1')).status, 200);
    assert.equal((await from('192.0.2.1')).status, 200);
  });
});

test('an API key has a bucket of its own', async () => {
  await withServer({ args: ['--limit-requests', String(few)] }, async (server) => {
    const user = await newUser(server);
    const made = await user.json('/auth/keys', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name: 'script', scopes: ['read'] }) }, 201);
    const script = new Client(server, made.key);
    for (let i = 0; i < few; ++i) assert.equal((await script.request('/chat/sessions')).status, 200);
    await expectLimited(await script.request('/chat/sessions'));
    assert.equal((await user.request('/chat/sessions')).status, 200);
  });
});

test('nothing is limited where only this machine can call; elsewhere all is, unless the options say otherwise', async () => {
  await withServer({}, async (server) => {
    assert.equal((await fetch(`${server.url}/health`)).headers.get('ratelimit-limit'), null);
  });
  await withServer({ args: ['--trusted-proxy', '127.0.0.1'] }, async (server) => {
    assert.equal(rateOf(await fetch(`${server.url}/health`)).limit, 1200);
    const response = await (await newUser(server)).request('/chat/sessions');
    assert.deepEqual([rateOf(response).limit, rateOf(response).remaining], [600, 599]);
  });
  await withServer({ args: ['--trusted-proxy', '127.0.0.1', '--limit-address-requests', '0', '--limit-requests', '0'] }, async (server) => {
    assert.equal((await (await newUser(server)).request('/chat/sessions')).headers.get('ratelimit-limit'), null);
  });
});

// A model that answers when the gate opens.
async function heldModel() {
  const upstream = await startScripted();
  const gate = makeGate();
  upstream.answer(answerWhenOpened(gate));
  return { upstream, gate };
}

test('answers at once: over all workers, waiting ones within a larger bound, nothing stored past it', async () => {
  const { upstream, gate } = await heldModel();
  await withServer({ upstream: upstream.url, args: ['--limit-runs', '2', '--workers', '3'] }, async (server) => {
    const user = await newUser(server);
    const open = [];
    // Many at once, each in a thread of its own: exactly two begin.
    const responses = await Promise.all(Array.from({ length: 12 }, (_, i) => user.post({ message: `m${i}`, thread_id: `t${i}` }, { Connection: 'close' })));
    for (const response of responses) {
      if (response.status === 200) open.push(new EventReader(response));
      else {
        assert.equal(response.headers.get('retry-after'), '1');
        await expectProblem(response, 429, 'too_many_runs');
      }
    }
    assert.equal(open.length, 2);
    for (const stream of open) await stream.until('start');
    assert.equal((await user.sessions()).sessions.length, 2, 'nothing is stored of the others');
    const busy = open[0].events[0].data.thread_id;

    // Others wait in those threads, 16 in all.
    for (let i = 0; i < 14; ++i) {
      const stream = await user.open(`waits ${i}`, busy);
      assert.equal((await stream.next()).data.type, 'queued');
      open.push(stream);
    }
    await expectProblem(await user.post({ message: 'one too many', thread_id: busy }), 429, 'too_many_runs');
    const queue = await user.json(`/chat/sessions/${busy}/queue`);
    assert.equal(JSON.stringify(queue).includes('one too many'), false);

    const other = await newUser(server);
    const theirs = await other.open('mine', 't');
    await theirs.until('start');

    gate.open();
    for (const stream of [...open, theirs]) assert.equal((await stream.finish()).data.type, 'done');
    // Once an answer has said `done`, there is room.
    for (let i = 0; i < 10; ++i) await Promise.all([user.ask('again', 'a'), user.ask('again', 'b')]);
  });
  await upstream.stop();
});

test('a stopped, deleted or cancelled run makes room', async () => {
  const { upstream, gate } = await heldModel();
  await withServer({ upstream: upstream.url, args: ['--limit-runs', '1'] }, async (server) => {
    const user = await newUser(server);
    const json = { 'Content-Type': 'application/json' };
    const begin = async (thread) => {
      const stream = await user.open('hello', thread);
      await stream.until('start');
      return stream;
    };
    const stopped = await begin('stopped');
    await expectProblem(await user.post({ message: 'x', thread_id: 'other' }), 429, 'too_many_runs');
    await user.json('/chat/stop', { method: 'POST', headers: json, body: JSON.stringify({ thread_id: 'stopped' }) });
    await stopped.finish();
    const deleted = await begin('deleted');
    const waiting = await user.open('waits', 'deleted');
    await waiting.next();
    await user.deleteThread('deleted');
    await Promise.all([deleted.finish(), waiting.finish()]);
    const all = await begin('all');
    await user.deleteAll();
    await all.finish();
    const last = await begin('last');
    gate.open();
    await last.finish();
  });
  await upstream.stop();
});

test('a request that is known is joined, also by who may not begin another', async () => {
  const { upstream, gate } = await heldModel();
  await withServer({ upstream: upstream.url, args: ['--limit-runs', '1'] }, async (server) => {
    const user = await newUser(server);
    const first = new EventReader(await user.post({ message: 'once' }, { 'Idempotency-Key': 'k' }));
    const start = await first.until('start');
    await expectProblem(await user.post({ message: 'another' }, { 'Idempotency-Key': 'other' }), 429, 'too_many_runs');
    const again = new EventReader(await user.post({ message: 'once' }, { 'Idempotency-Key': 'k' }));
    assert.deepEqual((await again.until('start')).data, start.data);
    gate.open();
    assert.equal((await again.finish()).data.type, 'done');
    assert.equal((await first.finish()).data.type, 'done');
    // What was refused is not known: it may be sent again.
    const later = new EventReader(await user.post({ message: 'another' }, { 'Idempotency-Key': 'other' }));
    assert.equal((await later.finish()).data.type, 'done');
  });
  await upstream.stop();
});

test('what waited when the server died counts after the restart', async () => {
  const { upstream, gate } = await heldModel();
  await withServer({ upstream: upstream.url, args: ['--limit-runs', '1'] }, async (server) => {
    const user = await newUser(server);
    const streams = [await user.open('first', 't')];
    await streams[0].until('start');
    for (let i = 0; i < 7; ++i) {
      streams.push(await user.open(`waits ${i}`, 't'));
      await streams.at(-1).next();
    }
    await expectProblem(await user.post({ message: 'x', thread_id: 't' }), 429, 'too_many_runs');
    await server.restart();
    for (const stream of streams) await stream.close().catch(() => {});
    // Seven wait in the one thread; the first of them begins.
    await expectProblem(await user.post({ message: 'x', thread_id: 'other' }), 429, 'too_many_runs');
    const eighth = await user.open('the eighth', 't');
    assert.equal((await eighth.next()).data.type, 'queued');
    await expectProblem(await user.post({ message: 'the ninth', thread_id: 't' }), 429, 'too_many_runs');
    gate.open();
    assert.equal((await eighth.finish()).data.type, 'done');
    upstream.answer(answerWith('fine'));
    await until('room', async () => (await user.post({ message: 'x', thread_id: 'other' })).status === 200);
  });
  await upstream.stop();
});

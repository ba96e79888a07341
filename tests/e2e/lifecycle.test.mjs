// The process: how it starts, refuses to start, dies, drains and comes back.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { newUser } from './support/client.mjs';
import { freePort } from './support/mock_llm.mjs';
import { exchangeUntilClosed } from './support/raw.mjs';
import { startScripted } from './support/scripted_upstream.mjs';
import { makeTempDir, runToExit, Server, startServer } from './support/server.mjs';
import { mintToken } from './support/tokens.mjs';
import { makeGate, manyStarts, test, until } from './support/wait.mjs';

async function withServer(options, body) {
  const server = await startServer(options);
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}

// Runs `serve` where it cannot work: exit code 1 and one line that says why.
async function expectRefusal(args, pattern, env) {
  const { code, stdout, stderr } = await runToExit(['serve', '--upstream', 'offline', ...args], env);
  assert.equal(code, 1, stdout + stderr);
  assert.ok(!stdout.includes('listening on'), stdout);
  const lines = stderr.trimEnd().split('\n');
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0], pattern);
}

// ---- what it refuses

test('a busy port is one clear line and exit code 1, also when another Bobbin holds it', async () => {
  const blocker = net.createServer();
  await new Promise((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  const { port } = blocker.address();
  await expectRefusal(['--listen', `127.0.0.1:${port}`, '--data', path.join(makeTempDir(), 'data')], new RegExp(`${port}`));
  blocker.close();
  await withServer({}, async (server) => {
    await expectRefusal(['--listen', `127.0.0.1:${server.port}`, '--data', path.join(server.workDir, 'other')], new RegExp(`${server.port}`));
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
  });
});

test('of two that start on one port at the same moment, one listens and the other says why not', manyStarts, async () => {
  for (let round = 0; round < 10; ++round) {
    const listen = `127.0.0.1:${await freePort()}`;
    const pair = [new Server({ listen }), new Server({ listen })];
    try {
      const starts = await Promise.allSettled(pair.map((server) => server.start()));
      const losers = pair.filter((_, index) => starts[index].status === 'rejected');
      assert.equal(losers.length, 1, pair.map((server) => server.stdout + server.stderr).join(''));
      const [loser] = losers;
      assert.deepEqual(await loser.exited, { code: 1, signal: null }, loser.stderr);
      assert.equal(loser.stdout, '');
      assert.equal(loser.stderr.trimEnd().split('\n').length, 1, loser.stderr);
      assert.ok(loser.stderr.includes(listen), loser.stderr);
      const winner = pair.find((server) => server !== loser);
      assert.equal((await fetch(`${winner.url}/health`)).status, 200);
    } finally {
      for (const server of pair) await server.stop();
    }
  }
});

test('an unusable data directory is one clear line and exit code 1', async () => {
  const dir = makeTempDir();
  const file = path.join(dir, 'file');
  writeFileSync(file, 'not a directory');
  const broken = await startServer({ dataDir: path.join(dir, 'broken') });
  await broken.terminate();
  for (const name of readdirSync(broken.dataDir, { recursive: true })) {
    if (path.basename(name) === 'CURRENT') writeFileSync(path.join(broken.dataDir, name), 'nonsense\n');
  }
  for (const data of [file, path.join(file, 'below'), '/proc/bobbin']) {
    await expectRefusal(['--listen', '127.0.0.1:0', '--data', data], /data|director|store/i);
  }
  // A damaged store: the engine's own words may stand in the log before the line that counts.
  const damaged = await runToExit(['serve', '--upstream', 'offline', '--listen', '127.0.0.1:0', '--data', broken.dataDir]);
  assert.equal(damaged.code, 1);
  assert.match(damaged.stderr.trimEnd().split('\n').at(-1), /store|data/i);
  assert.equal(readFileSync(file, 'utf8'), 'not a directory');
});

test('a second server on the same directory is one clear line and exit code 1, and the first goes on', async () => {
  await withServer({}, async (server) => {
    const user = await newUser(server);
    await user.ask('before', 't');
    await expectRefusal(['--listen', '127.0.0.1:0', '--data', server.dataDir], /in use|lock|another|already/i);
    await user.ask('after', 't');
    assert.equal((await user.history('t')).message_count, 4);
  });
});

test('a secret under 32 bytes is one clear line and exit code 1, from a file and from the environment', async () => {
  const dir = makeTempDir();
  const short = 'only-31-bytes-of-secret-text-xx';
  const file = path.join(dir, 'short');
  writeFileSync(file, `${short}\n`, { mode: 0o600 });
  const place = ['--listen', '127.0.0.1:0', '--data', path.join(dir, 'data')];
  await expectRefusal([...place, '--jwt-secret-file', file], /32/);
  await expectRefusal(place, /32/, { BOBBIN_JWT_SECRET: short });
  await expectRefusal([...place, '--jwt-secret-file', path.join(dir, 'absent')], /secret|absent/);
});

test('options that make no sense are refused by name', async () => {
  for (const args of [['--upstream', 'gopher://x'], ['--no-such-option'], ['--listen', 'nonsense']]) {
    const { code, stderr, stdout } = await runToExit(['serve', '--data', path.join(makeTempDir(), 'data'), ...args]);
    assert.notEqual(code, 0, `${args}`);
    assert.ok((stderr + stdout).includes(args[1] ?? args[0]) || (stderr + stdout).includes(args[0].slice(2)), stderr + stdout);
  }
});

// ---- the secret

test('without a secret one is made: mode 0600, kept over restarts, used by `bobbin token`', async () => {
  const server = new Server({ secret: null });
  try {
    await server.start();
    const file = path.join(server.dataDir, 'jwt-secret');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const made = await runToExit(['token', '--user', 'me', '--data', server.dataDir]);
    assert.equal(made.code, 0, made.stderr);
    const ask = (token) => fetch(`${server.url}/chat/sessions`, { headers: { Authorization: `Bearer ${token}` } });
    assert.equal((await ask(made.stdout.trim())).status, 200);
    assert.equal((await ask(await mintToken(readFileSync(file, 'utf8').trim(), { sub: 'me' }))).status, 200);
    await server.restart();
    assert.equal((await ask(made.stdout.trim())).status, 200);
    assert.ok(!server.stderr.includes(readFileSync(file, 'utf8').trim()));
  } finally {
    await server.stop();
  }
});

test('the secret may come from the environment', async () => {
  const secret = 'a secret from the environment, long enough';
  const server = new Server({ secret: null, env: { BOBBIN_JWT_SECRET: secret } });
  try {
    await server.start();
    const token = await mintToken(secret, { sub: 'me' });
    assert.equal((await fetch(`${server.url}/chat/sessions`, { headers: { Authorization: `Bearer ${token}` } })).status, 200);
  } finally {
    await server.stop();
  }
});

// ---- dying and coming back

test('kill -9 right after done, ten times: question and answer are both in history', manyStarts, async () => {
  await withServer({}, async (server) => {
    const user = await newUser(server);
    const expected = [];
    for (let round = 0; round < 10; ++round) {
      const stream = await user.open(`round ${round}`, 'survivor');
      await stream.until('done');
      server.signal('SIGKILL');
      await server.exited;
      expected.push(`round ${round}`, stream.text);
      await server.start();
      assert.deepEqual(await user.contents('survivor'), expected);
      assert.equal((await user.sessions()).sessions[0].message_count, expected.length);
    }
  });
});

test('kill -9 right after a delete: the thread stays deleted', async () => {
  await withServer({}, async (server) => {
    const user = await newUser(server);
    for (const id of ['kept', 'gone']) await user.ask('hello', id);
    await user.deleteThread('gone');
    await server.restart();
    assert.deepEqual((await user.sessions()).sessions.map((session) => session.id), ['kept']);
    assert.equal((await user.request('/chat/history?thread_id=gone')).status, 404);
  });
});

test('kill -9 with messages waiting: the queue goes on after the restart, in order', async () => {
  const upstream = await startScripted();
  const never = makeGate();
  upstream.answer(async (reply) => { reply.head(); await reply.text('half'); await never.opened; });
  try {
    await withServer({ upstream: upstream.url }, async (server) => {
      const user = await newUser(server);
      const first = await user.open('active', 't');
      await first.until('token');
      for (const text of ['waits 1', 'waits 2', 'waits 3']) await (await user.open(text, 't')).until('queued');
      await server.kill();
      upstream.answer(async (reply, request) => {
        reply.head();
        await reply.text(`re: ${request.body.messages.at(-1).content}`);
        await reply.finish();
      });
      await server.start();
      const contents = await until('the queue to be worked off', async () => {
        const all = await user.contents('t');
        return all.includes('re: waits 3') && all;
      });
      assert.equal(contents[0], 'active');
      assert.deepEqual(contents.slice(contents.indexOf('waits 1')), ['waits 1', 're: waits 1', 'waits 2', 're: waits 2', 'waits 3', 're: waits 3']);
      assert.equal((await user.ask('and now?', 't')).text, 're: and now?');
    });
  } finally {
    never.open();
    await upstream.stop();
  }
});

test('SIGTERM drains: a running stream comes to a terminal event, then exit code 0', async () => {
  const upstream = await startScripted();
  const gate = makeGate();
  upstream.answer(async (reply) => { reply.head(); await reply.text('one '); await gate.opened; await reply.text('two'); await reply.finish(); });
  try {
    await withServer({ upstream: upstream.url }, async (server) => {
      const user = await newUser(server);
      const stream = await user.open('go', 't');
      await stream.until('token');
      server.signal('SIGTERM');
      // Draining has begun when new connections are turned away, by refusal or by 503.
      await until('the drain to begin', async () => {
        const raw = await exchangeUntilClosed(server, `GET /chat/sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`).catch(() => null);
        return raw === null || raw.text === '' || raw.text.includes(' 503 ');
      });
      gate.open();
      const end = await stream.finish();
      assert.deepEqual(await server.exited, { code: 0, signal: null });
      await server.start();
      const contents = await user.contents('t');
      assert.equal(contents[0], 'go');
      if (end.data.type === 'done') assert.deepEqual(contents, ['go', 'one two']);
      else assert.ok(contents[1].startsWith('one '), 'what the client saw is kept');
    });
  } finally {
    gate.open();
    await upstream.stop();
  }
});

test('SIGTERM and SIGINT end an idle server at once with exit code 0, also with open keep-alive connections', async () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    await withServer({}, async (server) => {
      const idle = net.connect(server.port, '127.0.0.1');
      await new Promise((resolve) => idle.once('connect', resolve));
      await (await fetch(`${server.url}/health`)).text();
      server.signal(signal);
      assert.deepEqual(await server.exited, { code: 0, signal: null });
      idle.destroy();
    });
  }
});

test('/health says how store and upstream are', async () => {
  await withServer({}, async (server) => {
    const response = await fetch(`${server.url}/health`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type'), /^application\/json\b/);
    const health = await response.json();
    assert.equal(health.status, 'ok');
    assert.ok(health.store, 'store');
    assert.match(JSON.stringify(health.upstream), /offline/);
  });
});

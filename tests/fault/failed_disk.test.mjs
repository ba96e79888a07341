// A disk that fails once: the process ends with an exit code of its own, promises nothing that it cannot keep, and a
// restart on a healthy disk has all that was acknowledged. "Once" is the trap: a second try would succeed.

import assert from 'node:assert/strict';
import { newUser } from '../e2e/support/client.mjs';
import { answerWith, startScripted } from '../e2e/support/scripted_upstream.mjs';
import { Server } from '../e2e/support/server.mjs';
import { test, until } from '../e2e/support/wait.mjs';
import { FaultDisk, WAL } from './support/faults.mjs';
import { long } from './support/random.mjs';

const DISK_FAILED = 74;
const REFUSED_TO_START = 1;
const patient = { timeout: long ? 3_600_000 : 180_000 };
const errorText = { EIO: /Input\/output error/ };

// Runs `body(server, disk, user)` over a server on a disk of its own, which it may kill.
async function onFaultyDisk(body) {
  const disk = new FaultDisk({ noDevice: true });
  const upstream = await startScripted();
  upstream.answer(answerWith('an ', 'answer'));
  const server = new Server({ upstream: upstream.url, dataDir: disk.dataDir, env: disk.env, args: ['--workers', '2'] });
  try {
    await server.start();
    await body(server, disk, await newUser(server));
  } finally {
    await server.stop();
    await upstream.stop();
    disk.remove();
  }
}

// Posts until all is done or the server is gone. Answers what was acknowledged: {started, done}, each texts in order.
async function converse(user, server, count, bytes = 20) {
  const told = { started: [], done: [] };
  for (let index = 0; index < count && server.alive; ++index) {
    const text = `message ${index} ${'x'.repeat(bytes)}`;
    try {
      const response = await user.post({ message: text, thread_id: 't' });
      if (response.status !== 200) {
        const problem = JSON.parse(await response.text());
        assert.ok(problem.status >= 500 && problem.code, JSON.stringify(problem));
        continue;
      }
      const body = await response.text();
      if (body.includes('"type":"start"')) told.started.push(text);
      if (body.includes('"type":"done"')) told.done.push(text);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;   // else the connection ended with the process
    }
  }
  return told;
}

async function checkKept(user, told) {
  const messages = told.started.length === 0 && (await user.request('/chat/history?thread_id=t')).status === 404 ? [] : (await user.history('t')).messages;
  const asked = messages.filter((message) => message.role === 'user').map((message) => message.content);
  assert.equal(new Set(asked).size, asked.length, 'a message is there twice');
  assert.deepEqual(asked.filter((text) => told.started.includes(text)), told.started, 'what was started is there, in order');
  for (const text of told.done) {
    const at = messages.findIndex((message) => message.content === text);
    assert.equal(messages[at + 1]?.content, 'an answer', `the answer to ${text.slice(0, 20)}`);
  }
}

// The process has ended as it should, or it never met a fault that matters.
async function checkEnd(server, errorName) {
  const end = await server.exited;
  assert.deepEqual(end, { code: DISK_FAILED, signal: null }, server.stderr.slice(-2000));
  assert.match(server.stderr, errorText[errorName]);
  assert.match(server.stderr, /disk failed/);
}

for (const [kind, errorName] of [['sync', 'EIO'], ['write', 'EIO']]) {
  test(`the ${errorName} of any ${kind} of the store's log ends the process with code 74, and nothing acknowledged is lost`, patient, async () => {
    for (let n = 1; n <= (long ? 100 : 3); ++n) {
      await onFaultyDisk(async (server, disk, user) => {
        await user.ask('before', 't');
        disk.failNth(kind, n, errorName, WAL);
        const told = await converse(user, server, n);
        assert.equal(disk.hits(kind), 1, `${kind} ${n} was not reached`);
        assert.ok(told.done.length < n, 'what failed was called done');
        await checkEnd(server, errorName);
        disk.heal();
        await server.start();
        await checkKept(user, told);
        assert.equal((await user.ask('after', 't')).text, 'an answer');
      });
    }
  });
}

// A quota that is used up is a full disk: RocksDB has no name for it, and the log is cut off like after ENOSPC.
for (const errorName of ['ENOSPC', 'EDQUOT']) {
  test(`the ${errorName} of any sync of the store's log is a full disk: nothing acknowledged is lost, and the same process goes on`, patient, async () => {
    for (let n = 1; n <= (long ? 100 : 3); ++n) {
      await onFaultyDisk(async (server, disk, user) => {
        await user.ask('before', 't');
        disk.failNth('sync', n, errorName, WAL);
        const told = await converse(user, server, n);
        assert.equal(disk.hits('sync'), 1, `sync ${n} was not reached`);
        await until('messages to be taken again', async () => {
          const response = await user.post({ message: 'again', thread_id: 't' });
          return (await response.text()).includes('"type":"done"') && response.status === 200;
        });
        assert.ok(server.alive);
        await checkKept(user, told);
        await server.kill();
        await server.start();
        await checkKept(user, told);
      });
    }
  });
}

// Enough text for flushes, new logs and new tables: files are opened and renamed while messages come in.
const BUSY = { count: 150, bytes: 2000 };
// Renames happen only while a store opens.
const samples = { sync: [2, 40, 200], write: [5, 60, 200], open: [1, 2, 3] };
for (const kind of Object.keys(samples)) {
  test(`a failed ${kind} of any file ends the process with code 74 or harms nothing`, patient, async () => {
    let hit = true;
    for (let index = 0; hit && index < (long ? 400 : samples[kind].length); ++index) {
      await onFaultyDisk(async (server, disk, user) => {
        disk.failNth(kind, long ? index + 1 : samples[kind][index]);
        const told = await converse(user, server, BUSY.count, BUSY.bytes);
        hit = disk.hits(kind) === 1;
        assert.ok(hit || index > 0, `nothing was hit: ${disk.seen(kind)} calls`);
        if (!server.alive || told.done.length < BUSY.count) await checkEnd(server, 'EIO');
        else await server.kill();
        disk.heal();
        await server.start();
        await checkKept(user, told);
      });
    }
  });
}

for (const kind of ['sync', 'write', 'open', 'rename']) {
  test(`a failed ${kind} while the store opens is a refusal to start or harms nothing, and the next start has everything`, patient, async () => {
    await onFaultyDisk(async (server, disk, user) => {
      const told = await converse(user, server, 3);
      let hit = true;
      for (let n = 1; hit && n <= 400; n += long ? 1 : 9) {
        await server.kill();
        disk.failNth(kind, n);
        await server.start().catch(async () => {
          const end = await server.exited;
          assert.equal(end.signal, null, server.stderr);
          assert.ok([REFUSED_TO_START, DISK_FAILED].includes(end.code), `${end.code}: ${server.stderr}`);
          assert.match(server.stderr, errorText.EIO);
        });
        hit = disk.hits(kind) === 1;
        disk.heal();
        if (!server.alive) await server.start();
        await checkKept(user, told);
      }
    });
  });
}

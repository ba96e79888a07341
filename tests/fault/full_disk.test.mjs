// A full disk makes the server read-only, not dead; and it comes back by itself when there is room.

import assert from 'node:assert/strict';
import { expectProblem, newUser } from '../e2e/support/client.mjs';
import { answerWith, startScripted } from '../e2e/support/scripted_upstream.mjs';
import { Server } from '../e2e/support/server.mjs';
import { test, until } from '../e2e/support/wait.mjs';
import { FaultDisk } from './support/faults.mjs';

const KIB = 1024;
const PLENTY = 1024 * 1024 * KIB;
// The log has room that was allocated before, which a full disk still takes: several megabytes.
const MESSAGE = 'x'.repeat(200 * KIB);
const POSTS_MAX = 400;

async function onSmallDisk(body) {
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

// Posts into `thread` until one is refused. Answers the refusal and the texts of which `start` (or more) was seen.
async function fillUp(user, thread) {
  const told = [];
  for (let index = 0; index < POSTS_MAX; ++index) {
    const text = `${thread} ${index} ${MESSAGE}`;
    const response = await user.post({ message: text, thread_id: thread });
    if (response.status !== 200) return { told, refusal: response };
    const body = await response.text();
    assert.match(body, /"type":"start"/);
    assert.match(body, /"type":"(done|error)"/);
    told.push(text);
  }
  return assert.fail(`${POSTS_MAX} messages and the disk is not full`);
}

const questions = async (user, thread) => (await user.history(thread)).messages.filter((message) => message.role === 'user').map((message) => message.content);

async function postsAgain(user, thread) {
  await until('messages to be taken again', async () => {
    const response = await user.post({ message: 'again', thread_id: thread });
    const body = await response.text();
    if (response.status !== 200) assert.equal(JSON.parse(body).code, 'storage_full');
    return body.includes('"type":"done"');
  });
}

test('a full disk refuses messages with 507 storage_full, still reads and deletes, and takes messages again when there is room', async () => {
  await onSmallDisk(async (server, disk, user) => {
    for (const thread of ['kept', 'old']) await user.ask('hello', thread);
    disk.allow(256 * KIB);
    const { told, refusal } = await fillUp(user, 'filling');
    const problem = await expectProblem(refusal, 507, 'storage_full');
    assert.match(problem.detail, /disk|space|room/i);
    assert.ok(server.alive);
    for (let round = 0; round < 3; ++round) await expectProblem(await user.post({ message: MESSAGE, thread_id: 'new' }), 507, 'storage_full');
    assert.deepEqual(await user.contents('kept'), ['hello', 'an answer']);
    if (told.length > 0) assert.deepEqual(await questions(user, 'filling'), told);
    assert.equal((await user.request('/chat/history?thread_id=new')).status, 404, 'what was refused is not there');
    assert.deepEqual((await user.sessions()).sessions.map((session) => session.id), [...(told.length > 0 ? ['filling'] : []), 'old', 'kept']);
    assert.equal((await user.deleteThread('old')).deleted_sessions, 1);
    assert.equal((await user.request('/chat/history?thread_id=old')).status, 404);
    assert.ok(server.alive);

    disk.allow(PLENTY);
    await postsAgain(user, 'kept');
    await user.ask('and on', 'kept');
    await server.kill();
    await server.start();
    if (told.length > 0) assert.deepEqual(await questions(user, 'filling'), told);
    assert.equal((await user.request('/chat/history?thread_id=old')).status, 404);
    assert.ok((await user.contents('kept')).includes('and on'));
  });
});

test('a disk that is full all at once loses nothing that was acknowledged, also when the process is killed while it is full', async () => {
  await onSmallDisk(async (server, disk, user) => {
    const told = [];
    for (let index = 0; index < 5; ++index) {
      await user.ask(`before ${index}`, 't');
      told.push(`before ${index}`);
    }
    disk.allow(0);
    const filled = await fillUp(user, 't');
    await expectProblem(filled.refusal, 507, 'storage_full');
    told.push(...filled.told);
    assert.deepEqual(await questions(user, 't'), told);
    await server.kill();
    disk.allow(PLENTY);
    await server.start();
    assert.deepEqual(await questions(user, 't'), told);
    await user.ask('after', 't');
  });
});

test('a disk that fills up and empties again and again is survived by one process', async () => {
  await onSmallDisk(async (server, disk, user) => {
    const { pid } = server;
    for (let round = 0; round < 3; ++round) {
      disk.allow(128 * KIB);
      const { told, refusal } = await fillUp(user, `round ${round}`);
      await expectProblem(refusal, 507, 'storage_full');
      disk.allow(PLENTY);
      await postsAgain(user, 'again');
      if (told.length > 0) assert.deepEqual(await questions(user, `round ${round}`), told);
    }
    assert.ok(server.alive && server.pid === pid);
  });
});

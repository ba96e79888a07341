// A model server that falls silent, or sends nothing but noise: the run ends as upstream_timeout, what had come is kept, and the thread goes on.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { newUser } from './support/client.mjs';
import { echo, startScripted } from './support/scripted_upstream.mjs';
import { flag, startServer } from './support/server.mjs';
import { test } from './support/wait.mjs';

let server;
let upstream;
before(async () => {
  upstream = await startScripted();
  server = await startServer({ upstream: upstream.url, args: [flag.firstByteTimeoutMs, '1500', flag.idleTimeoutMs, '1500'] });
});
after(async () => {
  await server?.stop();
  await upstream?.stop();
});

const silences = {
  'before the head': [() => {}, ['go']],
  'after the head': [(reply) => { reply.head(); }, ['go']],
  'in the middle of the answer': [async (reply) => { await reply.head().text('half an answer'); }, ['go', 'half an answer']],
};
for (const [name, [script, kept]] of Object.entries(silences)) {
  test(`silence ${name} is upstream_timeout`, async () => {
    const user = await newUser(server);
    upstream.answer(script);
    const end = await (await user.open('go', 't')).finish();
    assert.deepEqual([end.data.type, end.data.code], ['error', 'upstream_timeout']);
    await upstream.requests.at(-1).closed;
    assert.deepEqual(await user.contents('t'), kept);
    upstream.answer(echo);
    assert.equal((await user.ask('go on', 't')).text, 'go on');
  });
}

// Blank lines are bytes but no answer. `noise` is sent for as long as the server reads it.
const noises = { 'newlines': '\n'.repeat(16 * 1024), 'bytes of one line': 'x'.repeat(16 * 1024) };
for (const [name, noise] of Object.entries(noises)) {
  test(`a body of endless ${name} ends in an error, once, and the thread goes on`, async () => {
    const user = await newUser(server);
    upstream.answer(async (reply) => {
      reply.head();
      while (!reply.response.destroyed) await reply.raw(noise);
    });
    const end = await (await user.open('go', 't')).finish();
    assert.equal(end.data.type, 'error');
    assert.match(end.data.code, /^upstream_/);
    await upstream.requests.at(-1).closed;
    assert.deepEqual(await user.contents('t'), ['go']);
    upstream.answer(echo);
    assert.equal((await user.ask('go on', 't')).text, 'go on');
  });
}

// Tokens that a client has seen are in the answer after a sudden end: by kill -9 at once, by a power cut once they are synced.

import assert from 'node:assert/strict';
import path from 'node:path';
import { newUser } from '../e2e/support/client.mjs';
import { startScripted } from '../e2e/support/scripted_upstream.mjs';
import { Server } from '../e2e/support/server.mjs';
import { makeGate, test, until } from '../e2e/support/wait.mjs';
import { FaultDisk } from './support/faults.mjs';
import { PowerSwitch } from './support/power.mjs';
import { long, makeRandom } from './support/random.mjs';

const KILLS = long ? 200 : 8;
const ANSWERS = 6;
const RUN_LOG = 'runlog';

// A model that says a growing text, piece by piece, for as long as its caller listens.
async function withEndlessModel(options, body) {
  const upstream = await startScripted();
  const over = makeGate();
  let ended = false;
  over.opened.then(() => { ended = true; });
  upstream.answer(async (reply, request) => {
    const message = request.body.messages.at(-1).content;
    reply.head();
    for (let piece = 0; !ended && !reply.response.destroyed; ++piece) {
      await reply.text(`${message}.${piece} `).catch(() => {});
      await new Promise((resolve) => setImmediate(resolve));
    }
    reply.cut();
  });
  const server = new Server({ upstream: upstream.url, args: ['--workers', '2', '--log-level', 'warn'], ...options });
  try {
    await server.start();
    await body(server);
  } finally {
    over.open();
    await server.stop();
    await upstream.stop();
  }
}

// Reads to the end of a stream that is cut off; `seen` is told each token's event.
async function readUntilCut(stream, seen) {
  try {
    for (let event = await stream.next(); event; event = await stream.next()) if (event.data.type === 'token') seen(stream);
  } catch {
    // The connection has ended with the process.
  }
}

// What each thread's answer is, and that it begins with all that was seen, and is nothing but what the model said.
async function checkAnswers(user, streams) {
  const answers = [];
  for (const [index, stream] of streams.entries()) {
    const { messages } = await user.history(`t${index}`);
    if (stream.text === '' && messages.length === 1) continue;   // killed before its first token
    assert.deepEqual(messages.map(({ role, status }) => [role, status]), [['user', 'complete'], ['assistant', 'interrupted']], `thread ${index}`);
    const answer = messages[1].content;
    assert.ok(answer.startsWith(stream.text), `thread ${index}: seen ${stream.text.length} bytes, kept ${answer.length}`);
    const said = Array.from({ length: answer.split(' ').length }, (_, piece) => `message ${index}.${piece} `).join('');
    assert.ok(said.startsWith(answer), `thread ${index}: the model did not say ${answer.slice(-40)}`);
    answers.push(answer);
  }
  return answers;
}

test(`${KILLS} times kill -9 while ${ANSWERS} answers stream: every token that was seen is in the interrupted message`, { timeout: KILLS * 20_000 }, async (context) => {
  const random = makeRandom(context);
  await withEndlessModel({}, async (server) => {
    for (let round = 0; round < KILLS; ++round) {
      const user = await newUser(server);
      const streams = await Promise.all(Array.from({ length: ANSWERS }, (_, index) => user.open(`message ${index}`, `t${index}`)));
      const killAt = random.between(1, 300);
      let tokens = 0;
      // At the very moment at which a token is seen, there is nothing between it and the end.
      const reads = streams.map((stream) => readUntilCut(stream, () => { if (++tokens === killAt) server.signal('SIGKILL'); }));
      await server.exited;
      await Promise.all(reads);
      assert.ok(tokens >= killAt);
      await server.start();
      const answers = await checkAnswers(user, streams);
      await server.restart();
      assert.deepEqual(await checkAnswers(user, streams), answers, 'a second restart changes nothing');
    }
  });
});

test('tokens that were synced survive a power cut', async () => {
  const disk = new FaultDisk({ journal: true, noDevice: true });
  const power = new PowerSwitch(disk);
  const upstream = await startScripted();
  const gate = makeGate();
  upstream.answer(async (reply) => { reply.head(); for (const piece of ['one ', 'two ', 'three']) await reply.text(piece); await gate.opened; reply.cut(); });
  const server = new Server({ upstream: upstream.url, dataDir: disk.dataDir, env: disk.env, args: ['--workers', '2'] });
  try {
    await server.start();
    const user = await newUser(server);
    const stream = await user.open('question', 't');
    while (stream.text !== 'one two three') await stream.next();
    await until('the sync of the run log', () => power.isSynced(path.join(disk.dataDir, RUN_LOG)));
    await server.kill();
    power.cut();
    await server.start();
    assert.deepEqual(await user.contents('t'), ['question', 'one two three']);
  } finally {
    gate.open();
    await server.stop();
    await upstream.stop();
    disk.remove();
  }
});

// What a client has seen of an answer survives the death of the process: it is in history after the restart.

import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { newUser } from './support/client.mjs';
import { deltaOf, startScripted } from './support/scripted_upstream.mjs';
import { startServer } from './support/server.mjs';
import { manyStarts, test } from './support/wait.mjs';

// One answer without an end, in pieces of every kind. It stays a little ahead of its reader, who says what it has seen:
// faster, the answer would come to its limit.
class Talk {
  content = '';
  reasoning = '';
  allowed = 8;
  wake = () => {};

  onSeen() {
    this.allowed += 1;
    this.wake();
  }

  async speak(reply, closed) {
    const pieces = ['word ', 'é', '👍🏽 ', '"quoted" ', '\n', 'ßtraße ', '漢字'];
    let gone = false;
    closed.then(() => { gone = true; this.wake(); });
    reply.head();
    for (let count = 0; !gone; ++count) {
      while (count >= this.allowed && !gone) await new Promise((resolve) => { this.wake = resolve; });
      const reasoning = `${count}? `;
      const content = `${count} ${pieces[count % pieces.length]}`;
      this.reasoning += reasoning;
      this.content += content;
      // Two events in one piece.
      await reply.raw(`data: ${deltaOf({ reasoning_content: reasoning })}\n\ndata: ${deltaOf({ content })}\n\n`);
    }
  }
}

// Reads on until the connection breaks: what the kernel still had counts as seen.
async function readToTheBreak(stream, onEvent) {
  try {
    while (await stream.next()) onEvent();
  } catch (error) {
    if (error instanceof assert.AssertionError || error instanceof SyntaxError) throw error;
  }
}

const reasoningOf = (stream) =>
  stream.events.filter((event) => event.data.type === 'reasoning').map((event) => event.data.content).join('');

test('kill -9 in mid-answer: history has every token that a client saw, in an interrupted message', manyStarts, async () => {
  const upstream = await startScripted();
  const talks = {};
  upstream.answer((reply, request) => talks[request.body.messages.at(-1).content].speak(reply, request.closed));
  const server = await startServer({ upstream: upstream.url });
  try {
    const user = await newUser(server);
    for (let round = 0; round < 6; ++round) {
      const names = ['a', 'b', 'c', 'd'].map((letter) => `${letter}${round}`);
      for (const name of names) talks[name] = new Talk();
      const streams = await Promise.all(names.map((name) => user.open(name, name)));
      // All streams are read as they come; the process dies when one has seen enough.
      const target = streams[round % streams.length];
      let enough;
      const seenEnough = new Promise((resolve) => { enough = resolve; });
      const reads = streams.map((stream, index) => readToTheBreak(stream, () => {
        talks[names[index]].onSeen();
        if (stream === target && stream.events.length >= 20 + 37 * round) enough();
      }));
      await seenEnough;
      await server.kill();
      await Promise.all(reads);
      await server.start();
      for (const [index, name] of names.entries()) {
        const stream = streams[index];
        const { messages } = await user.history(name);
        const answer = messages.at(-1);
        if (messages.length === 1) {   // nothing was said before the end
          assert.equal(stream.text + reasoningOf(stream), '');
          continue;
        }
        assert.equal(messages.length, 2);
        assert.equal(answer.status, 'interrupted');
        assert.ok(answer.content.startsWith(stream.text), `${name}: history has less than the client saw`);
        assert.ok(talks[name].content.startsWith(answer.content), `${name}: history has what was never said`);
        assert.deepEqual(stream.events.map((event) => Number(event.id)), stream.events.map((_, at) => at + 1));
      }
      assert.ok(target.text.length > 0);
    }
    // The thread goes on after its cut answer.
    upstream.answer(async (reply) => { reply.head(); await reply.text('and on'); await reply.finish(); });
    assert.equal((await user.ask('more', 'a0')).text, 'and on');
    assert.equal((await user.history('a0')).message_count, 4);
  } finally {
    await server.stop();
    await upstream.stop();
  }
});

test('the run log is for its owner only, and an orderly end leaves nothing to recover', async () => {
  const server = await startServer({});
  try {
    const user = await newUser(server);
    const { text } = await user.ask('hello', 't');
    await server.terminate();
    const directory = path.join(server.dataDir, 'runlog');
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    const names = readdirSync(directory);
    assert.ok(names.length > 0);
    for (const name of names) assert.equal(statSync(path.join(directory, name)).mode & 0o777, 0o600);
    await server.start();
    assert.deepEqual(await user.contents('t'), ['hello', text]);
    assert.ok(!server.stderr.includes('runs were active'));
  } finally {
    await server.stop();
  }
});

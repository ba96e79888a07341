// Natural text in many languages goes through an echoing model server that is not ours; after a restart, history holds
// every byte of question and answer.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { newUser } from './support/client.mjs';
import { startMockLlm } from './support/mock_llm.mjs';
import { messages } from './support/natural_text.mjs';
import { startServer } from './support/server.mjs';
import { test } from './support/wait.mjs';

const THREADS = 10;
let server;
let mock;
before(async () => {
  mock = await startMockLlm();
  server = await startServer({ upstream: mock.url });
});
after(async () => {
  await server?.stop();
  await mock?.stop();
});

test('200 messages of natural text in several languages come back byte for byte after a restart', async () => {
  assert.equal(messages.length, 200);
  assert.ok(messages.every((message) => message.isWellFormed?.() ?? true));
  const user = await newUser(server);
  const threads = Array.from({ length: THREADS }, (_, thread) => messages.filter((_, index) => index % THREADS === thread));
  const talk = async (lines, thread) => {
    for (const line of lines) assert.equal((await user.ask(line, `Gespräch ${thread} 会話`)).text, line);
  };
  await Promise.all(threads.map(talk));
  await server.restart();
  for (const [thread, lines] of threads.entries()) {
    const stored = await user.contents(`Gespräch ${thread} 会話`);
    assert.equal(stored.length, lines.length * 2);
    for (const [index, line] of lines.entries()) {
      for (const content of stored.slice(index * 2, index * 2 + 2)) {
        assert.deepEqual(Buffer.from(content), Buffer.from(line), `thread ${thread}, message ${index}`);
      }
    }
  }
});

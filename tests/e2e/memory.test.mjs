// Long conversations: what no longer fits is folded into notes by the model, off everybody's way, or else left out.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { newUser } from './support/client.mjs';
import { answerWith, startScripted } from './support/scripted_upstream.mjs';
import { flag, startServer } from './support/server.mjs';
import { makeGate, manyStarts, test, until } from './support/wait.mjs';

const NOTES = 'Your notes of that part:';
let upstream;
let server;
before(async () => {
  upstream = await startScripted();
  server = await startServer({ upstream: upstream.url, args: [flag.workers, '2', '--context-tokens', '1000'] });
});
after(async () => {
  await server?.stop();
  await upstream?.stop();
});

const isFold = (request) => /You keep the memory/.test(request.body.messages[0].content);
// Of this test: the notes of the one before may still be under way.
let tag = 0;
const requests = () => upstream.requests.filter((request) => shown(request).includes(`#${tag}#`));
const folds = () => requests().filter(isFold);
const prompts = () => requests().filter((request) => !isFold(request));
const shown = (request) => request.body.messages.map((message) => message.content).join('\n');

// Each turn is about 200 tokens; the answer repeats the question's first word.
function script(fold) {
  ++tag;
  upstream.answer((reply, request) => (isFold(request) ? fold
    : answerWith(`[a${/\[q(\d+)\]/.exec(request.body.messages.at(-1).content)?.[1]}]`, 'y'.repeat(290)))(reply, request));
}
const ask = (user, number, thread = 't') => user.ask(`[q${number}]#${tag}#${'x'.repeat(290)}`, thread);

// The memory is stored after its reply: until a prompt shows it.
async function askUntilNoted(user, number) {
  for (;; ++number) {
    await ask(user, number);
    if (shown(prompts().at(-1)).includes(NOTES)) return number;
    assert.ok(number < 100, 'no prompt shows the notes');
  }
}

test('older turns are folded into notes, which go on and on, and survive a restart', manyStarts, async () => {
  const user = await newUser(server);
  let notes = 0;
  script((reply, request) => answerWith(`Note ${++notes}: `, `${/Note \d+/.exec(shown(request))?.[0] ?? 'begins'}.`)(reply));
  const seen = await askUntilNoted(user, 1);
  const [first] = folds();
  assert.match(shown(first), /User: \[q1\]/);
  assert.match(shown(first), /Assistant: \[a1\]/);
  assert.equal(first.body.tools, undefined);
  const [system, ...messages] = prompts().at(-1).body.messages;
  assert.equal(system.role, 'system');
  assert.match(system.content, /Note 1: begins\./);
  assert.equal(prompts().at(-1).body.messages.filter((message) => message.role === 'system').length, 1);
  assert.ok(!shown({ body: { messages } }).includes('[q1]'), 'what is noted is not shown again');
  assert.equal(messages[0].role, 'user');
  assert.ok(messages.at(-1).content.startsWith(`[q${seen}]`));

  for (let number = seen + 1; notes < 4; ++number) await ask(user, number);
  assert.match(shown(folds().at(-1)), /What you noted so far:\nNote \d/);
  await until('the last notes to be kept', async () => { await ask(user, 900); return /Note [34]: Note [23]/.test(shown(prompts().at(-1))); });
  await server.restart();
  await ask(user, 999);
  assert.match(shown(prompts().at(-1)), /Note \d: Note \d/);
  assert.ok(!(await user.contents('t')).some((content) => content.includes('Note')), 'history is what was said');
});

test('the notes outlast a text that is longer than all that fits', async () => {
  const user = await newUser(server);
  let notes = 0;
  script((reply, request) => answerWith(`Note ${++notes}: `, `${/Note \d+/.exec(shown(request))?.[0] ?? 'begins'}.`)(reply));
  await askUntilNoted(user, 1);
  const before = folds().length;
  await user.ask(`[q500]#${tag}#${'z'.repeat(260_000)}`, 't');
  for (let number = 501; folds().length === before; ++number) {
    assert.ok(number < 510, 'nothing is folded any more');
    await ask(user, number);
  }
  assert.match(shown(folds()[before]), /What you noted so far:\nNote \d/);
});

for (const [name, fold] of Object.entries({
  refused: async (reply) => reply.json(500, { error: { message: 'no notes here' } }),
  empty: answerWith('  '),
  cut: async (reply) => { reply.head(); await reply.text('half'); reply.cut(); },
})) {
  test(`where the notes are ${name} the oldest turns are left out, and the chat goes on`, async () => {
    const user = await newUser(server);
    script(fold);
    for (let number = 1; number <= 8; ++number) assert.match((await ask(user, number)).text, new RegExp(`^\\[a${number}\\]`));
    assert.ok(folds().length > 0);
    const last = shown(prompts().at(-1));
    assert.ok(!last.includes(NOTES) && !last.includes('[q1]') && last.includes('[q8]'));
  });
}

test('nobody waits for the notes, and a deleted thread takes them along', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  let closed = false;
  script(async (reply) => {
    reply.head();
    await reply.text('never whole');
    reply.response.on('close', () => { closed = true; });
    await gate.opened;
  });
  for (let number = 1; number <= 6; ++number) await ask(user, number);
  assert.equal(folds().length, 1, 'one at a time');
  assert.equal((await user.request('/chat/history?thread_id=t', { method: 'DELETE' })).status, 200);
  await until('the request for notes to be ended', () => closed);
  gate.open();
  await ask(user, 1);
  assert.ok(!shown(prompts().at(-1)).includes(NOTES));
});

test('with --memory off nothing is folded', async () => {
  const own = await startServer({ upstream: upstream.url, args: ['--context-tokens', '1000', '--memory', 'off'] });
  try {
    const user = await newUser(own);
    script(answerWith('notes'));
    for (let number = 1; number <= 8; ++number) await ask(user, number);
    assert.equal(folds().length, 0);
  } finally {
    await own.stop();
  }
});

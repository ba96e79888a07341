// The assistant uses tools: what the model calls happens once, before everybody's eyes, and its results are kept.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { newUser } from './support/client.mjs';
import { deltaOf, startScripted } from './support/scripted_upstream.mjs';
import { makeTempDir, startServer } from './support/server.mjs';
import { ToolServer, countTools, say, sayCalls } from './support/tool_server.mjs';
import { makeGate, manyStarts, test, until } from './support/wait.mjs';

let server;
let upstream;
let tool;
let toolsFile;
before(async () => {
  upstream = await startScripted();
  tool = await new ToolServer().start();
  toolsFile = path.join(makeTempDir(), 'tools.json');
  writeFileSync(toolsFile, JSON.stringify(tool.config({ name: 'slow', timeout_ms: 200 })));
  server = await startServer({ upstream: upstream.url, args: ['--tools', toolsFile, '--memory', 'off'] });
});
after(async () => {
  await server?.stop();
  await upstream?.stop();
  await tool?.stop();
});

test('calls happen, several at once, and the model gets their results in a second round', async () => {
  const user = await newUser(server);
  upstream.answer(async (reply, request) => (countTools(request) > 0 ? say(reply, 'It is so.') : sayCalls(reply,
    [{ id: 'a', name: 'look_up', args: { q: 'häuser' } }, { id: 'b', name: 'look_up', args: { q: 'x/y' } }], 'Let me see.')));
  const from = upstream.requests.length;
  tool.calls = [];
  const { events, done, text } = await user.ask('hello', 't');
  assert.deepEqual(tool.calls.sort(), ['/look_up/h%C3%A4user', '/look_up/x%2Fy']);
  assert.equal(text, 'Let me see.\n\nIt is so.');
  assert.deepEqual(done.usage, { prompt_tokens: 30, completion_tokens: 12, total_tokens: 42 });
  const tools = events.filter((event) => event.data.type === 'tool').map((event) => `${event.data.name} ${event.data.state}`);
  assert.deepEqual(tools.sort(), ['look_up done', 'look_up done', 'look_up running', 'look_up running']);
  const [first, second] = upstream.requests.slice(from).map((request) => request.body);
  assert.deepEqual(first.tools.map((one) => one.function.name), ['look_up', 'slow']);
  const [asked, one, two] = second.messages.slice(-3);
  assert.deepEqual([asked.role, asked.content, asked.tool_calls.map((call) => [call.id, call.function.name, call.function.arguments])],
    ['assistant', 'Let me see.', [['a', 'look_up', '{"q":"häuser"}'], ['b', 'look_up', '{"q":"x/y"}']]]);
  assert.deepEqual([one.role, one.tool_call_id, one.content], ['tool', 'a', 'result of /look_up/h%C3%A4user']);
  assert.deepEqual([two.role, two.tool_call_id, two.content], ['tool', 'b', 'result of /look_up/x%2Fy']);
  const [, answer] = (await user.history('t')).messages;
  assert.equal(answer.content, text);
  assert.deepEqual(answer.tools.map((call) => [call.name, call.state]), [['look_up', 'done'], ['look_up', 'done']]);

  // The next turn: the model sees what it called, and what came of it.
  upstream.answer(async (reply) => say(reply, 'Still so.'));
  await user.ask('again', 't');
  const roles = upstream.requests.at(-1).body.messages.map((message) => [message.role, message.content]);
  assert.deepEqual(roles.slice(-6), [['user', 'hello'], ['assistant', 'Let me see.'], ['tool', 'result of /look_up/h%C3%A4user'],
    ['tool', 'result of /look_up/x%2Fy'], ['assistant', 'It is so.'], ['user', 'again']]);
});

test('calls that are too long to be kept end the answer, and the thread goes on', async () => {
  const user = await newUser(server);
  upstream.answer(async (reply) => {
    reply.head();
    await reply.text('Let me see.');
    // Six times as long where it is kept: written as \u0001.
    const argument = '\u0001'.repeat(64 * 1024);
    for (let i = 0; i < 40; ++i) await reply.event(deltaOf({ tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'look_up', arguments: argument } }] }));
    await reply.finish('tool_calls');
  });
  const stream = await user.open('hello', 't');
  assert.equal((await stream.finish()).data.code, 'upstream_rejected');
  upstream.answer(async (reply) => say(reply, 'Here.'));
  assert.equal((await user.ask('again', 't')).text, 'Here.');
  assert.deepEqual(await user.contents('t'), ['hello', 'Let me see.', 'again', 'Here.']);
});

test('an answer of many rounds is cut where it becomes too long to be kept', manyStarts, async () => {
  const user = await newUser(server);
  const piece = 'x'.repeat(64 * 1024);
  upstream.answer(async (reply) => {
    reply.head();
    for (let i = 0; i < 60; ++i) await reply.text(piece);
    await reply.event(deltaOf({ tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'look_up', arguments: '{"q":"x"}' } }] }));
    await reply.finish('tool_calls');
  });
  const { text, done } = await user.ask('hello', 't');
  assert.equal(done.finish_reason, 'length');
  assert.ok(text.length > 11 << 20 && text.length <= 12 << 20, `${text.length}`);
  upstream.answer(async (reply) => say(reply, 'Here.'));
  assert.equal((await user.ask('again', 't')).text, 'Here.');
});

test('a tool that fails, is slow, unknown or badly called is told to the model, and the answer goes on', async () => {
  const user = await newUser(server);
  tool.answer = (url, response) => {
    if (url.startsWith('/slow')) return;
    response.statusCode = 500;
    response.end('broken');
  };
  upstream.answer(async (reply, request) => (countTools(request) > 0 ? say(reply, 'Sorry.') : sayCalls(reply, [
    { id: 'a', name: 'look_up', args: { q: 'x' } }, { id: 'b', name: 'slow', args: { q: 'x' } }, { id: 'c', name: 'no_such', args: {} },
    { id: 'd', name: 'look_up', args: '{"q":' }, { id: 'd', name: 'look_up', args: {} }, { name: 'look_up', args: '[]' }])));
  const { text, events } = await user.ask('hello', 't');
  assert.equal(text, 'Sorry.');
  const results = upstream.requests.at(-1).body.messages.filter((message) => message.role === 'tool');
  assert.equal(results.length, 6);
  assert.equal(new Set(results.map((result) => result.tool_call_id)).size, 6, 'each call has an id of its own');
  for (const result of results) assert.ok(result.content.length > 10, JSON.stringify(result));
  assert.equal(events.filter((event) => event.data.type === 'tool' && event.data.state === 'failed').length, 6);
  tool.answer = (url, response) => response.end(`result of ${url}`);
});

test('rounds are bounded: in the last one the model is given no tools', async () => {
  const user = await newUser(server);
  const from = upstream.requests.length;
  upstream.answer(async (reply, request) => (request.body.tools
    ? sayCalls(reply, [{ id: 'same', name: 'look_up', args: { q: 'x' } }]) : say(reply, 'Enough.')));
  const { text } = await user.ask('hello', 't');
  assert.equal(text, 'Enough.');
  assert.equal(upstream.requests.length - from, 9);
});

test('stop during a call: the run ends at once and the call is of unknown outcome', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  tool.answer = async (url, response) => { await gate.opened; response.end('late'); };
  upstream.answer(async (reply) => sayCalls(reply, [{ id: 'a', name: 'look_up', args: { q: 'x' } }]));
  const calls = tool.calls.length;
  const stream = await user.open('hello', 't');
  await until('the tool to be called', () => tool.calls.length > calls);
  const answer = await user.json('/chat/stop', { method: 'POST', body: '{"thread_id":"t"}', headers: { 'Content-Type': 'application/json' } });
  assert.equal(answer.stopped, true);
  assert.equal((await stream.finish()).data.type, 'stopped');
  gate.open();
  const [, message] = (await user.history('t')).messages;
  assert.deepEqual([message.status, message.tools], ['stopped', [{ name: 'look_up', state: 'running', summary: '' }]]);
  tool.answer = (url, response) => response.end(`result of ${url}`);
});

test('after kill -9 in a call nothing is called again, and the model is told that the outcome is unknown', manyStarts, async () => {
  const own = await startServer({ upstream: upstream.url, args: ['--tools', toolsFile, '--memory', 'off'] });
  try {
    const user = await newUser(own);
    tool.answer = (url, response) => (url.includes('done') ? response.end('known result') : undefined);
    upstream.answer(async (reply, request) => sayCalls(reply, countTools(request) === 0
      ? [{ id: 'a', name: 'look_up', args: { q: 'done' } }] : [{ id: 'b', name: 'look_up', args: { q: 'never' } }], 'One moment.'));
    const from = tool.calls.length;
    const stream = await user.open('hello', 't');
    await until('the second call', () => tool.calls.length === from + 2);
    await own.kill();
    await stream.close().catch(() => {});
    await own.start();
    const [, interrupted] = (await user.history('t')).messages;
    assert.deepEqual([interrupted.status, interrupted.tools.map((call) => call.state)], ['interrupted', ['done', 'running']]);
    upstream.answer(async (reply) => say(reply, 'The end.'));
    const again = await user.open(undefined, 't', { continue: true });
    await again.finish();
    assert.equal(tool.calls.length, from + 2, 'nothing was called again');
    const shown = upstream.requests.at(-1).body.messages;
    const results = shown.filter((message) => message.role === 'tool');
    assert.equal(results[0].content, 'known result');
    assert.match(results[1].content, /^Outcome unknown/);
    assert.equal(shown.at(-1).role, 'tool');
    assert.equal((await user.contents('t')).at(-1), 'One moment.\n\nOne moment.\n\nThe end.');
    assert.equal(again.text, 'One moment.\n\nOne moment.\n\nThe end.');
  } finally {
    await own.stop();
    tool.answer = (url, response) => response.end(`result of ${url}`);
  }
});

// Model servers: one that is not ours (mock-llm), and every quirk and failure of real ones from a scripted server.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { newUser } from './support/client.mjs';
import { freePort, startMockLlm } from './support/mock_llm.mjs';
import { answerWith, chunkOf, deltaOf, echo, startScripted } from './support/scripted_upstream.mjs';
import { flag, startServer } from './support/server.mjs';
import { makeGate, test, until } from './support/wait.mjs';

let server;
let upstream;
before(async () => {
  upstream = await startScripted();
  server = await startServer({
    upstream: upstream.url,
    args: [flag.systemPrompt, 'You are terse.', flag.contextTokens, '600'],
  });
});
after(async () => {
  await server?.stop();
  await upstream?.stop();
});

// ---- a real answer

test('mock-llm: the answer streams token by token and is stored', async () => {
  const mock = await startMockLlm({ chunkSize: 9 });
  const own = await startServer({ upstream: mock.url });
  try {
    const user = await newUser(own);
    const message = 'An echo with "quotes", a \\ backslash, a\nnew line, tabs\t and {{jmes request body}} — naïve, 日本語.';
    const { text, threadId, events } = await user.ask(message);
    assert.equal(text, message);
    assert.ok(events.filter((event) => event.data.type === 'token').length >= Math.floor(message.length / 9));
    assert.deepEqual(await user.contents(threadId), [message, message]);
    await own.restart({ upstream: `${mock.url}/v1` });
    assert.equal((await user.ask('with /v1 in the address', threadId)).text, 'with /v1 in the address');
  } finally {
    await own.stop();
    await mock.stop();
  }
});

test('mock-llm: pieces that split a surrogate pair do not spoil the rest of the answer', async () => {
  const mock = await startMockLlm({ chunkSize: 1 });
  const own = await startServer({ upstream: mock.url });
  try {
    const user = await newUser(own);
    const { text, threadId } = await user.ask('a🧵b');
    assert.ok(['a🧵b', 'a\ufffd\ufffdb'].includes(text), JSON.stringify(text));
    assert.equal((await user.contents(threadId))[1], text);
  } finally {
    await own.stop();
    await mock.stop();
  }
});

test('mock-llm: an error in place of the stream ends as `error`, and the thread goes on', async () => {
  const failing = {
    path: '/v1/chat/completions', match: "contains(body.messages[-1].content, 'error-401')",
    response: { status: 401, content: '{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}' },
  };
  const mock = await startMockLlm({ rules: [failing] });
  const own = await startServer({ upstream: mock.url });
  try {
    const user = await newUser(own);
    const end = await (await user.open('error-401 please', 't')).finish();
    assert.deepEqual([end.data.type, end.data.code], ['error', 'upstream_rejected']);
    assert.equal((await user.ask('and now?', 't')).text, 'and now?');
  } finally {
    await own.stop();
    await mock.stop();
  }
});

// ---- quirks: each of these is an answer like any other

const expected = 'Grüße, 世界 🧵!';
const pieces = ['Grüße', ', 世界', ' 🧵', '!'];
const plainBody = [...pieces.map((content) => `data: ${deltaOf({ content })}\n\n`), `data: ${chunkOf({ delta: {}, finish_reason: 'stop' })}\n\n`, 'data: [DONE]\n\n'].join('');

const quirks = {
  'CRLF line ends': async (reply) => { await reply.head().raw(plainBody.replaceAll('\n', '\r\n')); reply.end(); },
  'every byte on its own': async (reply) => {
    reply.head();
    for (const byte of Buffer.from(plainBody)) await reply.raw(Buffer.of(byte));
    reply.end();
  },
  'cuts inside characters and inside CRLF': async (reply) => {
    reply.head();
    const bytes = Buffer.from(plainBody.replaceAll('\n', '\r\n'));
    for (let at = 0; at < bytes.length; at += 7) await reply.raw(bytes.subarray(at, at + 7));
    reply.end();
  },
  'all in one write': async (reply) => { await reply.head().raw(plainBody); reply.end(); },
  'no space after data:': async (reply) => { await reply.head().raw(plainBody.replaceAll('data: ', 'data:')); reply.end(); },
  'no [DONE]': async (reply) => { await reply.head().raw(plainBody.replace('data: [DONE]\n\n', '')); reply.end(); },
  'no blank line at the end': async (reply) => { await reply.head().raw(plainBody.trimEnd()); reply.end(); },
  'comments, event and id fields, a byte order mark': async (reply) => {
    await reply.head().raw(`\ufeff: hello\n\n${plainBody.replaceAll('data:', ': keep-alive\nevent: message\nid: 7\nretry: 10\ndata:')}`);
    reply.end();
  },
  'roles, nulls and empty pieces': async (reply) => {
    reply.head();
    await reply.event(deltaOf({ role: 'assistant', content: '' }));
    await reply.event(deltaOf({ content: null, refusal: null }));
    await reply.event(chunkOf(null));
    for (const piece of pieces) await reply.text(piece);
    await reply.event(chunkOf({ delta: {}, finish_reason: 'stop' }, { usage: null, obfuscation: 'xxxxx', service_tier: 'default' }));
    await reply.finish();
  },
  'escapes for every character': async (reply) => {
    const escaped = [...expected].flatMap((char) => char.split('')).map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    reply.head();
    await reply.event(`{"choices":[{"delta":{"content":"${escaped}"}}]}`);
    await reply.finish();
  },
  'bytes after [DONE]': async (reply) => { await reply.head().raw(`${plainBody}data: ${deltaOf({ content: 'too late' })}\n\n`); reply.end(); },
  'a whole answer in one JSON document, from a server that does not stream': async (reply) => {
    reply.json(200, { id: 'x', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: expected }, finish_reason: 'stop' }] });
  },
};
for (const [name, script] of Object.entries(quirks)) {
  test(`tolerated: ${name}`, async () => {
    upstream.answer(script);
    const user = await newUser(server);
    const { text, threadId, done } = await user.ask('Say it.');
    assert.equal(text, expected);
    assert.equal(done.finish_reason, 'stop');
    assert.deepEqual(await user.contents(threadId), ['Say it.', expected]);
  });
}

test('usage is passed on when it comes, and its absence is no failure', async () => {
  const user = await newUser(server);
  upstream.answer(async (reply) => {
    await reply.head().text('counted');
    await reply.event(chunkOf({ delta: {}, finish_reason: 'length' }));
    await reply.usage({ prompt_tokens: 9, completion_tokens: 2, total_tokens: 11, prompt_tokens_details: { cached_tokens: 0 } });
    await reply.raw('data: [DONE]\n\n');
    reply.end();
  });
  const { done } = await user.ask('count');
  assert.equal(done.finish_reason, 'length');
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = done.usage;
  assert.deepEqual([prompt, completion, total], [9, 2, 11]);
  upstream.answer(answerWith('uncounted'));
  await user.ask('count');
});

for (const field of ['reasoning', 'reasoning_content']) {
  test(`${field} is streamed as reasoning and is no part of the answer`, async () => {
    const user = await newUser(server);
    upstream.answer(async (reply) => {
      reply.head();
      for (const piece of ['let me', ' think']) await reply.event(deltaOf({ [field]: piece }));
      await reply.text('42');
      await reply.finish();
    });
    const { text, events, threadId } = await user.ask('Why?');
    assert.equal(text, '42');
    const thoughts = events.filter((event) => event.data.type === 'reasoning').map((event) => event.data.content);
    assert.equal(thoughts.join(''), 'let me think');
    assert.equal((await user.contents(threadId))[1], '42');
  });
}

// ---- failures

const numericError = (code, message = 'in its own words') => JSON.stringify({ error: { code, message, type: 'unavailable_error' } });
const failures = {
  'status 401': [(reply) => reply.json(401, { error: { message: 'bad key', type: 'x', param: null, code: 'invalid_api_key' } }), 'upstream_rejected'],
  'status 404': [(reply) => reply.json(404, { error: { message: 'no such model', code: 'model_not_found' } }), 'upstream_rejected'],
  'status 429': [(reply) => reply.json(429, { error: { message: 'slow down' } }, { 'Retry-After': '1' }), 'upstream_unavailable'],
  'status 500': [(reply) => reply.json(500, { error: 'boom' }), 'upstream_unavailable'],
  'status 503 while the model loads, with a numeric code': [(reply) => reply.json(503, JSON.parse(numericError(503, 'Loading model'))), 'upstream_unavailable'],
  'a redirect': [(reply) => reply.json(307, {}, { Location: '/elsewhere' }), 'upstream_rejected'],
  'HTML with status 200': [async (reply) => { await reply.head(200, { 'Content-Type': 'text/html' }).raw('<!doctype html><p>Welcome to nginx'); reply.end(); }, 'upstream_rejected'],
  'an empty body': [(reply) => { reply.head().end(); }, 'upstream_unavailable'],
  'broken JSON in the first event': [async (reply) => { await reply.head().event('{"choices":[{'); reply.end(); }, 'upstream_rejected'],
  'an error event first, with a numeric code': [async (reply) => { await reply.head().event(numericError(400)); reply.end(); }, 'upstream_rejected'],
  'a cut before the first byte': [(reply) => { reply.cut(); }, 'upstream_unavailable'],
  'a cut after the head': [async (reply) => { await reply.head().raw(': soon\n\n'); reply.cut(); }, 'upstream_unavailable'],
};
for (const [name, [script, code]] of Object.entries(failures)) {
  test(`failure before the first token: ${name} is ${code}; the message stays and the thread goes on`, async () => {
    const user = await newUser(server);
    upstream.answer(script);
    const stream = await user.open('first try', 't');
    const end = await stream.finish();
    assert.deepEqual([end.data.type, end.data.code], ['error', code]);
    assert.equal(typeof end.data.content, 'string');
    assert.deepEqual(stream.types, ['start', 'error']);
    assert.deepEqual(await user.contents('t'), ['first try']);
    upstream.answer(echo);
    await user.ask('second try', 't');
    assert.deepEqual(await user.contents('t'), ['first try', 'second try', 'second try']);
  });
}

const failuresAfterTokens = {
  'a cut': [(reply) => reply.cut(), 'upstream_unavailable'],
  'an end without a finish reason': [(reply) => reply.end(), 'upstream_unavailable'],
  'an error event with a numeric code': [async (reply) => { await reply.event(numericError(500)); reply.end(); }, 'upstream_unavailable'],
  'an error event with a word as code': [async (reply) => { await reply.event('{"error":{"message":"no","type":"x","param":null,"code":"content_policy"}}'); reply.end(); }, 'upstream_rejected'],
  'broken JSON': [async (reply) => { await reply.event('{"choices":[{"delta":{"content":tru}}]}'); reply.end(); }, 'upstream_rejected'],
};
for (const [name, [script, code]] of Object.entries(failuresAfterTokens)) {
  test(`failure after tokens: ${name} is ${code}; what had come is kept`, async () => {
    const user = await newUser(server);
    const seen = makeGate();
    upstream.answer(async (reply) => {
      await reply.head().text('half an ');
      await reply.text('answer');
      await seen.opened;
      await script(reply);
    });
    const stream = await user.open('go', 't');
    while (stream.text !== 'half an answer') assert.ok(await stream.next(), 'the stream ended early');
    seen.open();
    const end = await stream.finish();
    assert.deepEqual([end.data.type, end.data.code], ['error', code]);
    assert.deepEqual(await user.contents('t'), ['go', 'half an answer']);
    upstream.answer(echo);
    assert.equal((await user.ask('go on', 't')).text, 'go on');
  });
}

test('a model server that is not there is upstream_unavailable', async () => {
  const own = await startServer({ upstream: `http://127.0.0.1:${await freePort()}` });
  try {
    const user = await newUser(own);
    const end = await (await user.open('anyone?', 't')).finish();
    assert.deepEqual([end.data.type, end.data.code], ['error', 'upstream_unavailable']);
    assert.deepEqual(await user.contents('t'), ['anyone?']);
    assert.equal((await fetch(`${own.url}/health`)).status, 200);
  } finally {
    await own.stop();
  }
});

test('/health tells when the last attempt to reach the model server failed, and when one has worked again', async () => {
  const port = await freePort();
  const own = await startServer({ upstream: `http://127.0.0.1:${port}` });
  // Asked on several connections at once: any worker may take each of them.
  const states = async () => Promise.all(Array.from({ length: 6 }, async () =>
    (await (await fetch(`${own.url}/health`, { headers: { Connection: 'close' } })).json()).upstream.status));
  let late;
  try {
    const user = await newUser(own);
    assert.equal((await (await user.open('anyone?', 't')).finish()).data.type, 'error');
    await until('every worker to say so', async () => !(await states()).includes('ok'));
    late = await startScripted({ port });
    await user.ask('and now?', 't');
    await until('every worker to say "ok"', async () => (await states()).every((state) => state === 'ok'));
  } finally {
    await own.stop();
    await late?.stop();
  }
});

test('a connection that the model server has closed while idle costs no answer', async () => {
  const user = await newUser(server);
  upstream.answer(echo);
  await user.ask('one', 't');
  upstream.server.closeAllConnections();
  await user.ask('two', 't');
});

// ---- what is sent

test('earlier messages go along with their roles, under the system prompt, and streaming with usage is asked for', async () => {
  const user = await newUser(server);
  upstream.answer(answerWith('the answer'));
  await user.ask('question one', 't');
  await user.ask('question two', 't');
  const { body, path: where, headers } = upstream.requests.at(-1);
  assert.equal(where, '/v1/chat/completions');
  assert.match(headers['content-type'], /^application\/json/);
  assert.equal(headers.authorization, undefined, 'no key is configured');
  assert.equal(body.stream, true);
  assert.equal(body.stream_options?.include_usage, true);
  assert.deepEqual(body.messages.map(({ role, content }) => [role, content]), [
    ['system', 'You are terse.'], ['user', 'question one'], ['assistant', 'the answer'], ['user', 'question two']]);
});

test('the context stays within its budget: the newest messages go, the oldest stay behind', async () => {
  const user = await newUser(server);
  upstream.answer(answerWith('ok'));
  const filler = 'word '.repeat(60);                   // about 100 tokens as the server counts
  for (let turn = 0; turn < 12; ++turn) await user.ask(`${turn} ${filler}`, 't');
  const { messages } = upstream.requests.at(-1).body;
  assert.equal(messages[0].role, 'system');
  assert.ok(messages.at(-1).content.startsWith('11 '));
  const sent = messages.slice(1).filter((message) => message.role === 'user').map((message) => Number.parseInt(message.content, 10));
  assert.ok(sent.length >= 2 && sent.length < 12, `${sent.length} turns`);
  assert.deepEqual(sent, Array.from({ length: sent.length }, (_, index) => 12 - sent.length + index), 'without a gap');
});

test('long reasoning takes no place in the context of later turns', async () => {
  const own = await startServer({ upstream: upstream.url });
  try {
    const user = await newUser(own);
    const thought = 'hmm, let me see '.repeat(64);       // 1 KiB
    upstream.answer(async (reply, request) => {
      reply.head();
      for (let piece = 0; piece < 30; ++piece) await reply.event(deltaOf({ reasoning_content: thought }));
      await reply.text(`answer to ${request.body.messages.at(-1).content}`);
      await reply.finish();
    });
    for (const question of ['one', 'two', 'three']) await user.ask(question, 't');
    const { messages } = upstream.requests.at(-1).body;
    assert.deepEqual(messages.filter(({ role }) => role !== 'system').map(({ role, content }) => [role, content]), [
      ['user', 'one'], ['assistant', 'answer to one'], ['user', 'two'], ['assistant', 'answer to two'], ['user', 'three']]);
    assert.ok(!JSON.stringify(messages).includes('let me see'));
  } finally {
    await own.stop();
  }
});

test('a key that is a word of its own mark is taken out once', async () => {
  const own = await startServer({ upstream: upstream.url });
  try {
    const file = path.join(own.workDir, 'key');
    writeFileSync(file, 'key\n', { mode: 0o600 });
    await own.restart({ args: ['--upstream-key-file', file, '--model', 'chosen-model'] });
    upstream.answer((reply) => reply.json(401, { error: { message: 'no such key, or another key' } }));
    const stream = await (await newUser(own)).open('hello');
    assert.equal((await stream.finish()).data.code, 'upstream_rejected');
    await own.waitForLog(/no such \[key\], or another \[key\]/);
  } finally {
    await own.stop();
  }
});

test('the API key of a file is sent and is never in the log', async () => {
  const key = 'sk-e2e-0123456789-never-log-me';
  const own = await startServer({ upstream: upstream.url });
  try {
    const file = path.join(own.workDir, 'key');
    writeFileSync(file, `${key}\n`, { mode: 0o600 });
    await own.restart({ args: ['--upstream-key-file', file, '--model', 'chosen-model'] });
    const user = await newUser(own);
    upstream.answer(echo);
    await user.ask('with a key');
    assert.equal(upstream.requests.at(-1).headers.authorization, `Bearer ${key}`);
    assert.equal(upstream.requests.at(-1).body.model, 'chosen-model');
    upstream.answer((reply) => reply.json(401, { error: { message: `Incorrect API key provided: ${key}` } }));
    const stream = await user.open('with a bad key');
    await stream.finish();
    const health = await (await fetch(`${own.url}/health`)).text();
    await own.terminate();
    for (const text of [own.stdout, own.stderr, health, JSON.stringify(stream.events)]) assert.ok(!text.includes(key));
  } finally {
    await own.stop();
  }
});

test('a run is logged by one line with user, thread, run, status and time, and without the message', async () => {
  const user = await newUser(server);
  upstream.answer(echo);
  const { threadId, events } = await user.ask('words that nobody may log');
  const runId = events[0].data.run_id;
  await server.waitForLog(new RegExp(`/chat/stream[^\\n]*run_id="?${runId}`));
  const lines = server.stderr.split('\n').filter((line) => line.includes(runId));
  assert.equal(lines.length, 1);
  for (const part of [`user_id=`, user.user, `thread_id=`, threadId, 'status=', 'ms=']) assert.ok(lines[0].includes(part), `${part} in ${lines[0]}`);
  assert.ok(!server.stderr.includes('nobody may log'));
});

// ---- the built-in model

test('offline: the answer streams, says that it is no language model, shows how to connect one, and quotes the message', async () => {
  const own = await startServer({ upstream: 'offline' });
  try {
    const user = await newUser(own);
    const first = await user.ask('Do you hear me, 你好?');
    assert.match(first.text, /language model/i);
    assert.match(first.text, /--upstream/);
    assert.ok(first.text.includes('Do you hear me, 你好?'));
    assert.ok(first.events.filter((event) => event.data.type === 'token').length > 5);
    const second = await (await newUser(own)).ask('Do you hear me, 你好?');
    assert.equal(second.text, first.text, 'deterministic');
    assert.equal((await user.contents(first.threadId))[1], first.text);
  } finally {
    await own.stop();
  }
});

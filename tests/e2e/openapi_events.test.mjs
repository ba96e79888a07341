// Every type of event, and everything a message can have, is as docs/openapi.yaml describes it.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { apiDocument, checkAnswer, checkEvent, operations } from './support/api_document.mjs';
import { EventReader, newUser } from './support/client.mjs';
import { deltaOf, startScripted } from './support/scripted_upstream.mjs';
import { flag, makeTempDir, startServer } from './support/server.mjs';
import { ToolServer, countTools, sayCalls } from './support/tool_server.mjs';
import { makeGate, manyStarts, test } from './support/wait.mjs';

let server;
let upstream;
let tool;
const gate = makeGate();
const titled = makeGate();

// A model that thinks, calls, answers at length, names threads, and fails or waits when it is told to.
async function answer(reply, request) {
  const asked = request.body.messages.findLast((message) => message.role === 'user').content;
  if (asked === 'fail') return reply.json(500, { error: { message: 'out of order' } });
  if (asked === 'call' && countTools(request) === 0) return sayCalls(reply, [{ id: 'a', name: 'look_up', args: { q: 'x' } }], 'Let me see. ');
  reply.head();
  if (asked.startsWith('wait')) {
    await reply.text('So');
    await gate.opened;
  } else if (asked === 'call') {
    await reply.event(deltaOf({ reasoning_content: 'Hm.' }));
    await reply.text(`It is so. ${'And so on. '.repeat(60)}`);
    await titled.opened;
    await reply.usage({ prompt_tokens: 20, completion_tokens: 7, total_tokens: 27 });
  } else {
    await reply.text('A fine name');
  }
  return reply.finish();
}

before(async () => {
  upstream = await startScripted();
  upstream.answer(answer);
  tool = await new ToolServer().start();
  const toolsFile = path.join(makeTempDir(), 'tools.json');
  writeFileSync(toolsFile, JSON.stringify(tool.config()));
  server = await startServer({ upstream: upstream.url, args: ['--tools', toolsFile, flag.titles, 'during', flag.drainSeconds, '0'] });
});
after(async () => {
  for (const each of [gate, titled]) each.open();
  await server?.stop();
  await upstream?.stop();
  await tool?.stop();
});

const api = (name) => operations.find((each) => each.name === name);
const typesOf = (schema) => apiDocument.components.schemas[schema].oneOf.flatMap(({ properties }) => properties.type.const ?? properties.type.enum).sort();

test('every type of event is seen, and is as described', manyStarts, async () => {
  const user = await newUser(server);
  const feed = new EventReader(await user.request('/chat/events'));
  await feed.until('ready');
  const runs = [];
  const finish = async (stream) => {
    await stream.finish();
    runs.push(...stream.events);
    return stream.events;
  };
  const long = await user.open('call', 't');
  await long.until('title');
  titled.open();
  const [{ data: { run_id: run } }] = await finish(long);
  await finish(await user.open('fail', 'failed'));
  await finish(new EventReader(await user.request(`/chat/stream?thread_id=t&run_id=${run}`, { headers: { 'Last-Event-ID': '1000' } })));
  const history = await user.request('/chat/history?thread_id=t');
  const text = await history.text();
  checkAnswer(api('GET /chat/history'), history, text, 'a message with all there is');
  const [, message] = JSON.parse(text).messages;
  for (const field of ['reasoning', 'tools', 'usage', 'finish_reason', 'model']) assert.ok(message[field], `${field}: ${text}`);

  const waits = await user.open('wait', 'busy');
  await waits.until('token');
  const queued = await user.open('hello', 'busy');
  const { run_id: waiting } = (await queued.until('queued')).data;
  await user.json(`/chat/sessions/busy/queue/${waiting}`, { method: 'DELETE' });
  await finish(queued);
  await user.deleteThread('busy');
  await finish(waits);
  await user.json('/me/settings', { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: '{"theme":"dark"}' });
  await user.deleteAll();
  await feed.until('all_threads_deleted');
  const changes = [...feed.events];
  await feed.close();
  const late = new EventReader(await user.request('/chat/events', { headers: { 'Last-Event-ID': '18446744073709551615' } }));
  changes.push(await late.until('resync'));
  await late.close();

  const ended = await user.open('wait for the end', 'ended');
  await ended.until('token');
  server.signal('SIGTERM');
  await finish(ended);

  for (const { data } of runs) checkEvent(api('POST /chat/stream'), data, 'a run');
  for (const { data } of changes) checkEvent(api('GET /chat/events'), data, 'the feed');
  assert.deepEqual([...new Set(runs.map(({ data }) => data.type))].sort(), typesOf('RunEvent'));
  assert.deepEqual([...new Set(changes.map(({ data }) => data.type))].sort(), typesOf('FeedEvent'));
});

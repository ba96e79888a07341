// Readers that do not read: each costs a bounded buffer, delays nobody, and gets all of the run once it reads again.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { EventReader, isTerminal, newUser } from './support/client.mjs';
import { streamRequest } from './support/cut_stream.mjs';
import { RawSocket } from './support/raw.mjs';
import { deltaOf, startScripted } from './support/scripted_upstream.mjs';
import { flag, startServer } from './support/server.mjs';
import { makeGate, test, until } from './support/wait.mjs';

let server;
let upstream;
before(async () => {
  upstream = await startScripted();
  // A build with the address sanitizer keeps freed memory for a while: not here, where memory is measured.
  const env = { ASAN_OPTIONS: [process.env.ASAN_OPTIONS, 'quarantine_size_mb=1'].filter(Boolean).join(':') };
  server = await startServer({ upstream: upstream.url, args: [flag.workers, '2'], env });
});
after(async () => {
  await server?.stop();
  await upstream?.stop();
});

const stalledCount = 40;
const pieces = 250_000;  // of 6 bytes: 16 MB of events, more than socket buffers take
const rssBytes = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) * 1024;

// Keeps what comes from now on without looking at it: a flood in many sockets.
function collect(raw) {
  const pieces = [raw.received];
  raw.socket.removeAllListeners('data');
  raw.socket.on('data', (bytes) => pieces.push(bytes));
  raw.tail = () => Buffer.concat(pieces.slice(-4)).toString('latin1');
  raw.all = () => Buffer.concat(pieces).toString('latin1');
}

// A reader of the run in thread `t` that takes its first event and then nothing.
async function followAndStall(user, runId) {
  const raw = await RawSocket.connect(server);
  raw.send(streamRequest(user, { threadId: 't', runId }));
  await raw.waitFor(/"start"/);
  raw.socket.pause();
  collect(raw);
  return raw;
}

// A flood: thousands of deltas in each write.
async function flood(reply) {
  for (let at = 0; at < pieces; at += 5000) {
    let text = '';
    for (let i = at; i < at + 5000; ++i) text += `data: ${deltaOf({ content: String(i).padStart(6, '0') })}\n\n`;
    await reply.raw(text);
  }
}
const expected = Array.from({ length: pieces }, (_, i) => String(i).padStart(6, '0')).join('');

test('stalled readers are bounded, delay nobody, and get everything later', async () => {
  const user = await newUser(server);
  const gate = makeGate();
  const end = makeGate();
  upstream.answer(async (reply) => {
    reply.head();
    await gate.opened;
    await flood(reply);
    await end.opened;
    await reply.finish();
  });
  const reader = await user.open('flood', 't');
  const runId = (await reader.next()).data.run_id;
  const stalled = await Promise.all(Array.from({ length: stalledCount }, () => followAndStall(user, runId)));
  const before = rssBytes();
  gate.open();
  for (let event = await reader.next(); event.data.type === 'token' && event.id !== String(pieces + 1); event = await reader.next());
  assert.equal(reader.text, expected, 'the reader that reads has everything while the others stall');
  const grown = rssBytes() - before;
  // The run itself (its journal, the answer in the making), and for each of the stalled what waits for its socket, twice where it is on
  // the other worker: a few hundred kilobytes, more in a build with sanitizers. Kept for each of them it would be sixteen megabytes.
  const unread = stalledCount * 16e6;
  assert.ok(grown < unread / 5, `the server grew by ${grown} bytes, of ${unread} that nobody has read`);
  const other = await newUser(server);
  upstream.answer(async (reply) => { reply.head(); await reply.text('quick'); await reply.finish(); });
  assert.equal((await other.ask('hello', 't')).text, 'quick');

  // Some read on while the run goes on, the others only after its end: from the log.
  const half = stalled.slice(0, stalledCount / 2);
  for (const raw of half) raw.socket.resume();
  await until('half of them to have it', () => half.every((raw) => raw.tail().includes(`\nid: ${pieces + 1}\n`)));
  end.open();
  await reader.finish();
  for (const raw of stalled) raw.socket.resume();
  await until('all of them to have it', () => stalled.every((raw) => raw.tail().includes('"type":"done"')));
  for (const raw of stalled) {
    const ids = [...raw.all().matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    assert.deepEqual([ids.length, ids[0], ids.at(-1)], [pieces + 2, 1, pieces + 2]);
    assert.ok(ids.every((id, index) => id === index + 1), 'each event once, in order');
    raw.end();
  }
});

test('an answer that is short enough to be kept reaches those who are behind at its end', async () => {
  const user = await newUser(server);
  const count = 45_000;  // 225 KB in the journal, 2.3 MB of events
  const begun = makeGate();
  upstream.answer(async (reply) => {
    reply.head();
    await begun.opened;
    for (let at = 0; at < count; at += 5000)
      await reply.raw(Array.from({ length: 5000 }, (_, i) => `data: ${deltaOf({ content: String((at + i) % 10) })}\n\n`).join(''));
    await reply.finish();
  });
  const reader = await user.open('short flood', 't');
  const runId = (await reader.next()).data.run_id;
  const stalled = await Promise.all(Array.from({ length: 8 }, () => followAndStall(user, runId)));
  begun.open();
  await reader.finish();
  const leaver = stalled.pop();
  leaver.end();
  for (const raw of stalled) raw.socket.resume();
  await until('all of them to have it', () => stalled.every((raw) => raw.tail().includes('"type":"done"')));
  for (const raw of stalled) {
    const all = raw.all();
    const ids = [...all.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    assert.equal(ids.length, count + 2);
    assert.ok(ids.every((id, index) => id === index + 1), 'each event once, in order');
    const text = [...all.matchAll(/"type":"token","content":"(\d)"/g)].map((match) => match[1]).join('');
    assert.equal(text, reader.text);
    raw.end();
  }
});

test('a stalled reader that leaves is forgotten, and a run that nobody reads ends as any other', async () => {
  const user = await newUser(server);
  upstream.answer(async (reply) => { reply.head(); await flood(reply); await reply.finish(); });
  const raw = await RawSocket.connect(server);
  raw.socket.pause();
  const reader = await user.open('flood', 't');
  const runId = (await reader.next()).data.run_id;
  raw.send(streamRequest(user, { threadId: 't', runId }));
  await reader.close();
  raw.end();
  await until('the answer to be stored', async () => (await user.history('t')).message_count === 2);
  assert.equal((await user.contents('t'))[1], expected);
  const again = new EventReader(await user.request(`/chat/stream?thread_id=t&run_id=${runId}`));
  while (await again.next());
  assert.equal(again.text, expected);
  assert.ok(isTerminal(again.events.at(-1)));
});

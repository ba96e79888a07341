// A thousand clients that mean no good, of every slow kind at once: the one that means well gets its own right answers, the server's
// memory stays bounded, and in the end all of them have been closed. How fast that is, bench/attack.mjs measures.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { after, before } from 'node:test';
import { newUser } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { test, until } from './support/wait.mjs';

const count = 1000;
// Under it, 16 KiB each; an address sanitizer has its own bounds around every allocation.
const bytesMax = (process.env.ASAN_OPTIONS || process.env.TSAN_OPTIONS ? 256 : 16) * 1024 * count;

let server;
before(async () => {
  // A build with the address sanitizer keeps freed memory for a while: not here, where memory is measured.
  server = await startServer({ env: { ASAN_OPTIONS: [process.env.ASAN_OPTIONS, 'quarantine_size_mb=1'].filter(Boolean).join(':') } });
});
after(() => server?.stop());

const rssBytes = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) * 1024;

const page = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const kinds = [
  { first: '' },                                                                      // says nothing
  { first: 'G', then: 'ET /health HTTP/1.1\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy' },     // a head, byte by byte
  { first: 'POST /auth/link HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n', then: '{'.repeat(90) },
  { first: 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n' },                                // keeps its connection
  { first: page.repeat(400), takesNothing: true },
  { first: 'GET /health HTTP/1.1\r\nHos', half: true },
];

// One attacker. `closed` becomes true when the server has ended it.
function attack(kind) {
  const attacker = { closed: false };
  const socket = net.connect({ host: '127.0.0.1', port: server.port, allowHalfOpen: true });
  const end = () => { attacker.closed = true; clearInterval(attacker.timer); socket.destroy(); };
  socket.on('connect', () => {
    if (kind.first) socket.write(kind.first);
    if (kind.half) socket.end();
    if (kind.takesNothing) socket.pause();
    let at = 0;
    // Who does not read sees the end of the connection when it writes.
    if (kind.then || kind.takesNothing) attacker.timer = setInterval(() => socket.write(kind.then?.[at++] ?? 'G'), 1000);
  });
  if (!kind.takesNothing) socket.on('data', () => {});
  socket.on('error', end).on('end', end).on('close', end);
  attacker.stop = end;
  return attacker;
}

test('a thousand slow clients are all closed, and disturb nobody', { timeout: 180_000 }, async () => {
  const user = await newUser(server);
  await user.ask('question 1', 'calm');
  const before = rssBytes();
  const attackers = Array.from({ length: count }, (_, i) => attack(kinds[i % kinds.length]));
  let most = 0;
  let turns = 1;
  const isOver = async () => {
    most = Math.max(most, rssBytes());
    ++turns;
    await user.ask(`question ${turns}`, 'calm');
    const contents = (await user.history('calm', '&limit=1000')).messages.map((message) => message.content);
    assert.equal(contents.filter((content) => /^question \d+$/.test(content)).length, turns);
    return attackers.every((attacker) => attacker.closed);
  };
  try {
    await until('all attackers to be closed', isOver, 150_000);
  } finally {
    for (const attacker of attackers) attacker.stop();
  }
  assert.ok(most - before < bytesMax + turns * 64 * 1024, `${most - before} bytes more`);
  assert.ok(server.alive);
  assert.equal((await user.sessions()).sessions.length, 1);
});

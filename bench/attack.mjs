// What thousands of clients that mean no good cost a client that means well: the real binary, one kind of attacker at a time.
//
//   BOBBIN_BIN=build/release/bobbin node bench/attack.mjs [count] [kind…]        (needs npm ci in tests/e2e)
//
//   silent      connects and says nothing
//   head        sends a request's head, a byte every two seconds
//   body        sends a request's body likewise
//   unread      asks for the page again and again and takes no answer
//   idle        asks once and keeps the connection
//   half        sends half a head and closes its side
//   mixed       all of them in turn
//
// For each: how many are connected at once; the healthy client's p50 and p99 before and during the attack, of GET /chat/sessions
// on a connection that it keeps; the server's memory for each attacker (VmRSS, the kernel's buffers are not in it); when the
// last of them was closed by the server. The attackers are a process of their own, on the same machine: what they and
// the kernel take of the cores is in the latencies.

import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const watchSeconds = 90;     // an attacker that is still there then counts as never closed

// --- the attackers

const heads = {
  silent: '',
  head: 'G',
  body: 'POST /auth/link HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{',
  unread: 'GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: identity\r\n\r\n'.repeat(200),
  idle: 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n',
  half: 'GET /health HTTP/1.1\r\nHos',
};
const slow = { head: 'ET /health HTTP/1.1\r\nHost: a\r\nX: '.padEnd(4000, 'y'), body: ' '.repeat(4000) };

function attack(port, kind, report) {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const began = performance.now();
  let timer = null;
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    clearInterval(timer);
    socket.destroy();
    report((performance.now() - began) / 1000);
  };
  socket.on('connect', () => {
    if (heads[kind]) socket.write(heads[kind]);
    if (kind === 'half') socket.end();
    let at = 0;
    if (slow[kind]) timer = setInterval(() => { if (!socket.write(slow[kind][at++ % 4000])) end(); }, 2000);
  });
  if (kind === 'unread') socket.pause();                // the socket's end is then seen by a write alone
  else socket.on('data', () => {});
  if (kind === 'unread') timer = setInterval(() => socket.write('G'), 2000);
  socket.on('error', end).on('end', end).on('close', end);
}

async function runAttackers(port, kind, count) {
  const kinds = kind === 'mixed' ? Object.keys(heads) : [kind];
  const closedAfter = [];
  for (let i = 0; i < count; ++i) {
    attack(port, kinds[i % kinds.length], (seconds) => closedAfter.push(seconds));
    if (i % 100 === 99) await sleep(20);                // past the listener's backlog nothing is measured but the kernel
  }
  process.send({ connected: count });
  for (let tick = 0; tick < watchSeconds * 10 && closedAfter.length < count; ++tick) await sleep(100);
  closedAfter.sort((a, b) => a - b);
  process.send({ closed: closedAfter.length, within30: closedAfter.filter((s) => s <= 30).length, last: closedAfter.at(-1) ?? 0 });
  process.exit(0);
}

// --- the healthy client and the figures

const quantile = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;

// Asks every few milliseconds on one connection until `isOver()`. Every answer has to be right.
async function measure(server, user, isOver) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  while (!isOver()) {
    const began = performance.now();
    await new Promise((resolve, reject) => {
      const request = http.get({ port: server.port, host: '127.0.0.1', path: '/chat/sessions', agent, headers: { Authorization: `Bearer ${user.token}` } }, (answer) => {
        let text = '';
        answer.on('data', (piece) => { text += piece; });
        answer.on('end', () => (answer.statusCode === 200 && JSON.parse(text).sessions.length === 1 ? resolve() : reject(new Error(`wrong answer: ${answer.statusCode} ${text}`))));
      });
      request.on('error', reject);
    });
    times.push(performance.now() - began);
    await sleep(2);
  }
  agent.destroy();
  return times.sort((a, b) => a - b);
}

async function runKind(kind, count) {
  const { newUser } = await import('../tests/e2e/support/client.mjs');
  const { startServer } = await import('../tests/e2e/support/server.mjs');
  const server = await startServer({ args: ['--log-level', 'error', ...(process.env.ATTACK_ARGS ?? '').split(' ').filter(Boolean)] });
  const rss = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]);
  const user = await newUser(server);
  await user.ask('hello', 'calm');
  const calmUntil = performance.now() + 5000;
  await measure(server, user, () => performance.now() > calmUntil - 4000);      // warm
  const calm = await measure(server, user, () => performance.now() > calmUntil);
  const before = rss();
  let most = before;
  const watch = setInterval(() => { most = Math.max(most, rss()); }, 50);
  const child = fork(new URL(import.meta.url), ['attack', String(server.port), kind, String(count)]);
  let result = null;
  child.on('message', (message) => { if (message.closed !== undefined) result = message; });
  const attacked = await measure(server, user, () => result !== null);
  clearInterval(watch);
  const show = (value) => value.toFixed(2);
  console.log(`${kind.padEnd(8)} ${String(count).padStart(5)}   p50 ${show(quantile(calm, 0.5))} -> ${show(quantile(attacked, 0.5))} ms   p99 ${show(quantile(calm, 0.99))} -> ${show(quantile(attacked, 0.99))} ms   ` +
    `${show((most - before) / count)} KiB each   closed ${result.closed}, within 30 s ${result.within30}, the last after ${result.last.toFixed(1)} s`);
  await server.stop();
}

if (process.argv[2] === 'attack') {
  await runAttackers(Number(process.argv[3]), process.argv[4], Number(process.argv[5]));
} else {
  const count = Number(process.argv[2] ?? 5000);
  for (const kind of process.argv.length > 3 ? process.argv.slice(3) : [...Object.keys(heads), 'mixed']) await runKind(kind, count);
}

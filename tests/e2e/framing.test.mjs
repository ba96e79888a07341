// Requests in every odd form against the built binary, over real sockets: each gets the answers that a second judge says, and its
// connection stays open or is closed as that says. Behind each case comes a plain request: answered when the connection was to
// stay, and never part of somebody else's. A client that behaves works beside it all and always gets its own answers.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before } from 'node:test';
import { newUser } from './support/client.mjs';
import { framingCases } from './support/framing_cases.mjs';
import { judge } from './support/framing_oracle.mjs';
import { startServer } from './support/server.mjs';
import { test } from './support/wait.mjs';

const groups = framingCases();
const probe = 'GET /health?probe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const atOnce = 40;

let server;
before(async () => { server = await startServer(); });
after(() => server?.stop());

// Sends the bytes in one or two pieces, closes its side, and gives all that comes until the server closes.
function exchange(text, cutAt) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: '127.0.0.1', port: server.port, noDelay: true, allowHalfOpen: true });
    const bytes = Buffer.from(text, 'latin1');
    const pieces = [];
    let ended = false;
    socket.on('data', (piece) => pieces.push(piece));
    // A reset may follow the answer where bytes of ours were still under way.
    socket.on('error', (error) => { if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error); });
    socket.on('end', () => { ended = true; socket.end(); });
    socket.on('close', () => resolve({ received: Buffer.concat(pieces).toString('latin1'), ended }));
    socket.on('connect', () => {
      if (cutAt === 0) { socket.end(bytes); return; }
      socket.write(bytes.subarray(0, cutAt), () => setImmediate(() => socket.end(bytes.subarray(cutAt))));
    });
  });
}

// The answers in `received`, to requests of these methods: bodies are passed over by Content-Length.
function statusesIn(received, methods) {
  const statuses = [];
  for (let at = 0; at < received.length;) {
    const end = received.indexOf('\r\n\r\n', at);
    assert.ok(end >= 0, `no whole head in ${JSON.stringify(received.slice(at))}`);
    const head = received.slice(at, end);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
    assert.ok(status >= 100, `no answer: ${JSON.stringify(head)}`);
    at = end + 4;
    if (status < 200) continue;
    const hasBody = status !== 204 && methods[statuses.length] !== 'HEAD';
    if (hasBody) at += Number(/^content-length: (\d+)$/im.exec(head)[1]);
    assert.ok(at <= received.length, `a cut body after ${JSON.stringify(head)}`);
    statuses.push(status);
  }
  return statuses;
}

async function checkCase(text, index) {
  const whole = text + probe;
  const { answers, end } = judge(whole);
  const cutAt = index % 2 === 0 ? 0 : 1 + ((index * 7919) % (whole.length - 1));
  const { received } = await exchange(whole, cutAt);
  const got = statusesIn(received, answers.map((answer) => answer.method));
  assert.deepEqual(got, answers.map((answer) => answer.status), `(${end}) ${JSON.stringify(whole.slice(0, 300))} got ${JSON.stringify(received.slice(0, 400))}`);
}

// Whether the process is fair to others all the while.
async function behave(state) {
  const user = await newUser(server);
  for (let turn = 1; !state.done; ++turn) {
    await user.ask(`question ${turn}`, 'calm');
    const { messages } = await user.history('calm', '&limit=1000');
    assert.equal(messages.filter((message) => message.role === 'user').length, turn);
    state.turns = turn;
  }
}

test('the cases are at least a thousand', () => {
  const all = Object.values(groups).flat();
  assert.ok(new Set(all).size >= 1000, `${new Set(all).size}`);
});

for (const [name, cases] of Object.entries(groups)) {
  test(`${name}: ${cases.length} cases are answered as a strict reader would`, async () => {
    const state = { done: false, turns: 0 };
    const calm = behave(state);
    calm.catch(() => {});
    const faults = [];
    let next = 0;
    const work = async () => {
      while (next < cases.length) {
        const index = next++;
        await checkCase(cases[index], index).catch((fault) => faults.push(fault.message));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    state.done = true;
    await calm;
    assert.deepEqual(faults, []);
    assert.ok(server.alive && state.turns > 0);
  });
}

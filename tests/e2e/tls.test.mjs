// Model and tools over TLS: certificates are verified, and what is refused is said.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { after, before } from 'node:test';
import { makeCertificate } from './support/certificate.mjs';
import { newUser } from './support/client.mjs';
import { startScripted } from './support/scripted_upstream.mjs';
import { makeTempDir, startServer } from './support/server.mjs';
import { ToolServer, countTools, say, sayCalls } from './support/tool_server.mjs';
import { test } from './support/wait.mjs';

const directory = makeTempDir();
const file = (name) => path.join(directory, name);

// TLS in front of a plain server.
async function startTls(url, certificate) {
  const target = new URL(url);
  const sockets = new Set();
  const front = tls.createServer({ ...certificate, ALPNProtocols: ['http/1.1'] }, (secure) => {
    const plain = net.connect(Number(target.port), '127.0.0.1');
    for (const socket of [secure, plain]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => { secure.destroy(); plain.destroy(); });
    }
    secure.pipe(plain).pipe(secure);
  });
  front.on('tlsClientError', () => {});
  await new Promise((resolve) => front.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://localhost:${front.address().port}`,
    stop: () => { for (const socket of sockets) socket.destroy(); front.close(); },
  };
}

let upstream;
let tool;
const fronts = {};
let server;
before(async () => {
  upstream = await startScripted();
  tool = await new ToolServer().start();
  const trusted = makeCertificate(directory, 'trusted', 'localhost');
  const unknown = makeCertificate(directory, 'unknown', 'localhost');
  const other = makeCertificate(directory, 'other', 'elsewhere.example');
  fronts.model = await startTls(upstream.url, trusted);
  fronts.tool = await startTls(tool.url, trusted);
  fronts.unknown = await startTls(tool.url, unknown);
  fronts.other = await startTls(tool.url, other);
  writeFileSync(file('ca.pem'), Buffer.concat([trusted.cert, other.cert]));
  const parameters = { type: 'object', properties: {} };
  const named = (name) => ({ name, description: name, parameters, url: `${fronts[name].url}/${name}`, allow_private: true });
  writeFileSync(file('tools.json'), JSON.stringify({ http: ['tool', 'unknown', 'other'].map(named) }));
  server = await startServer({ upstream: fronts.model.url, args: ['--upstream-ca', file('ca.pem'), '--tools', file('tools.json')] });
});
after(async () => {
  await server?.stop();
  for (const front of Object.values(fronts)) front.stop();
  await upstream?.stop();
  await tool?.stop();
});

test('the model and a tool whose certificates are trusted answer; an unknown one and one of another host are refused', async () => {
  const user = await newUser(server);
  upstream.answer(async (reply, request) => (countTools(request) > 0 ? say(reply, 'Done.') : sayCalls(reply,
    ['tool', 'unknown', 'other'].map((name) => ({ id: name, name, args: {} })))));
  const { text } = await user.ask('hello', 't');
  assert.equal(text, 'Done.');
  const results = Object.fromEntries(upstream.requests.at(-1).body.messages.filter((message) => message.role === 'tool')
    .map((message) => [message.tool_call_id, message.content]));
  assert.equal(results.tool, 'result of /tool');
  for (const name of ['unknown', 'other']) assert.match(results[name], /certificate/, results[name]);
  assert.deepEqual(tool.calls, ['/tool'], 'nothing is sent before the certificate is verified');
});

test('a model whose certificate is not trusted is not asked', async () => {
  const own = await startServer({ upstream: fronts.model.url });
  try {
    const user = await newUser(own);
    const asked = upstream.requests.length;
    const stream = await user.open('hello', 't');
    assert.equal((await stream.finish()).data.type, 'error');
    assert.equal(upstream.requests.length, asked);
    await own.waitForLog(/certificate/);
  } finally {
    await own.stop();
  }
});

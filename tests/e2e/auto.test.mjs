// `--upstream auto`: which local model server is found, what it is asked with, and what is never taken for a model.
// Only this file listens on the well-known ports; its tests run one after the other.

import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { before } from 'node:test';
import { newUser } from './support/client.mjs';
import { startMockLlm } from './support/mock_llm.mjs';
import { answerWith, startScripted } from './support/scripted_upstream.mjs';
import { startServer } from './support/server.mjs';
import { makeGate, test, until } from './support/wait.mjs';

const USUAL = { 11434: 'Ollama', 1234: 'LM Studio', 8080: 'llama.cpp', 8000: 'vLLM' };
const USUAL_PORTS = Object.keys(USUAL).map(Number);
let freePorts;
let othersListen;

const answers = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1');
  socket.once('connect', () => { socket.destroy(); resolve(true); }).once('error', () => resolve(false));
});

before(async () => {
  const taken = await Promise.all(USUAL_PORTS.map(answers));
  freePorts = USUAL_PORTS.filter((_, index) => !taken[index]);
  othersListen = taken.some(Boolean);
});

// A developer's own model server on one of these ports would be found instead of ours.
function skippedBecauseOfOthers(context) {
  if (othersListen) context.skip('something else listens on a usual port of model servers');
  return othersListen;
}

const upstreamOf = async (server) => JSON.stringify((await (await fetch(`${server.url}/health`)).json()).upstream);
const names = (text, port) => text.includes(USUAL[port]) || text.includes(`:${port}`);

for (const port of USUAL_PORTS) {
  test(`a model server on port ${port} is found, used and named in the log and in /health`, async (context) => {
    if (skippedBecauseOfOthers(context)) return;
    const mock = await startMockLlm({ port });
    const server = await startServer({ upstream: 'auto' });
    try {
      await until('/health to name it', async () => names(await upstreamOf(server), port));
      const user = await newUser(server);
      assert.equal((await user.ask('echo this')).text, 'echo this');
      await server.waitForLog(new RegExp(`:${port}\\b`));
    } finally {
      await server.stop();
      await mock.stop();
    }
  });
}

test('without any the built-in model answers; one that appears later is found', async (context) => {
  if (skippedBecauseOfOthers(context)) return;
  const server = await startServer({ upstream: 'auto' });
  let mock;
  try {
    const user = await newUser(server);
    assert.match((await user.ask('anyone?', 't')).text, /language model/i);
    mock = await startMockLlm({ port: freePorts[0] });
    await until('the next look', async () => names(await upstreamOf(server), freePorts[0]));
    assert.equal((await user.ask('now?', 't')).text, 'now?');
  } finally {
    await server.stop();
    await mock?.stop();
  }
});

test('messages that waited at kill -9 are answered by the model that is found again, not by the built-in one', async (context) => {
  if (skippedBecauseOfOthers(context)) return;
  const upstream = await startScripted({ port: 11434 });
  const probes = makeGate();
  const server = await startServer({ upstream: 'auto' });
  try {
    await until('/health to name it', async () => names(await upstreamOf(server), 11434));
    const user = await newUser(server);
    upstream.answer(async (reply) => { await reply.head().text('half'); });
    await (await user.open('active', 't')).until('token');
    for (const message of ['waits 1', 'waits 2']) await (await user.open(message, 't')).until('queued');
    await server.kill();
    upstream.answer((reply, request) => answerWith('re: ', request.body.messages.at(-1).content)(reply));
    // The model server takes its time, as a busy one does: the server answers a number of requests before it is found.
    upstream.probesHeld = probes.opened;
    await server.start();
    for (let request = 0; request < 30; ++request) await user.contents('t');
    probes.open();
    const contents = await until('both to be answered', async () => {
      const all = await user.contents('t');
      return all.includes('waits 2') && all.at(-1) !== 'waits 2' && all;
    });
    assert.deepEqual(contents.slice(contents.indexOf('waits 1')), ['waits 1', 're: waits 1', 'waits 2', 're: waits 2']);
  } finally {
    probes.open();
    await server.stop();
    await upstream.stop();
  }
});

test('probes carry no credentials', async (context) => {
  if (skippedBecauseOfOthers(context)) return;
  const upstream = await startScripted({ port: freePorts.at(-1) });
  const server = await startServer({ upstream: 'auto', env: { BOBBIN_UPSTREAM_KEY: 'sk-e2e-never-send-me' } });
  try {
    await until('a probe', () => upstream.probes.length > 0);
    for (const probe of upstream.probes) {
      assert.deepEqual([probe.method, probe.path], ['GET', '/v1/models']);
      for (const name of ['authorization', 'cookie', 'x-api-key', 'proxy-authorization']) assert.equal(probe.headers[name], undefined);
      assert.ok(!JSON.stringify(probe.headers).includes('sk-e2e'));
    }
  } finally {
    await server.stop();
    await upstream.stop();
  }
});

test('another Bobbin is never taken for a model', async (context) => {
  if (skippedBecauseOfOthers(context)) return;
  const other = await startServer({ upstream: 'offline', listen: '127.0.0.1:8080' });
  const server = await startServer({ upstream: 'auto' });
  try {
    await other.waitForLog(/\/v1\/models/);
    const user = await newUser(server);
    assert.match((await user.ask('who are you?')).text, /language model/i);
    assert.ok(!names(await upstreamOf(server), 8080));
  } finally {
    await server.stop();
    await other.stop();
  }
});

test('a web server that is no model server is not taken for one', async (context) => {
  if (skippedBecauseOfOthers(context)) return;
  let asked = false;
  const web = http.createServer((request, response) => { asked = true; response.end('<!doctype html><title>hello</title>'); });
  await new Promise((resolve) => web.listen(freePorts[0], '127.0.0.1', resolve));
  const server = await startServer({ upstream: 'auto' });
  try {
    await until('a probe', () => asked);
    assert.match((await (await newUser(server)).ask('who are you?')).text, /language model/i);
  } finally {
    await server.stop();
    web.closeAllConnections();
    await new Promise((resolve) => web.close(resolve));
  }
});

// That a tool is called is on disk before it is called, and what came of it before the model is told.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { newUser } from '../e2e/support/client.mjs';
import { startScripted } from '../e2e/support/scripted_upstream.mjs';
import { startServer } from '../e2e/support/server.mjs';
import { ToolServer, countTools, say, sayCalls } from '../e2e/support/tool_server.mjs';
import { makeGate, test, until } from '../e2e/support/wait.mjs';
import { FaultDisk } from './support/faults.mjs';

const RUN_LOG = '/runlog/';
let disk;
let upstream;
let tool;
let server;
before(async () => {
  disk = new FaultDisk();
  upstream = await startScripted();
  tool = await new ToolServer().start();
  const toolsFile = path.join(disk.root, 'tools.json');
  writeFileSync(toolsFile, JSON.stringify(tool.config()));
  server = await startServer({ upstream: upstream.url, dataDir: disk.dataDir, env: disk.env, args: ['--workers', '2', '--tools', toolsFile] });
});
after(async () => {
  disk?.release();
  await server?.stop();
  await upstream?.stop();
  await tool?.stop();
  disk?.remove();
});

// Whether the run log has `text`, synced or not.
function isWritten(text) {
  const directory = path.join(disk.dataDir, 'runlog');
  return readdirSync(directory).some((name) => readFileSync(path.join(directory, name), 'latin1').includes(text));
}
// The loops have gone on since: whoever does not wait for the sync has acted by now.
async function goAround(user) {
  for (let i = 0; i < 20; ++i) await user.json('/chat/sessions');
}

test('a call waits for the sync of its intent, the next round of the model for that of its result', async () => {
  const user = await newUser(server);
  const calls = makeGate();
  const result = makeGate();
  upstream.answer(async (reply, request) => {
    if (countTools(request) > 0) return say(reply, 'So it is.');
    await calls.opened;
    return sayCalls(reply, [{ id: 'a', name: 'look_up', args: { q: 'intended' } }]);
  });
  tool.answer = async (url, response) => { await result.opened; response.end('what came of it'); };
  const stream = await user.open('question', 't');
  try {
    disk.hold(RUN_LOG);
    calls.open();
    await until('the intent to be written', () => isWritten('intended'));
    await disk.waitForHeld();
    await goAround(user);
    assert.equal(tool.calls.length, 0, 'called before its intent was synced');
    disk.release();
    await until('the call', () => tool.calls.length === 1);

    disk.hold(RUN_LOG);
    result.open();
    await until('the result to be written', () => isWritten('what came of it'));
    await disk.waitForHeld();
    await goAround(user);
    assert.equal(upstream.requests.length, 1, 'the model was told before the result was synced');
    disk.release();
    assert.equal((await stream.finish()).data.type, 'done');
    assert.equal(upstream.requests.length, 2);
    assert.equal(stream.text, 'So it is.');
  } finally {
    disk.release();
  }
});

// The toolbox against the reference MCP server over streamable HTTP: list, call, progress, every kind of content, a session
// that is lost, a call that is stopped. Driven by build/…/tests/e2e/tool_driver/tool_driver.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import readline from 'node:readline';
import { newUser } from './support/client.mjs';
import { startMcpEverything } from './support/mcp_everything.mjs';
import { startScripted } from './support/scripted_upstream.mjs';
import { binary, makeTempDir, runToExit, startServer } from './support/server.mjs';
import { countTools, say, sayCalls } from './support/tool_server.mjs';
import { test, until } from './support/wait.mjs';

const driver = path.join(path.dirname(binary), 'tests/e2e/tool_driver/tool_driver');
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

class Toolbox {
  constructor(config) {
    const file = path.join(makeTempDir(), 'tools.json');
    writeFileSync(file, JSON.stringify(config));
    this.child = spawn(driver, [file], { stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(this.child);
    this.stderr = '';
    this.child.stderr.on('data', (text) => { this.stderr += text; });
    this.exited = new Promise((resolve) => this.child.once('close', (code) => { running.delete(this.child); resolve(code); }));
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  // The lines that answer a command, up to the last.
  async ask(command) {
    this.child.stdin.write(`${command}\n`);
    const answers = [];
    do {
      const { value, done } = await this.lines.next();
      if (done) assert.fail(`the driver ended: ${this.stderr}`);
      answers.push(JSON.parse(value));
    } while (answers.at(-1).status !== undefined);
    return answers;
  }
  async specs() { return (await this.ask('specs')).at(-1).specs; }
  async call(name, args) { return (await this.ask(`call ${name} ${JSON.stringify(args)}`)).at(-1); }
  async end() {
    this.child.stdin.end();
    assert.equal(await this.exited, 0, this.stderr);
  }
}

const entry = (server, name = 'everything') => ({ name, url: server.url, allow_private: true });

test('the reference server lists its tools and answers calls', async () => {
  const server = await startMcpEverything();
  const tools = new Toolbox({ mcp: [entry(server)] });
  const names = await tools.specs();
  for (const name of ['echo', 'get-sum', 'trigger-long-running-operation', 'get-tiny-image']) assert.ok(names.includes(name), `${names}`);
  const echo = await tools.call('echo', { message: 'naïve 你好 "quoted"' });
  assert.equal(echo.is_error, false);
  assert.ok(echo.result.includes('naïve 你好 "quoted"'), echo.result);
  const sum = await tools.call('get-sum', { a: 2, b: 40 });
  assert.match(sum.result, /42/);
  const structured = await tools.call('get-structured-content', { location: 'Chicago' });
  assert.equal(structured.is_error, false, structured.result);
  assert.match(structured.result, /temperature/);
  const image = await tools.call('get-tiny-image', {});
  assert.match(image.result, /\[image, image\/png, not shown\]/);
  const resource = await tools.call('get-resource-reference', { resourceType: 'Text', resourceId: 1 });
  assert.match(resource.result, /Resource \S+:\n/);
  const links = await tools.call('get-resource-links', { count: 3 });
  assert.equal(links.result.match(/Link to a resource: /g).length, 3);
  // Wrong arguments are the server's to refuse; the next call works.
  const wrong = await tools.call('get-sum', { a: 'two' });
  assert.equal(wrong.is_error, true);
  assert.ok(wrong.result.length > 10);
  assert.equal((await tools.call('echo', { message: 'again' })).is_error, false);
  await tools.end();
  assert.match(server.log, /Received session termination request/);
  await server.stop();
});

test('progress of a long call is told as it comes', async () => {
  const server = await startMcpEverything();
  const tools = new Toolbox({ mcp: [entry(server)] });
  await tools.specs();
  const lines = await tools.ask(`call trigger-long-running-operation ${JSON.stringify({ duration: 0.4, steps: 4 })}`);
  assert.deepEqual(lines.slice(0, -1).map((line) => line.status),
    ['Calling trigger-long-running-operation of everything...', '1 of 4', '2 of 4', '3 of 4', '4 of 4']);
  assert.match(lines.at(-1).result, /completed/);
  await tools.end();
  await server.stop();
});

test('a call that is stopped ends at once and the session goes on', async () => {
  const server = await startMcpEverything();
  const tools = new Toolbox({ mcp: [entry(server)] });
  await tools.specs();
  const stopped = (await tools.ask(`stop 50 trigger-long-running-operation ${JSON.stringify({ duration: 3600, steps: 1 })}`)).at(-1);
  assert.equal(stopped.is_error, true);
  assert.equal((await tools.call('echo', { message: 'on' })).is_error, false);
  assert.equal(server.log.match(/Session initialized/g).length, 1);
  await tools.end();
  await server.stop();
});

test('a server that was started anew is given a new session', async () => {
  const first = await startMcpEverything();
  const tools = new Toolbox({ mcp: [entry(first)] });
  await tools.specs();
  assert.equal((await tools.call('echo', { message: 'one' })).is_error, false);
  await first.stop();
  const gone = await tools.call('echo', { message: 'two' });
  assert.equal(gone.is_error, true);
  assert.match(gone.result, /The server "everything" could not be reached/);
  const second = await startMcpEverything(first.port);
  const again = await tools.call('echo', { message: 'three' });
  assert.equal(again.is_error, false, again.result);
  assert.match(again.result, /three/);
  await until('the new session', () => /Session initialized/.test(second.log));
  await tools.end();
  await second.stop();
});

test('two servers with the same tools have them under prefixed names', async () => {
  const server = await startMcpEverything();
  const tools = new Toolbox({ mcp: [entry(server, 'left'), entry(server, 'right')] });
  const names = await tools.specs();
  assert.ok(names.includes('left_echo') && names.includes('right_echo') && !names.includes('echo'), `${names}`);
  assert.match((await tools.call('right_echo', { message: 'r' })).result, /r/);
  await tools.end();
  await server.stop();
});

test('without allow_private a server on this machine is not asked', async () => {
  const server = await startMcpEverything();
  const tools = new Toolbox({ mcp: [{ name: 'everything', url: server.url }] });
  assert.deepEqual(await tools.specs(), []);
  assert.doesNotMatch(server.log, /Received MCP/);
  await tools.end();
  await server.stop();
});

test('a server with tools starts, serves and ends', async () => {
  const file = path.join(makeTempDir(), 'tools.json');
  writeFileSync(file, JSON.stringify({ ifixit: true, mcp: [{ name: 'gone', url: 'http://127.0.0.1:1/', allow_private: true }] }));
  const server = await startServer({ args: ['--tools', file] });
  assert.equal((await fetch(`${server.url}/health`)).status, 200);
  assert.deepEqual(await server.terminate(), { code: 0, signal: null });
  await server.stop();
});

test('the example of docs/tools.md is a file that works', async () => {
  const docs = readFileSync(fileURLToPath(new URL('../../docs/tools.md', import.meta.url)), 'utf8');
  const folder = makeTempDir();
  const file = path.join(folder, 'tools.json');
  writeFileSync(file, /```json\n([^]*?)```/.exec(docs)[1]);
  for (const name of ['desk-token', 'tracker-token']) writeFileSync(path.join(folder, name), 'secret\n');
  const server = await startServer({ args: ['--tools', file], env: { WEATHER_KEY: 'key' } });
  assert.deepEqual(await server.terminate(), { code: 0, signal: null });
  await server.stop();
});

test('a mistake in the file of --tools is one line that names the entry', async () => {
  const file = path.join(makeTempDir(), 'tools.json');
  writeFileSync(file, JSON.stringify({ http: [{ name: 'weather', description: 'd', url: 'https://{host}/' }] }));
  for (const [args, env] of [[['--tools', file], {}], [[], { BOBBIN_TOOLS: file }]]) {
    const { code, stderr } = await runToExit(['serve', '--upstream', 'offline', '--listen', '127.0.0.1:0', '--data', path.join(makeTempDir(), 'data'), ...args], env);
    assert.equal(code, 1);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.match(stderr, /http entry "weather": "url": scheme, host and port of the URL must be fixed/);
  }
});

test('a secret that a server repeats is taken out before its words are shortened', async () => {
  const secret = 'secret-0123456789-abcdefghij';
  let words;
  const mcp = http.createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += piece;
    const { id, method } = text ? JSON.parse(text) : {};
    const answers = {
      initialize: { result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'm', version: '1' } } },
      'tools/list': { result: { tools: [{ name: 'refused' }, { name: 'failed' }] } },
      'tools/call': text.includes('"refused"') ? { error: { code: 1, message: words } } : { result: { isError: true, content: [{ type: 'text', text: words }] } },
    };
    response.statusCode = answers[method] ? 200 : 202;
    response.setHeader('Content-Type', 'application/json');
    response.end(answers[method] ? JSON.stringify({ jsonrpc: '2.0', id, ...answers[method] }) : '');
  });
  await new Promise((resolve) => mcp.listen(0, '127.0.0.1', resolve));
  const upstream = await startScripted();
  const file = path.join(makeTempDir(), 'tools.json');
  writeFileSync(file, JSON.stringify({ mcp: [{ name: 'm', url: `http://127.0.0.1:${mcp.address().port}/`, allow_private: true, headers: { Authorization: { env: 'TOOL_SECRET' } } }] }));
  const server = await startServer({ upstream: upstream.url, args: ['--tools', file], env: { TOOL_SECRET: secret } });
  try {
    const user = await newUser(server);
    upstream.answer((reply, request) => (countTools(request) > 0 ? say(reply, 'Sorry.')
      : sayCalls(reply, ['refused', 'failed'].map((name) => ({ id: name, name, args: {} })))));
    // At every place about where a line for people, or a quotation, ends.
    for (const before of [80, 90, 100, 110, 260, 270, 280, 290]) {
      words = `${'x'.repeat(before)}${secret}${'y'.repeat(400)}`;
      const { events } = await user.ask('hello');
      assert.match(upstream.requests.at(-1).body.messages.at(-2).content, /refused: x/);
      assert.ok(!JSON.stringify([events, upstream.requests.at(-1).body.messages, server.stderr]).includes('secret-0'), `${before}`);
    }
  } finally {
    await server.stop();
    await upstream.stop();
    mcp.closeAllConnections();
    mcp.close();
  }
});

// The model server that is not ours: npm @dwmkerr/mock-llm as a child process, configured to echo.

import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { makeTempDir } from './server.mjs';
import { until } from './wait.mjs';

const main = createRequire(import.meta.url).resolve('@dwmkerr/mock-llm/dist/main.js');
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

// Its default rule pastes the message into JSON text unescaped; a whole object is pasted as JSON, so quotes survive.
const echoRule = {
  path: '/v1/chat/completions', method: 'POST', match: '@',
  response: {
    status: 200,
    content: '{"id":"chatcmpl-{{timestamp}}","object":"chat.completion","created":1730000000,"model":"mock-1",' +
      '"choices":[{"index":0,"message":{{jmes request body.messages[-1]}},"finish_reason":"stop"}]}',
  },
};
const modelsRule = {
  path: '/v1/models', method: 'GET',
  response: { status: 200, content: '{"object":"list","data":[{"id":"mock-1","object":"model","created":1,"owned_by":"mock-llm"}]}' },
};

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

// Options: port (default: a free one), chunkSize in UTF-16 units, chunkIntervalMs, rules placed after the echo (the last match wins).
export async function startMockLlm({ port, chunkSize = 1_000_000, chunkIntervalMs = 1, rules = [] } = {}) {
  const listenPort = port ?? await freePort();
  const workDir = makeTempDir();
  const config = path.join(workDir, 'mock-llm.yaml');   // JSON is YAML
  writeFileSync(config, JSON.stringify({ streaming: { chunkSize, chunkIntervalMs }, rules: [echoRule, modelsRule, ...rules] }));
  const child = spawn(process.execPath, [main, '--config', config], {
    env: { ...process.env, HOST: '127.0.0.1', PORT: String(listenPort) }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { output += text; });
  const exited = new Promise((resolve) => child.once('close', resolve)).then(() => running.delete(child));
  await until('mock-llm to listen', () => {
    if (child.exitCode !== null) throw new Error(`mock-llm ended: ${output}`);
    return output.includes('server running on');
  });
  return {
    port: listenPort,
    url: `http://127.0.0.1:${listenPort}`,
    get log() { return output; },
    async stop() {
      child.kill('SIGKILL');
      await exited;
      rmSync(workDir, { recursive: true, force: true });
    },
  };
}

// The MCP server that is not ours: npm @modelcontextprotocol/server-everything over streamable HTTP, as a child process.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './mock_llm.mjs';
import { until } from './wait.mjs';

const main = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js');
const loopbackOnly = path.join(path.dirname(fileURLToPath(import.meta.url)), 'loopback_only.mjs');
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

export async function startMcpEverything(port) {
  const listenPort = port ?? await freePort();
  const child = spawn(process.execPath, ['--import', loopbackOnly, main, 'streamableHttp'], {
    env: { ...process.env, PORT: String(listenPort) }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { output += text; });
  const exited = new Promise((resolve) => child.once('close', resolve)).then(() => running.delete(child));
  await until('the MCP server to listen', () => {
    if (child.exitCode !== null) throw new Error(`the MCP server ended: ${output}`);
    return output.includes('listening on port');
  });
  return {
    port: listenPort,
    url: `http://127.0.0.1:${listenPort}/mcp`,
    get log() { return output; },
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

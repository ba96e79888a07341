// Starts the real binary on a free port with a data directory of its own, and ends it in every way that a test needs.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { mintToken } from './tokens.mjs';
import { until } from './wait.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
export const binary = path.resolve(process.env.BOBBIN_BIN ?? path.join(here, '../../../build/dev/bobbin'));
export const artifactsDir = path.resolve(here, '../../../build/test-artifacts');

// Flags that api.md does not name. One place to look when an option is renamed.
export const flag = {
  systemPrompt: '--system-prompt',
  contextTokens: '--context-tokens',
  firstByteTimeoutMs: '--upstream-first-byte-timeout-ms',
  idleTimeoutMs: '--upstream-idle-timeout-ms',
  corsOrigin: '--cors-origin',
  loginLink: '--print-login-link',
  loginUser: '--login-user',
  drainSeconds: '--drain-seconds',
  workers: '--workers',
  titles: '--titles',
};

export const testSecret = 'e2e-secret-e2e-secret-e2e-secret-e2e-secret-0123456789';

const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

const tempDirs = [];
process.on('exit', () => { for (const dir of tempDirs) rmSync(dir, { recursive: true, force: true }); });

export function makeTempDir() {
  tempDirs.push(mkdtempSync(path.join(tmpdir(), 'bobbin-e2e-')));
  return tempDirs.at(-1);
}

// A child with its output collected by line.
function launch(args, env, cwd) {
  const child = spawn(binary, args, { cwd, env: { ...cleanEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  running.add(child);
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8');
    child[name].on('data', (text) => { output[name] += text; });
  }
  const exited = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => { running.delete(child); resolve({ code, signal }); });
  });
  exited.catch(() => running.delete(child));
  return { child, output, exited };
}

// Settings of the developer's shell must not leak into a test.
function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BOBBIN_')));
}

// Runs a subcommand to its end: {code, signal, stdout, stderr}. A server that starts where it should have refused is
// killed, so that the caller sees a wrong exit and not a hang.
export async function runToExit(args, env = {}) {
  const { child, output, exited } = launch(args, env);
  child.stdout.on('data', () => { if (output.stdout.includes('listening on')) child.kill('SIGKILL'); });
  return { ...(await exited), ...output };
}

// Options: those of the constructor's first line; `onlyArgs: true` leaves the command line to `args` alone.
export class Server {
  constructor(options) {
    this.options = { upstream: 'offline', args: [], env: {}, listen: '127.0.0.1:0', secret: testSecret, ...options };
    this.workDir = makeTempDir();
    this.dataDir = this.options.dataDir ?? path.join(this.workDir, 'data');
    this.secret = this.options.secret;
    this.log = '';
    if (this.secret !== null) {
      this.secretFile = path.join(this.workDir, 'jwt-secret');
      writeFileSync(this.secretFile, this.secret, { mode: 0o600 });
    }
  }

  // Resolves when the binary has printed where it listens; throws with its output when it exits first.
  async start(overrides = {}) {
    Object.assign(this.options, overrides);
    const { upstream, listen, args, env } = this.options;
    const identity = this.secretFile ? ['--jwt-secret-file', this.secretFile] : [];
    const usual = ['--listen', listen, '--data', this.dataDir, '--upstream', upstream, ...identity];
    this.process = launch(['serve', ...(this.options.onlyArgs ? [] : usual), ...args], env, this.workDir);
    const { output, exited } = this.process;
    let ended = null;
    exited.then((end) => { ended = end; }, (error) => { ended = error; });
    this.url = await until('the line "listening on"', () => {
      if (ended) throw new Error(`${binary} ended before it listened: ${JSON.stringify(ended)}\n${output.stdout}${output.stderr}`);
      return /^listening on (https?:\/\/\S+)$/m.exec(output.stdout)?.[1];
    });
    this.port = Number(new URL(this.url).port);
    this.options.listen = `127.0.0.1:${this.port}`;
    return this;
  }

  get pid() { return this.process.child.pid; }
  get stdout() { return this.process.output.stdout; }
  get stderr() { return this.process.output.stderr; }
  get alive() { return this.process.child.exitCode === null && this.process.child.signalCode === null; }

  token(user, claims = {}) { return mintToken(this.secret, { sub: user, ...claims }); }

  waitForLog(pattern) {
    return until(`log line ${pattern}`, () => pattern.exec(this.stderr));
  }

  signal(name) { this.process.child.kill(name); }
  get exited() { return this.process.exited; }

  // Ends the process as a power switch would, and waits until it is gone.
  async kill() {
    this.signal('SIGKILL');
    return this.exited;
  }

  // Asks for a drain and answers {code, signal}.
  async terminate() {
    this.signal('SIGTERM');
    return this.exited;
  }

  // Same data, same port.
  async restart(overrides) {
    if (this.alive) await this.kill();
    return this.start(overrides);
  }

  async stop() {
    if (this.process && this.alive) await this.kill();
    rmSync(this.workDir, { recursive: true, force: true });
  }
}

export async function startServer(options) {
  const server = new Server(options);
  try {
    return await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
}

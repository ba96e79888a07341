// Where settings come from: flag, environment, config file, default, in this order; and which are refused.

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { Client } from './support/client.mjs';
import { startScripted } from './support/scripted_upstream.mjs';
import { flag, makeTempDir, runToExit, startServer, testSecret } from './support/server.mjs';
import { mintToken } from './support/tokens.mjs';
import { test } from './support/wait.mjs';

let upstream;
before(async () => { upstream = await startScripted(); });
after(() => upstream?.stop());

// A server for the time of `body`, which gets (server, user).
async function withServer(options, body) {
  const server = await startServer({ upstream: upstream.url, ...options });
  try {
    await body(server, new Client(server, await mintToken(options.tokenSecret ?? testSecret, { sub: 'me' })));
  } finally {
    await server.stop();
  }
}

function writeTemp(name, text) {
  const file = path.join(makeTempDir(), name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

async function statusFor(server, secret) {
  const token = await mintToken(secret, { sub: 'me' });
  const response = await fetch(`${server.url}/chat/sessions`, { headers: { Authorization: `Bearer ${token}` } });
  await response.text();
  return response.status;
}

// ---- an empty variable

for (const name of ['BOBBIN_JWT_SECRET', 'BOBBIN_WORKERS', 'BOBBIN_DATA', 'BOBBIN_LISTEN', 'BOBBIN_CORS_ORIGIN', 'BOBBIN_CONFIG']) {
  test(`an empty ${name} is as if unset, and takes no word of the command line for its value`, async () => {
    const dataDir = path.join(makeTempDir(), 'a-directory-of-a-name-long-enough-for-a-secret');
    const place = `--data=${dataDir}`;
    const args = [place, '--listen=127.0.0.1:0', '--upstream=offline'];
    await withServer({ onlyArgs: true, dataDir, secret: null, args, env: { [name]: '' } }, async (server) => {
      assert.ok(existsSync(path.join(dataDir, 'jwt-secret')), 'the store and its secret are where --data says');
      assert.equal(await statusFor(server, place), 401);
      assert.equal((await fetch(`${server.url}/health`)).status, 200);
    });
  });
}

test('an empty BOBBIN_DATA leaves the word to the config file', async () => {
  const dataDir = path.join(makeTempDir(), 'from-the-config-file');
  const config = writeTemp('bobbin.conf', `data = ${dataDir}\n`);
  const args = [`--config=${config}`, '--listen=127.0.0.1:0', '--upstream=offline'];
  await withServer({ onlyArgs: true, dataDir, secret: null, args, env: { BOBBIN_DATA: '' } }, async () => {
    assert.ok(existsSync(path.join(dataDir, 'jwt-secret')));
  });
});

// ---- who wins

const promptSent = () => upstream.requests.at(-1).body.messages[0];

test('an ordinary option: the flag beats the environment beats the config file', async () => {
  const config = writeTemp('bobbin.conf', 'system-prompt = of the file\n');
  const inFile = ['--config', config];
  const env = { BOBBIN_SYSTEM_PROMPT: 'of the environment' };
  for (const [options, expected] of [
    [{ args: inFile }, 'of the file'],
    [{ args: inFile, env }, 'of the environment'],
    [{ args: [...inFile, flag.systemPrompt, 'of the flag'], env }, 'of the flag'],
    [{ args: [], env: { BOBBIN_CONFIG: config } }, 'of the file'],
  ]) {
    await withServer(options, async (_, user) => {
      await user.ask('hello');
      assert.deepEqual(promptSent(), { role: 'system', content: expected });
    });
  }
});

const secretOf = (place) => `a secret long enough, as it came from the ${place}`;

test('the secret: a flag beats the environment, also where one names a file and the other the text', async () => {
  const file = writeTemp('secret', `${secretOf('file')}\n`);
  await withServer({ secret: null, args: ['--jwt-secret-file', file], env: { BOBBIN_JWT_SECRET: secretOf('environment') } }, async (server) => {
    assert.equal(await statusFor(server, secretOf('file')), 200);
    assert.equal(await statusFor(server, secretOf('environment')), 401);
  });
  await withServer({ secret: null, args: ['--jwt-secret', secretOf('flag')], env: { BOBBIN_JWT_SECRET_FILE: file } }, async (server) => {
    assert.equal(await statusFor(server, secretOf('flag')), 200);
    assert.equal(await statusFor(server, secretOf('file')), 401);
  });
});

test('the secret: the environment beats the config file, also where one names a file and the other the text', async () => {
  const file = writeTemp('secret', `${secretOf('file')}\n`);
  const namesFile = writeTemp('names-file.conf', `jwt-secret-file = ${file}\n`);
  const hasText = writeTemp('has-text.conf', `jwt-secret = "${secretOf('config file')}"\n`);
  await withServer({ secret: null, args: ['--config', namesFile] }, async (server) => {
    assert.equal(await statusFor(server, secretOf('file')), 200);
  });
  await withServer({ secret: null, args: ['--config', namesFile], env: { BOBBIN_JWT_SECRET: secretOf('environment') } }, async (server) => {
    assert.equal(await statusFor(server, secretOf('environment')), 200);
    assert.equal(await statusFor(server, secretOf('file')), 401);
  });
  await withServer({ secret: null, args: ['--config', hasText], env: { BOBBIN_JWT_SECRET_FILE: file } }, async (server) => {
    assert.equal(await statusFor(server, secretOf('file')), 200);
    assert.equal(await statusFor(server, secretOf('config file')), 401);
  });
});

async function originsAllowed(server) {
  const origins = ['https://a.example', 'https://b.example', 'https://c.example', 'https://d.example'];
  const allowed = [];
  for (const origin of origins) {
    const response = await fetch(`${server.url}/health`, { headers: { Origin: origin } });
    await response.text();
    if (response.headers.get('access-control-allow-origin') === origin) allowed.push(origin);
  }
  return allowed;
}

test('origins: the environment may name several, separated by commas; flags replace them', async () => {
  const env = { BOBBIN_CORS_ORIGIN: 'https://a.example,https://b.example' };
  await withServer({ env }, async (server) => {
    assert.deepEqual(await originsAllowed(server), ['https://a.example', 'https://b.example']);
  });
  await withServer({ env, args: [flag.corsOrigin, 'https://c.example'] }, async (server) => {
    assert.deepEqual(await originsAllowed(server), ['https://c.example']);
  });
  await withServer({ env, args: [flag.corsOrigin, 'https://c.example', flag.corsOrigin, 'https://d.example'] }, async (server) => {
    assert.deepEqual(await originsAllowed(server), ['https://c.example', 'https://d.example']);
  });
});

// ---- the config file

test('a value of the config file reaches the model whole, commas and spaces included', async () => {
  const config = writeTemp('bobbin.conf', '# who it is\nsystem-prompt = You are a pirate, always\n');
  await withServer({ args: ['--config', config] }, async (_, user) => {
    await user.ask('hello');
    assert.equal(promptSent().content, 'You are a pirate, always');
  });
});

test('an unknown key of the config file is refused by name', async () => {
  const config = writeTemp('bobbin.conf', 'system-prompt = fine\nno-such-key = 1\n');
  const { code, stdout, stderr } = await runToExit(
    ['serve', '--config', config, '--listen', '127.0.0.1:0', '--upstream', 'offline', '--data', path.join(makeTempDir(), 'data')]);
  assert.ok([1, 2].includes(code), `exit code ${code}: ${stdout}${stderr}`);
  assert.match(stderr, /no-such-key/);
  assert.ok(!stdout.includes('listening on'));
});

// ---- the user of the login link

test('a login user whom no token can name is one clear line and exit code 1', async () => {
  for (const user of ['', 'x'.repeat(129)]) {
    const { code, stdout, stderr } = await runToExit(['serve', '--upstream', 'offline', '--listen', '127.0.0.1:0',
      '--data', path.join(makeTempDir(), 'data'), flag.loginLink, flag.loginUser, user]);
    assert.equal(code, 1, `${user.length} bytes: ${stdout}${stderr}`);
    assert.ok(!stdout.includes('listening on'), stdout);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.match(stderr, /login-user|user id/);
  }
});

// /me/settings: what a user has chosen is kept, checked, seen by nobody else, and obeyed by the answers.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { expectProblem, newUser } from './support/client.mjs';
import { startScripted } from './support/scripted_upstream.mjs';
import { flag, startServer } from './support/server.mjs';
import { test } from './support/wait.mjs';

let upstream;
let server;
before(async () => {
  upstream = await startScripted();
  server = await startServer({ upstream: upstream.url, args: [flag.systemPrompt, 'You are the server.', '--model', 'usual'] });
});
after(async () => { await server?.stop(); await upstream?.stop(); });

const change = (user, body) => user.request('/me/settings', {
  method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
});
const none = { keep_days: null, system_prompt: null, model: null, theme: null, language: null };

test('what is set is read back by every device, survives kill -9, and null takes it back', async () => {
  const [user, other] = [await newUser(server), await newUser(server)];
  assert.deepEqual(await user.json('/me/settings'), none);
  const chosen = { keep_days: 30, system_prompt: 'Be "brief".\nÄ', model: 'm', theme: 'dark', language: 'pt-BR' };
  const answer = await change(user, chosen);
  assert.deepEqual(await answer.json(), chosen);
  await server.restart();
  assert.deepEqual(await user.json('/me/settings'), chosen);
  assert.deepEqual(await other.json('/me/settings'), none);
  await (await change(user, { theme: null, system_prompt: '', unknown: 1 })).text();
  assert.deepEqual(await user.json('/me/settings'), { ...chosen, theme: null, system_prompt: null });
});

test('the system prompt follows the server’s own, and the model is asked where a request names none', async () => {
  const [user, other] = [await newUser(server), await newUser(server)];
  await (await change(user, { system_prompt: 'Be brief.', model: 'chosen' })).text();
  const asked = async (who, more) => {
    await who.ask('hello', undefined, more);
    const { body } = upstream.requests.at(-1);
    return [body.model, body.messages[0]];
  };
  assert.deepEqual(await asked(user), ['chosen', { role: 'system', content: 'You are the server.\n\nBe brief.' }]);
  assert.equal((await asked(user, { model: 'named' }))[0], 'named');
  assert.deepEqual(await asked(other), ['usual', { role: 'system', content: 'You are the server.' }]);
});

test('the longest system prompt leaves room for the question', async () => {
  const user = await newUser(server);
  await (await change(user, { system_prompt: 'x'.repeat(8192) })).text();
  await user.ask('the question');
  assert.equal(upstream.requests.at(-1).body.messages.at(-1).content, 'the question');
});

test('bad settings are refused whole', async () => {
  const user = await newUser(server);
  for (const body of [
    { theme: 'pink' }, { theme: 1 }, { theme: '' }, { language: 'english language' }, { language: '-en' }, { language: 'en-' },
    { language: 'en--US' }, { language: 'abcdefghi' }, { language: '' }, { language: 'a'.repeat(36) }, { model: 'a\u0000b' },
    { model: 'x'.repeat(129) }, { model: [] }, { system_prompt: 'x'.repeat(8193) }, { system_prompt: {} }, { keep_days: 0 },
    { keep_days: '30' }, { keep_days: 36501 },
  ]) await expectProblem(await change(user, { ...body, model: body.model ?? 'good' }), 422, 'invalid');
  assert.deepEqual(await user.json('/me/settings'), none);
});

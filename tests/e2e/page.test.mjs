// The page at `/` in a real browser: signing in, chatting, coming back.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before } from 'node:test';
import { expectProblem, newUser } from './support/client.mjs';
import { openBrowser, openPage, screenshot } from './support/browser.mjs';
import { answerWhenOpened, answerWith, echo, startScripted } from './support/scripted_upstream.mjs';
import { flag, startServer } from './support/server.mjs';
import { makeGate, test, until } from './support/wait.mjs';

let browser;
let server;
let upstream;
before(async () => {
  browser = await openBrowser();
  upstream = await startScripted();
  server = await startServer({ upstream: upstream.url });
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await upstream?.stop();
});

const texts = (page, selector) => page.locator(selector).allInnerTexts();
const questions = (page) => page.locator('.message.user .body');
const answers = (page) => page.locator('.message.assistant .body');
const settled = (page) => page.locator('#messages:not(:has([aria-busy]))').waitFor();
const count = (page, selector, wanted) => page.waitForFunction(([what, number]) => document.querySelectorAll(what).length === number, [selector, wanted]);

async function say(page, text) {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.keyboard.press('Enter');
}

async function enterToken(page, user) {
  await page.getByText('Sign in with a token').click();
  await page.getByLabel('Access token').fill(user.token);
  await page.keyboard.press('Enter');
}

async function signIn(page, user) {
  await page.goto(server.url);
  await enterToken(page, user);
  await page.getByRole('heading', { name: 'New chat' }).waitFor();
}

async function close(page) {
  const { complaints } = page;
  await page.context().close();
  assert.deepEqual(complaints, []);
}

test('the one-time link signs in once; the offline model streams; a reload finds it all again', async () => {
  const own = await startServer({ upstream: 'offline', args: [flag.loginLink] });
  const link = await until('the sign-in link', () => /^open (http:\/\/\S+\/#login=(\S+))$/m.exec(own.stdout));
  const page = await openPage(browser, own);
  try {
    await page.goto(link[1]);
    await page.getByRole('heading', { name: 'New chat' }).waitFor();
    assert.ok(!page.url().includes(link[2]), 'the secret has left the address bar');
    // Tokens arrive as the text grows, not all at once.
    await page.evaluate(() => {
      window.lengths = new Set();
      new MutationObserver(() => window.lengths.add(document.querySelector('.message.assistant .body')?.textContent.length ?? 0))
        .observe(document.getElementById('messages'), { subtree: true, childList: true, characterData: true });
    });
    await say(page, 'Hello from the page');
    await answers(page).filter({ hasText: 'Hello from the page' }).waitFor();
    await settled(page);
    assert.ok(await page.evaluate(() => window.lengths.size) > 1, 'the answer grew');
    const before = await texts(page, '.message .body');
    await screenshot(page, 'page-chat');
    await page.reload();
    await answers(page).filter({ hasText: 'Hello from the page' }).waitFor();
    assert.deepEqual(await texts(page, '.message .body'), before);
    await page.locator('.session', { hasText: 'Hello from the page' }).waitFor();
    assert.ok(!own.stderr.includes(link[2]), 'the secret is not logged');

    const again = await fetch(`${own.url}/auth/link`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ secret: link[2] }) });
    await expectProblem(again, 401);
    const second = await openPage(browser, own);
    await second.goto(link[1]);
    await second.getByText('This link has been used already').waitFor();
    await close(second);
  } finally {
    await close(page);
    await own.stop();
  }
});

test('chats are listed newest first, can be switched and deleted', async () => {
  upstream.answer(async (reply, request) => answerWith('re: ', request.body.messages.at(-1).content)(reply));
  const page = await openPage(browser, server);
  await signIn(page, await newUser(server));
  for (const text of ['first chat', 'second chat']) {
    await page.getByRole('link', { name: 'New chat' }).click();
    await say(page, text);
    await answers(page).filter({ hasText: `re: ${text}` }).waitFor();
  }
  await count(page, '.session', 2);
  assert.deepEqual(await texts(page, '.session-title'), ['second chat', 'first chat']);

  await page.locator('.session', { hasText: 'first chat' }).click();
  await questions(page).filter({ hasText: 'first chat' }).waitFor();
  assert.deepEqual(await texts(page, '.message .body'), ['first chat', 're: first chat']);
  await say(page, 'first chat goes on');
  await answers(page).filter({ hasText: 're: first chat goes on' }).waitFor();
  await page.waitForFunction(() => document.querySelector('.session-title')?.textContent === 'first chat');

  await page.getByRole('button', { name: 'Delete this chat' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await count(page, '.session', 1);
  assert.deepEqual(await texts(page, '.session-title'), ['second chat']);
  await page.getByRole('button', { name: 'Clear all' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await count(page, '.session', 0);
  await close(page);
});

test('markup in a message is shown as text, in every place where it appears', async () => {
  const payload = '<img src=x onerror="document.title=\'pwned\'"><script>document.title="pwned"</script><b>bold</b>';
  upstream.answer(echo);
  const user = await newUser(server);
  const page = await openPage(browser, server);
  await signIn(page, user);
  await say(page, payload);
  await answers(page).filter({ hasText: payload }).waitFor();
  await page.locator('.session-preview', { hasText: '<img src=x' }).waitFor();
  await user.ask('`<b>x</b>`\n```<i>\n<svg onload=alert(1)>\n```\n> <img src=y>', payload.slice(0, 100));
  await page.reload();
  await page.locator('.session').first().click();
  await page.locator('pre', { hasText: '<svg onload' }).first().waitFor();
  assert.equal(await page.locator('.messages img, .messages b, .messages script, .messages svg, .sessions img, .sessions b').count(), 0);
  assert.ok(!(await page.title()).includes('pwned'));
  await close(page);
});

test('a failed model is explained, the message stays, and the chat goes on', async () => {
  upstream.answer((reply) => reply.json(401, {}));
  const page = await openPage(browser, server);
  await signIn(page, await newUser(server));
  await say(page, 'is anyone there?');
  await page.locator('.message .note', { hasText: 'Check the API key' }).waitFor();
  await screenshot(page, 'page-error');
  upstream.answer(echo);
  await page.getByRole('button', { name: 'Ask again' }).click();
  await page.keyboard.press('Enter');
  await answers(page).filter({ hasText: 'is anyone there?' }).waitFor();
  assert.equal(await questions(page).count(), 2);
  await close(page);
});

test('a second message waits visibly for its turn and is answered after the first', async () => {
  const gate = makeGate();
  upstream.answer(answerWhenOpened(gate));
  const page = await openPage(browser, server);
  await signIn(page, await newUser(server));
  await say(page, 'one');
  await say(page, 'two');
  await page.locator('.state', { hasText: 'Waiting for its turn' }).waitFor();
  gate.open();
  await answers(page).filter({ hasText: 're: two' }).waitFor();
  assert.deepEqual(await texts(page, '.message .body'), ['one', 're: one', 'two', 're: two']);
  await count(page, '.session', 1);
  await close(page);
});

test('long histories and long lists open at the newest and load older ones on request', async () => {
  const user = await newUser(server);
  upstream.answer(answerWith('short'));
  for (let turn = 0; turn < 30; ++turn) await user.ask(`turn ${turn}`, 'long');
  for (let index = 0; index < 31; ++index) await user.ask(`chat ${index}`, `chat ${index}`);
  const page = await openPage(browser, server);
  await signIn(page, user);
  await count(page, '.session', 30);
  await page.getByRole('button', { name: 'More chats' }).click();
  await count(page, '.session', 32);
  await page.locator('.session', { hasText: 'turn 0' }).click();
  await count(page, '.message', 50);
  await page.getByRole('button', { name: 'Older messages' }).click();
  await count(page, '.message', 60);
  assert.equal((await texts(page, '.message.user .body'))[0], 'turn 0');
  await close(page);
});

test('a session that ends leads to the sign-in and keeps the draft', async () => {
  const user = await newUser(server);
  const page = await openPage(browser, server);
  await signIn(page, user);
  await page.evaluate(() => sessionStorage.setItem('bobbin.token', 'a.b.c'));
  await page.reload();
  await page.getByText('does not accept this session').waitFor();
  await signIn(page, user);
  await page.route('**/chat/stream', (route) => route.fulfill({ status: 401, contentType: 'application/problem+json', body: '{"status":401,"code":"unauthorized"}' }));
  await say(page, 'do not lose me');
  await page.getByText('does not accept this session').waitFor();
  await page.unroute('**/chat/stream');
  await page.getByLabel('Access token').fill(user.token);  // its part was opened above
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.getElementById('draft').value === 'do not lose me');
  await close(page);
});

for (const [name, options] of Object.entries({
  'dark': { colorScheme: 'dark' },
  'phone': { viewport: { width: 390, height: 780 }, hasTouch: true },
})) {
  test(`the page on ${name}: nothing sticks out, every control has a name`, async () => {
    const user = await newUser(server);
    upstream.answer(answerWith('A long line of code:\n```sh\n', `echo ${'word '.repeat(60)}`, '\n```\nand a', ` ${'x'.repeat(200)}`));
    await user.ask('W'.repeat(120), 'wide');
    const page = await openPage(browser, server, options);
    await signIn(page, user);
    if (name === 'phone') await page.getByRole('button', { name: 'List of chats' }).click();
    await page.locator('.session').first().click();
    await page.locator('.message pre').waitFor();
    await screenshot(page, `page-${name}`);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true);
    const nameless = await page.locator('button, a, input, textarea').evaluateAll((controls) => controls
      .filter((control) => !(control.getAttribute('aria-label') || control.labels?.length || control.textContent.trim())).map((control) => control.outerHTML));
    assert.deepEqual(nameless, []);
    await close(page);
  });
}

test('a page of another origin that may call the API reads the status of a 413', async () => {
  const site = http.createServer((_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>app</title>'));
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${site.address().port}`;
  const own = await startServer({ args: [flag.corsOrigin, origin] });
  const user = await newUser(own);
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(origin);
    const post = (bytes) => page.evaluate(async ([url, token, length]) => {
      const response = await fetch(`${url}/chat/stream`, {
        method: 'POST', body: JSON.stringify({ message: 'x'.repeat(length) }),
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      });
      return [response.status, (await response.json()).code];
    }, [own.url, user.token, bytes]);
    assert.deepEqual(await post(300 * 1024), [413, 'too_large']);
    assert.deepEqual(await post(2 * 1024 * 1024), [413, 'too_large']);
  } finally {
    await context.close();
    await own.stop();
    site.closeAllConnections();
    await new Promise((resolve) => site.close(resolve));
  }
});

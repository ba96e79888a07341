// Accounts in a real browser: the first admin by the printed link, a guest by invitation, a session that outlives its
// access token and its tab, a new password from the host, and an end.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { openBrowser, openPage, screenshot } from './support/browser.mjs';
import { runToExit, startServer, testSecret } from './support/server.mjs';
import { test, until } from './support/wait.mjs';

let server;
let browser;
before(async () => {
  server = await startServer({ args: ['--registration', 'invite'] });
  browser = await openBrowser();
});
after(async () => { await browser?.close(); await server?.stop(); });

const atHome = (page) => page.getByRole('heading', { name: 'New chat' }).waitFor();

async function fillIn(page, email, password) {
  if (email) await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.keyboard.press('Enter');
}

async function close(page) {
  const { complaints } = page;
  await page.context().close();
  assert.deepEqual(complaints, []);
}

// What the page's own session can do with the API.
const api = (page, method, path, body) => page.evaluate(async ([how, where, what]) => {
  const response = await fetch(where, {
    method: how,
    headers: { Authorization: `Bearer ${sessionStorage.getItem('bobbin.token')}`, 'Content-Type': 'application/json' },
    body: what === undefined ? undefined : JSON.stringify(what),
  });
  return response.status === 204 ? null : response.json();
}, [method, path, body]);

test('the printed link makes the first admin, whose session outlives tab and access token', async () => {
  const page = await openPage(browser, server);
  await page.goto(await until('the link', () => /http\S+#setup=\S+/.exec(server.stdout)?.[0]));
  await page.getByText('Make the first account of this server').waitFor();
  assert.equal(new URL(page.url()).hash, '');
  await screenshot(page, 'account-setup');
  await fillIn(page, 'admin@example.org', 'correct horse');
  await atHome(page);
  await page.getByText('admin@example.org').waitFor();
  // Nothing that a script could read signs anybody in for longer than the access token.
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.doesNotMatch(kept, /bobr_/);

  await page.getByLabel('Message', { exact: true }).fill('remember me');
  await page.keyboard.press('Enter');
  await page.locator('.message.assistant').waitFor();
  // The access token is of no use any more: the next request gets another one, and nobody notices.
  const [header, payload] = (await page.evaluate(() => sessionStorage.getItem('bobbin.token'))).split('.');
  await page.evaluate((old) => sessionStorage.setItem('bobbin.token', old), `${header}.${payload}.${'A'.repeat(43)}`);
  await page.reload();
  await page.locator('.session-title', { hasText: 'remember me' }).waitFor();
  const tab = await page.context().newPage();
  await tab.goto(server.url);
  await tab.locator('.session-title', { hasText: 'remember me' }).waitFor();
  await close(page);
});

test('an invited guest makes an account, signs out, and in again; a wrong password says so', async () => {
  const admin = await openPage(browser, server);
  await admin.goto(server.url);
  await fillIn(admin, 'admin@example.org', 'correct horse');
  await atHome(admin);
  const { path } = await api(admin, 'POST', '/admin/invitations', {});
  const guest = await openPage(browser, server, { viewport: { width: 390, height: 800 } });
  await guest.goto(server.url + path);
  await guest.getByText('You are invited').waitFor();
  await screenshot(guest, 'account-invite-phone');
  await fillIn(guest, 'guest@example.org', 'battery staple');
  await atHome(guest);
  await guest.getByRole('button', { name: 'List of chats', exact: true }).click();
  await guest.getByRole('button', { name: 'Sign out' }).click();
  await guest.getByLabel('E-mail address').waitFor();
  await guest.reload();
  await guest.getByLabel('E-mail address').waitFor();
  await fillIn(guest, 'guest@example.org', 'wrong password');
  await guest.getByText('the e-mail address or the password is wrong').waitFor();
  await screenshot(guest, 'account-wrong-password');
  await fillIn(guest, 'guest@example.org', 'battery staple');
  await atHome(guest);

  // Forgotten: the host makes a link, which sets a new one and signs in.
  const { accounts } = await api(admin, 'GET', '/admin/accounts');
  const { id } = accounts.find((each) => each.email === 'guest@example.org');
  const { stdout } = await runToExit(['token', '--user', id, '--scope', 'password'], { BOBBIN_JWT_SECRET: testSecret });
  await guest.goto(`${server.url}/#reset=${stdout.trim()}`);
  await guest.getByText('Choose a new password').waitFor();
  await fillIn(guest, null, 'a newer one');
  await atHome(guest);

  // An admin blocks the guest: the page ends up at the sign-in by itself with the next thing that it asks.
  await api(admin, 'PATCH', `/admin/accounts/${id}`, { state: 'blocked' });
  await guest.getByLabel('Message', { exact: true }).fill('anybody there?');
  await guest.keyboard.press('Enter');
  await guest.getByText('does not accept this session').waitFor();
  await fillIn(guest, 'guest@example.org', 'a newer one');
  await guest.getByText('this account is blocked').waitFor();
  await close(guest);
  await close(admin);
});

// A server with accounts, its first admin, and what tests do with it.

import assert from 'node:assert/strict';
import { startServer } from './server.mjs';
import { until } from './wait.mjs';

export const password = 'correct horse';

export const printedSecret = (from) => /#setup=([\w-]{43})$/m.exec(from.stdout)?.[1];
export const setupSecret = (from) => until('the link for the first admin', () => printedSecret(from));  // printed after where it listens

// Resolves when the stream has been cut or has ended.
export async function ended(reader) {
  try {
    while (!(await reader.read()).done);
  } catch { /* cut */ }
}

// Accounts by invitation, two workers: {server, admin, call, register, login, refresh, statusOf, invite, newUser, openFeed}.
export async function startAccounts() {
  const server = await startServer({ args: ['--registration', 'invite', '--workers', '2'] });
  // {status, body, headers}; `token` may be absent.
  async function call(method, path, { body, token, headers = {}, on = server } = {}) {
    const response = await fetch(on.url + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : null, headers: response.headers };
  }

  const register = (body, on) => call('POST', '/auth/register', { body, on });
  const login = (body, options) => call('POST', '/auth/login', { body, ...options });
  const refresh = (refreshToken) => call('POST', '/auth/refresh', { body: { refresh_token: refreshToken } });
  const statusOf = async (token, path = '/chat/sessions') => (await call('GET', path, { token })).status;

  async function invite(options = {}) {
    const made = await call('POST', '/admin/invitations', { body: options, token: admin.access_token });
    assert.equal(made.status, 201);
    return made.body;
  }

  let made = 0;
  // A new account with its first login.
  async function newUser() {
    made += 1;
    const email = `user${made}@example.org`;
    const { invitation } = await invite();
    const { status, body } = await register({ email, password, invitation });
    assert.equal(status, 201);
    return { ...body, email };
  }

  async function openFeed(token) {
    const response = await fetch(`${server.url}/chat/events`, { headers: { Authorization: `Bearer ${token}` } });
    assert.equal(response.status, 200);
    return response.body.getReader();
  }

  const admin = (await register({ email: 'Admin@Example.org', password, setup: await setupSecret(server) })).body;
  return { server, admin, call, register, login, refresh, statusOf, invite, newUser, openFeed };
}

// Requests to the server that served this page, and the one reader of its event streams.

// A refusal (`status` > 0, from problem+json) or a network failure (`status` 0). `advice` says what the user can do.
export class ApiError extends Error {
  constructor(status, code, detail, retryAfter) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  get advice() {
    const later = this.retryAfter ? `in ${this.retryAfter} s` : 'in a moment';
    switch (this.status) {
      case 0: return 'The server cannot be reached. Check that Bobbin is running and try again.';
      case 413: return 'The message is too long. Shorten it and send it again.';
      case 429: return this.code === 'queue_full' ? `Too many messages are waiting in this chat. Try again ${later}.` : `That was too much at once. Try again ${later}.`;
      case 503: return `The server is busy. Try again ${later}.`;
      case 507: return 'The disk of the server is full. Delete some chats or make room, then try again.';
      default: return this.message || `The server answered ${this.status}.`;
    }
  }
}

let token = sessionStorage.getItem('bobbin.token');
let onSignedOut = () => {};

export const signedIn = () => token !== null;
export const whenSignedOut = (callback) => { onSignedOut = callback; };

export function setToken(value) {
  token = value;
  if (value === null) sessionStorage.removeItem('bobbin.token');
  else sessionStorage.setItem('bobbin.token', value);
}

// ---- accounts: the access token is short-lived, and a cookie that this page cannot read gets the next one

const post = (path, value, headers = {}) => fetch(path, { ...jsonBody(value), headers: { 'Content-Type': 'application/json', ...headers }, cache: 'no-store' });

// The access token that `path` answers with, for /auth/login and its kind; throws ApiError.
async function takeToken(path, value, headers) {
  const response = await post(path, { ...value, refresh: 'cookie' }, headers).catch(() => { throw new ApiError(0, 'network', ''); });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, body.code, body.detail, response.headers.get('Retry-After'));
  return body;
}

async function enterAccount(path, value, headers) {
  setToken((await takeToken(path, value, headers)).access_token);
  localStorage.setItem('bobbin.account', 'yes');
}

export const signIn = (email, password) => enterAccount('/auth/login', { email, password });
// `by`: {setup} or {invitation}, from a link.
export const register = (email, password, by) => enterAccount('/auth/register', { email, password, ...by });
export const setPassword = (resetToken, password) => enterAccount('/auth/password', { new_password: password }, { Authorization: `Bearer ${resetToken}` });

// Another tab may have signed in as somebody else: what this one shows and holds is not theirs.
async function nextToken() {
  const { access_token: next, user_id: user } = await takeToken('/auth/refresh', {});
  if (token !== null && claims().sub !== user) return false;
  setToken(next);
  return true;
}

// Whether this browser was signed in to an account: then it may have the cookie.
export const mayHaveCookie = () => localStorage.getItem('bobbin.account') !== null;

// All requests that find their token too old wait for the same new one. False: this tab has no account, or its login
// has ended.
let refreshing = null;
export function refresh() {
  refreshing ??= nextToken().catch(() => false).finally(() => { refreshing = null; });
  return refreshing;
}

export async function signOut() {
  const isAccount = token !== null && hasLogin();
  setToken(null);
  if (!isAccount) return;
  localStorage.removeItem('bobbin.account');
  // By the cookie, which is good for longer than the access token.
  await post('/auth/logout', {}).catch(() => {});
}

// The user id in the token, for display only; the server decides whether to believe it.
function claims() {
  const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
  const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}
export async function userName() {
  try {
    if (hasLogin()) return (await json('/auth/me')).email;
    return String(claims().sub);
  } catch {
    return '';
  }
}

const hasLogin = () => { try { return 'bobbin_login' in claims(); } catch { return false; } };

async function send(path, options = {}, isSecondTry = false) {
  const sentToken = token;
  const headers = { ...options.headers };
  if (sentToken !== null) headers.Authorization = `Bearer ${sentToken}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: 'no-store' });
  } catch {
    throw new ApiError(0, 'network', '');
  }
  if (response.ok) return response;
  if (response.status === 401 && !isSecondTry && hasLogin() && await refresh()) return send(path, options, true);
  const problem = await response.json().catch(() => ({}));
  // A late answer to an old token must not end the session that has begun since.
  if (response.status === 401 && sentToken !== null && sentToken === token) onSignedOut();
  throw new ApiError(response.status, problem.code, problem.detail, response.headers.get('Retry-After'));
}

const json = async (path, options) => (await send(path, options)).json();
const jsonBody = (value) => ({ method: 'POST', body: JSON.stringify(value), headers: { 'Content-Type': 'application/json' } });
const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined)).toString();

export const exchangeLink = (secret) => json('/auth/link', jsonBody({ secret }));
export const readSessions = (limit, cursor) => json(`/chat/sessions?${query({ limit, cursor })}`);
export const readHistory = (threadId, limit, before) => json(`/chat/history?${query({ thread_id: threadId, limit, before })}`);
export const deleteThread = (threadId) => json(`/chat/history?${query({ thread_id: threadId })}`, { method: 'DELETE' });
export const deleteAll = () => json('/chat/history', { method: 'DELETE' });

const TERMINAL = new Set(['done', 'error', 'stopped', 'interrupted']);

// Posts one message and calls `onEvent` for every event. Returns after the terminal event; throws ApiError(0) when the
// connection breaks before it.
export async function streamMessage(message, threadId, onEvent) {
  const response = await send('/chat/stream', jsonBody({ message, thread_id: threadId }));
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let waiting = '';
  for (;;) {
    const { done, value } = await reader.read().catch(() => ({ done: true }));
    if (done) throw new ApiError(0, 'cut', '');
    waiting += decoder.decode(value, { stream: true });
    const blocks = waiting.split('\n\n');      // the server writes LF only
    waiting = blocks.pop();
    for (const block of blocks) {
      const data = block.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart()).join('\n');
      if (!data) continue;                     // a heartbeat
      const event = JSON.parse(data);
      onEvent(event);
      if (TERMINAL.has(event.type)) return;
    }
  }
}

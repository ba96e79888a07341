// The page: signing in, which chat is on screen (the fragment says), the composer and the confirmations.

import * as api from './api.js';
import * as chat from './chat.js';
import { forgetSessions, markActive, refreshSessions, showMoreSessions, threadLink, titleOf } from './sessions.js';

const byId = (id) => document.getElementById(id);
const draft = byId('draft');
const composer = byId('composer');
const DRAFT_KEY = 'bobbin.draft';

// ---- small things

let toastTimer = 0;
function toast(text) {
  clearTimeout(toastTimer);
  byId('toast').textContent = text;
  byId('toast').hidden = false;
  toastTimer = setTimeout(() => { byId('toast').hidden = true; }, 8000);
}

// Runs an action of the user and says so when it fails. A 401 has already led to the sign-in view.
async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (error.status !== 401) toast(error.advice);
    return undefined;
  }
}

function confirmDelete(text) {
  const dialog = byId('confirm');
  byId('confirm-text').textContent = text;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true }));
}

function openSidebar(open) {
  byId('app').classList.toggle('sidebar-open', open);
  byId('scrim').hidden = !open;
  byId('menu-button').setAttribute('aria-expanded', String(open));
}

// ---- composer

function setDraft(text) {
  draft.value = text;
  fitDraft();
}
function fitDraft() {
  sessionStorage.setItem(DRAFT_KEY, draft.value);
  composer.classList.toggle('empty', draft.value.trim() === '');
  draft.style.height = 'auto';
  draft.style.height = `${Math.min(draft.scrollHeight, 240)}px`;
}

function submitDraft() {
  const message = draft.value;
  if (message.trim() === '') return;
  setDraft('');
  draft.focus();
  chat.sendMessage(message);
}

composer.addEventListener('submit', (event) => { event.preventDefault(); submitDraft(); });
draft.addEventListener('input', fitDraft);
draft.addEventListener('keydown', (event) => {
  // While an input method composes, Enter belongs to it.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submitDraft();
});

// ---- which chat

const threadInFragment = () => (/^#\/t\/(.+)$/.test(location.hash) ? decodeSafely(location.hash.slice(4)) : null);
function decodeSafely(text) {
  try { return decodeURIComponent(text); } catch { return null; }
}

function showTitle() {
  const threadId = chat.currentThread();
  const title = threadId === null ? 'New chat' : titleOf(threadId) ?? 'Chat';
  byId('chat-title').textContent = title;
  byId('delete-chat').hidden = threadId === null;
  document.title = threadId === null ? 'Bobbin' : `${title} · Bobbin`;
}

async function showRoute() {
  if (!api.signedIn()) return;
  openSidebar(false);
  const threadId = threadInFragment();
  if (threadId === null) chat.showNewChat();
  markActive(threadId);
  try {
    const shown = threadId === null ? null : chat.showThread(threadId);
    showTitle();
    await shown;
  } catch (error) {
    if (!(error instanceof api.ApiError) || error.status === 401) return;
    toast(error.status === 404 ? 'That chat does not exist any more.' : error.advice);
    if (error.status === 404 && threadInFragment() === threadId) startNewChat();
  }
}

function startNewChat() {
  history.replaceState(null, '', '#/');
  showRoute();
}

async function listChanged() {
  if (!api.signedIn()) return;
  await attempt(refreshSessions);
  showTitle();
}

chat.connectChat({
  listChanged,
  reload: showRoute,
  putBack: (text) => { if (draft.value.trim() === '') setDraft(text); draft.focus(); },
  announce: (text) => { byId('announcer').textContent = text; },
  threadNamed(threadId) {
    history.replaceState(null, '', threadLink(threadId));
    markActive(threadId);
    showTitle();
  },
});

byId('new-chat').addEventListener('click', () => { chat.showNewChat(); draft.focus(); openSidebar(false); });
byId('older').addEventListener('click', () => attempt(chat.showOlder));
byId('sessions-more').addEventListener('click', () => attempt(showMoreSessions));
byId('menu-button').addEventListener('click', () => openSidebar(!byId('app').classList.contains('sidebar-open')));
byId('scrim').addEventListener('click', () => openSidebar(false));
byId('sessions').addEventListener('click', () => openSidebar(false));
document.addEventListener('keydown', (event) => { if (event.key === 'Escape') openSidebar(false); });
document.addEventListener('visibilitychange', () => { if (!document.hidden && api.signedIn()) listChanged(); });

byId('delete-chat').addEventListener('click', async () => {
  const threadId = chat.currentThread();
  if (threadId === null || !await confirmDelete('Delete this chat and all its messages? This cannot be undone.')) return;
  await attempt(async () => {
    await api.deleteThread(threadId);
    if (chat.currentThread() === threadId) startNewChat();
    await listChanged();
  });
});

byId('clear-all').addEventListener('click', async () => {
  if (!await confirmDelete('Delete all of your chats? This cannot be undone.')) return;
  await attempt(async () => {
    const { deleted_sessions: count } = await api.deleteAll();
    startNewChat();
    await listChanged();
    toast(count === 1 ? 'One chat was deleted.' : `${count} chats were deleted.`);
  });
});

// ---- signing in and out

// What the account form does: sign in, or what the link says that was opened.
const FORMS = {
  login: { lead: 'Your chats, kept on your own machine.', submit: 'Sign in', email: true, password: 'current-password' },
  setup: { lead: 'Make the first account of this server. It is an admin.', submit: 'Make the account', email: true, password: 'new-password' },
  invite: { lead: 'You are invited. Make your account.', submit: 'Make the account', email: true, password: 'new-password' },
  reset: { lead: 'Choose a new password.', submit: 'Set the password', email: false, password: 'new-password' },
};
let link = { kind: 'login', secret: '' };

function showSignIn(note) {
  const form = FORMS[link.kind];
  byId('app').hidden = true;
  byId('sign-in').hidden = false;
  byId('sign-in-lead').textContent = form.lead;
  byId('sign-in-note').hidden = !note;
  byId('sign-in-note').textContent = note;
  byId('email-field').hidden = !form.email;
  byId('email').required = form.email;
  byId('password').autocomplete = form.password;
  byId('account-submit').textContent = form.submit;
  byId('token-part').hidden = link.kind !== 'login';
  byId(form.email ? 'email' : 'password').focus();
}

byId('account-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const [email, password] = [byId('email').value, byId('password').value];
  byId('account-submit').disabled = true;
  try {
    if (link.kind === 'login') await api.signIn(email, password);
    else if (link.kind === 'setup') await api.register(email, password, { setup: link.secret });
    else if (link.kind === 'invite') await api.register(email, password, { invitation: link.secret });
    else await api.setPassword(link.secret, password);
    link = { kind: 'login', secret: '' };
    byId('password').value = '';
    await enter();
  } catch (error) {
    showSignIn(error.advice ?? String(error));
  } finally {
    byId('account-submit').disabled = false;
  }
});

async function enter() {
  byId('sign-in').hidden = true;
  byId('app').hidden = false;
  api.userName().then((name) => { byId('user').textContent = name; });
  setDraft(sessionStorage.getItem(DRAFT_KEY) ?? '');
  await Promise.all([showRoute(), listChanged()]);
  draft.focus();
}

function leave(note) {
  api.setToken(null);
  chat.forgetRuns();
  forgetSessions();
  chat.showNewChat();
  showSignIn(note);
}

api.whenSignedOut(() => leave('The server does not accept this session any more. Sign in again; your draft is kept.'));
byId('sign-out').addEventListener('click', () => {
  setDraft('');
  history.replaceState(null, '', location.pathname);
  api.signOut();
  leave('');
});

byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const pasted = byId('token').value.trim().replace(/^Bearer\s+/i, '');
  byId('token').value = '';
  // Anything else cannot stand in a header.
  if (!/^[\w.~+/=-]+$/.test(pasted)) { showSignIn('That does not look like a token.'); return; }
  api.setToken(pasted);
  enter();
});

const LINK = /^#(login|setup|invite|reset)=(.+)$/;

// What a link brings: its secret leaves the address bar and the tab's history before anything else happens.
function takeLink() {
  const found = LINK.exec(location.hash);
  if (!found) return { kind: 'login', secret: '' };
  history.replaceState(null, '', location.pathname);
  return { kind: found[1], secret: decodeSafely(found[2]) };
}

async function begin() {
  link = takeLink();
  if (link.kind !== 'login') {
    api.setToken(null);
    return showSignIn('');
  }
  const { secret } = link;
  if (secret) {
    api.setToken(null);
    try {
      api.setToken((await api.exchangeLink(secret)).access_token);
    } catch (error) {
      showSignIn(error.status === 0 ? error.advice : 'This link has been used already or is no longer valid. Restart the server for a new one, or paste a token.');
      return;
    }
  }
  // A new tab has no token yet, but its browser may have the cookie of an account.
  if (api.signedIn() || (api.mayHaveCookie() && await api.refresh())) await enter();
  else showSignIn('');
}

addEventListener('hashchange', () => (LINK.test(location.hash) ? begin() : showRoute()));
begin();

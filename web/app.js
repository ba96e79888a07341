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

function showSignIn(note) {
  byId('app').hidden = true;
  byId('sign-in').hidden = false;
  byId('sign-in-note').hidden = !note;
  byId('sign-in-note').textContent = note;
  byId('token').focus();
}

async function enter() {
  byId('sign-in').hidden = true;
  byId('app').hidden = false;
  byId('user').textContent = api.userName();
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

// The one-time link: its secret leaves the address bar and the tab's history before anything else happens.
function takeLinkSecret() {
  const found = /^#login=(.+)$/.exec(location.hash);
  if (found) history.replaceState(null, '', location.pathname);
  return found && decodeSafely(found[1]);
}

async function begin() {
  const secret = takeLinkSecret();
  if (secret) {
    api.setToken(null);
    try {
      api.setToken((await api.exchangeLink(secret)).access_token);
    } catch (error) {
      showSignIn(error.status === 0 ? error.advice : 'This link has been used already or is no longer valid. Restart the server for a new one, or paste a token.');
      return;
    }
  }
  if (api.signedIn()) await enter();
  else showSignIn('');
}

addEventListener('hashchange', () => (/^#login=/.test(location.hash) ? begin() : showRoute()));
begin();

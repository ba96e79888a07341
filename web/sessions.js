// The sidebar: the user's chats, newest activity first, a page at a time.

import { readSessions } from './api.js';
import { element, timeElement } from './text.js';

const PAGE = 30;
const LIMIT_MAX = 1000;
const list = document.getElementById('sessions');
const more = document.getElementById('sessions-more');
const empty = document.getElementById('sessions-empty');

let sessions = [];
let nextCursor;
let activeId = null;
let refreshes = 0;

export const threadLink = (threadId) => `#/t/${encodeURIComponent(threadId)}`;
export const titleOf = (threadId) => sessions.find((session) => session.id === threadId)?.title;

function row(session) {
  const link = element('a', 'session');
  link.href = threadLink(session.id);
  link.dataset.threadId = session.id;
  if (session.id === activeId) link.setAttribute('aria-current', 'page');
  const title = element('span', 'session-title', session.title || 'Untitled');
  const preview = element('span', 'session-preview', session.preview);
  title.dir = 'auto';
  preview.dir = 'auto';
  link.append(title, timeElement(session.timestamp), preview);
  const item = element('li');
  item.append(link);
  return item;
}

function show() {
  list.replaceChildren(...sessions.map(row));
  more.hidden = nextCursor === undefined;
  empty.hidden = sessions.length > 0;
}

// Reads the list again, as far as it is open. Of overlapping calls the last one wins.
export async function refreshSessions() {
  const mine = ++refreshes;
  const page = await readSessions(Math.min(Math.max(PAGE, sessions.length), LIMIT_MAX));
  if (mine !== refreshes) return;
  sessions = page.sessions;
  nextCursor = page.next_cursor;
  show();
}

export async function showMoreSessions() {
  if (nextCursor === undefined) return;
  const mine = ++refreshes;
  const page = await readSessions(PAGE, nextCursor);
  if (mine !== refreshes) return;
  const known = new Set(sessions.map((session) => session.id));
  sessions.push(...page.sessions.filter((session) => !known.has(session.id)));
  nextCursor = page.next_cursor;
  show();
}

export function markActive(threadId) {
  activeId = threadId;
  for (const link of list.querySelectorAll('a')) {
    if (link.dataset.threadId === threadId) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

export function forgetSessions() {
  refreshes += 1;
  sessions = [];
  nextCursor = undefined;
  show();
}

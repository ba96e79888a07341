// The chat column: history a page at a time, and the runs that this tab has started.

import { ApiError, readHistory, streamMessage } from './api.js';
import { element, showText, timeElement } from './text.js';

const PAGE = 50;
const byId = (id) => document.getElementById(id);
const scroller = byId('scroller');
const list = byId('messages');
const older = byId('older');
const welcome = byId('welcome');

// The thread on screen. `id` is null until the server has named a new one, which `firstRun` asks it to do. A new object
// per visit: whoever comes back from the network compares it to know whether the user has moved on.
const newView = (id) => ({ id, nextCursor: undefined, firstRun: null });
let view = newView(null);
let runs = [];                                 // those without a terminal event yet, in order of sending
let host;                                      // what app.js wants to hear of

export function connectChat(callbacks) { host = callbacks; }
export const currentThread = () => view.id;

const nearBottom = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
const toBottom = () => { scroller.scrollTop = scroller.scrollHeight; };
const showWelcome = () => { welcome.hidden = list.childElementCount > 0; };

function bubble(role, content, timestamp) {
  const item = element('li', `message ${role}`);
  item.append(element('span', 'for-readers', role === 'user' ? 'You said:' : 'Answer:'));
  const body = element('div', 'body');
  showText(body, content);
  item.append(body);
  if (timestamp) item.append(timeElement(timestamp));
  return item;
}

function addNote(item, text, action, onAction) {
  const note = element('p', 'note', text);
  if (action) {
    const button = element('button', 'quiet', action);
    button.type = 'button';
    button.addEventListener('click', onAction);
    note.append(' ', button);
  }
  item.append(note);
  return note;
}

// ---- history

const incomplete = {
  interrupted: 'The server ended during this answer; what had arrived is kept.',
  stopped: 'Stopped.',
  failed: 'The model’s server failed during this answer.',
};

function historyItems(messages) {
  return messages.filter(({ role }) => role === 'user' || role === 'assistant').map((message) => {
    const item = bubble(message.role, message.content, message.timestamp);
    if (message.status in incomplete) item.append(element('p', 'muted small', incomplete[message.status]));
    return item;
  });
}

export function showNewChat() {
  view = newView(null);
  list.replaceChildren();
  older.hidden = true;
  showWelcome();
}

// Opens a thread at its newest page. Throws ApiError; a 404 is left to the caller.
export async function showThread(threadId) {
  const mine = newView(threadId);
  view = mine;
  list.replaceChildren();
  older.hidden = true;
  welcome.hidden = true;
  list.setAttribute('aria-busy', 'true');
  try {
    // A run that ends while the page is on its way may or may not be in it: it counts as live.
    const runsHere = () => runs.filter((run) => run.threadId === threadId);
    const atFirst = runsHere();
    const page = await readHistory(threadId, PAGE).catch((error) => {
      if (error.status === 404 && runsHere().length > 0) return { messages: [] };
      throw error;
    });
    if (view !== mine) return;
    const live = [...new Set([...atFirst, ...runsHere()])];
    mine.nextCursor = page.next_cursor;
    older.hidden = page.next_cursor === undefined;
    // A run of this tab brings its own two bubbles, so what history already has of it is left out.
    const mineToo = new Set(live.flatMap((run) => [run.userMessageId, run.messageId]));
    const stored = page.messages.filter((message) => !mineToo.has(message.id));
    list.replaceChildren(...historyItems(stored), ...live.flatMap((run) => [run.question, run.answer]));
    if (live.length === 0 && stored.at(-1)?.role === 'user') {
      addNote(list.lastElementChild, 'No answer is stored yet; one may be on its way.', 'Look again', () => host.reload());
    }
    toBottom();
  } finally {
    if (view === mine) list.removeAttribute('aria-busy');
  }
}

export async function showOlder() {
  const mine = view;
  if (mine.nextCursor === undefined || older.disabled) return;
  older.disabled = true;
  try {
    const page = await readHistory(mine.id, PAGE, mine.nextCursor);
    if (view !== mine) return;
    mine.nextCursor = page.next_cursor;
    older.hidden = page.next_cursor === undefined;
    const fromBottom = scroller.scrollHeight - scroller.scrollTop;
    list.prepend(...historyItems(page.messages));
    scroller.scrollTop = scroller.scrollHeight - fromBottom;      // what was read stays where it was
  } finally {
    older.disabled = false;
  }
}

// ---- runs

function setState(run, text) {
  run.state.textContent = text;
  run.state.hidden = !text;
}

// Many tokens may come in one frame; the text is laid out once for all of them.
function scheduleText(run) {
  if (run.frame) return;
  run.frame = requestAnimationFrame(() => flushText(run));
}
function flushText(run) {
  cancelAnimationFrame(run.frame);
  run.frame = 0;
  const stick = nearBottom();
  showText(run.body, run.text);
  if (stick && run.question.isConnected) toBottom();
}

const upstreamAdvice = {
  upstream_unavailable: 'The model’s server cannot be reached. Check that it is running and that Bobbin has its address, then ask again.',
  upstream_rejected: 'The model’s server refused the request. Check the API key and the name of the model, then ask again.',
  upstream_timeout: 'The model’s server did not answer in time. It may still be loading; ask again in a moment.',
};

function onEvent(run, event) {
  switch (event.type) {
    case 'queued':
      setState(run, `Waiting for its turn (${event.position} in line)`);
      run.answer.classList.add('waiting');
      break;
    case 'start':
      run.userMessageId = event.user_message_id;
      run.messageId = event.message_id;
      nameThread(run, event.thread_id);
      run.answer.classList.remove('waiting');
      setState(run, 'Thinking…');
      host.listChanged();
      break;
    case 'status': setState(run, event.content); break;
    case 'reasoning': setState(run, 'Thinking…'); break;
    case 'tool': setState(run, event.summary || event.name || ''); break;
    case 'token':
      setState(run, '');
      run.text += event.content;
      scheduleText(run);
      break;
    case 'error': endRun(run, `${upstreamAdvice[event.code] ?? 'The answer failed.'} (${event.content || event.code})`, true); break;
    case 'stopped': endRun(run, event.reason === 'deleted' ? 'This chat was deleted.' : 'Stopped.'); break;
    case 'interrupted': endRun(run, 'The answer was interrupted. What had arrived is kept.', true); break;
    case 'done': endRun(run, ''); break;
    default: break;                            // newer servers may say more
  }
}

// The server has said which thread a run is in: the view that sent it, when it is still on screen, takes that name.
function nameThread(run, threadId) {
  run.threadId = threadId;
  if (run.view.id === null) {
    run.view.id = threadId;
    if (run.view === view) host.threadNamed(threadId);
  }
  run.settleName?.();
}

// The thread to post to. A second message to a thread that has no name yet waits until the first has got one (or has failed,
// and then asks for the name itself).
async function claimThread(run) {
  const { view: home } = run;
  while (home.id === null && home.firstRun !== null) await home.firstRun.named;
  if (home.id === null) {
    home.firstRun = run;
    run.named = new Promise((resolve) => { run.settleName = resolve; });
  }
  run.threadId = home.id;
  return home.id;
}

function endRun(run, note, again = false) {
  run.ended = true;
  if (run.view.id === null && run.view.firstRun === run) run.view.firstRun = null;
  run.settleName?.();
  flushText(run);
  setState(run, '');
  run.answer.classList.remove('waiting');
  run.answer.removeAttribute('aria-busy');
  if (run.text) run.answer.append(timeElement(new Date().toISOString()));
  if (note) addNote(run.answer, note, again ? 'Ask again' : '', () => host.putBack(run.message));
  runs = runs.filter((other) => other !== run);
  if (run.question.isConnected) {
    host.announce(note || `Answer complete: ${run.text.slice(0, 200)}`);
    if (nearBottom()) toBottom();
  }
  host.listChanged();
}

// Sends `message` in the thread on screen. Never throws: what goes wrong is shown beside the message.
export async function sendMessage(message) {
  const run = { message, text: '', view, threadId: view.id, frame: 0, ended: false };
  run.question = bubble('user', message, new Date().toISOString());
  run.answer = bubble('assistant', '');
  run.answer.setAttribute('aria-busy', 'true');
  run.body = run.answer.querySelector('.body');
  run.state = element('p', 'state', 'Sending…');
  run.answer.append(run.state);
  runs.push(run);
  list.append(run.question, run.answer);
  showWelcome();
  toBottom();
  try {
    await streamMessage(message, await claimThread(run), (event) => onEvent(run, event));
  } catch (error) {
    if (run.ended) return;
    if (!(error instanceof ApiError)) endRun(run, 'The server sent something that this page does not understand.');
    else if (error.status === 401) { endRun(run, ''); run.question.remove(); run.answer.remove(); host.putBack(message); }
    else if (error.code === 'cut') cutRun(run);
    else endRun(run, error.advice, true);
  }
}

// The connection broke, the run did not: the server goes on with it and stores the answer.
function cutRun(run) {
  endRun(run, '');
  addNote(run.answer, 'The connection broke. If the server is up, it goes on with the answer.', 'Look again', () => host.reload());
}

export function forgetRuns() { runs = []; }

// Many clients at once, who remember what they were told; and the check that all of it is there after a sudden end.

import { EventReader, newUser } from '../../e2e/support/client.mjs';
import { until } from '../../e2e/support/wait.mjs';

const USERS = 3;
const THREADS_PER_USER = 3;
const MESSAGES_PER_THREAD = 25;      // then its client begins another one
const OLD_THREADS_PER_USER = 20;     // more are deleted, so that long runs stay small
const CHECKS_OF_DELETED = 3;

// What one message is known to be: `sent` (nobody answered), `known` (start or queued was seen), `done`, or, found after a restart, `kept`
// (with its answer, which may be partial or null) or `lost` (never acknowledged, and not there: it must not come later).
class Thread {
  constructor(user, id) {
    Object.assign(this, { user, id, messages: [], deleted: 'no', settled: false, checks: 0, retired: false });
  }
  message(text) { return this.messages.find((each) => each.text === text); }
  get acknowledged() { return this.messages.filter((each) => ['known', 'done', 'kept'].includes(each.state)); }
}

export class Load {
  static async make(server, random) {
    const load = new Load();
    Object.assign(load, { server, random, problems: [], tick: 0, count: 0, killed: false, stopping: false });
    load.users = await Promise.all(Array.from({ length: USERS }, () => newUser(server)));
    load.threads = [];
    load.counts = { sent: 0, done: 0, deleted: 0, reads: 0 };
    return load;
  }

  // Starts all clients. They go on until `stop`.
  begin() {
    this.killed = this.stopping = false;
    const active = this.threads.filter((thread) => !thread.retired);
    this.actors = this.users.flatMap((user) => Array.from({ length: THREADS_PER_USER }, (_, index) => {
      const own = active.filter((thread) => thread.user === user)[index];
      return this.act(own ?? this.newThread(user));
    }));
  }

  // `kill` ends the server; every answer that had left it by then is still read.
  async end(kill) {
    this.killed = this.stopping = true;
    await kill();
    await Promise.all(this.actors);
  }

  newThread(user) {
    const thread = new Thread(user, `thread-${++this.count}`);
    this.threads.push(thread);
    return thread;
  }

  // Faults before the end are problems; those after it are the end.
  complain(what) { if (!this.killed) this.problems.push(what); }

  async act(first) {
    let thread = first;
    while (!this.stopping) {
      const chance = this.random();
      try {
        if (thread.messages.length >= MESSAGES_PER_THREAD || thread.deleted !== 'no') {
          thread.retired = true;
          thread = this.newThread(thread.user);
        } else if (chance < 0.5) await this.post(thread);
        else if (chance < 0.75) await Promise.all([this.post(thread), this.post(thread), this.post(thread)]);
        else if (chance < 0.85) await this.readHistory(thread);
        else if (chance < 0.93) await this.readSessions(thread);
        else if (thread.messages.length > 3) await this.deleteThread(thread);
      } catch (error) {
        this.complain(`${thread.id}: ${error.stack}`);
      }
    }
  }

  async post(thread) {
    const message = { text: `${thread.id} message ${thread.messages.length}`, state: 'sent', sentAt: ++this.tick, answer: null };
    thread.messages.push(message);
    thread.settled = false;
    this.counts.sent += 1;
    const response = await thread.user.post({ message: message.text, thread_id: thread.id });
    if (response.status !== 200) return this.complain(`${message.text}: ${response.status} ${await response.text()}`);
    const stream = new EventReader(response);
    for (let event = await stream.next(); event; event = await stream.next()) {
      const { type } = event.data;
      if (message.state === 'sent') Object.assign(message, { state: 'known', knownAt: ++this.tick });
      if (type === 'error' || (type === 'stopped' && thread.deleted === 'no')) this.complain(`${message.text}: ${JSON.stringify(event.data)}`);
      if (type === 'done') {
        Object.assign(message, { state: 'done', answer: stream.text });
        this.counts.done += 1;
      }
    }
  }

  async readHistory(thread) {
    const acknowledged = thread.messages.filter((each) => each.state === 'done' || each.state === 'kept');
    const response = await thread.user.request(`/chat/history?thread_id=${thread.id}`);
    this.counts.reads += 1;
    const { messages = [] } = response.status === 200 ? await response.json() : {};
    for (const { text } of acknowledged) {
      if (!messages.some((each) => each.content === text)) this.complain(`${text}: done, but not in the history that was read then`);
    }
  }

  async readSessions(thread) {
    const expected = thread.acknowledged.length > 0;
    const { sessions } = await thread.user.sessions();
    this.counts.reads += 1;
    if (expected && !sessions.some((session) => session.id === thread.id)) this.complain(`${thread.id}: not in the list that was read then`);
  }

  // Nothing of this client is under way in the thread.
  async deleteThread(thread) {
    if (thread.acknowledged.length === 0) return;
    thread.deleted = 'asked';
    thread.settled = false;
    const response = await thread.user.request(`/chat/history?thread_id=${thread.id}`, { method: 'DELETE' });
    const text = await response.text();
    if (response.status !== 200) return this.complain(`delete of ${thread.id}: ${response.status} ${text}`);
    thread.deleted = 'yes';
    this.counts.deleted += 1;
  }

  // After a restart: waits until the queues are worked off, and answers all that is not as it was told.
  async check() {
    const found = [...this.problems.splice(0)];
    const histories = new Map();
    for (const thread of this.threads) histories.set(thread, await this.settledHistory(thread));
    for (const [thread, history] of histories) found.push(...checkThread(thread, history, this.tick));
    for (const user of this.users) found.push(...checkSessions((await user.sessions()).sessions, [...histories].filter(([thread]) => thread.user === user)));
    await this.forgetOld();
    return found;
  }

  // null: no such thread.
  settledHistory(thread) {
    return until(`the queue of ${thread.id} to be worked off`, async () => {
      const response = await thread.user.request(`/chat/history?thread_id=${thread.id}`);
      const history = await response.json();
      if (response.status === 404) return { none: true };
      if (history.active_run) return null;
      if (thread.settled) return history;
      const { queue } = await thread.user.json(`/chat/sessions/${thread.id}/queue`);
      if (queue.length > 0) return null;
      // What was waiting before the queue was seen empty is in the history only now.
      const last = await thread.user.request(`/chat/history?thread_id=${thread.id}`);
      const settled = await last.json();
      if (settled.active_run) return null;
      thread.settled = true;
      return settled;
    });
  }

  async forgetOld() {
    this.threads = this.threads.filter((thread) => thread.deleted !== 'yes' || ++thread.checks < CHECKS_OF_DELETED);
    for (const user of this.users) {
      const old = this.threads.filter((thread) => thread.user === user && thread.retired && thread.deleted === 'no' && thread.acknowledged.length > 0);
      for (const thread of old.slice(0, Math.max(0, old.length - OLD_THREADS_PER_USER))) await this.deleteThread(thread);
    }
  }
}

// Compares one thread with what its client was told, and takes what is found as told from now on (`tick`).
function checkThread(thread, history, tick) {
  if (thread.deleted === 'yes') return history.none ? [] : [`${thread.id} was deleted and is there: ${history.messages.length} messages`];
  if (history.none) {
    if (thread.deleted === 'asked') { thread.deleted = 'yes'; return []; }
    const missing = thread.acknowledged.map((each) => `${each.text}: ${each.state}, but its thread is not there`);
    for (const message of thread.messages) message.state = 'lost';
    return missing;
  }
  if (thread.deleted === 'asked') Object.assign(thread, { deleted: 'no', retired: true });
  const problems = [];
  const order = [];
  for (const [at, { role, content }] of history.messages.entries()) {
    if (role !== 'user') {
      if (history.messages[at - 1]?.role !== 'user') problems.push(`${thread.id}: an answer without a question at ${at}`);
      continue;
    }
    const message = thread.message(content);
    if (!message) { problems.push(`${thread.id}: nobody sent ${content}`); continue; }
    if (order.includes(message)) problems.push(`${content}: there twice`);
    if (message.state === 'lost') problems.push(`${content}: came back`);
    order.push(message);
    const next = history.messages[at + 1];
    const answer = next?.role === 'assistant' ? next.content : null;
    if ((message.state === 'done' || message.state === 'kept') && answer !== message.answer) problems.push(`${content}: the answer was ${message.answer} and is ${answer}`);
    message.answer = answer;
  }
  for (const message of thread.acknowledged) if (!order.includes(message)) problems.push(`${message.text}: ${message.state}, but not there`);
  for (const [at, message] of order.entries()) {
    const later = order.slice(0, at).find((each) => message.knownAt < each.sentAt);
    if (later) problems.push(`${message.text} was acknowledged before ${later.text} was sent, and stands after it`);
  }
  for (const message of thread.messages) {
    message.state = order.includes(message) ? 'kept' : 'lost';
    message.knownAt ??= tick;
  }
  if (history.message_count !== history.messages.length) problems.push(`${thread.id}: counts ${history.message_count} messages, has ${history.messages.length}`);
  return problems;
}

// The list has exactly the threads that have a history, and agrees with them.
function checkSessions(sessions, histories) {
  const problems = [];
  const listed = new Map(sessions.map((session) => [session.id, session]));
  if (listed.size !== sessions.length) problems.push('a thread is listed twice');
  for (const [thread, history] of histories) {
    const session = listed.get(thread.id);
    listed.delete(thread.id);
    if (history.none !== undefined) {
      if (session) problems.push(`${thread.id} is listed and has no history`);
      continue;
    }
    if (!session) { problems.push(`${thread.id} has a history and is not listed`); continue; }
    const told = { count: session.message_count, title: session.title, preview: session.preview };
    const [first, last] = [history.messages[0], history.messages.at(-1)];
    // A preview ends before the blank that an answer was cut after.
    const true_ = { count: history.messages.length, title: first?.content, preview: last?.content.trimEnd() };
    if (JSON.stringify(told) !== JSON.stringify(true_)) problems.push(`${thread.id} is listed as ${JSON.stringify(told)}, is ${JSON.stringify(true_)}`);
  }
  for (const id of listed.keys()) problems.push(`${id} is listed and nobody's`);
  for (const [at, session] of sessions.entries()) {
    if (at > 0 && session.timestamp > sessions[at - 1].timestamp) problems.push(`${session.id} is listed below an older one`);
  }
  return problems;
}

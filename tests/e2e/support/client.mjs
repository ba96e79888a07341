// A user's view of the server: fetch for requests, eventsource-parser (not ours) for streams.

import assert from 'node:assert/strict';
import { createParser } from 'eventsource-parser';

const TERMINAL = new Set(['done', 'error', 'stopped', 'interrupted']);
export const isTerminal = (event) => TERMINAL.has(event.data.type);

// One response body read as server-sent events. Each event is {id, data}, with data parsed from JSON.
export class EventReader {
  constructor(response) {
    this.response = response;
    this.events = [];
    this.comments = 0;
    this.reader = response.body.getReader();
    this.decoder = new TextDecoder('utf-8', { fatal: true });
    this.taken = 0;
    this.parser = createParser({
      onEvent: (event) => this.events.push({ id: event.id, name: event.event, data: JSON.parse(event.data) }),
      onComment: () => { this.comments += 1; },
      onError: (error) => { throw error; },
    });
  }

  // The next event, or null at the end of the body.
  async next() {
    while (this.taken === this.events.length) {
      const { done, value } = await this.reader.read();
      if (done) return null;
      this.parser.feed(this.decoder.decode(value, { stream: true }));
    }
    return this.events[this.taken++];
  }

  // Reads up to the first event of this type and returns it.
  async until(type) {
    for (let event = await this.next(); event; event = await this.next()) {
      if (event.data.type === type) return event;
    }
    assert.fail(`the stream ended without "${type}": ${JSON.stringify(this.events)}`);
  }

  // Reads to the end of the body; the stream must hold exactly one terminal event, as its last.
  async finish() {
    while (await this.next());
    const terminals = this.events.filter(isTerminal);
    assert.equal(terminals.length, 1, `one terminal event: ${JSON.stringify(this.events.slice(-5))}`);
    assert.equal(this.events.at(-1), terminals[0]);
    return terminals[0];
  }

  close() { return this.reader.cancel(); }

  get types() { return this.events.map((event) => event.data.type); }
  get text() {
    return this.events.filter((event) => event.data.type === 'token').map((event) => event.data.content).join('');
  }
}

export class Client {
  constructor(server, token) {
    this.server = server;
    this.token = token;
  }

  request(path, { method = 'GET', headers = {}, body, signal } = {}) {
    return fetch(this.server.url + path, {
      method, body, signal, headers: { Authorization: `Bearer ${this.token}`, ...headers },
    });
  }

  // POST /chat/stream, answered with the raw Response.
  post(request, headers = {}) {
    const body = typeof request === 'string' || request instanceof Uint8Array ? request : JSON.stringify(request);
    return this.request('/chat/stream', { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers } });
  }

  // Same, for requests that must be accepted: a reader on the open stream.
  async open(message, threadId, more = {}) {
    const response = await this.post({ message, ...(threadId === undefined ? {} : { thread_id: threadId }), ...more });
    if (response.status !== 200) assert.fail(`POST /chat/stream: ${response.status} ${await response.text()}`);
    return new EventReader(response);
  }

  // A whole turn that must end with `done`: {threadId, text, events, done}.
  async ask(message, threadId, more) {
    const stream = await this.open(message, threadId, more);
    const end = await stream.finish();
    assert.equal(end.data.type, 'done', JSON.stringify(end.data));
    return { threadId: end.data.thread_id, text: stream.text, events: stream.events, done: end.data };
  }

  async json(path, options, status = 200) {
    const response = await this.request(path, options);
    const text = await response.text();
    assert.equal(response.status, status, `${options?.method ?? 'GET'} ${path}: ${text}`);
    return JSON.parse(text);
  }

  history(threadId, query = '') {
    return this.json(`/chat/history?thread_id=${encodeURIComponent(threadId)}${query}`);
  }
  async contents(threadId) {
    return (await this.history(threadId)).messages.map((message) => message.content);
  }
  sessions(query = '') { return this.json(`/chat/sessions${query}`); }
  deleteThread(threadId) {
    return this.json(`/chat/history?thread_id=${encodeURIComponent(threadId)}`, { method: 'DELETE' });
  }
  deleteAll() { return this.json('/chat/history', { method: 'DELETE' }); }
}

let userCount = 0;

// A client for a user that no other test has: tests share a server but never data.
export async function newUser(server, name = `user-${process.pid}-${++userCount}`) {
  const client = new Client(server, await server.token(name));
  client.user = name;
  return client;
}

// Asserts the shape that every refusal has, and returns it.
export async function expectProblem(response, status, code) {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json\b/);
  const problem = JSON.parse(text);
  assert.equal(typeof problem.type, 'string');
  assert.equal(typeof problem.title, 'string');
  assert.equal(problem.status, status);
  assert.equal(typeof problem.detail, 'string');
  assert.match(problem.code, /^[a-z_]+$/);
  if (code) assert.equal(problem.code, code);
  return problem;
}

// A model server that does exactly what a test says, down to the bytes: for the quirks and failures of real ones.

import http from 'node:http';

const created = 1_730_000_000;

export const chunkOf = (choice, more = {}) => JSON.stringify({
  id: 'chatcmpl-e2e', object: 'chat.completion.chunk', created, model: 'scripted-1',
  choices: choice ? [{ index: 0, finish_reason: null, ...choice }] : [], ...more,
});
export const deltaOf = (delta) => chunkOf({ delta });

// What a script writes with. Each write is awaited, so that writes leave as separate segments.
export class Reply {
  constructor(response) { this.response = response; }

  head(status = 200, headers = { 'Content-Type': 'text/event-stream' }) {
    this.response.writeHead(status, headers);
    this.response.flushHeaders();
    return this;
  }
  raw(bytes) { return new Promise((resolve) => this.response.write(bytes, resolve)); }
  event(json, lineEnd = '\n') { return this.raw(`data: ${json}${lineEnd}${lineEnd}`); }
  text(content) { return this.event(deltaOf({ content })); }
  usage(usage) { return this.event(chunkOf(null, { usage })); }
  async finish(reason = 'stop') {
    await this.event(chunkOf({ delta: {}, finish_reason: reason }));
    await this.raw('data: [DONE]\n\n');
    this.response.end();
  }
  end() { this.response.end(); }
  // Drops the connection as a crashing server would.
  cut() { this.response.socket?.destroy(); }
  json(status, value, headers = {}) {
    this.response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    this.response.end(JSON.stringify(value));
  }
}

// A whole plain answer in the given pieces.
export const answerWith = (...pieces) => async (reply) => {
  reply.head();
  for (const piece of pieces) await reply.text(piece);
  await reply.finish();
};

// An answer that begins with `first` and goes on, with what was asked, when the gate opens.
export const answerWhenOpened = (gate, first = 're: ') => async (reply, request) => {
  reply.head();
  await reply.text(first);
  await gate.opened;
  await reply.text(request.body.messages.at(-1).content);
  await reply.finish();
};

// Answers with the last message, as an echo. The default script.
export const echo = async (reply, request) => answerWith(request.body.messages.at(-1).content)(reply);

class ScriptedUpstream {
  constructor() {
    this.requests = [];        // {method, path, headers, body} of every completion request, in order
    this.probes = [];          // the same of every other request
    this.script = echo;
    this.probesHeld = null;    // a promise: probes are answered once it is kept
    this.server = http.createServer((request, response) => this.handle(request, response));
  }

  // `script(reply, request, index)` answers all completion requests from now on.
  answer(script) { this.script = script; }

  async handle(request, response) {
    response.on('error', () => {});
    request.on('error', () => {});
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const text = Buffer.concat(pieces).toString();
    const record = { method: request.method, path: request.url, headers: request.headers, response };
    record.closed = new Promise((resolve) => response.once('close', resolve));
    if (!request.url.endsWith('/chat/completions')) {
      this.probes.push(record);
      await this.probesHeld;
      new Reply(response).json(200, { object: 'list', data: [{ id: 'scripted-1', object: 'model', created, owned_by: 'e2e' }] });
      return;
    }
    record.body = JSON.parse(text);
    this.requests.push(record);
    const reply = new Reply(response);
    await this.script(reply, record, this.requests.length - 1);
  }

  get port() { return this.server.address().port; }
  get url() { return `http://127.0.0.1:${this.port}`; }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

export async function startScripted({ port = 0 } = {}) {
  const upstream = new ScriptedUpstream();
  await new Promise((resolve, reject) => upstream.server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return upstream;
}

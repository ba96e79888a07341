// What an agent works with in tests: a server that is called as a tool, and a model that calls.

import http from 'node:http';
import { deltaOf } from './scripted_upstream.mjs';

// Notes every call; `answer(url, response)` decides.
export class ToolServer {
  calls = [];
  answer = (url, response) => response.end(`result of ${url}`);
  server = http.createServer((request, response) => {
    this.calls.push(request.url);
    response.setHeader('Content-Type', 'text/plain');
    this.answer(request.url, response);
  });
  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }
  get url() { return `http://127.0.0.1:${this.server.address().port}`; }
  // For --tools: one tool `look_up` with a parameter `q`, in the path, and what else is named.
  config(...more) {
    const parameters = { type: 'object', properties: { q: { type: 'string' } }, required: ['q'] };
    const tool = (name, fields) => ({ name, description: `${name}.`, parameters, url: `${this.url}/${name}/{q}`, allow_private: true, ...fields });
    return { http: [tool('look_up'), ...more.map(({ name, ...fields }) => tool(name, fields))] };
  }
  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

const callOf = (index, id, name, args) => ({ index, id, type: 'function', function: { name, arguments: args } });

// A turn that ends with these calls, arguments in small pieces, as servers stream them.
export async function sayCalls(reply, calls, text) {
  reply.head();
  if (text) await reply.text(text);
  for (const [index, call] of calls.entries()) {
    const args = typeof call.args === 'string' ? call.args : JSON.stringify(call.args);
    await reply.event(deltaOf({ tool_calls: [callOf(index, call.id, call.name, '')] }));
    for (let at = 0; at < args.length; at += 4) {
      await reply.event(deltaOf({ tool_calls: [{ index, function: { arguments: args.slice(at, at + 4) } }] }));
    }
  }
  await reply.usage({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 });
  await reply.finish('tool_calls');
}
export async function say(reply, text) {
  reply.head();
  await reply.text(text);
  await reply.usage({ prompt_tokens: 20, completion_tokens: 7, total_tokens: 27 });
  await reply.finish();
}
export const countTools = (request) => request.body.messages.filter((message) => message.role === 'tool').length;

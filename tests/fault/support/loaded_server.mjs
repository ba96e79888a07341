// A server under load, with a model that answers at once, for tests that end it suddenly, again and again.

import { startScripted } from '../../e2e/support/scripted_upstream.mjs';
import { Server } from '../../e2e/support/server.mjs';
import { Load } from './load.mjs';

// Answers `re: …` in three pieces.
async function answerInPieces(reply, request) {
  reply.head();
  const message = request.body.messages.at(-1).content;
  for (const piece of ['re: ', message.slice(0, 5), message.slice(5)]) await reply.text(piece);
  await reply.finish();
}

// Runs `body(server, load)`; options as those of Server.
export async function underLoad(random, options, body) {
  const upstream = await startScripted();
  // A server that dies takes its connections with it: writing to them then is no fault of the test.
  upstream.answer((reply, request) => answerInPieces(reply, request).catch(() => {}));
  const server = new Server({ upstream: upstream.url, args: ['--workers', '2', '--log-level', 'warn'], ...options });
  try {
    await server.start();
    await body(server, await Load.make(server, random));
  } finally {
    await server.stop();
    await upstream.stop();
  }
}

// One round: load for a random while, `end` in the middle of it, a restart, and what is wrong then.
export async function suddenEnd(server, load, random, end = () => server.kill()) {
  load.begin();
  // Not for anything to happen: the moment of the end is chance.
  await new Promise((resolve) => setTimeout(resolve, random.between(20, 400)));
  await load.end(end);
  await server.start();
  return load.check();
}

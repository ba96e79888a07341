// SIGTERM in the middle of a crowd: the process ends in good order, and what it has acknowledged is not lost.

import assert from 'node:assert/strict';
import { EventReader, newUser } from './support/client.mjs';
import { answerWith, startScripted } from './support/scripted_upstream.mjs';
import { flag, startServer } from './support/server.mjs';
import { manyStarts, test, until } from './support/wait.mjs';

const endedInGoodOrder = { code: 0, signal: null };
const lastWords = (server) => server.stderr.split('\n').slice(-5).join('\n');

// Submits one message and reads its stream for as long as there is one. `onAcknowledged` is called at `start` or `queued`.
async function submit(user, thread, message, onAcknowledged) {
  const record = { thread, message, acknowledged: false, terminals: [] };
  try {
    const response = await user.post({ message, thread_id: thread });
    if (response.status !== 200) {
      record.refusal = response.status;
      await response.text();
      return record;
    }
    const stream = new EventReader(response);
    for (let event = await stream.next(); event; event = await stream.next()) {
      const { type } = event.data;
      if (!record.acknowledged && (type === 'start' || type === 'queued')) {
        record.acknowledged = true;
        onAcknowledged();
      }
      if (['done', 'error', 'stopped', 'interrupted'].includes(type)) record.terminals.push(type);
    }
  } catch (error) {
    if (!['fetch failed', 'terminated'].includes(error.message)) throw error;   // refused or closed, in fetch's words
    record.closed = true;
  }
  return record;
}

// `clients` at once, each submitting `messages` in a row as fast as they are acknowledged. Answers the records of all
// submits, once all their streams have ended.
async function submitAsCrowd(user, { clients, messages, threads, onAcknowledged }) {
  const streams = [];
  await Promise.all(Array.from({ length: clients }, async (_, client) => {
    for (let index = 0; index < messages; ++index) {
      await new Promise((resolve, reject) => {
        const acknowledged = () => { onAcknowledged(); resolve(); };
        const stream = submit(user, `t${client % threads}`, `client ${client} message ${index}`, acknowledged);
        streams.push(stream);
        stream.then(resolve, reject);
      });
    }
  }));
  return Promise.all(streams);
}

// Calls `action` at the `count`-th call.
function atCount(count, action) {
  let calls = 0;
  return () => { if (++calls === count) action(); };
}

// A thread in which every question has its answer right behind it, and nothing waits; else null.
async function settledQuestions(user, thread) {
  const response = await user.request(`/chat/history?thread_id=${thread}`);
  if (response.status === 404) return [];
  const contents = (await response.json()).messages.map((message) => message.content);
  const questions = contents.filter((_, index) => index % 2 === 0);
  if (contents.length % 2 !== 0 || questions.some((question, index) => contents[2 * index + 1] !== `re: ${question}`)) return null;
  const { queue } = await user.json(`/chat/sessions/${thread}/queue`);
  return queue.length === 0 ? questions : null;
}

test('SIGTERM among 150 submits to three threads: exit code 0, and all that was acknowledged is answered', manyStarts, async () => {
  const upstream = await startScripted();
  upstream.answer((reply, request) => answerWith('re: ', request.body.messages.at(-1).content)(reply));
  const server = await startServer({ upstream: upstream.url, args: [flag.workers, '4'] });
  try {
    for (let round = 0; round < 5; ++round) {
      const user = await newUser(server);
      const onAcknowledged = atCount(10 + 25 * round, () => server.signal('SIGTERM'));
      const records = await submitAsCrowd(user, { clients: 30, messages: 5, threads: 3, onAcknowledged });
      assert.deepEqual(await server.exited, endedInGoodOrder, lastWords(server));
      assert.doesNotMatch(server.stderr, /assertion|Sanitizer/i);
      for (const { refusal, terminals } of records) {
        assert.ok([undefined, 503].includes(refusal), `${refusal}`);
        assert.ok(terminals.length <= 1, `${terminals}`);
      }

      await server.start();
      for (const thread of ['t0', 't1', 't2']) {
        const questions = await until(`all of ${thread} to be answered`, () => settledQuestions(user, thread))
          .catch(async (error) => assert.fail(`round ${round}: ${error.message}: ${JSON.stringify(await user.contents(thread))}`));
        const submitted = records.filter((record) => record.thread === thread);
        const acknowledged = submitted.filter((record) => record.acknowledged).map((record) => record.message);
        assert.deepEqual(acknowledged.filter((message) => !questions.includes(message)), [], `lost in round ${round}`);
        assert.equal(new Set(questions).size, questions.length, 'nothing is asked twice');
        const known = submitted.map((record) => record.message);
        assert.deepEqual(questions.filter((question) => !known.includes(question)), []);
      }
    }
  } finally {
    await server.stop();
    await upstream.stop();
  }
});

test('SIGTERM without time to drain, a model that hangs and 200 submits in flight: it ends with exit code 0', async () => {
  const upstream = await startScripted();
  upstream.answer(() => {});                            // never even a head
  const server = await startServer({ upstream: upstream.url, args: [flag.workers, '4', flag.drainSeconds, '0'] });
  try {
    const user = await newUser(server);
    const onAcknowledged = atCount(60, () => server.signal('SIGTERM'));
    const records = await submitAsCrowd(user, { clients: 200, messages: 1, threads: 40, onAcknowledged });
    assert.deepEqual(await server.exited, endedInGoodOrder, lastWords(server));
    assert.doesNotMatch(server.stderr, /assertion|Sanitizer/i);
    for (const { terminals } of records) assert.ok(terminals.length <= 1, `${terminals}`);
    assert.ok(records.filter((record) => record.acknowledged).length >= 60);

    upstream.answer((reply, request) => answerWith('re: ', request.body.messages.at(-1).content)(reply));
    await server.start();
    for (const { thread, message } of records.filter((record) => record.acknowledged)) {
      await until(`"${message}" to be there`, async () => (await user.contents(thread)).includes(message));
    }
  } finally {
    await server.stop();
    await upstream.stop();
  }
});

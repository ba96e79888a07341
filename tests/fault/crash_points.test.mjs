// A turn that is cut right after each of its steps, by kill -9 and by a power cut: what was told is there, and message, run and stream agree.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before } from 'node:test';
import { EventReader, newUser } from '../e2e/support/client.mjs';
import { answerWith, startScripted } from '../e2e/support/scripted_upstream.mjs';
import { Server } from '../e2e/support/server.mjs';
import { makeGate, manyStarts, test, until } from '../e2e/support/wait.mjs';
import { FaultDisk, WAL } from './support/faults.mjs';
import { PowerSwitch } from './support/power.mjs';

const RUN_LOG = '/runlog/';
const PIECES = ['one ', 'two ', 'three'];
const WHOLE = PIECES.join('');

let disk;
let power;
let upstream;
let server;
before(async () => {
  disk = new FaultDisk({ journal: true, noDevice: true });
  power = new PowerSwitch(disk);
  upstream = await startScripted();
  server = new Server({ upstream: upstream.url, dataDir: disk.dataDir, env: disk.env, args: ['--workers', '2'] });
  await server.start();
});
after(async () => {
  disk?.release();
  await server?.stop();
  await upstream?.stop();
  disk?.remove();
});

const isLogSynced = () => power.isSynced(path.join(disk.dataDir, 'runlog'));
const readPieces = async (turn) => { while (turn.stream.text !== WHOLE) await turn.stream.next(); };

// `reach` brings the turn to the step; `must` and `may` are the answers that are right after each end: [status, content].
const complete = ['complete', WHOLE];
const cut = ['interrupted', WHOLE];
const prefixes = [undefined, ...PIECES.map((_, index) => ['interrupted', PIECES.slice(0, index + 1).join('')])];
const steps = {
  'the write of the log': {
    async reach(turn) { disk.hold(RUN_LOG); turn.pieces.open(); await readPieces(turn); },
    kill: [cut], power: prefixes,
  },
  'the sync of the log': {
    async reach(turn) { turn.pieces.open(); await readPieces(turn); await until('the sync of the log', isLogSynced); },
    kill: [cut], power: [cut],
  },
  'the write of the commit': {
    async reach(turn) {
      turn.pieces.open();
      await readPieces(turn);
      await until('the sync of the log', isLogSynced);
      disk.hold(WAL);
      turn.end.open();
      await disk.waitForHeld();
    },
    kill: [complete], power: [cut, complete],
  },
  'the sync of the commit': {
    async reach(turn) {
      turn.pieces.open();
      await readPieces(turn);
      disk.holdAfter(WAL);
      turn.end.open();
      await disk.waitForHeld();
    },
    kill: [complete], power: [complete],
  },
  'the end was told': {
    async reach(turn) { turn.pieces.open(); turn.end.open(); assert.equal((await turn.stream.finish()).data.type, 'done'); },
    kill: [complete], power: [complete],
  },
};

async function begin(user) {
  const turn = { pieces: makeGate(), end: makeGate() };
  upstream.answer(async (reply) => {
    reply.head();
    await turn.pieces.opened;
    for (const piece of PIECES) await reply.text(piece);
    await turn.end.opened;
    await reply.finish();
  });
  turn.stream = await user.open('question', 't');
  turn.runId = (await turn.stream.next()).data.run_id;
  return turn;
}

for (const [step, { reach, ...right }] of Object.entries(steps)) {
  for (const [how, answers] of Object.entries(right)) {
    test(`${how} after ${step}`, manyStarts, async () => {
      const user = await newUser(server);
      const turn = await begin(user);
      await reach(turn);
      const told = turn.stream.events.at(-1).data.type;
      await server.kill();
      disk.release();
      turn.end.open();
      if (how === 'power') power.cut();
      await server.start();

      const { messages, active_run: active } = await user.history('t');
      assert.equal(active, undefined);
      assert.deepEqual([messages[0].role, messages[0].content], ['user', 'question']);
      assert.ok(messages.length <= 2);
      const answer = messages[1] && [messages[1].status, messages[1].content];
      assert.ok(answers.some((one) => JSON.stringify(one) === JSON.stringify(answer)), JSON.stringify(answer));
      if (told === 'done') assert.equal(answer[0], 'complete');

      // The stream, read again from its start, says the same as the history, and has one end.
      const again = new EventReader(await user.request(`/chat/stream?thread_id=t&run_id=${turn.runId}`));
      while (await again.next());
      const last = again.events.at(-1).data;
      assert.equal(last.type, answer?.[0] === 'complete' ? 'done' : 'interrupted');
      assert.equal(again.events.filter(({ data }) => ['done', 'error', 'stopped', 'interrupted'].includes(data.type)).length, 1);
      const resync = again.events.find(({ data }) => data.type === 'resync');
      assert.equal(resync ? resync.data.message?.content ?? '' : again.text, answer?.[1] ?? '');

      upstream.answer(answerWith('later'));
      assert.equal((await user.ask('and now?', 't')).text, 'later');
    });
  }
}

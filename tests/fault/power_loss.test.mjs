// A power cut under load: only what was synced is left of every file, and it is everything that a client was told.

import assert from 'node:assert/strict';
import { newUser } from '../e2e/support/client.mjs';
import { startServer } from '../e2e/support/server.mjs';
import { test } from '../e2e/support/wait.mjs';
import { FaultDisk } from './support/faults.mjs';
import { suddenEnd, underLoad } from './support/loaded_server.mjs';
import { PowerSwitch } from './support/power.mjs';
import { long, makeRandom } from './support/random.mjs';

const CUTS = long ? 200 : 5;

// `body(server, load, cut, disk, lost)`: `cut` ends a round as a power cut would; `lost` adds up what it took.
async function onJournalledDisk(random, mode, body) {
  const disk = new FaultDisk({ journal: true, noDevice: true });
  try {
    await underLoad(random, { dataDir: disk.dataDir, env: disk.env }, async (server, load) => {
      await server.terminate();
      const power = new PowerSwitch(disk);
      await server.start();
      const lost = { bytes: 0, names: 0 };
      // Every second cut, from the first, comes while the disk is slow: then something is written and not synced.
      let slow = false;
      const cut = async () => {
        slow = !slow;
        if (slow) {
          disk.hold();
          await disk.waitForHeld();
        }
        await server.kill();
        disk.release();
        const now = power.cut(mode);
        disk.lie(false);
        for (const what of Object.keys(lost)) lost[what] += now[what];
      };
      await body(server, load, cut, disk, lost);
    });
  } finally {
    disk.remove();
  }
}

for (const [what, chooseMode] of [['all that was not synced is gone', () => null], ['a part of what was not synced is left', (random) => random]]) {
  test(`${CUTS} power cuts under load, after which ${what}: what was acknowledged is there`, { timeout: CUTS * 20_000 + 60_000 }, async (context) => {
    const random = makeRandom(context);
    await onJournalledDisk(random, chooseMode(random), async (server, load, cut, disk, lost) => {
      for (let round = 1; round <= CUTS; ++round) assert.deepEqual(await suddenEnd(server, load, random, cut), [], `after cut ${round}`);
      context.diagnostic(`${JSON.stringify(load.counts)}, lost: ${JSON.stringify(lost)}`);
      assert.ok(load.counts.done > CUTS, 'there was a load');
      assert.ok(lost.bytes > 0, 'there was something to lose');
    });
  });
}

test('the check finds what a disk loses that only says it has synced', async (context) => {
  const random = makeRandom(context);
  await onJournalledDisk(random, null, async (server, load, cut, disk) => {
    assert.deepEqual(await suddenEnd(server, load, random, cut), [], 'an honest disk first');
    disk.lie(true);
    const problems = await suddenEnd(server, load, random, cut);
    assert.ok(problems.some((problem) => /but (its thread is )?not there/.test(problem)), `found: ${problems}`);
  });
});

test('a power cut in the first life of a data directory leaves what was acknowledged', async () => {
  const disk = new FaultDisk({ journal: true, noDevice: true });
  const power = new PowerSwitch(disk);
  const server = await startServer({ dataDir: disk.dataDir, env: disk.env, args: ['--workers', '2'] });
  try {
    const user = await newUser(server);
    const { text } = await user.ask('hello', 't');
    await server.kill();
    power.cut();
    await server.start();
    assert.deepEqual(await user.contents('t'), ['hello', text]);
  } finally {
    await server.stop();
    disk.remove();
  }
});

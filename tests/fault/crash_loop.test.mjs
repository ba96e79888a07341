// kill -9 at random moments under load: everything that a client was told is there, in order, once.

import assert from 'node:assert/strict';
import { test } from '../e2e/support/wait.mjs';
import { suddenEnd, underLoad } from './support/loaded_server.mjs';
import { long, makeRandom } from './support/random.mjs';

const KILLS = long ? 1000 : 25;

test(`${KILLS} times kill -9 under load: what was acknowledged is there, in order, once; what was deleted stays deleted; lists and histories agree`,
  { timeout: KILLS * 20_000 }, async (context) => {
    const random = makeRandom(context);
    await underLoad(random, {}, async (server, load) => {
      for (let round = 1; round <= KILLS; ++round) assert.deepEqual(await suddenEnd(server, load, random), [], `after kill ${round}`);
      context.diagnostic(`${JSON.stringify(load.counts)}`);
      assert.ok(load.counts.done > KILLS && load.counts.deleted > 0, 'there was a load');
    });
  });

// Whether the time of an answer tells that an id is somebody else's: requests with another user's ids, and with ids of
// nobody, in random turns on one connection of the real binary.
//
//   BOBBIN_BIN=build/release/bobbin node bench/cross_user_timing.mjs [rounds]        (needs npm ci in tests/e2e)
//
// For each route: the medians of both kinds; the share of pairs in which the one with somebody's id took longer (ties are
// half; 0.5 is no difference); and the same share for two kinds of nobody's ids, which is what this machine's noise looks
// like. "tells" is written where the share is further from 0.5 than MARGIN and than three times the noise's distance.
// With n answers of each kind the share of equal distributions has a standard deviation of about 0.41 / sqrt(n): 0.007
// for 3000. MARGIN is seven of those: one who guesses by a single answer is then right in 55 of 100 cases at most.

import http from 'node:http';
import { furnish, makeUser, startPlace } from '../tests/e2e/support/world.mjs';

const MARGIN = 0.05;
const rounds = Number(process.argv[2] ?? 3000);
const KINDS = ['somebody', 'nobody', 'nobody again'];

const place = await startPlace({ workers: '1' });
const victim = await furnish(place, await makeUser(place), { name: (plain) => `victim-${plain}` });
const prober = await makeUser(place);
for (let i = 0; i < 2; ++i) await prober.ask('Hello', 'mine');

const replaceEnd = (id, end) => id.slice(0, -end.length) + end;
// Of each kind: a thread and a run that waits, and a key.
const ids = {
  somebody: { thread: 'victim-busy', run: victim.queuedRun, key: victim.key.id },
  nobody: { thread: 'nobody-busy', run: replaceEnd(victim.queuedRun, 'a0a0a0'), key: replaceEnd(victim.key.id, 'a0a0a0') },
  'nobody again': { thread: 'noone0-busy', run: replaceEnd(victim.queuedRun, 'b1b1b1'), key: replaceEnd(victim.key.id, 'b1b1b1') },
};
const routes = {
  'GET /chat/history': ({ thread }) => ['GET', `/chat/history?thread_id=${thread}`],
  'GET /chat/stream': ({ thread }) => ['GET', `/chat/stream?thread_id=${thread}`],
  'GET /chat/stream, run': ({ thread, run }) => ['GET', `/chat/stream?thread_id=${thread}&run_id=${run}`],
  'GET /chat/stream, run, own thread': ({ run }) => ['GET', `/chat/stream?thread_id=mine&run_id=${run}`],
  'GET …/queue': ({ thread }) => ['GET', `/chat/sessions/${thread}/queue`],
  'DELETE …/queue/{run_id}': ({ thread, run }) => ['DELETE', `/chat/sessions/${thread}/queue/${run}`],
  'POST /chat/stop': ({ thread, run }) => ['POST', '/chat/stop', { thread_id: thread, run_id: run }],
  'DELETE /chat/history': ({ thread }) => ['DELETE', `/chat/history?thread_id=${thread}`],
  'DELETE /auth/keys/{id}': ({ key }) => ['DELETE', `/auth/keys/${key}`],
};

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const headers = { Authorization: `Bearer ${prober.token}`, 'Content-Type': 'application/json' };

// Microseconds from before the request is sent until its answer is read.
function time([method, path, body]) {
  return new Promise((resolve, reject) => {
    const begun = process.hrtime.bigint();
    const request = http.request({ port: place.server.port, host: '127.0.0.1', agent, method, path, headers }, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode !== 404) reject(new Error(`${method} ${path}: ${response.statusCode}`));
        resolve(Number(process.hrtime.bigint() - begun) / 1000);
      });
    });
    request.on('error', reject).end(body && JSON.stringify(body));
  });
}

const median = (sorted) => sorted[sorted.length >> 1];

// The share of pairs of one of `a` and one of `b` in which that of `a` is larger: the Mann-Whitney statistic.
function shareAbove(a, b) {
  let [below, upTo, sum] = [0, 0, 0];
  for (const value of a) {
    while (below < b.length && b[below] < value) below += 1;
    while (upTo < b.length && b[upTo] <= value) upTo += 1;
    sum += below + (upTo - below) / 2;
  }
  return sum / (a.length * b.length);
}

try {
  console.log(`${rounds} answers of each kind; medians in µs`);
  console.log(`${'route'.padEnd(36)} somebody   nobody    share    noise`);
  for (const [name, make] of Object.entries(routes)) {
    const times = Object.fromEntries(KINDS.map((kind) => [kind, []]));
    for (let i = 0; i < rounds; ++i) {
      const turns = KINDS.map((kind) => [Math.random(), kind]).sort(([a], [b]) => a - b);
      for (const [, kind] of turns) {
        const took = await time(make(ids[kind]));
        if (i >= rounds / 20) times[kind].push(took);      // the first ones warm caches
      }
    }
    for (const kind of KINDS) times[kind].sort((a, b) => a - b);
    const share = shareAbove(times.somebody, times.nobody);
    const noise = shareAbove(times['nobody again'], times.nobody);
    const tells = Math.abs(share - 0.5) > Math.max(MARGIN, 3 * Math.abs(noise - 0.5));
    console.log(`${name.padEnd(36)} ${median(times.somebody).toFixed(1).padStart(8)} ${median(times.nobody).toFixed(1).padStart(8)}   ${share.toFixed(3)}    ${noise.toFixed(3)}${tells ? '   tells' : ''}`);
  }
} finally {
  agent.destroy();
  await victim.leave();
  await place.stop();
}
process.exit(0);

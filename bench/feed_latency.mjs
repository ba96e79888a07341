// How long until a change in one tab shows in the feeds of all others, on both workers: the real binary, many pairs.
//
//   BOBBIN_BIN=build/release/bobbin node bench/feed_latency.mjs [pairs]        (needs npm ci in tests/e2e)
//
// Each user has a writer and eight tabs; eight connections are on one of two workers alone once in 128 users. A writer
// changes a setting; measured is from before its request is sent until the last of its tabs has the event, and for
// comparison until the writer has its own answer. Both hold the fsync. All clients are in this process, so its own
// turns are in the figures.

import { newUser } from '../tests/e2e/support/client.mjs';
import { startServer } from '../tests/e2e/support/server.mjs';

const TABS = 8;
const pairs = Number(process.argv[2] ?? 2000);
const users = 10;

class Feed {
  constructor(response) {
    this.reader = response.body.getReader();
    this.text = '';
    this.seen = 0;          // events of settings
    this.waiting = null;
    this.closed = this.run();
  }
  async run() {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await this.reader.read();
      if (done) return;
      this.text += decoder.decode(value, { stream: true });
      const parts = this.text.split('\n\n');
      this.text = parts.pop();
      this.seen += parts.filter((part) => part.includes('setting_changed')).length;
      if (this.waiting && this.seen >= this.waiting.count) this.waiting.resolve(performance.now());
    }
  }
  // When the `count`th event has come.
  until(count) {
    if (this.seen >= count) return Promise.resolve(performance.now());
    return new Promise((resolve) => { this.waiting = { count, resolve }; });
  }
}

const server = await startServer({ args: ['--workers', '2', '--log-level', 'warn'] });
const shown = [];
const answered = [];

async function change(user, feeds, count) {
  const begun = performance.now();
  const ends = feeds.map((feed) => feed.until(count));
  const response = await user.request('/me/settings', {
    method: 'PATCH', body: `{"keep_days":${1 + (count % 30)}}`, headers: { 'Content-Type': 'application/json' },
  });
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  await response.arrayBuffer();
  answered.push(performance.now() - begun);
  shown.push(Math.max(...await Promise.all(ends)) - begun);
}

async function oneUser() {
  const user = await newUser(server);
  const feeds = await Promise.all(Array.from({ length: TABS }, async () => new Feed(await user.request('/chat/events'))));
  return { user, feeds, count: 0 };
}

const quantile = (values, part) => values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];
const row = (name, values) => `${name.padEnd(34)} p50 ${quantile(values, 0.5).toFixed(2)} ms   p99 ${quantile(values, 0.99).toFixed(2)} ms   max ${quantile(values, 1).toFixed(2)} ms`;

try {
  const all = await Promise.all(Array.from({ length: users }, oneUser));
  for (const [name, parallel] of [['one change at a time', 1], [`${users} users at once`, users]]) {
    shown.length = answered.length = 0;
    const work = all.slice(0, parallel).map(async (one) => {
      for (let turn = 0; turn < pairs / parallel; ++turn) await change(one.user, one.feeds, ++one.count);
    });
    await Promise.all(work);
    console.log(`${name}: ${shown.length} changes, ${TABS} tabs each`);
    console.log(row('  the writer has its answer', answered));
    console.log(row('  the last of its tabs has the event', shown));
    console.log(`  ratio p50 ${(quantile(shown, 0.5) / quantile(answered, 0.5)).toFixed(2)}   p99 ${(quantile(shown, 0.99) / quantile(answered, 0.99)).toFixed(2)}`);
  }
} finally {
  await server.stop();
}
process.exit(0);

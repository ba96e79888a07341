// Waiting on conditions. Nothing in this suite sleeps for a fixed time; a deadline here only turns a hang into a message.

import nodeTest from 'node:test';

const DEADLINE_MS = 60_000;
// The option of a test that starts the binary many times: each start waits for the disk, which other tests use as well.
export const manyStarts = { timeout: 4 * DEADLINE_MS };

// node:test's `test` with a deadline, so that a stream that never ends fails one test and not the whole run.
export function test(name, optionsOrBody, maybeBody) {
  const [options, body] = maybeBody ? [optionsOrBody, maybeBody] : [{}, optionsOrBody];
  return nodeTest(name, { timeout: DEADLINE_MS, ...options }, body);
}

// Resolves with the first truthy value of `condition` (which may be async). `what` names it in the error.
export async function until(what, condition, deadlineMs = DEADLINE_MS - 5_000) {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${deadlineMs} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

// A door that test code opens once: `await gate.opened` on one side, `gate.open()` on the other.
export function makeGate() {
  let open;
  const opened = new Promise((resolve) => { open = resolve; });
  return { open, opened };
}

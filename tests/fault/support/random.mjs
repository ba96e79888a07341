// Chance that can be had again: BOBBIN_TEST_SEED=N repeats a run's choices. BOBBIN_TEST_LONG=1 asks for the long form.

export const long = process.env.BOBBIN_TEST_LONG === '1';

// Answers numbers in [0, 1), with helpers. The seed is in the test's output.
export function makeRandom(context) {
  const seed = Number(process.env.BOBBIN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  context.diagnostic(`BOBBIN_TEST_SEED=${seed}`);
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  random.below = (end) => Math.floor(random() * end);
  random.between = (first, last) => first + random.below(last - first + 1);
  return random;
}

/**
 * Repeatable random numbers: Philox4x32-10, the same as in Python, so that a seed gives the same drawing
 * everywhere.
 */

/**
 * Returns four independent 32-bit numbers for a counter of four 32-bit numbers and a key of two.
 *
 * Reference: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
 * @param {number[]} counter @param {number[]} key
 */
export function philox(counter, key) {
  let [[c0, c1, c2, c3], [k0, k1]] = [counter, key];
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Returns the upper 32 bits of the product of two 32-bit numbers. */
function multiplyHigh(one, other) {
  const [low, high] = [one & 0xffff, one >>> 16];
  const [otherLow, otherHigh] = [other & 0xffff, other >>> 16];
  const middle = high * otherLow + Math.floor((low * otherLow) / 65536);
  return high * otherHigh + Math.floor(middle / 65536) + Math.floor((low * otherHigh + (middle % 65536)) / 65536);
}

/** Returns the key of a seed, a whole number below 2^53. */
export function keyOf(seed) {
  return [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
}

/** Returns a number between 0 and 1, both excluded. */
export function uniform(word) {
  return (word + 0.5) / 2 ** 32;
}

/** Returns two independent numbers from N(0, 1), by Box and Muller. */
export function normals(word, other) {
  const radius = Math.sqrt(-2 * Math.log(uniform(word)));
  const angle = 2 * Math.PI * uniform(other);
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** Animated pictures of few colors, as GIF89a. */

const TRAILER = 0x3b;
const LARGEST_CODE = 4095;

/**
 * Returns a GIF that repeats.
 * @param {{ width: number, height: number, palette: number[][], frames: { pixels: Uint8Array, delay: number }[] }} animation
 *   `palette`: colors [red, green, blue], a power of two of them; `pixels`: indices into it; `delay`: in hundredths of a second
 */
export function gifBytes({ width, height, palette, frames }) {
  const bits = Math.log2(palette.length);
  const word = (value) => [value & 255, value >> 8];
  const bytes = [..."GIF89a"].map((letter) => letter.charCodeAt(0));
  bytes.push(...word(width), ...word(height), 0xf0 | (bits - 1), 0, 0, ...palette.flat());
  bytes.push(0x21, 0xff, 11, ...[..."NETSCAPE2.0"].map((letter) => letter.charCodeAt(0)), 3, 1, 0, 0, 0);
  const parts = [Uint8Array.from(bytes)];
  for (const { pixels, delay } of frames) {
    parts.push(Uint8Array.of(0x21, 0xf9, 4, 4, ...word(delay), 0, 0, 0x2c, 0, 0, 0, 0, ...word(width), ...word(height), 0));
    parts.push(compressed(pixels, Math.max(2, bits)));
  }
  parts.push(Uint8Array.of(TRAILER));
  return new Blob(parts, { type: "image/gif" });
}

/** LZW as GIF has it, in blocks of 255 bytes. */
function compressed(pixels, bits) {
  const [clear, end] = [1 << bits, (1 << bits) + 1];
  const packed = [];
  let [buffer, held, size, next] = [0, 0, bits + 1, end + 1];
  const write = (code) => {
    buffer |= code << held;
    for (held += size; held >= 8; held -= 8) {
      packed.push(buffer & 255);
      buffer >>>= 8;
    }
  };
  let table = new Map();
  write(clear);
  let prefix = pixels[0];
  for (let index = 1; index < pixels.length; index++) {
    const key = (prefix << 8) | pixels[index];
    const known = table.get(key);
    if (known !== undefined) {
      prefix = known;
      continue;
    }
    write(prefix);
    if (next <= LARGEST_CODE) {
      if (next === 1 << size) size++;
      table.set(key, next++);
    } else {
      write(clear);
      table = new Map();
      [size, next] = [bits + 1, end + 1];
    }
    prefix = pixels[index];
  }
  write(prefix);
  write(end);
  if (held) packed.push(buffer & 255);
  const blocks = [bits];
  for (let from = 0; from < packed.length; from += 255) {
    const block = packed.slice(from, from + 255);
    blocks.push(block.length, ...block);
  }
  blocks.push(0);
  return Uint8Array.from(blocks);
}

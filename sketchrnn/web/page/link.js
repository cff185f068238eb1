// A drawing as text for a link's end: offsets in half units as base64url, most of them a byte.

const STEP = 0.5; // of a coordinate, in units of the 255 box: a third of a line's width
const VERSION = 1;
const MOST_BYTES = 100_000;

class Writer {
  bytes = [];

  /** Whole numbers, seven bits a byte, the sign in the lowest. */
  number(value) {
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    while (rest > 127) {
      this.bytes.push((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    this.bytes.push(rest);
  }

  strokes(strokes) {
    this.number(strokes.length);
    let [x, y] = [0, 0];
    for (const stroke of strokes) {
      this.number(stroke.length);
      for (const point of stroke) {
        const [nextX, nextY] = [Math.round(point[0] / STEP), Math.round(point[1] / STEP)];
        this.number(nextX - x);
        this.number(nextY - y);
        [x, y] = [nextX, nextY];
      }
    }
  }

  text(text) {
    const bytes = new TextEncoder().encode(text);
    this.number(bytes.length);
    this.bytes.push(...bytes);
  }
}

class Reader {
  place = 0;

  constructor(bytes) {
    this.bytes = bytes;
  }

  number() {
    let [value, weight] = [0, 1];
    for (;;) {
      if (this.place >= this.bytes.length || weight > 2 ** 42) throw new Error("the link is cut short or damaged");
      const byte = this.bytes[this.place++];
      value += (byte & 127) * weight;
      if (byte < 128) return value % 2 ? -(value + 1) / 2 : value / 2;
      weight *= 128;
    }
  }

  count() {
    const count = this.number();
    if (count < 0 || count > this.bytes.length) throw new Error("the link is damaged");
    return count;
  }

  strokes() {
    let [x, y] = [0, 0];
    return Array.from({ length: this.count() }, () =>
      Array.from({ length: this.count() }, () => {
        x += this.number();
        y += this.number();
        return [x * STEP, y * STEP];
      }),
    ).filter((stroke) => stroke.length);
  }

  text() {
    const size = this.count();
    this.place += size;
    return new TextDecoder().decode(Uint8Array.from(this.bytes.slice(this.place - size, this.place)));
  }
}

/** Returns what stands after a link's `#`. */
export function encodedDrawing({ ink, completion, category, temperature, seed }) {
  const writer = new Writer();
  writer.number(VERSION);
  writer.strokes(ink);
  writer.strokes(completion);
  writer.text(category ?? "");
  writer.number(Math.round(temperature * 100));
  writer.number(seed);
  const text = Array.from(writer.bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Reads what `encodedDrawing` wrote; throws where it is damaged. */
export function decodedDrawing(text) {
  if (!/^[\w-]+$/.test(text) || text.length > MOST_BYTES) throw new Error("the link is damaged");
  const decoded = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const reader = new Reader(Array.from(decoded, (letter) => letter.charCodeAt(0)));
  if (reader.number() !== VERSION) throw new Error("the link is of another version of this page, or damaged");
  const drawing = {
    ink: reader.strokes(),
    completion: reader.strokes(),
    category: reader.text() || null,
    temperature: reader.number() / 100,
    seed: reader.number(),
  };
  if (!(drawing.temperature > 0 && drawing.temperature <= 10 && drawing.seed >= 0 && drawing.seed < 2 ** 31))
    throw new Error("the link is damaged");
  return drawing;
}

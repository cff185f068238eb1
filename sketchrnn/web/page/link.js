/** A drawing as text, for the end of a link: offsets in half units, most of them a byte, as base64url. */

import { hasWidths } from "./geometry.js";

/** @typedef {import("./geometry.js").Stroke} Stroke */

const STEP = 0.5; // units of a coordinate: a quarter of a line's width
const WIDTH_STEP = 0.05;
const VERSION = 2; // 1 had no widths, and no category of the completion
const MOST_BYTES = 100_000;

class Writer {
  bytes = [];

  /** Writes a whole number, seven bits a byte, the sign in the lowest. */
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
      const widths = hasWidths(stroke);
      this.number(2 * stroke.length + Number(widths));
      for (const point of stroke) {
        const [nextX, nextY] = [Math.round(point[0] / STEP), Math.round(point[1] / STEP)];
        this.number(nextX - x);
        this.number(nextY - y);
        if (widths) this.number(Math.round((point[2] ?? 1) / WIDTH_STEP));
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
  position = 0;

  constructor(bytes) {
    this.bytes = bytes;
    this.version = this.number();
  }

  number() {
    let [value, weight] = [0, 1];
    for (;;) {
      if (this.position >= this.bytes.length || weight > 2 ** 42) throw new LinkError("damagedLink");
      const byte = this.bytes[this.position++];
      value += (byte & 127) * weight;
      if (byte < 128) return value % 2 ? -(value + 1) / 2 : value / 2;
      weight *= 128;
    }
  }

  count() {
    const count = this.number();
    if (!(count >= 0 && count <= 2 * this.bytes.length + 1)) throw new LinkError("damagedLink");
    return count;
  }

  strokes() {
    let [x, y] = [0, 0];
    return Array.from({ length: this.count() }, () => {
      const size = this.count();
      const widths = this.version > 1 && size % 2 === 1;
      return Array.from({ length: this.version > 1 ? size >> 1 : size }, () => {
        x += this.number();
        y += this.number();
        const width = widths ? [Math.round(this.number() * WIDTH_STEP * 100) / 100] : [];
        return [x * STEP, y * STEP, ...width];
      });
    }).filter((stroke) => stroke.length);
  }

  text() {
    const size = this.count();
    this.position += size;
    return new TextDecoder().decode(Uint8Array.from(this.bytes.slice(this.position - size, this.position)));
  }
}

/** What is wrong with a link; `message` is a key of the texts. */
export class LinkError extends Error {}

/**
 * Returns a drawing as text.
 * @param {{ ink: Stroke[], completion: Stroke[], category: string | null, subject: string | null, temperature: number,
 *   seed: number }} drawing `category`: chosen by the user; `subject`: what the completion is
 */
export function encodedDrawing({ ink, completion, category, subject, temperature, seed }) {
  const writer = new Writer();
  writer.number(VERSION);
  writer.strokes(ink);
  writer.strokes(completion);
  writer.text(category ?? "");
  writer.number(Math.round(temperature * 100));
  writer.number(seed);
  writer.text(subject ?? "");
  const text = Array.from(writer.bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Reads what `encodedDrawing` wrote. Throws LinkError where it is damaged. */
export function decodedDrawing(text) {
  if (!/^[\w-]+$/.test(text) || text.length > MOST_BYTES) throw new LinkError("damagedLink");
  let decoded;
  try {
    decoded = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    throw new LinkError("damagedLink");
  }
  const reader = new Reader(Array.from(decoded, (letter) => letter.charCodeAt(0)));
  if (reader.version !== 1 && reader.version !== VERSION) throw new LinkError("strangeLink");
  const drawing = {
    ink: reader.strokes(),
    completion: reader.strokes(),
    category: reader.text() || null,
    temperature: reader.number() / 100,
    seed: reader.number(),
    subject: (reader.version > 1 && reader.text()) || null,
  };
  if (!(drawing.temperature > 0 && drawing.temperature <= 10 && drawing.seed >= 0 && drawing.seed < 2 ** 31))
    throw new LinkError("damagedLink");
  return drawing;
}

/** Returns the part of a text that holds a drawing: a link, or what "copy as text" gives. */
export function drawingIn(text) {
  const found = /^(?:\S*#)?([\w-]{8,})$/.exec(text.trim());
  return found?.[1] ?? null;
}

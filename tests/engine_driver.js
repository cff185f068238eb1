// What the tests ask of the engine, in Node and in Chromium: calls by name, with JSON values.

import { indexOfName } from "../sketchrnn/web/engine/categories.js";
import { Engine } from "../sketchrnn/web/engine/engine.js";
import { encodePrefix } from "../sketchrnn/web/engine/prefix.js";
import { philox } from "../sketchrnn/web/engine/random.js";
import { pictureOf } from "../sketchrnn/web/engine/recognizer.js";
import { drawSettings } from "../sketchrnn/web/engine/settings.js";
import { simplified, sketchOf } from "../sketchrnn/web/engine/sketch.js";

let engine;

const finished = (steps) => {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
};
const rowsOf = ({ strokes, pen_down: penDown }, category, options) =>
  finished(encodePrefix(engine.network, engine.recognizer, sketchOf(strokes, penDown), category, options));

export const calls = {
  philox,
  simplified,
  categories: (names, categories) => names.map((name) => indexOfName(name, categories)),
  picture: (strokes, size) => [...pictureOf(strokes, size)],
  load(base64, options) {
    engine = new Engine(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer, options);
    return engine.description;
  },
  prefix(sketch, category, options) {
    const { scale, rows, lastPoint, sketch: seen } = rowsOf(sketch, category, options);
    return { scale, rows: rows.map((row) => [...row]), lastPoint, penDown: seen.penDown };
  },
  mixtures(sketch, categories, guidance, clarity) {
    const { network } = engine;
    const state = network.start(categories.map((category) => network.conditioning(category, null, guidance, clarity)));
    for (const row of rowsOf(sketch, null, { scale: 1, arrange: false }).rows) network.step(state, [row]);
    const plain = (mixture) => Object.fromEntries(Object.entries(mixture).map(([name, values]) => [name, [...values]]));
    return network.mixtures(state).map(plain);
  },
  encode(sketch, category) {
    const { rows } = rowsOf(sketch, null, { scale: 1, arrange: false });
    return engine.network.encode(rows.slice(1), category).map((values) => [...values]);
  },
  settings: () => drawSettings({}),
  recognize: (strokes) => [...engine.recognizer.logProbabilities({ strokes })],
  guess: (sketch, options) => finished(engine.guess(sketch.strokes, { ...options, penDown: sketch.pen_down })),
  draw: (sketch, options) => finished(engine.draw(sketch.strokes, { ...options, penDown: sketch.pen_down })),
  events(sketch, options) {
    return [...engine.draw(sketch.strokes, { ...options, penDown: sketch.pen_down })].filter(Boolean);
  },
};

/** Answers a call as JSON: `{ value }`, or `{ error }` with its message. */
export function answer(text) {
  const [name, ...values] = JSON.parse(text);
  try {
    return JSON.stringify({ value: calls[name](...values) });
  } catch (error) {
    return JSON.stringify({ error: `${error.name}: ${error.message}` });
  }
}

if (globalThis.process?.stdin) {
  const { createInterface } = await import("node:readline");
  for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${answer(line)}\n`);
}

/** The engine of a model file: drawing and guessing as generators of steps, which `Model` and the worker run. */

import { draw } from "./draw.js";
import { guess } from "./guess.js";
import { makeKernel } from "./kernel.js";
import { readModelFile } from "./model-file.js";
import { Network } from "./network.js";
import { encodePrefix } from "./prefix.js";
import { makeRecognizer } from "./recognizer.js";
import { drawSettings, guessSettings } from "./settings.js";
import { sketchOf } from "./sketch.js";

export class Engine {
  /** `plain`: without WebAssembly. */
  constructor(buffer, { plain = false } = {}) {
    const file = readModelFile(buffer);
    const kernel = makeKernel({ plain });
    this.network = new Network(file, kernel);
    this.recognizer = makeRecognizer(file, kernel);
  }

  /** Description of the model. */
  get description() {
    const { configuration, offsetScale, file, kernel } = this.network;
    const { categories, conditional, canDrawWithoutLatent } = configuration;
    const canGuess = Boolean(this.recognizer) || (conditional && canDrawWithoutLatent);
    return { categories, canGuess, offsetScale, unit: file.unit, kernel: kernel.name };
  }

  /** Yields null regularly; returns `[{ category, probability }, ...]`, the most probable first. */
  *guess(strokes, options = {}) {
    const { penDown, scale } = guessSettings(options);
    return yield* guess(this.network, this.recognizer, sketchOf(strokes, penDown), scale);
  }

  /** See `draw` in draw.js. */
  *draw(strokes, options = {}) {
    const settings = drawSettings(options);
    const sketch = sketchOf(strokes, settings.penDown);
    const { categories, conditional } = this.network.configuration;
    let { category } = settings;
    if (category === null && conditional && sketch.strokes.length)
      [{ category }] = yield* guess(this.network, this.recognizer, sketch, settings.scale);
    const index = indexOf(category, categories, conditional);
    const prefix = yield* encodePrefix(this.network, sketch, index, settings);
    return yield* draw(this.network, this.recognizer, prefix, index, settings);
  }
}

/** Returns the index of a category; 0 for a model with one category. */
function indexOf(category, categories, conditional) {
  if (!conditional && (category === null || !categories.length)) return 0;
  const wanted = category?.toLowerCase().replaceAll("_", " ");
  const index = categories.findIndex((name) => name === category);
  const folded = index < 0 ? categories.findIndex((name) => name.toLowerCase() === wanted) : index;
  if (folded < 0)
    throw new RangeError(`category: expected one of the model's ${categories.length} categories, found ${category}`);
  return folded;
}

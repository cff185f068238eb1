/** The engine of a model file: drawing and guessing as generators of steps, which `Model` and the worker run. */

import { indexOfName } from "./categories.js";
import { draw, triesOf } from "./draw.js";
import { guess } from "./guess.js";
import { makeKernel } from "./kernel.js";
import { readModelFile } from "./model-file.js";
import { Network } from "./network.js";
import { encodePrefix } from "./prefix.js";
import { makeRecognizer } from "./recognizer.js";
import { drawSettings, guessSettings } from "./settings.js";
import { sketchOf } from "./sketch.js";

const CATEGORIES_TRIED = 5; // as in sketchrnn/model/guess.py

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

  /**
   * Yields `{ event: "start", category, drawings: [{ seed, candidate }], guesses }`, then the events of `draw` in draw.js,
   * and returns its result. Without a category, the most probable category is drawn. If nothing is added to the sketch as
   * this category, the next ones are tried, up to CATEGORIES_TRIED in all, as in sketchrnn/model/model.py. Each try has its
   * own "start".
   */
  *draw(strokes, options = {}) {
    const settings = drawSettings(options);
    const sketch = sketchOf(strokes, settings.penDown);
    const { categories, conditional } = this.network.configuration;
    const isOpen = settings.category === null && conditional && sketch.strokes.length > 0;
    const guesses = isOpen ? yield* guess(this.network, this.recognizer, sketch, settings.scale) : null;
    const names = guesses?.slice(0, CATEGORIES_TRIED).map(({ category }) => category) ?? [settings.category];
    let first;
    for (const name of names) {
      const index = indexOf(name, categories, conditional);
      yield { event: "start", category: categories[index] ?? null, drawings: triesOf(settings), guesses };
      const prefix = yield* encodePrefix(this.network, this.recognizer, sketch, index, settings);
      const drawn = yield* draw(this.network, this.recognizer, prefix, index, settings);
      first ??= drawn;
      if (drawn.completions.some(({ strokes }) => strokes.length)) return drawn;
    }
    return first;
  }
}

/** Returns the index of a category; 0 for a model with one category. */
function indexOf(category, categories, conditional) {
  if (!conditional && (category === null || !categories.length)) return 0;
  const index = category === null ? -1 : indexOfName(category, categories);
  if (index < 0)
    throw new RangeError(`category: expected one of the model's ${categories.length} categories, found ${category}`);
  return index;
}

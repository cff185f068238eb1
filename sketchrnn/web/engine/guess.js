/** What a partial sketch is going to be. */

import { logLikelihood } from "./likelihood.js";

const MARGIN = 20; // nats behind the best guess at which a category is given up

/** Yields now and then; returns all categories of a model, `{ category, probability }`, the most probable first. */
export function* guess(network, recognizer, prefix) {
  const { categories, canDrawWithoutLatent } = network.configuration;
  if (!categories.length) throw new Error("guess: this model was trained on drawings without a category");
  let log;
  if (recognizer) log = recognizer.logProbabilities(prefix.sketch);
  else {
    if (!canDrawWithoutLatent) throw new Error("guess: this model was trained with z only and has no recognizer");
    const state = network.start(categories.map((_, index) => network.condition(index)));
    log = yield* logLikelihood(network, state, [prefix.rows], { prior: network.file.categoryLogPrior, margin: MARGIN });
  }
  const highest = log.reduce((one, other) => Math.max(one, other), -Infinity);
  const likelihood = Array.from(log, (value) => Math.exp(value - highest));
  const sum = likelihood.reduce((total, value) => total + value, 0);
  return categories
    .map((category, index) => ({ category, probability: likelihood[index] / sum }))
    .sort((one, other) => other.probability - one.probability);
}

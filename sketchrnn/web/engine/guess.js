/** Guessing the category of a partial sketch. */

import { logLikelihood } from "./likelihood.js";
import { encodePrefix } from "./prefix.js";

const MARGIN = 20; // categories this number of nats behind the best are dropped

/** Yields regularly; returns all categories of a model, `{ category, probability }`, the most probable first. */
export function* guess(network, recognizer, sketch, scale) {
  const { categories, canDrawWithoutLatent } = network.configuration;
  if (!categories.length) throw new Error("guess: expected a model with categories, found one without");
  if (!recognizer && !canDrawWithoutLatent)
    throw new Error("guess: expected a model with a recognizer, or that draws without z");
  const log = recognizer
    ? recognizer.logProbabilities(sketch)
    : yield* byLikelihood(network, yield* encodePrefix(network, null, sketch, null, { scale }));
  const highest = log.reduce((one, other) => Math.max(one, other), -Infinity);
  const likelihood = Array.from(log, (value) => Math.exp(value - highest));
  const sum = likelihood.reduce((total, value) => total + value, 0);
  return categories
    .map((category, index) => ({ category, probability: likelihood[index] / sum }))
    .sort((one, other) => other.probability - one.probability);
}

/** By Bayes' rule: the likelihood of the strokes under each category, times the prior of the category. */
function* byLikelihood(network, { rows }) {
  const state = network.start(network.configuration.categories.map((_, index) => network.conditioning(index)));
  return yield* logLikelihood(network, state, [rows], { prior: network.file.categoryLogPrior, margin: MARGIN });
}

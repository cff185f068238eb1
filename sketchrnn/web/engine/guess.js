/** What a partial sketch is going to be. */

import { logLikelihood } from "./likelihood.js";
import { seePrefix } from "./prefix.js";

const MARGIN = 20; // nats behind the best guess at which a category is given up

/** Yields now and then; returns all categories of a model, `{ category, probability }`, the most probable first. */
export function* guess(network, recognizer, sketch, scale) {
  const { categories, canDrawWithoutLatent } = network.configuration;
  if (!categories.length) throw new Error("guess: this model was trained on drawings without a category");
  if (!recognizer && !canDrawWithoutLatent)
    throw new Error("guess: this model was trained with z only and has no recognizer");
  const log = recognizer
    ? recognizer.logProbabilities(sketch)
    : yield* byLikelihood(network, yield* seePrefix(network, sketch, null, { scale }));
  const highest = log.reduce((one, other) => Math.max(one, other), -Infinity);
  const likelihood = Array.from(log, (value) => Math.exp(value - highest));
  const sum = likelihood.reduce((total, value) => total + value, 0);
  return categories
    .map((category, index) => ({ category, probability: likelihood[index] / sum }))
    .sort((one, other) => other.probability - one.probability);
}

/** By Bayes' rule: the likelihood of the strokes under each category, times how often training had the category. */
function* byLikelihood(network, { rows }) {
  const state = network.start(network.configuration.categories.map((_, index) => network.condition(index)));
  return yield* logLikelihood(network, state, [rows], { prior: network.file.categoryLogPrior, margin: MARGIN });
}

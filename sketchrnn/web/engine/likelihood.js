/** How likely the network holds a drawing under several suppositions at once; twin of sketchrnn/model/likelihood.py. */

import { logProb } from "./mixture.js";

const ROWS_BETWEEN_CUTS = 4;

/**
 * Yields now and then, so that others get their turn; returns the log density of a prefix under each of K suppositions.
 *
 * `state`: before START, of K drawings; it is changed. `rows`: START and the prefix, in offset scales: one list for all, or
 * a list for each. `prior`: added to each. `logUnit`: logarithm of what the prefix's own coordinates were multiplied by for
 * each; an offset of exactly 0 counts as a probability. `margin`: what falls so many nats behind is followed no further.
 */
export function* logLikelihood(network, state, rows, { prior, logUnit, margin = Infinity }) {
  const count = state.size;
  const rowsOf = (drawing) => (rows.length === 1 ? rows[0] : rows[drawing]);
  const total = Float64Array.from(prior);
  const behind = new Float64Array(count); // the best, of those that are followed no further
  let followed = Array.from({ length: count }, (_, index) => index);
  const best = () => followed.reduce((highest, index) => Math.max(highest, total[index]), -Infinity);
  for (let number = 1; number < rowsOf(0).length; number++) {
    network.step(state, followed.map((index) => rowsOf(index)[number - 1]));
    network.mixtures(state).forEach((mixture, place) => {
      const index = followed[place];
      const row = rowsOf(index)[number];
      const offsets = Number(row[0] !== 0) + Number(row[1] !== 0);
      total[index] += logProb(mixture, row) + (logUnit ? offsets * logUnit[index] : 0);
    });
    yield null;
    if (number % ROWS_BETWEEN_CUTS !== 1) continue;
    const highest = best();
    const near = [...followed.keys()].filter((place) => highest - total[followed[place]] <= margin);
    if (near.length === followed.length) continue;
    for (const index of followed) if (highest - total[index] > margin) behind[index] = highest - total[index];
    state = network.take(state, near);
    followed = near.map((place) => followed[place]);
  }
  const highest = best();
  return total.map((value, index) => (behind[index] ? highest - behind[index] : value));
}

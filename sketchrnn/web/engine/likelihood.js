/** The likelihood of a drawing under several hypotheses; counterpart of sketchrnn/model/likelihood.py. */

import { logProb } from "./mixture.js";

const ROWS_BETWEEN_CUTS = 2;

/**
 * Yields regularly, so that other work can run; returns the log density of a prefix under each of K hypotheses.
 *
 * `state`: before START, of K drawings; it is changed. `rows`: START and the prefix, in offset scales: one list for
 * all, or a list for each. `prior`: added to each. `logUnit`: logarithm of the factor of the prefix's coordinates for
 * each; an offset of exactly 0 counts as a probability. `margin`: hypotheses this number of nats behind the best are
 * dropped.
 * @param {any} network @param {any} state @param {(number[] | Float32Array)[][]} rows
 * @param {{ prior: ArrayLike<number>, logUnit?: number[], margin?: number }} options
 */
export function* logLikelihood(network, state, rows, { prior, logUnit, margin = Infinity }) {
  const count = state.size;
  const rowsOf = (drawing) => (rows.length === 1 ? rows[0] : rows[drawing]);
  const total = Float64Array.from(prior);
  const behind = new Float64Array(count); // the best, for dropped hypotheses
  let active = Array.from({ length: count }, (_, index) => index);
  const best = () => active.reduce((highest, index) => Math.max(highest, total[index]), -Infinity);
  for (let number = 1; number < rowsOf(0).length; number++) {
    const highest = best();
    const cut = number % ROWS_BETWEEN_CUTS === 0;
    const near = [...active.keys()].filter((slot) => !cut || highest - total[active[slot]] <= margin);
    if (near.length < active.length) {
      for (const index of active) if (highest - total[index] > margin) behind[index] = highest - total[index];
      state = network.take(state, near);
      active = near.map((slot) => active[slot]);
    }
    network.step(state, active.map((index) => rowsOf(index)[number - 1]));
    network.mixtures(state).forEach((mixture, slot) => {
      const index = active[slot];
      const row = rowsOf(index)[number];
      const offsets = Number(row[0] !== 0) + Number(row[1] !== 0);
      total[index] += logProb(mixture, row) + (logUnit ? offsets * logUnit[index] : 0);
    });
    yield null;
  }
  const highest = best();
  return total.map((value, index) => (behind[index] ? highest - behind[index] : value));
}

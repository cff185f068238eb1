/** The distribution of the next row: a mixture of normal distributions for the offset, three states for the pen. */

const MAX_LOG_SIGMA = 7;
const MAX_RHO_LOGIT = 5;
const LOG_TWO_PI = Math.log(2 * Math.PI);

/** Splits one output of the decoder: pen, pi, mu_x, mu_y, sigma_x, sigma_y, rho. */
export function mixtureOf(output, mixtures) {
  const section = (index) => output.subarray(3 + index * mixtures, 3 + (index + 1) * mixtures);
  const bounded = (values, bound) => values.map((value) => Math.max(-bound, Math.min(bound, value)));
  return {
    logPi: logSoftmax(section(0)),
    muX: section(1),
    muY: section(2),
    logSigmaX: bounded(section(3), MAX_LOG_SIGMA),
    logSigmaY: bounded(section(4), MAX_LOG_SIGMA),
    rho: bounded(section(5), MAX_RHO_LOGIT).map(Math.tanh),
    logQ: logSoftmax(output.subarray(0, 3)),
  };
}

/**
 * Returns a mixture with the logits of pi and q divided by a temperature and the variances multiplied by it.
 * `topP`: keep only the likeliest components with this total weight.
 */
export function atTemperature(mixture, temperature, penTemperature, topP) {
  const wider = 0.5 * Math.log(temperature); // -Infinity at 0: the mean
  let logPi = tempered(mixture.logPi, temperature);
  if (topP < 1) logPi = likeliest(logPi, topP);
  return {
    ...mixture,
    logPi,
    logQ: tempered(mixture.logQ, penTemperature),
    logSigmaX: mixture.logSigmaX.map((value) => value + wider),
    logSigmaY: mixture.logSigmaY.map((value) => value + wider),
  };
}

/**
 * Log density of a stroke-5 row's offset, in offset scales, plus the log probability of its pen state.
 * @param {ReturnType<typeof mixtureOf>} mixture @param {number[] | Float32Array} row
 */
export function logProb({ logPi, muX, muY, logSigmaX, logSigmaY, rho, logQ }, row) {
  const [dx, dy, p1, p2, p3] = row;
  const terms = new Float64Array(logPi.length);
  let highest = -Infinity;
  for (let index = 0; index < terms.length; index++) {
    const x = (dx - muX[index]) * Math.exp(-logSigmaX[index]);
    const y = (dy - muY[index]) * Math.exp(-logSigmaY[index]);
    const rest = 1 - rho[index] * rho[index];
    const quadratic = (x - rho[index] * y) ** 2 / rest + y * y;
    terms[index] =
      logPi[index] - 0.5 * (quadratic + Math.log(rest)) - logSigmaX[index] - logSigmaY[index] - LOG_TWO_PI;
    highest = Math.max(highest, terms[index]);
  }
  let sum = 0;
  for (const term of terms) sum += Math.exp(term - highest);
  return highest + Math.log(sum) + p1 * logQ[0] + p2 * logQ[1] + p3 * logQ[2];
}

/** Converts two numbers from N(0, 1) to an offset of one component. */
export function offsetOf({ muX, muY, logSigmaX, logSigmaY, rho }, component, noise) {
  const [first, second] = noise;
  const correlation = rho[component];
  const correlated = correlation * first + Math.sqrt(1 - correlation * correlation) * second;
  return [
    muX[component] + Math.exp(logSigmaX[component]) * first,
    muY[component] + Math.exp(logSigmaY[component]) * correlated,
  ];
}

/** Returns the index of the outcome for a uniform number. */
export function inverseCdf(logWeights, uniform) {
  const weights = Array.from(logWeights, Math.exp);
  let rest = uniform * weights.reduce((sum, weight) => sum + weight, 0);
  for (let index = 0; index < weights.length - 1; index++) {
    rest -= weights[index];
    if (rest < 0) return index;
  }
  return weights.length - 1;
}

export function logSoftmax(logits) {
  const highest = logits.reduce((one, other) => Math.max(one, other), -Infinity);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - highest);
  const norm = highest + Math.log(sum);
  return logits.map((logit) => logit - norm);
}

function tempered(logWeights, temperature) {
  if (temperature > 0) return logSoftmax(logWeights.map((value) => value / temperature));
  const largest = logWeights.indexOf(Math.max(...logWeights));
  return logWeights.map((_, index) => (index === largest ? 0 : -Infinity));
}

function likeliest(logPi, topP) {
  const order = Array.from(logPi.keys()).sort((one, other) => logPi[other] - logPi[one]);
  const kept = new Float32Array(logPi.length).fill(-Infinity);
  let before = 0; // the weight of all likelier components
  for (const index of order) {
    if (before >= topP) break;
    kept[index] = logPi[index];
    before += Math.exp(logPi[index]);
  }
  return logSoftmax(kept);
}

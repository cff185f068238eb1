/** Converts a partial sketch for the model; counterpart of sketchrnn/model/prefix.py and scale.py. */

import { arranged } from "./arrangement.js";
import { logLikelihood } from "./likelihood.js";
import { LOG_EXTENTS } from "./recognizer.js";
import { extentOf, pointCount, rounded, scaledAtOrigin, simplifiedInPlace, stroke5, withAtMost } from "./sketch.js";

const MAX_PREFIX_POINTS = 2_000; // that the model sees: the last ones of a longer prefix, after simplification
const [SMALLEST_EXTENT, LARGEST_EXTENT] = [1e-30, 1e30]; // range of float32
const FEWER_POINTS = 0.7; // a prefix is simplified if that leaves at most this share of its points
const DECIMALS = 3; // of rounded coordinates, so that a drawing in two units gives the same result
const START = [0, 0, 1, 0, 0];

// The prior of models without a recognizer: how large the first 2 ** LOG2_ROWS rows are: the share that is as large as
// the whole drawing; and, of the others, mean and deviation of log(extent / extent of the whole drawing).
const LOG2_ROWS = [0, 1, 2, 3, 4, 5, 6];
const USUAL_EXTENTS = [
  [0.01, -2, 0.95], [0.03, -1.2, 0.72], [0.08, -0.79, 0.56], [0.21, -0.53, 0.44], [0.43, -0.36, 0.32],
  [0.62, -0.26, 0.24], [0.72, -0.2, 0.19],
];
const LEAST_PROBABILITY = 1e-12; // of an extent, so that the prior excludes none
const USUAL_SHARE = 0.7; // extent of a typical prefix relative to the whole drawing, for simplification
// Logarithms of the extent relative to the whole drawing, in steps; the scale is one of them.
const STEP = 0.03;
const GRID = Array.from({ length: 148 }, (_, index) => STEP * (index - 147));
const EFFECTIVE_ROWS = 8; // the likelihood of more rows counts as that of this number
const QUANTILE = 0.7; // of the posterior
const MOST_SCALE_ROWS = 32; // rows whose likelihood is computed; more rows change the scale little
const SCALE_MARGIN = 16; // scales this number of nats behind the best are dropped

/**
 * Yields regularly; returns the given `sketch` with its pen position, the `scale`, units of the model in one unit of
 * the sketch, the `rows` for the model (START and stroke-5 rows in offset scales), and their `lastPoint` in the
 * coordinates of the sketch.
 */
export function* encodePrefix(network, recognizer, sketch, category, { scale = null, pen = null, arrange = false }) {
  const extent = extentOf(sketch);
  if (extent && !(extent > SMALLEST_EXTENT && extent < LARGEST_EXTENT))
    throw new RangeError(`strokes: expected ${SMALLEST_EXTENT} to ${LARGEST_EXTENT} units across, found ${extent}`);
  const largest = LARGEST_EXTENT / Math.max(1, extent);
  const short = withAtMost(sketch, MAX_PREFIX_POINTS);
  if (scale === null) scale = yield* findScale(network, recognizer, short, category);
  else if (!(scale > 0 && scale < largest))
    throw new RangeError(`scale: expected above 0 and below ${largest}, found ${scale}`);
  let seen = asTrained(scaledAtOrigin(short, scale));
  let { penDown } = sketch;
  if (pen !== null) penDown = sketch.strokes.length > 0 && pen === "down";
  if (pen === "auto" && sketch.strokes.length) penDown = yield* penStaysDown(network, seen, category);
  [sketch, seen] = [sketch, seen].map((one) => ({ ...one, penDown }));
  let lastPoint = sketch.strokes.at(-1)?.at(-1) ?? [0, 0];
  const chosen = arrange ? yield* arranged(network, seen, category) : seen;
  if (chosen !== seen && !penDown) // else its last stroke does not change
    lastPoint = chosen.strokes.at(-1).at(-1).map((value, axis) => value / scale + short.strokes[0][0][axis]);
  return { sketch, scale, rows: rowsOf(network, chosen), lastPoint };
}

/** Returns a drawing in the model's unit with as few points as the training drawings have. */
function asTrained(sketch) {
  const fewer = simplifiedInPlace(sketch);
  return pointCount(fewer) <= FEWER_POINTS * pointCount(sketch) ? rounded(fewer, 0) : rounded(sketch, DECIMALS);
}

function rowsOf({ offsetScale }, sketch) {
  const scaled = ([dx, dy, ...pen]) => Float32Array.of(dx / offsetScale, dy / offsetScale, ...pen);
  return [START, ...stroke5(sketch)].map(scaled);
}

function* penStaysDown(network, seen, category) {
  const state = network.start([network.conditioning(category)]);
  for (const row of rowsOf(network, seen).slice(0, -1)) {
    network.step(state, [row]);
    yield null;
  }
  const [{ logQ }] = network.mixtures(state);
  return logQ[0] > logQ[1];
}

/** Returns the scale, a quantile of its posterior: units of the training drawings in one unit of the sketch. */
function* findScale(network, recognizer, sketch, category) {
  const extent = extentOf(sketch);
  if (!extent || !(recognizer || network.configuration.canDrawWithoutLatent)) return 1;
  const seen = asTrained(scaledAtOrigin(sketch, (USUAL_SHARE * network.wholeExtent) / extent));
  const logPosterior = recognizer
    ? logExtentProbabilities(recognizer.extentOutputs(seen, category))
    : yield* byLikelihood(network, seen, category);
  const highest = Math.max(...logPosterior);
  let total = 0;
  const cumulative = logPosterior.map((value) => (total += Math.exp(value - highest)));
  const logExtent = GRID[cumulative.findIndex((value) => value >= QUANTILE * total)];
  return (Math.exp(logExtent) * network.wholeExtent) / extent;
}

/**
 * Returns the log probability of each extent of GRID. All outputs of the recognizer but the last one are the log density
 * at LOG_EXTENTS, not normalized. The last one is the logit of the probability that the sketch is as large as the whole
 * drawing.
 */
function logExtentProbabilities(outputs) {
  const [values, logit] = [outputs.slice(0, -1), outputs.at(-1)];
  const density = GRID.map((x) => interpolated(x, LOG_EXTENTS, values));
  const highest = Math.max(...density);
  const total = density.reduce((sum, value) => sum + Math.exp(value - highest), 0);
  const smaller = 1 / (1 + Math.exp(logit)); // the probability
  const probability = density.map((value) => (Math.exp(value - highest) / total) * smaller);
  probability[probability.length - 1] += 1 - smaller;
  return probability.map(Math.log);
}

/** Returns the log posterior of each extent of GRID, not normalized. */
function* byLikelihood(network, seen, category) {
  const unit = USUAL_SHARE * network.offsetScale; // as large as a whole drawing
  const rows = [START, ...stroke5(seen)].map(([dx, dy, ...pen]) => [dx / unit, dy / unit, ...pen]);
  const likelihood = yield* likelihoodsOfExtents(network, rows, category);
  const prior = logPrior(rows.length - 1);
  const weight = Math.min(1, EFFECTIVE_ROWS / (rows.length - 1));
  return GRID.map((x, index) => weight * interpolated(x, LOG_EXTENTS, likelihood) + prior[index]);
}

/** Returns the log likelihood of a prefix at each extent of LOG_EXTENTS. */
function likelihoodsOfExtents(network, rows, category) {
  const first = rows.slice(0, MOST_SCALE_ROWS + 1);
  const scaled = LOG_EXTENTS.map((log) =>
    first.map(([dx, dy, ...pen]) => Float32Array.of(dx * Math.exp(log), dy * Math.exp(log), ...pen)),
  );
  const conditioning = network.conditioning(category);
  return logLikelihood(network, network.start(LOG_EXTENTS.map(() => conditioning)), scaled, {
    prior: LOG_EXTENTS.map(() => 0),
    logUnit: LOG_EXTENTS,
    margin: SCALE_MARGIN,
  });
}

/** Returns the log probability of each extent of GRID, of a prefix with this number of rows. */
function logPrior(rows) {
  const [whole, mean, deviation] = [0, 1, 2].map((index) =>
    interpolated(Math.log2(rows), LOG2_ROWS, USUAL_EXTENTS.map((values) => values[index])),
  );
  const probability = GRID.map((x) => Math.exp(-0.5 * ((x - mean) / deviation) ** 2));
  const total = probability.reduce((sum, value) => sum + value, 0);
  return probability.map((value, index) => {
    const ofWhole = index === GRID.length - 1 ? whole : 0;
    return Math.log(Math.max((value * (1 - whole)) / total + ofWhole, LEAST_PROBABILITY));
  });
}

/** Returns the value at x of a function that is linear between ascending `xs` and constant outside. */
function interpolated(x, xs, values) {
  if (x >= xs.at(-1)) return values.at(-1);
  if (x <= xs[0]) return values[0];
  const above = xs.findIndex((each) => each > x);
  const share = (x - xs[above - 1]) / (xs[above] - xs[above - 1]);
  return values[above - 1] + share * (values[above] - values[above - 1]);
}

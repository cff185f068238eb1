/** Converts a partial sketch for the model; counterpart of sketchrnn/model/prefix.py and scale.py. */

import { arranged } from "./arrangement.js";
import { logLikelihood } from "./likelihood.js";
import { extentOf, pointCount, rounded, scaledAtOrigin, simplifiedInPlace, stroke5, withAtMost } from "./sketch.js";

const MAX_PREFIX_POINTS = 2_000; // that the model sees: the last ones of a longer prefix, after simplification
const [SMALLEST_EXTENT, LARGEST_EXTENT] = [1e-30, 1e30]; // range of float32
const FEWER_POINTS = 0.7; // a prefix is simplified if that leaves at most this share of its points
const DECIMALS = 3; // of rounded coordinates, so that a drawing in two units gives the same result
const START = [0, 0, 1, 0, 0];

// Mean and deviation of log(larger side / offset_scale) of the first 2 ** LOG2_ROWS rows of the training drawings.
const LOG2_ROWS = [0, 1, 2, 3, 4, 5, 6];
const USUAL_EXTENT = [-0.06, 0.64, 1.24, 1.65, 1.88, 1.98, 2.02];
const USUAL_DEVIATION = [0.93, 0.74, 0.56, 0.42, 0.28, 0.19, 0.14];
const COARSE_STEP = (Math.log(15) - Math.log(0.1)) / 11;
const COARSE = Array.from({ length: 12 }, (_, index) => Math.log(0.1) + index * COARSE_STEP);
const FINE = Array.from({ length: 4 }, (_, index) => (-0.375 + 0.25 * index) * COARSE_STEP);
const MOST_SCALE_ROWS = 32; // rows whose likelihood is computed; more rows change the scale little
const SCALE_MARGIN = 8; // scales this number of nats behind the best are dropped

/**
 * Yields regularly; returns the given `sketch` with its pen position, the `scale`, units of the model in one unit of
 * the sketch, the `rows` for the model (START and stroke-5 rows in offset scales), and their `lastPoint` in the
 * coordinates of the sketch.
 */
export function* encodePrefix(network, sketch, category, { scale = null, pen = null, arrange = false }) {
  const extent = extentOf(sketch);
  if (extent && !(extent > SMALLEST_EXTENT && extent < LARGEST_EXTENT))
    throw new RangeError(`strokes: expected ${SMALLEST_EXTENT} to ${LARGEST_EXTENT} units across, found ${extent}`);
  const largest = LARGEST_EXTENT / Math.max(1, extent);
  const short = withAtMost(sketch, MAX_PREFIX_POINTS);
  if (scale === null) scale = yield* findScale(network, short, category);
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

/** Returns the most probable scale: units of the training drawings in one unit of the sketch. */
function* findScale(network, sketch, category) {
  const extent = extentOf(sketch);
  if (!extent || !network.configuration.canDrawWithoutLatent) return 1;
  const usual = Math.exp(USUAL_EXTENT[4]) * network.offsetScale; // larger side for simplification
  const seen = rounded(simplifiedInPlace(scaledAtOrigin(sketch, usual / extent)), DECIMALS);
  const rows = [START, ...stroke5(seen)].map(([dx, dy, ...pen]) => [dx / usual, dy / usual, ...pen]); // larger side 1
  let best = yield* mostProbable(network, rows, COARSE, category);
  best = yield* mostProbable(network, rows, FINE.map((step) => best + step), category);
  return (Math.exp(best) * network.offsetScale) / extent;
}

/** Returns the most probable of several logarithms of the larger side, in offset scales. */
function* mostProbable(network, rows, logExtents, category) {
  const length = Math.log2(rows.length - 1);
  const [mean, deviation] = [USUAL_EXTENT, USUAL_DEVIATION].map((values) => interpolated(length, LOG2_ROWS, values));
  const first = rows.slice(0, MOST_SCALE_ROWS + 1);
  const scaled = logExtents.map((log) =>
    first.map(([dx, dy, ...pen]) => Float32Array.of(dx * Math.exp(log), dy * Math.exp(log), ...pen)),
  );
  const conditioning = network.conditioning(category);
  const posterior = yield* logLikelihood(network, network.start(logExtents.map(() => conditioning)), scaled, {
    prior: logExtents.map((log) => -0.5 * ((log - mean) / deviation) ** 2),
    logUnit: logExtents,
    margin: SCALE_MARGIN,
  });
  return logExtents[posterior.indexOf(Math.max(...posterior))];
}

function interpolated(x, xs, values) {
  if (x >= xs.at(-1)) return values.at(-1);
  const index = Math.floor(x);
  return values[index] + (x - index) * (values[index + 1] - values[index]);
}

/** Completing a partial sketch; counterpart of sketchrnn/model/completion.py and choice.py. */

import { atTemperature, inverseCdf, offsetOf } from "./mixture.js";
import { keyOf, normals, philox, uniform } from "./random.js";
import { extentOf, signatureOf } from "./sketch.js";

const [LIFTED, ENDED] = [1, 2];
const PAGE = 13; // larger side of a drawing, in offset scales, beyond which it has left the page
const SPOT = 0.1; // a drawing scribbles if a square of SPOT times its larger side has more than SPOT_SHARE of its points
const [SPOT_SHARE, SPOT_POINTS] = [1 / 3, 4]; // and at least SPOT_POINTS
const [POINTS, LATENTS] = [0, 1]; // streams of random numbers
const GOOD_SCORE = Math.log(0.8); // after a candidate without flaws and with this score, the others do not count

/**
 * Draws candidates of a partial sketch, all at once. Yields null regularly so that other work can run, and events of each
 * drawing: `{ event: "points", drawing, points, lift }`, unless nothing is added, and `{ event: "end", drawing, ended }`.
 *
 * Returns all completions, `{ category, strokes, penDown, seed, candidate, ended, score, flaws }`, in the order of the
 * drawings, as `candidates`, and the chosen ones as `completions`.
 */
export function* draw(network, recognizer, prefix, category, settings) {
  const { count, bestOf, maxPoints, temperature, penTemperature, topP, diverse } = settings;
  const tries = triesOf(settings);
  let state = yield* afterPrefix(network, prefix, conditioningsOf(network, prefix, category, tries, settings), tries.length);
  const drawings = tries.map((one) => new Drawing(one, prefix, network.offsetScale / prefix.scale));
  let active = [...drawings.keys()];
  for (let step = 0; step < maxPoints && active.length; step++) {
    const rows = network.mixtures(state).map((mixture, slot) => {
      const { seed: own, candidate } = tries[active[slot]];
      const words = philox([step, candidate, POINTS, 0], keyOf(own));
      return sampled(atTemperature(mixture, temperature, penTemperature, topP), words);
    });
    const continuing = [];
    for (const [slot, row] of rows.entries()) {
      const drawing = active[slot];
      if (row[4]) {
        drawings[drawing].ended = true;
        yield { event: "end", drawing, ended: true };
        continue;
      }
      continuing.push(slot);
      yield { event: "points", drawing, points: drawings[drawing].add(row), lift: row[3] > 0 };
    }
    if (continuing.length < active.length) {
      state = network.take(state, continuing);
      active = continuing.map((slot) => active[slot]);
    }
    if (active.length && step + 1 < maxPoints) network.step(state, continuing.map((slot) => rows[slot]));
    yield null;
  }
  for (const drawing of active) yield { event: "end", drawing, ended: false };
  return yield* chosen(drawings, network, recognizer, prefix, category, { count, bestOf, diverse });
}

/** Returns the seed and the number of each candidate. */
export function triesOf({ count, bestOf, seed }) {
  const indices = Array.from({ length: count * bestOf }, (_, index) => index);
  return indices.map((index) => ({ seed: seed + Math.floor(index / bestOf), candidate: index % bestOf }));
}

/** A drawing in progress. */
class Drawing {
  ended = false;
  points = 0;

  constructor({ seed, candidate }, { sketch: { strokes, penDown }, lastPoint }, unit) {
    this.seed = seed;
    this.candidate = candidate;
    this.unit = unit;
    this.origin = lastPoint;
    this.moved = [0, 0]; // from the last point of the prefix
    this.penDown = penDown || !strokes.length;
    this.strokes = this.penDown ? [[[...this.origin]]] : [];
    this.decimals = 3 - Math.floor(Math.log10(unit)); // a thousandth of a usual offset
  }

  /** Adds a row; returns the new points; the first time together with the point from which a stroke continues. */
  add([dx, dy, , lift]) {
    this.moved = [this.moved[0] + dx * this.unit, this.moved[1] + dy * this.unit];
    const point = this.moved.map((value, axis) =>
      roundedTo(this.origin[axis] + roundedTo(value, this.decimals), this.decimals + 3),
    );
    if (!this.penDown) this.strokes.push([]);
    this.strokes.at(-1).push(point);
    const continues = this.points === 0 && this.penDown;
    this.penDown = !lift;
    this.points++;
    return continues ? [...this.strokes[0]] : [point];
  }

  /** Returns the whole drawing, with the prefix. */
  joined({ strokes, penDown }) {
    if (!this.points) return { strokes };
    if (!penDown) return { strokes: [...strokes, ...this.strokes] };
    const [first, ...rest] = this.strokes;
    return { strokes: [...strokes.slice(0, -1), [...strokes.at(-1), ...first.slice(1)], ...rest] };
  }
}

function roundedTo(value, decimals) {
  const power = 10 ** Math.abs(decimals);
  return decimals < 0 ? Math.round(value / power) * power : Math.round(value * power) / power;
}

/** Returns the conditioning of each drawing, or one for all. */
function conditioningsOf(network, { rows }, category, tries, { latent, guidance, clarity }) {
  const { variational, canDrawWithoutLatent, latentUnits } = network.configuration;
  if (!variational && latent !== "auto" && latent !== "none")
    throw new RangeError(`latent: expected "none" for a model without an encoder, found "${latent}"`);
  if (latent === "auto") latent = canDrawWithoutLatent ? "none" : "prefix";
  if (latent === "none") {
    if (!canDrawWithoutLatent)
      throw new RangeError('latent: expected "prefix" or "prior" for a model that was trained with z only');
    return [network.conditioning(category, null, guidance, clarity)];
  }
  const [mean, logvar] = latent === "prefix" && rows.length > 1 ? network.encode(rows.slice(1), category) : [];
  return tries.map(({ seed, candidate }) => {
    const noise = [];
    for (let block = 0; noise.length < latentUnits; block++) {
      const [w0, w1, w2, w3] = philox([block, candidate, LATENTS, 0], keyOf(seed));
      noise.push(...normals(w0, w1), ...normals(w2, w3));
    }
    const z = noise.slice(0, latentUnits).map((value, unit) => mean ? mean[unit] + Math.exp(0.5 * logvar[unit]) * value : value);
    return network.conditioning(category, z, guidance, clarity);
  });
}

/** Returns the states after the prefix. */
function* afterPrefix(network, { rows }, conditionings, count) {
  const state = network.start(conditionings);
  for (const row of rows) {
    network.step(state, [row]);
    yield null;
  }
  return conditionings.length === count ? state : network.take(state, Array(count).fill(0));
}

/** Converts four random words to a stroke-5 row, in offset scales. */
function sampled(mixture, words) {
  const [w0, w1, w2, w3] = words;
  const offset = offsetOf(mixture, inverseCdf(mixture.logPi, uniform(w0)), normals(w2, w3));
  const pen = inverseCdf(mixture.logQ, uniform(w1));
  return Float32Array.of(...offset, Number(pen === 0), Number(pen === LIFTED), Number(pen === ENDED));
}

/** Returns the `candidates` with their scores, and the chosen ones as `completions`. */
function* chosen(drawings, network, recognizer, prefix, category, { count, bestOf, diverse }) {
  const candidates = [];
  const wholes = drawings.map((drawing) => drawing.joined(prefix.sketch));
  const seen = pointsOf(prefix.rows);
  const repeated = Number(prefix.sketch.penDown || !prefix.sketch.strokes.length); // the last point, which starts a stroke
  const factor = prefix.scale / network.offsetScale;
  const asSeen = (point) => point.map((value, axis) => (value - prefix.lastPoint[axis]) * factor + seen.at(-1)[axis]);
  for (const [index, { strokes, seed, candidate, ended, points, penDown }] of drawings.entries()) {
    const drawn = points ? strokes : [];
    candidates.push({
      category: network.configuration.categories[category] ?? null,
      strokes: drawn,
      penDown: points > 0 && penDown,
      seed,
      candidate,
      ended,
      score: recognizer && (bestOf > 1 || diverse) ? recognizer.logProbabilities(wholes[index])[category] : 0,
      flaws: Number(!ended) + flawsOf([...seen, ...drawn.flat().slice(repeated).map(asSeen)]),
    });
    yield null;
  }
  const order = [...candidates.keys()].sort(
    (one, other) => candidates[one].flaws - candidates[other].flaws || candidates[other].score - candidates[one].score,
  );
  const isGood = (index) => !candidates[index].flaws && candidates[index].score >= GOOD_SCORE;
  const best = diverse
    ? farApart(order, candidates, wholes).slice(0, count)
    : Array.from({ length: count }, (_, number) => {
        const isOwn = (index) => Math.floor(index / bestOf) === number;
        return [...candidates.keys()].find((index) => isOwn(index) && isGood(index)) ?? order.find(isOwn);
      });
  return { candidates, completions: best.map((index) => candidates[index]) };
}

/** Returns the best candidate, then always the one that is farthest from the chosen ones, and last those with flaws. */
function farApart(order, candidates, wholes) {
  const [first, ...others] = order;
  const signatures = wholes.map(signatureOf);
  const distance = (one, other) =>
    signatures[one].reduce((sum, value, index) => sum + Math.abs(value - signatures[other][index]), 0);
  const taken = [first];
  const left = others.filter((index) => !candidates[index].flaws);
  const nearest = candidates.map(() => Infinity); // distance from the chosen ones
  while (left.length) {
    for (const index of left) nearest[index] = Math.min(nearest[index], distance(index, taken.at(-1)));
    const farthest = left.reduce((one, other) => (nearest[other] > nearest[one] ? other : one));
    taken.push(...left.splice(left.indexOf(farthest), 1));
  }
  return [...taken, ...others.filter((index) => candidates[index].flaws)];
}

/** Returns the points of rows, with the origin. */
function pointsOf(rows) {
  let [x, y] = [0, 0];
  return rows.map(([dx, dy]) => [(x += dx), (y += dy)]);
}

/** Returns the number of flaws of the points of prefix and completion: off the page, scribbled in place. */
function flawsOf(points) {
  const larger = extentOf({ strokes: [points] });
  return Number(larger > PAGE) + Number(scribbles(points, larger));
}

/** Returns whether too many points are in one spot. */
function scribbles(points, larger) {
  const half = (SPOT * larger) / 2 + 1e-12;
  const tooMany = Math.max(SPOT_POINTS, Math.floor(SPOT_SHARE * points.length) + 1);
  const near = ([x, y]) => points.filter((other) => Math.abs(other[0] - x) <= half && Math.abs(other[1] - y) <= half).length;
  return points.some((point) => near(point) >= tooMany);
}

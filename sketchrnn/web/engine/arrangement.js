/**
 * The order, direction and start of given strokes that the decoder finds likeliest; counterpart of
 * sketchrnn/model/arrangement.py.
 */

import { logProb } from "./mixture.js";
import { extentOf, lengthOf, pointCount, stroke5 } from "./sketch.js";

const MAX_ARRANGED_POINTS = 160; // prefixes with more points are not rearranged
const STARTS = 4; // starting points that are tried for a closed stroke
const CLOSED = 0.1; // a stroke is closed if its ends are at most this share of its larger side apart
const KEPT = 4; // another arrangement must be this number of nats likelier than the given one

const MOST_KEPT = 200; // strokes whose likeliest variant is remembered
/** By network, category and the strokes up to one: a drawing that grows by a stroke needs the work for that stroke only. */
const remembered = new WeakMap();

/**
 * Yields regularly; returns a drawing in the model's unit with its strokes rearranged, or unchanged if that is
 * best.
 */
export function* arranged(network, sketch, category) {
  if (!sketch.strokes.length || pointCount(sketch) > MAX_ARRANGED_POINTS) return sketch;
  if (!network.configuration.canDrawWithoutLatent) return sketch;
  let best = null;
  for (const [number, order] of ordersOf(sketch).entries()) {
    const { given, path } = yield* likeliest(network, category, order, sketch.penDown, { withGiven: !number });
    best ??= { ...given, isGiven: true };
    if (path.logDensity > best.logDensity + (best.isGiven ? KEPT : 0)) best = path;
  }
  return best.isGiven ? sketch : { ...sketch, strokes: best.strokes };
}

/**
 * Returns strokes in an order: as a `path`, each in the variant that is likeliest after those before it, and as they are
 * `given`, if wanted.
 */
function* likeliest(network, category, order, penDown, { withGiven }) {
  if (!remembered.has(network) || remembered.get(network).size > MOST_KEPT) remembered.set(network, new Map());
  const known = remembered.get(network);
  let key = `${category} ${withGiven}`;
  let both = { given: null, path: null };
  for (const [index, stroke] of order.entries()) {
    const continues = penDown && index === order.length - 1;
    key += ` ${stroke} ${continues}`;
    both = known.get(key) ?? (yield* withNext(network, category, both, stroke, { continues, withGiven }));
    known.set(key, both);
  }
  return both;
}

/** Returns two paths, null for empty ones, with the next stroke: in its likeliest variant, and as it is given. */
function* withNext(network, category, { given, path }, stroke, { continues, withGiven }) {
  const nexts = (continues ? [stroke] : variantsOf(stroke)).map((choice) => ({ before: path, choice }));
  const variants = nexts.length;
  if (withGiven && given !== path) nexts.push({ before: given, choice: stroke }); // else it is the first variant
  const empty = path ? null : network.step(network.start([network.conditioning(category)]), [[0, 0, 1, 0, 0]]);
  const rows = nexts.map(({ before, choice }) => rowsAfter(before?.strokes.at(-1), choice, continues, network.offsetScale));
  const total = nexts.map(() => 0);
  const state = network.joined(nexts.map(({ before }) => before?.state ?? empty));
  for (let number = 0; number < rows[0].length; number++) {
    const next = rows.map((own) => own[number]);
    network.mixtures(state).forEach((mixture, slot) => (total[slot] += logProb(mixture, next[slot])));
    network.step(state, next);
    yield null;
  }
  const paths = nexts.map(({ before, choice }, slot) => ({
    strokes: [...(before?.strokes ?? []), choice],
    logDensity: (before?.logDensity ?? 0) + total[slot],
    state: network.take(state, [slot]),
  }));
  const best = paths.slice(0, variants).reduce((one, other) => (other.logDensity > one.logDensity ? other : one));
  return { given: withGiven ? paths[variants] ?? paths[0] : null, path: best };
}

/** Returns the rows of a stroke after another, in offset scales. */
function rowsAfter(before, stroke, penDown, offsetScale) {
  const rows = before
    ? stroke5({ strokes: [[before.at(-1)], stroke], penDown }).slice(1) // the first row is that of the previous stroke's end
    : stroke5({ strokes: [stroke], penDown });
  return rows.map(([dx, dy, ...pen]) => Float32Array.of(dx / offsetScale, dy / offsetScale, ...pen));
}

/** Returns a stroke, the reversed stroke, and if it is closed, the stroke with other starting points. */
function variantsOf(stroke) {
  if (stroke.length === 1) return [stroke];
  const variants = [stroke, [...stroke].reverse()];
  const side = extentOf({ strokes: [stroke] });
  if (stroke.length <= STARTS || !side || lengthOf(stroke[0], stroke.at(-1)) > CLOSED * side) return variants;
  for (let number = 1; number < STARTS; number++) {
    const start = Math.floor((number * (stroke.length - 1)) / STARTS);
    const turned = [...stroke.slice(start, -1), ...stroke.slice(0, start + 1)];
    variants.push(turned, [...turned].reverse());
  }
  return variants;
}

/** Returns the orders of the strokes that are tried, each once. */
function ordersOf({ strokes, penDown }) {
  const free = penDown ? strokes.slice(0, -1) : strokes;
  const last = strokes.slice(free.length);
  const side = free.map((stroke) => extentOf({ strokes: [stroke] }));
  const given = [...free.keys()];
  const largestFirst = [...given].sort((one, other) => side[other] - side[one]);
  const orders = [given];
  if (largestFirst.join() !== given.join() && side[largestFirst[0]] > 0) orders.push(largestFirst);
  return orders.map((order) => [...order.map((index) => free[index]), ...last]);
}

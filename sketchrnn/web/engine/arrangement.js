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

/**
 * Yields regularly; returns a drawing in the model's unit with its strokes rearranged, or unchanged if that is
 * best.
 */
export function* arranged(network, sketch, category) {
  if (!sketch.strokes.length || pointCount(sketch) > MAX_ARRANGED_POINTS) return sketch;
  if (!network.configuration.canDrawWithoutLatent) return sketch;
  const start = network.step(network.start([network.conditioning(category)]), [[0, 0, 1, 0, 0]]);
  let best = yield* likeliest(network, start, sketch.strokes, sketch.penDown, (stroke) => [stroke]);
  best.strokes = sketch.strokes;
  for (const order of ordersOf(sketch)) {
    const path = yield* likeliest(network, start, order, sketch.penDown, variantsOf);
    if (path.logDensity > best.logDensity + (best.strokes === sketch.strokes ? KEPT : 0)) best = path;
  }
  return best.strokes === sketch.strokes ? sketch : { ...sketch, strokes: best.strokes };
}

/** Returns strokes in an order, each in its likeliest variant after the previous ones. */
function* likeliest(network, start, order, penDown, variants) {
  let state = network.take(start, [0]);
  let logDensity = 0;
  const strokes = [];
  for (const [index, stroke] of order.entries()) {
    const continues = penDown && index === order.length - 1;
    const choices = continues ? [stroke] : variants(stroke);
    const rows = choices.map((choice) => rowsAfter(strokes.at(-1), choice, continues, network.offsetScale));
    const total = choices.map(() => 0);
    state = network.take(state, choices.map(() => 0));
    for (let number = 0; number < rows[0].length; number++) {
      const next = rows.map((own) => own[number]);
      network.mixtures(state).forEach((mixture, choice) => (total[choice] += logProb(mixture, next[choice])));
      network.step(state, next);
      yield null;
    }
    const best = total.indexOf(Math.max(...total));
    state = network.take(state, [best]);
    strokes.push(choices[best]);
    logDensity += total[best];
  }
  return { strokes, logDensity };
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

/**
 * A drawing: `strokes`, each a list of points [x, y] in any unit, y pointing down; `penDown`: the last stroke is
 * unfinished.
 */

const BOX = 255; // pixels: the larger side of a simplified Quick, Draw! drawing
const BOX_EPSILON = 2; // pixels of the 255 box: Google's value for the Quick, Draw! drawings
const FINE_EPSILON = 0.5; // for drawings with too many points

/** Returns a drawing from a user's strokes: lists of points [x, y] or { x, y }. @param {any} strokes */
export function sketchOf(strokes, penDown = false) {
  if (!Array.isArray(strokes)) throw new TypeError(`strokes: expected a list of strokes, found ${typeof strokes}`);
  const checked = Array.from(strokes, (stroke, index) => {
    if (typeof (stroke ?? [])[Symbol.iterator] !== "function")
      throw new TypeError(`stroke ${index}: expected a list of points, found ${typeof stroke}`);
    return Array.from(stroke ?? [], (point, number) => {
      const pair = Array.isArray(point) || ArrayBuffer.isView(point);
      const [x, y] = pair ? /** @type {any} */ (point) : [point?.x, point?.y];
      if (!Number.isFinite(x) || !Number.isFinite(y))
        throw new TypeError(`stroke ${index}, point ${number}: expected finite numbers (x, y), found (${x}, ${y})`);
      return [x, y];
    });
  }).filter((stroke) => stroke.length);
  return { strokes: checked, penDown: penDown && checked.length > 0 };
}

export function pointCount({ strokes }) {
  return strokes.reduce((count, stroke) => count + stroke.length, 0);
}

/** Returns the larger side of a drawing's bounds. */
export function extentOf({ strokes }) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const stroke of strokes)
    for (const [x, y] of stroke) {
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  return strokes.length ? Math.max(right - left, bottom - top) : 0;
}

/** Returns a drawing with its first point at the origin, times a factor. */
export function scaledAtOrigin(sketch, factor) {
  const [x0, y0] = sketch.strokes[0]?.[0] ?? [0, 0];
  return withPoints(sketch, ([x, y]) => [x * factor - factor * x0, y * factor - factor * y0]);
}

export function rounded(sketch, decimals) {
  const power = 10 ** decimals;
  return withPoints(sketch, (point) => point.map((value) => roundedToEven(value * power) / power));
}

function withPoints(sketch, change) {
  return { ...sketch, strokes: sketch.strokes.map((stroke) => stroke.map(change)) };
}

/** Rounds halves to the even neighbor, as NumPy does. */
function roundedToEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

/**
 * Returns a drawing's rows after START, [dx, dy, p1, p2, p3]. The first point is the origin, before the first row,
 * unless the first stroke never moves: it then has a row for its lift.
 */
export function stroke5({ strokes, penDown }) {
  const rows = [];
  let last = strokes[0]?.[0];
  strokes.forEach((stroke, index) =>
    stroke.forEach((point, number) => {
      const continues = penDown && index === strokes.length - 1;
      const lift = Number(number === stroke.length - 1 && !continues);
      rows.push([point[0] - last[0], point[1] - last[1], 1 - lift, lift, 0]);
      last = point;
    }),
  );
  const moves = strokes.length && strokes[0].some(([x, y]) => x !== strokes[0][0][0] || y !== strokes[0][0][1]);
  return moves ? rows.slice(1) : rows;
}

/**
 * Simplifies strokes by Ramer-Douglas-Peucker. Strokes with more than one point per pixel are first resampled.
 * The drawing is in pixels of the 255 box. The counterpart of `simplify_in_place` in sketchrnn/sketch/simplify.py.
 */
export function simplifiedInPlace(sketch, epsilon = BOX_EPSILON) {
  const strokes = sketch.strokes.map((stroke) => {
    const along = distances(stroke);
    return simplified(stroke.length > along.at(-1) + 1 ? resampled(stroke, along) : stroke, epsilon);
  });
  return { ...sketch, strokes };
}

/**
 * Returns a drawing with at most `limit` points: simplified if it has more, then only its last points. The counterpart
 * of `with_at_most` in sketchrnn/sketch/simplify.py.
 */
export function withAtMost(sketch, limit) {
  if (pointCount(sketch) <= limit) return sketch;
  const factor = BOX / (extentOf(sketch) || 1);
  const corner = cornerOf(sketch);
  const inBox = withPoints(sketch, (point) => point.map((value, axis) => value * factor - factor * corner[axis]));
  const strokes = [];
  let missing = limit;
  for (const stroke of simplifiedInPlace(inBox, FINE_EPSILON).strokes.reverse()) {
    if (missing <= 0) break;
    strokes.unshift(stroke.slice(-missing));
    missing -= stroke.length;
  }
  return withPoints({ ...sketch, strokes }, (point) => point.map((value, axis) => value / factor + corner[axis]));
}

/** Returns the smallest x and y. */
function cornerOf({ strokes }) {
  return [0, 1].map((axis) => strokes.flat().reduce((least, point) => Math.min(least, point[axis]), Infinity));
}

/** Returns the distance of each point from the start, along the stroke. */
function distances(stroke) {
  let sum = 0;
  return stroke.map((point, index) => (sum += index ? lengthOf(point, stroke[index - 1]) : 0));
}

/** Returns points at every unit along a stroke, including both ends. */
function resampled(stroke, along) {
  const end = along.at(-1);
  if (!end) return [stroke[0], stroke.at(-1)];
  const points = [];
  let next = 1;
  for (let position = 0; position < end; position++) {
    while (next < stroke.length - 1 && along[next] <= position) next++;
    const [from, to] = [stroke[next - 1], stroke[next]];
    const side = along[next] - along[next - 1];
    points.push(from.map((value, axis) => ((to[axis] - value) / side) * (position - along[next - 1]) + value));
  }
  return [...points, stroke.at(-1)];
}

const SIGNATURE_POINTS = 64;

/** Returns the shape of a drawing, for comparisons: points at equal distances on the pen's path in the 255 box. */
export function signatureOf(sketch) {
  const points = sketch.strokes.flat();
  if (!points.length) return new Float32Array(2 * SIGNATURE_POINTS);
  const [left, top] = cornerOf(sketch);
  const factor = BOX / (extentOf(sketch) || BOX);
  const path = points.map(([x, y]) => [(x - left) * factor, (y - top) * factor]);
  const along = distances(path);
  let next = 1;
  return Float32Array.from({ length: 2 * SIGNATURE_POINTS }, (_, index) => {
    const position = (along.at(-1) * (index >> 1)) / (SIGNATURE_POINTS - 1);
    while (next < path.length - 1 && along[next] < position) next++;
    const [from, to] = [path[next - 1][index & 1], (path[next] ?? path[0])[index & 1]];
    const side = along[next] - along[next - 1];
    return side > 0 ? from + ((to - from) * (position - along[next - 1])) / side : to;
  });
}

/** Ramer-Douglas-Peucker with the distance from the infinite line through the ends of a piece. */
export function simplified(stroke, epsilon) {
  if (stroke.length < 3) return stroke.slice();
  const kept = new Uint8Array(stroke.length);
  kept[0] = kept[stroke.length - 1] = 1;
  const pieces = [[0, stroke.length - 1]];
  while (pieces.length) {
    const [first, last] = pieces.pop();
    let [farthest, split] = [0, -1];
    for (let index = first + 1; index < last; index++) {
      const distance = distanceToLine(stroke[index], stroke[first], stroke[last]);
      if (distance > farthest) [farthest, split] = [distance, index];
    }
    if (farthest > epsilon) {
      kept[split] = 1;
      pieces.push([first, split], [split, last]);
    }
  }
  return stroke.filter((_, index) => kept[index]);
}

function distanceToLine(point, from, to) {
  const [x, y] = [point[0] - from[0], point[1] - from[1]];
  const [alongX, alongY] = [to[0] - from[0], to[1] - from[1]];
  const side = lengthOf(from, to);
  return side ? Math.abs(alongX * y - alongY * x) / side : lengthOf(point, from);
}

/** Returns the distance of two points. */
export function lengthOf([x0, y0], [x1, y1]) {
  return Math.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2);
}

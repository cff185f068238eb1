/**
 * Points, strokes and curves. A point is [x, y] or [x, y, width] in units of the 255 box, y pointing down; `width` is a
 * factor of LINE_WIDTH, 1 where it is missing.
 * @typedef {[number, number, number?]} Point
 * @typedef {Point[]} Stroke
 * @typedef {[number, number, number, number]} Bounds left, top, right, bottom
 */

export const LINE_WIDTH = 2.2; // units

/** Returns the bounds of some strokes; null where there is no point. @param {Stroke[]} strokes @returns {Bounds | null} */
export function boundsOf(strokes) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const stroke of strokes)
    for (const [x, y] of stroke) {
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  return left <= right ? [left, top, right, bottom] : null;
}

/** Returns a stroke moved by (dx, dy). @param {Stroke} stroke */
export function moved(stroke, dx, dy) {
  return stroke.map(([x, y, ...width]) => [x + dx, y + dy, ...width]);
}

/** Returns a stroke without points that are closer than `distance` to the point before; both ends stay. */
export function thinned(stroke, distance) {
  const kept = [stroke[0]];
  for (const point of stroke.slice(1, -1)) if (apart(point, kept.at(-1)) >= distance) kept.push(point);
  if (stroke.length > 1) kept.push(stroke.at(-1));
  return kept;
}

/** Tells whether a stroke passes within `reach` of the line from one point to another. */
export function touches(stroke, from, to, reach) {
  const crosses = stroke.some((point, index) => index > 0 && segmentsCross(stroke[index - 1], point, from, to));
  if (crosses) return true;
  const near = (point, start, end) => distanceToSegment(point, start, end) <= reach;
  return (
    stroke.some((point) => near(point, from, to)) ||
    stroke.some((point, index) => index > 0 && (near(from, stroke[index - 1], point) || near(to, stroke[index - 1], point)))
  );
}

function segmentsCross(a, b, c, d) {
  const side = ([px, py], [qx, qy], [rx, ry]) => Math.sign((qx - px) * (ry - py) - (qy - py) * (rx - px));
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

function distanceToSegment([x, y], [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const share = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy) || 0;
  const along = Math.max(0, Math.min(1, share));
  return Math.hypot(x - x0 - along * dx, y - y0 - along * dy);
}

function apart([x0, y0], [x1, y1]) {
  return Math.hypot(x1 - x0, y1 - y0);
}

const SHARP = Math.cos((65 * Math.PI) / 180); // a sharper turn stays a corner
const LONGEST_HANDLE = 16; // units, so that a long straight line stays straight

/** Returns two control points for each piece of a stroke: a smooth curve through all of its points. */
function controlPoints(stroke) {
  const controls = [];
  let leaving = [0, 0]; // direction in which the curve leaves the previous point
  for (let index = 0; index + 1 < stroke.length; index++) {
    const [from, to, after] = [stroke[index], stroke[index + 1], stroke[index + 2]];
    const side = apart(from, to);
    const next = after ? apart(to, after) : 0;
    let arriving = [0, 0];
    if (side && next) {
      const [ax, ay] = [(to[0] - from[0]) / side, (to[1] - from[1]) / side];
      const [bx, by] = [(after[0] - to[0]) / next, (after[1] - to[1]) / next];
      const size = Math.hypot(ax + bx, ay + by);
      if (ax * bx + ay * by > SHARP) arriving = [(ax + bx) / size, (ay + by) / size];
    }
    const handle = Math.min(side / 3, LONGEST_HANDLE);
    controls.push([
      [from[0] + leaving[0] * handle, from[1] + leaving[1] * handle],
      [to[0] - arriving[0] * handle, to[1] - arriving[1] * handle],
    ]);
    leaving = arriving;
  }
  return controls;
}

const rounded = (value) => String(Math.round(value * 100) / 100);
const pair = ([x, y]) => `${rounded(x)} ${rounded(y)}`;

/** Returns the center line of a stroke as SVG and Path2D read it. A stroke of one point is a line of no length: a dot. */
export function pathData(stroke) {
  if (stroke.length === 1) return `M${pair(stroke[0])}h0`;
  const controls = controlPoints(stroke);
  return `M${pair(stroke[0])}` + controls.map(([a, b], index) => `C${pair(a)} ${pair(b)} ${pair(stroke[index + 1])}`).join("");
}

const PIECE = 3; // units: length of the straight pieces of a curve
const MOST_PIECES = 6;

/** Returns the same curve as short straight lines: `points`, with widths, and how `far` along the curve each of them is. */
export function flattened(stroke) {
  const points = [[...stroke[0].slice(0, 2), stroke[0][2] ?? 1]];
  controlPoints(stroke).forEach(([a, b], index) => {
    const [from, to] = [stroke[index], stroke[index + 1]];
    const pieces = Math.max(1, Math.min(MOST_PIECES, Math.ceil(apart(from, to) / PIECE)));
    for (let piece = 1; piece <= pieces; piece++) {
      const t = piece / pieces;
      const u = 1 - t;
      const [x, y] = [0, 1].map((axis) => u * u * u * from[axis] + 3 * u * u * t * a[axis] + 3 * u * t * t * b[axis] + t * t * t * to[axis]);
      points.push([x, y, u * (from[2] ?? 1) + t * (to[2] ?? 1)]);
    }
  });
  let length = 0;
  const far = points.map((point, index) => (length += index ? apart(point, points[index - 1]) : 0));
  return { points, far, length };
}

/** Tells whether the width of a stroke changes along it, or is not the usual one. */
export function hasWidths(stroke) {
  return stroke.some(([, , width = 1]) => width !== 1);
}

const BEND = Math.cos((35 * Math.PI) / 180); // at a sharper bend, the outline gets a round joint

/** Returns the outline of a stroke whose width changes, as SVG and Path2D read it, to be filled. */
export function outlineData(stroke) {
  const points = distinct(flattened(stroke).points);
  const radius = ([, , width]) => (width * LINE_WIDTH) / 2;
  if (points.length === 1) return circleData(points[0], radius(points[0]));
  const directions = points.slice(1).map((point, index) => {
    const length = apart(point, points[index]);
    return [(point[0] - points[index][0]) / length, (point[1] - points[index][1]) / length];
  });
  const [left, right, joints] = [[], [], []];
  points.forEach((point, index) => {
    const [before, after] = [directions[Math.max(0, index - 1)], directions[Math.min(index, directions.length - 1)]];
    const [x, y] = [before[0] + after[0], before[1] + after[1]];
    const [dx, dy] = Math.hypot(x, y) > 1e-6 ? [x / Math.hypot(x, y), y / Math.hypot(x, y)] : after;
    const size = radius(point);
    left.push([point[0] + dy * size, point[1] - dx * size]);
    right.push([point[0] - dy * size, point[1] + dx * size]);
    if (before[0] * after[0] + before[1] * after[1] < BEND) joints.push(circleData(point, size));
  });
  const cap = (point, end) => `A${rounded(radius(point))} ${rounded(radius(point))} 0 0 1 ${pair(end)}`;
  const lines = (side) => side.map((point) => `L${pair(point)}`).join("");
  const back = right.toReversed();
  return (
    `M${pair(left[0])}${lines(left.slice(1))}${cap(points.at(-1), back[0])}` +
    `${lines(back.slice(1))}${cap(points[0], left[0])}Z${joints.join("")}`
  );
}

function distinct(points) {
  return points.filter((point, index) => !index || apart(point, points[index - 1]) > 1e-3);
}

function circleData([x, y], radius) {
  const size = rounded(radius);
  return `M${rounded(x - radius)} ${rounded(y)}a${size} ${size} 0 1 1 ${rounded(2 * radius)} 0a${size} ${size} 0 1 1 ${rounded(-2 * radius)} 0Z`;
}

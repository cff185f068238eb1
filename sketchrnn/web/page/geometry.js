// Strokes are lists of points [x, y] in units of the 255 box, y pointing down.

/** Returns [xMin, yMin, xMax, yMax] of some strokes; null where there is no point. */
export function boundsOf(strokes) {
  let bounds = null;
  for (const stroke of strokes)
    for (const [x, y] of stroke)
      bounds = bounds
        ? [Math.min(bounds[0], x), Math.min(bounds[1], y), Math.max(bounds[2], x), Math.max(bounds[3], y)]
        : [x, y, x, y];
  return bounds;
}

const SHARP = Math.cos((65 * Math.PI) / 180); // a sharper turn stays a corner
const LONGEST_HANDLE = 16; // so that a long straight line stays one

/** Returns the control points between a stroke's points, two for each: a smooth line through all of them. */
function controlPoints(stroke) {
  const length = (index) => Math.hypot(stroke[index + 1][0] - stroke[index][0], stroke[index + 1][1] - stroke[index][1]);
  const controls = [];
  let leaving = [0, 0]; // direction in which the curve leaves the previous point
  for (let index = 0; index + 1 < stroke.length; index++) {
    const [from, to, after] = [stroke[index], stroke[index + 1], stroke[index + 2]];
    const side = length(index);
    const direction = side ? [(to[0] - from[0]) / side, (to[1] - from[1]) / side] : [0, 0];
    let arriving = [0, 0];
    if (after && side && length(index + 1)) {
      const next = [(after[0] - to[0]) / length(index + 1), (after[1] - to[1]) / length(index + 1)];
      if (direction[0] * next[0] + direction[1] * next[1] > SHARP) {
        const sum = [direction[0] + next[0], direction[1] + next[1]];
        const size = Math.hypot(...sum);
        arriving = [sum[0] / size, sum[1] / size];
      }
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

/** Returns the path of a stroke, as SVG and Path2D read it. A stroke of one point is a line of no length: a dot. */
export function pathData(stroke) {
  const point = ([x, y]) => `${rounded(x)} ${rounded(y)}`;
  if (stroke.length === 1) return `M${point(stroke[0])}h0`;
  const controls = controlPoints(stroke);
  return `M${point(stroke[0])}` + controls.map(([a, b], index) => `C${point(a)} ${point(b)} ${point(stroke[index + 1])}`).join("");
}

const PIECES = 6;

/** Returns the same path as many short lines: `points`, and how `far` along the path each of them is. */
export function flattened(stroke) {
  const points = [stroke[0]];
  controlPoints(stroke).forEach(([a, b], index) => {
    const [from, to] = [stroke[index], stroke[index + 1]];
    for (let piece = 1; piece <= PIECES; piece++) {
      const t = piece / PIECES;
      const u = 1 - t;
      points.push([0, 1].map((axis) => u * u * u * from[axis] + 3 * u * u * t * a[axis] + 3 * u * t * t * b[axis] + t * t * t * to[axis]));
    }
  });
  let total = 0;
  const far = points.map((point, index) => {
    if (index) total += Math.hypot(point[0] - points[index - 1][0], point[1] - points[index - 1][1]);
    return total;
  });
  return { points, far, length: total };
}

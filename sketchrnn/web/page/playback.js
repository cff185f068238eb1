/** An ending that draws itself on the sheet, as fast as its strokes arrive and no faster than a hand. */

import { LINE_WIDTH, flattened, pathData } from "./geometry.js";

const DRAWING_SPEED = 520; // units a second
const LIFT_SECONDS = 0.11; // between strokes
const DOT_SECONDS = 0.08;
const FADE_SECONDS = 0.7;
const FRAME = 1 / 60; // seconds that are shown at once, so that no frame passes without a line

const shapes = new WeakMap(); // for each stroke: its curve, and the number of points it was made from

function shapeOf(stroke) {
  let shape = shapes.get(stroke);
  if (shape?.size !== stroke.length) {
    shape = { size: stroke.length, flat: flattened(stroke), path: new Path2D(pathData(stroke)) };
    shapes.set(stroke, shape);
  }
  return shape;
}

/** Seconds that drawing a stroke takes. */
export function secondsOf(stroke) {
  return Math.max(shapeOf(stroke).flat.length / DRAWING_SPEED, DOT_SECONDS) + LIFT_SECONDS;
}

export class Playback {
  played = false;
  opacity = 1;
  target = 1; // what the opacity is on its way to

  /** @param {{ strokes: import("./geometry.js").Stroke[], whole: boolean }} ending `strokes` may grow until it is `whole` */
  constructor(ending, { atOnce = false } = {}) {
    this.ending = ending;
    this.clock = atOnce ? Infinity : FRAME; // seconds of it that are shown
  }

  /** Lets time go by; returns whether there is more to come. */
  advance(seconds, { atOnce = false } = {}) {
    if (atOnce) [this.clock, this.opacity] = [Infinity, this.target];
    const step = seconds / FADE_SECONDS;
    this.opacity += Math.max(-step, Math.min(step, this.target - this.opacity));
    const { strokes, whole } = this.ending;
    const available = strokes.reduce((sum, stroke) => sum + secondsOf(stroke), 0) - (whole ? 0 : LIFT_SECONDS);
    if (!whole || this.clock < available) this.clock = Math.min(this.clock + seconds, Math.max(0, available));
    this.played = whole && this.clock >= available;
    return this.clock < available || this.opacity !== this.target;
  }

  /** How many of the strokes have begun to be shown. */
  get strokesShown() {
    let time = 0;
    const { strokes } = this.ending;
    const index = strokes.findIndex((stroke) => {
      const begun = this.clock > time;
      time += secondsOf(stroke);
      return !begun;
    });
    return index < 0 ? strokes.length : index;
  }

  /** Draws what is shown by now. @param {CanvasRenderingContext2D} context in units, with its strokeStyle set */
  draw(context, opacity = 1) {
    if (!this.opacity) return;
    context.globalAlpha = this.opacity * opacity;
    let time = 0;
    for (const stroke of this.ending.strokes) {
      const { flat, path } = shapeOf(stroke);
      const length = (this.clock - time) * DRAWING_SPEED;
      if (length <= 0 && time > 0) break;
      if (length >= flat.length) context.stroke(path);
      else if (length > 0) drawPart(context, flat, length);
      time += secondsOf(stroke);
    }
    context.globalAlpha = 1;
  }
}

function drawPart(context, { points, far }, length) {
  context.beginPath();
  context.moveTo(points[0][0], points[0][1]);
  let tip = points[0];
  for (let index = 1; index < points.length && far[index - 1] < length; index++) {
    const side = far[index] - far[index - 1];
    const share = side ? Math.min(1, (length - far[index - 1]) / side) : 1;
    tip = [0, 1].map((axis) => points[index - 1][axis] + share * (points[index][axis] - points[index - 1][axis]));
    context.lineTo(tip[0], tip[1]);
  }
  context.stroke();
  context.beginPath();
  context.arc(tip[0], tip[1], LINE_WIDTH, 0, 2 * Math.PI);
  context.fillStyle = context.strokeStyle;
  context.fill();
}

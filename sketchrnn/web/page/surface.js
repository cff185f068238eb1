import { simplified } from "../engine/sketch.js";
import { boundsOf, flattened, pathData } from "./geometry.js";
import { LINE_WIDTH } from "./download.js";

const SHORT_SIDE = 300; // units across the canvas's shorter side: room around a drawing of 255
const CENTRE = [128, 128];
const VIEW_MARGIN = 14; // units around what the model draws beyond the canvas's edge
const INK_EPSILON = 0.3; // units: the points that a drawn line keeps
const DRAWING_SPEED = 520; // units a second
const LIFT_SECONDS = 0.11; // between strokes
const DOT_SECONDS = 0.08;
const GHOST = 0.22; // opacity of what the model drew, while the pen is down
const KEY_STEP = 4; // units an arrow key moves the pen
const KEY_STEP_FAR = 20;

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * The sheet: takes strokes in, shows what is drawn, lets the model's strokes appear as if drawn by hand.
 * Calls `onPenDown()`, `onPenMove(stroke)`, `onStroke(stroke)` and `onPlayed()`.
 */
export class Surface {
  constructor(canvas, handlers) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.handlers = handlers;
    this.ink = [];
    this.completion = [];
    this.stroke = null; // being drawn by hand
    this.clock = 0; // seconds of the completion that are shown
    this.whole = false; // the completion is all there
    this.played = true;
    this.cursor = null; // the keyboard's pen
    this.keyPenDown = false;
    this.paths = new WeakMap();
    this.view = { scale: 1, x: CENTRE[0], y: CENTRE[1] };
    this.frame = null;
    this.lastFrame = 0;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#readColours());
    this.#readColours();
    this.#resize();
    this.#listen();
  }

  /** Shows strokes as drawn by hand. */
  setInk(strokes) {
    this.ink = strokes;
    this.#wake();
  }

  /**
   * Shows what the model drew: from the first stroke on, at drawing speed, or at once. The strokes may still grow until
   * `whole` is set.
   */
  setCompletion(strokes, { whole = true, atOnce = false } = {}) {
    this.completion = strokes;
    this.whole = whole;
    this.clock = atOnce || reducedMotion.matches ? Infinity : 0;
    this.played = false;
    this.#wake();
  }

  /** Says that the completion has grown. */
  completionGrew(whole) {
    this.whole = whole;
    if (reducedMotion.matches) this.clock = Infinity;
    this.#wake();
  }

  /** How many of the completion's strokes have begun to be shown. */
  get strokesShown() {
    let time = 0;
    for (let index = 0; index < this.completion.length; index++) {
      if (this.clock <= time) return index;
      time += this.#secondsOf(this.completion[index]);
    }
    return this.completion.length;
  }

  #readColours() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    this.colours = { ink: colour("--ink"), completion: colour("--completion"), focus: colour("--focus") };
    this.#wake?.();
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const density = Math.min(window.devicePixelRatio || 1, 3);
    [this.canvas.width, this.canvas.height] = [Math.round(width * density), Math.round(height * density)];
    this.size = { width, height, density };
    this.view = this.#wantedView();
    this.#wake();
  }

  /** Returns the view of the sheet, widened where the drawing reaches beyond it. */
  #wantedView() {
    const { width, height } = this.size;
    const scale = Math.min(width, height) / SHORT_SIDE;
    const bounds = boundsOf([...this.ink, ...this.completion]);
    let [left, right] = [CENTRE[0] - width / scale / 2, CENTRE[0] + width / scale / 2];
    let [top, bottom] = [CENTRE[1] - height / scale / 2, CENTRE[1] + height / scale / 2];
    if (bounds) {
      left = Math.min(left, bounds[0] - VIEW_MARGIN);
      top = Math.min(top, bounds[1] - VIEW_MARGIN);
      right = Math.max(right, bounds[2] + VIEW_MARGIN);
      bottom = Math.max(bottom, bounds[3] + VIEW_MARGIN);
    }
    return { scale: Math.min(width / (right - left), height / (bottom - top)), x: (left + right) / 2, y: (top + bottom) / 2 };
  }

  #toUnits(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [
      (event.clientX - left - this.size.width / 2) / this.view.scale + this.view.x,
      (event.clientY - top - this.size.height / 2) / this.view.scale + this.view.y,
    ];
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (this.stroke || (event.pointerType === "mouse" && event.button !== 0)) return;
      event.preventDefault();
      canvas.focus({ preventScroll: true });
      canvas.dataset.byPointer = "";
      canvas.setPointerCapture(event.pointerId);
      this.pointer = event.pointerId;
      this.cursor = null;
      this.#begin(this.#toUnits(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.stroke || event.pointerId !== this.pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length ? events : [event]) this.stroke.push(this.#toUnits(each));
      this.handlers.onPenMove(this.stroke);
      this.#wake();
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, (event) => {
        if (this.stroke && event.pointerId === this.pointer) this.#finish();
      });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => {
      if (this.keyPenDown) this.#finish();
      this.cursor = null;
      this.#wake();
    });
  }

  #begin(point) {
    this.stroke = [point];
    this.handlers.onPenDown();
    this.#wake();
  }

  #finish() {
    const stroke = simplified(this.stroke, INK_EPSILON);
    this.stroke = null;
    this.pointer = null;
    this.keyPenDown = false;
    this.handlers.onStroke(stroke);
    this.#wake();
  }

  #key(event) {
    delete this.canvas.dataset.byPointer;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !(move || event.key === " ") || this.pointer != null) return;
    event.preventDefault();
    this.cursor ??= [this.view.x, this.view.y];
    if (move) {
      const step = event.shiftKey ? KEY_STEP_FAR : KEY_STEP;
      const { width, height } = this.size;
      const reach = [width / this.view.scale / 2, height / this.view.scale / 2];
      const middle = [this.view.x, this.view.y];
      this.cursor = this.cursor.map((value, axis) =>
        Math.max(middle[axis] - reach[axis], Math.min(middle[axis] + reach[axis], value + move[axis] * step)),
      );
      if (this.keyPenDown) this.stroke.push(this.cursor);
    } else if (this.keyPenDown) {
      this.#finish();
    } else {
      this.keyPenDown = true;
      this.#begin(this.cursor);
    }
    this.#wake();
  }

  #shape(stroke) {
    let shape = this.paths.get(stroke);
    if (!shape || shape.size !== stroke.length) {
      shape = { size: stroke.length, flat: flattened(stroke), path: new Path2D(pathData(stroke)) };
      this.paths.set(stroke, shape);
    }
    return shape;
  }

  #secondsOf(stroke) {
    return Math.max(this.#shape(stroke).flat.length / DRAWING_SPEED, DOT_SECONDS) + LIFT_SECONDS;
  }

  #wake() {
    if (this.frame != null || !this.size) return;
    this.lastFrame = performance.now();
    this.frame = requestAnimationFrame((now) => this.#draw(now));
  }

  #draw(now) {
    this.frame = null;
    const seconds = Math.min(0.1, Math.max(0, now - this.lastFrame) / 1000);
    this.lastFrame = now;
    const moving = this.#moveView(seconds);
    const { context, view, size, colours } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const scale = view.scale * size.density;
    context.setTransform(scale, 0, 0, scale, this.canvas.width / 2 - view.x * scale, this.canvas.height / 2 - view.y * scale);
    Object.assign(context, { lineWidth: LINE_WIDTH, lineCap: "round", lineJoin: "round" });
    context.strokeStyle = colours.completion;
    context.globalAlpha = this.stroke ? GHOST : 1;
    const playing = this.#drawCompletion(seconds);
    context.globalAlpha = 1;
    context.strokeStyle = colours.ink;
    for (const stroke of this.ink) context.stroke(this.#shape(stroke).path);
    if (this.stroke) context.stroke(new Path2D(pathData(this.stroke)));
    if (this.cursor) this.#drawCursor();
    if (playing || moving) this.frame = requestAnimationFrame((next) => this.#draw(next));
  }

  /** Draws what of the completion is shown by now; returns whether more of it will be. */
  #drawCompletion(seconds) {
    const { context } = this;
    if (!this.stroke) this.clock += seconds;
    let time = 0;
    for (let index = 0; index < this.completion.length; index++) {
      const stroke = this.completion[index];
      const growing = !this.whole && index === this.completion.length - 1;
      const { flat, path } = this.#shape(stroke);
      const duration = this.#secondsOf(stroke);
      const length = (this.clock - time) * DRAWING_SPEED;
      if (length <= 0) return !this.stroke;
      if (this.clock < time + duration || growing) {
        if (growing && this.clock > time + duration - LIFT_SECONDS) this.clock = time + duration - LIFT_SECONDS;
        this.#drawPart(flat, length);
        return !this.stroke && !growing || (growing && length < flat.length);
      }
      context.stroke(path);
      time += duration;
    }
    if (!this.whole) {
      this.clock = Math.min(this.clock, time);
      return false;
    }
    if (!this.played) {
      this.played = true;
      this.handlers.onPlayed();
    }
    return false;
  }

  #drawPart({ points, far }, length) {
    const { context } = this;
    context.beginPath();
    context.moveTo(...points[0]);
    if (points.length === 1) context.lineTo(...points[0]);
    let tip = points[0];
    for (let index = 1; index < points.length && far[index - 1] < length; index++) {
      const side = far[index] - far[index - 1];
      const part = side ? Math.min(1, (length - far[index - 1]) / side) : 1;
      tip = [0, 1].map((axis) => points[index - 1][axis] + part * (points[index][axis] - points[index - 1][axis]));
      context.lineTo(...tip);
    }
    context.stroke();
    context.beginPath();
    context.arc(...tip, LINE_WIDTH, 0, 2 * Math.PI);
    context.fillStyle = this.colours.completion;
    context.fill();
  }

  #drawCursor() {
    const { context } = this;
    context.strokeStyle = this.colours.focus;
    context.lineWidth = LINE_WIDTH / 2;
    context.beginPath();
    const [x, y] = this.cursor;
    context.arc(x, y, this.keyPenDown ? 3 : 6, 0, 2 * Math.PI);
    context.stroke();
  }

  /** Brings the view nearer to what it should show, unless a line is being drawn; returns whether it still moves. */
  #moveView(seconds) {
    if (this.stroke) return false;
    const wanted = this.#wantedView();
    const share = reducedMotion.matches ? 1 : 1 - Math.exp(-seconds * 7);
    let still = true;
    for (const name of ["scale", "x", "y"]) {
      const difference = wanted[name] - this.view[name];
      if (Math.abs(difference) < (name === "scale" ? 1e-3 : 0.05)) this.view[name] = wanted[name];
      else {
        this.view[name] += difference * share;
        still = false;
      }
    }
    return !still;
  }
}

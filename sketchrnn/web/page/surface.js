/**
 * The sheet: takes strokes in, and shows what is drawn by hand and what the model draws.
 * @typedef {import("./geometry.js").Stroke} Stroke
 */

import { LINE_WIDTH, boundsOf, hasWidths, moved, outlineData, pathData, thinned, touches } from "./geometry.js";
import { Playback } from "./playback.js";
import { PointerInput } from "./pointer.js";
import { View } from "./view.js";

const LEAST_STEP = 0.7; // CSS pixels between the points that a line keeps
const GHOST = 0.25; // opacity of what the model drew, while the pen is down
const FADED = 0.13; // opacity of an ending after the next one has begun
const MOST_FADED = 3; // endings that are left faintly on the sheet
const ERASED = 0.2; // opacity of what the eraser has touched
const ERASER = 9; // CSS pixels: its radius
const GRASP = 12; // CSS pixels: how near a line is selected
const EDGE = 28; // CSS pixels over which a completion fades where it leaves the sheet
const KEY_STEP = 4; // units an arrow key moves the pen
const KEY_STEP_FAR = 20;
const CLICK = 4; // CSS pixels that a click may move
const MOST_DENSITY = 3;

const stillness = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * @typedef {object} SurfaceEvents
 * @property {() => void} onPenDown
 * @property {(stroke: Stroke) => void} onPenMove
 * @property {(stroke: Stroke) => void} onStroke
 * @property {() => void} onCancel
 * @property {(ink: Set<Stroke>, ending: Set<Stroke>) => void} onErase
 * @property {(strokes: Set<Stroke>, dx: number, dy: number) => void} onMoveStrokes
 * @property {(strokes: Set<Stroke>) => void} onSelect
 * @property {() => void} onPlayed the ending has been drawn whole
 * @property {() => void} onView the view has moved
 * @property {() => void} onPenSeen
 */

export class Surface {
  /** @type {Stroke[]} */
  ink = [];
  /** @type {Playback | null} */
  playback = null;
  /** @type {Playback[]} */
  faded = [];
  stroke = null; // being drawn
  predicted = [];
  gesture = null; // "draw", "erase" or "select" while a pointer is down
  erased = new Set();
  /** @type {Set<Stroke>} */
  selection = new Set();
  offset = [0, 0]; // by which the selection is being moved
  lasso = null; // [from, to] in units
  cursor = null; // the keyboard's pen
  keyPenDown = false;
  hovered = null;
  view = new View();
  frame = null;
  lastFrame = 0;
  paths = new WeakMap();
  demo = null; // { given: Playback, drawn: Playback }

  /** @param {HTMLCanvasElement} canvas @param {SurfaceEvents} events */
  constructor(canvas, events) {
    Object.assign(this, { canvas, events, context: canvas.getContext("2d") });
    this.inkLayer = document.createElement("canvas");
    this.pointer = new PointerInput(canvas, {
      begin: (kind, point, width, event) => this.#begin(kind, point, width, event),
      move: (points, predicted) => this.#move(points, predicted),
      end: () => this.#end(),
      cancel: () => this.#cancel(),
      pan: (dx, dy) => this.#moveView(() => this.view.panBy(dx, dy)),
      zoom: (factor, point) => this.#moveView(() => this.view.zoomBy(factor, point)),
      hover: (point, eraser) => this.#hover(point, eraser),
      penSeen: () => events.onPenSeen(),
    });
    new ResizeObserver(() => this.#resize()).observe(canvas);
    for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"])
      matchMedia(query).addEventListener("change", () => this.#readColors());
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("keyup", (event) => {
      if (event.key === " ") this.pointer.spaceHeld = false;
    });
    canvas.addEventListener("blur", () => {
      if (this.keyPenDown) this.#finishStroke();
      this.cursor = null;
      this.pointer.spaceHeld = false;
      this.wake();
    });
    this.#readColors();
  }

  get tool() {
    return this.pointer.tool;
  }

  set tool(tool) {
    this.pointer.tool = tool;
    this.canvas.dataset.tool = tool;
    if (tool !== "select") this.select(new Set());
    this.hovered = null;
    this.wake();
  }

  get penIsDown() {
    return this.gesture === "draw" || this.keyPenDown;
  }

  /** Shows strokes as drawn by hand. @param {Stroke[]} strokes */
  setInk(strokes) {
    this.ink = strokes;
    this.inkIsOld = true;
    const left = new Set([...this.selection].filter((stroke) => strokes.includes(stroke)));
    if (left.size !== this.selection.size) this.select(left);
    this.wake();
  }

  /** Shows what the model drew from its first stroke on, or all at once; null: nothing. `fade`: over the one before. */
  setEnding(ending, { atOnce = false, fade = false } = {}) {
    if (fade && this.playback) {
      this.playback.target = FADED;
      this.faded.push(this.playback);
      for (const old of this.faded.slice(0, -MOST_FADED)) old.target = 0;
    } else this.faded = [];
    this.playback = ending && new Playback(ending, { atOnce: atOnce || stillness.matches });
    this.wake();
  }

  /** Shows a drawing that is begun and finished; null: none. */
  setDemo(drawing) {
    this.demo = drawing && {
      given: new Playback({ strokes: drawing.ink, whole: true }),
      drawn: new Playback({ strokes: drawing.completion, whole: true }),
      onPlayed: drawing.onPlayed,
    };
    this.wake();
  }

  /** @param {Set<Stroke>} strokes */
  select(strokes) {
    this.selection = strokes;
    this.events.onSelect(strokes);
    this.wake();
  }

  resetView() {
    this.#moveView(() => this.view.reset());
  }

  /** Shows all of the drawing. */
  showAll() {
    const bounds = boundsOf(this.#strokes());
    if (bounds) this.#moveView(() => this.view.fit(bounds));
  }

  get showsAll() {
    const bounds = boundsOf(this.#strokes());
    return !bounds || this.view.shows(bounds);
  }

  zoomBy(factor) {
    this.#moveView(() => this.view.zoomBy(factor, [this.view.width / 2, this.view.height / 2]));
  }

  /** Where the selection is, in CSS pixels of the sheet. */
  get selectionBounds() {
    const bounds = boundsOf([...this.selection]);
    if (!bounds) return null;
    const from = this.view.toPixels([bounds[0] + this.offset[0], bounds[1] + this.offset[1]]);
    return [...from, ...this.view.toPixels([bounds[2] + this.offset[0], bounds[3] + this.offset[1]])];
  }

  wake() {
    if (this.frame != null || !this.view.width) return;
    this.lastFrame = performance.now();
    this.frame = requestAnimationFrame((now) => this.#draw(now));
  }

  #strokes() {
    return [...this.ink, ...(this.playback?.ending.strokes ?? [])];
  }

  #moveView(change) {
    change();
    this.inkIsOld = true;
    this.events.onView();
    this.wake();
  }

  #readColors() {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    this.colors = { ink: color("--ink"), completion: color("--completion"), focus: color("--focus"), quiet: color("--quiet") };
    this.inkIsOld = true;
    this.wake();
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const density = Math.min(window.devicePixelRatio || 1, MOST_DENSITY);
    const same = width === this.view.width && height === this.view.height && density === this.density;
    this.resized = Boolean(this.gesture); // a line ends in the view in which it began
    if (!width || !height || same || this.gesture) return;
    this.density = density;
    for (const canvas of [this.canvas, this.inkLayer])
      [canvas.width, canvas.height] = [Math.round(width * density), Math.round(height * density)];
    this.#moveView(() => Object.assign(this.view, { width, height }));
    if (this.frame != null) cancelAnimationFrame(this.frame);
    this.#draw(performance.now()); // at once: a canvas whose size was set is empty
  }

  // pointers and keys

  #begin(kind, point, width, event) {
    this.gesture = kind;
    this.cursor = null;
    this.hovered = null;
    const at = this.view.toUnits(point);
    if (kind === "draw") {
      this.stroke = [[...at, width]];
      this.events.onPenDown();
    } else if (kind === "erase") {
      this.erased = new Set();
      this.erasedEnding = new Set();
      this.lastErased = at;
      this.#erase(at);
    } else this.#beginSelecting(at, event);
    this.last = at;
    this.hovered = kind === "erase" ? point : null;
    this.wake();
  }

  #move(points, predicted) {
    const inUnits = ([x, y, width]) => [...this.view.toUnits([x, y]), width];
    const moves = points.map(inUnits);
    if (this.gesture === "draw") {
      this.stroke.push(...moves);
      this.predicted = predicted.map(inUnits);
      this.events.onPenMove(this.stroke);
    } else if (this.gesture === "erase") {
      for (const point of moves) this.#erase(point);
      this.hovered = points.at(-1);
    } else if (this.grasped) {
      const at = moves.at(-1);
      const wanted = [at[0] - this.grasped[0], at[1] - this.grasped[1]];
      if (Math.hypot(...this.offset) || Math.hypot(...wanted) * this.view.scale > CLICK) this.offset = wanted;
      this.inkIsOld = true;
      this.events.onView();
    } else this.lasso = [this.lasso?.[0] ?? this.last, moves.at(-1)];
    this.wake();
  }

  #end() {
    const { gesture } = this;
    this.gesture = null;
    if (this.resized) this.#resize();
    if (gesture === "draw") this.#finishStroke();
    else if (gesture === "erase") this.#finishErasing();
    else if (gesture === "select") this.#finishSelecting();
    this.inkIsOld = true;
    this.wake();
  }

  #cancel() {
    this.#forgetGesture();
    if (this.resized) this.#resize();
    this.events.onCancel();
  }

  #forgetGesture() {
    this.gesture = this.stroke = this.lasso = this.grasped = this.hovered = null;
    this.predicted = [];
    this.erased = new Set();
    this.erasedEnding = new Set();
    this.offset = [0, 0];
    this.keyPenDown = false;
    this.inkIsOld = true;
    this.wake();
  }

  #finishStroke() {
    const stroke = thinned(this.stroke, LEAST_STEP / this.view.scale).map((point) => point.map((value) => Math.round(value * 100) / 100));
    this.#forgetGesture();
    this.events.onStroke(stroke);
  }

  #erase(point) {
    const reach = ERASER / this.view.scale;
    for (const stroke of this.ink) if (touches(stroke, this.lastErased, point, reach)) this.erased.add(stroke);
    for (const stroke of this.playback?.ending.whole ? this.playback.ending.strokes : [])
      if (touches(stroke, this.lastErased, point, reach)) this.erasedEnding.add(stroke);
    this.lastErased = point;
    this.inkIsOld = true;
  }

  #finishErasing() {
    const { erased, erasedEnding } = this;
    this.#forgetGesture();
    if (erased.size || erasedEnding.size) this.events.onErase(erased, erasedEnding);
  }

  #beginSelecting(at, event) {
    const hit = this.ink.findLast((stroke) => touches(stroke, at, at, GRASP / this.view.scale));
    this.grasped = null;
    if (hit) {
      if (event.shiftKey) this.select(new Set([...this.selection, hit]));
      else if (!this.selection.has(hit)) this.select(new Set([hit]));
      this.grasped = at;
    } else if (this.selection.size && this.#inSelection(at)) this.grasped = at;
    else if (!event.shiftKey) this.select(new Set());
  }

  #inSelection([x, y]) {
    const [left, top, right, bottom] = boundsOf([...this.selection]);
    return x >= left && y >= top && x <= right && y <= bottom;
  }

  #finishSelecting() {
    const { lasso, offset, selection, ink } = this;
    const [x, y] = offset;
    this.#forgetGesture();
    if (x || y) this.events.onMoveStrokes(selection, x, y);
    if (!lasso) return;
    const [left, right] = [lasso[0][0], lasso[1][0]].sort((one, other) => one - other);
    const [top, bottom] = [lasso[0][1], lasso[1][1]].sort((one, other) => one - other);
    const inside = ([px, py]) => px >= left && px <= right && py >= top && py <= bottom;
    this.select(new Set([...selection, ...ink.filter((stroke) => stroke.some(inside))]));
  }

  #hover(point, eraser) {
    const hovered = eraser || this.tool === "erase" ? point : null;
    if (!hovered && !this.hovered) return;
    this.hovered = hovered;
    this.wake();
  }

  #key(event) {
    delete this.canvas.dataset.byPointer;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !(move || event.key === " ") || this.gesture) return;
    event.preventDefault();
    const step = event.shiftKey ? KEY_STEP_FAR : KEY_STEP;
    if (this.tool === "select") {
      if (move && this.selection.size) this.events.onMoveStrokes(this.selection, move[0] * step, move[1] * step);
      return;
    }
    if (event.key === " " && event.repeat) return;
    this.cursor ??= [...this.view.middle];
    if (move) {
      const [left, top, right, bottom] = this.view.bounds;
      const within = (value, least, most) => Math.max(least, Math.min(most, value));
      this.cursor = [within(this.cursor[0] + move[0] * step, left, right), within(this.cursor[1] + move[1] * step, top, bottom)];
      if (this.keyPenDown) this.stroke.push(this.cursor);
    } else if (this.keyPenDown) this.#finishStroke();
    else {
      this.keyPenDown = true;
      this.stroke = [this.cursor];
      this.events.onPenDown();
    }
    this.wake();
  }

  // drawing

  #draw(now) {
    this.frame = null;
    const seconds = Math.min(0.1, Math.max(0, now - this.lastFrame) / 1000);
    this.lastFrame = now;
    const { context, view, colors, density } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.#toUnits(context);
    const playing = this.#drawEndings(seconds);
    context.setTransform(1, 0, 0, 1, 0, 0);
    this.#fadeEdges();
    if (this.inkIsOld) this.#drawInk();
    context.drawImage(this.inkLayer, 0, 0);
    this.#toUnits(context);
    if (this.stroke) {
      context.strokeStyle = context.fillStyle = colors.ink;
      this.#drawStroke(context, [...this.stroke, ...this.predicted], false);
    }
    this.#drawMarks();
    if (this.hovered) {
      context.setTransform(density, 0, 0, density, 0, 0);
      Object.assign(context, { strokeStyle: colors.quiet, lineWidth: 1.2 });
      context.beginPath();
      context.arc(this.hovered[0], this.hovered[1], ERASER, 0, 2 * Math.PI);
      context.stroke();
    }
    if (playing) this.frame ??= requestAnimationFrame((next) => this.#draw(next));
  }

  #toUnits(context) {
    const { view } = this;
    const scale = view.scale * this.density;
    context.setTransform(scale, 0, 0, scale, this.canvas.width / 2 - view.middle[0] * scale, this.canvas.height / 2 - view.middle[1] * scale);
    Object.assign(context, { lineWidth: LINE_WIDTH, lineCap: "round", lineJoin: "round", globalAlpha: 1 });
  }

  /** Draws what the model drew; returns whether more of it is to be shown. */
  #drawEndings(seconds) {
    const { context, colors, playback, demo } = this;
    const time = this.penIsDown ? 0 : seconds;
    const atOnce = stillness.matches;
    let playing = false;
    if (demo) playing = this.#drawDemo(seconds) || playing;
    context.strokeStyle = colors.completion;
    const ghost = this.penIsDown ? GHOST : 1;
    this.faded = this.faded.filter((old) => old.opacity > 0 || old.target > 0);
    for (const old of this.faded) {
      if (old.advance(time, { atOnce }) && !this.penIsDown) playing = true;
      old.draw(context, ghost);
    }
    if (!playback) return playing;
    const wasPlayed = playback.played;
    if (playback.advance(time, { atOnce }) && !this.penIsDown) playing = true;
    if (this.erasedEnding?.size) this.#drawErasing(playback.ending.strokes);
    else playback.draw(context, ghost);
    if (playback.played && !wasPlayed) queueMicrotask(() => this.playback === playback && this.events.onPlayed());
    return playing;
  }

  #drawErasing(strokes) {
    for (const stroke of strokes) {
      this.context.globalAlpha = this.erasedEnding.has(stroke) ? ERASED : 1;
      this.context.stroke(new Path2D(pathData(stroke)));
    }
    this.context.globalAlpha = 1;
  }

  #drawDemo(seconds) {
    const { context, colors, demo } = this;
    context.strokeStyle = colors.ink;
    let playing = demo.given.advance(seconds, { atOnce: stillness.matches });
    demo.given.draw(context, 0.55);
    if (demo.given.played) {
      context.strokeStyle = colors.completion;
      const before = demo.drawn.played;
      playing = demo.drawn.advance(seconds, { atOnce: stillness.matches }) || playing;
      demo.drawn.draw(context, 0.55);
      if (demo.drawn.played && !before) queueMicrotask(() => this.demo === demo && demo.onPlayed?.());
      playing ||= !demo.drawn.played;
    }
    return playing;
  }

  /** Lets what the model drew fade where it leaves the sheet. */
  #fadeEdges() {
    const bounds = boundsOf(this.playback?.ending.strokes ?? []);
    if (!bounds || this.view.shows(bounds)) return;
    const { context, view, density } = this;
    const seen = view.bounds;
    const { width, height } = this.canvas;
    const edge = EDGE * density;
    const sides = [
      [bounds[0] < seen[0], [0, 0, edge, 0], [0, 0, edge, height]],
      [bounds[1] < seen[1], [0, 0, 0, edge], [0, 0, width, edge]],
      [bounds[2] > seen[2], [width, 0, width - edge, 0], [width - edge, 0, edge, height]],
      [bounds[3] > seen[3], [0, height, 0, height - edge], [0, height - edge, width, edge]],
    ];
    context.globalCompositeOperation = "destination-out";
    for (const [leaves, line, area] of sides) {
      if (!leaves) continue;
      const gradient = context.createLinearGradient(...line);
      gradient.addColorStop(0, "rgb(0 0 0 / 1)");
      gradient.addColorStop(1, "rgb(0 0 0 / 0)");
      context.fillStyle = gradient;
      context.fillRect(...area);
    }
    context.globalCompositeOperation = "source-over";
  }

  /** Draws the ink into its own layer, which is drawn again only if it has changed. */
  #drawInk() {
    this.inkIsOld = false;
    const context = this.inkLayer.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.inkLayer.width, this.inkLayer.height);
    this.#toUnits(context);
    context.strokeStyle = context.fillStyle = this.colors.ink;
    for (const stroke of this.ink) {
      context.globalAlpha = this.erased.has(stroke) ? ERASED : 1;
      const lifted = this.selection.has(stroke) && (this.offset[0] || this.offset[1]);
      this.#drawStroke(context, lifted ? moved(stroke, ...this.offset) : stroke, !lifted);
    }
  }

  #drawStroke(context, stroke, keep) {
    let shape = this.paths.get(stroke);
    if (!shape) {
      const filled = hasWidths(stroke);
      shape = { filled, path: new Path2D(filled ? outlineData(stroke) : pathData(stroke)) };
      if (keep) this.paths.set(stroke, shape);
    }
    if (shape.filled) context.fill(shape.path);
    else context.stroke(shape.path);
  }

  #drawMarks() {
    const { context, colors, view } = this;
    const pixel = 1 / view.scale;
    context.strokeStyle = colors.focus;
    if (this.cursor) {
      context.lineWidth = 1.5 * pixel;
      context.beginPath();
      context.arc(this.cursor[0], this.cursor[1], (this.keyPenDown ? 4 : 8) * pixel, 0, 2 * Math.PI);
      context.stroke();
    }
    context.lineWidth = pixel;
    context.setLineDash([5 * pixel, 4 * pixel]);
    const box = ([left, top, right, bottom], margin) =>
      context.strokeRect(left - margin, top - margin, right - left + 2 * margin, bottom - top + 2 * margin);
    if (this.lasso) box([...this.lasso[0].slice(0, 2), ...this.lasso[1].slice(0, 2)], 0);
    const bounds = boundsOf([...this.selection]);
    if (bounds) {
      const [x, y] = this.offset;
      box([bounds[0] + x, bounds[1] + y, bounds[2] + x, bounds[3] + y], 8 * pixel);
    }
    context.setLineDash([]);
  }
}

/**
 * Mouse, fingers and pens on the sheet: what they mean, and nothing about how it looks.
 *
 * A pen draws, and its other end erases. A finger draws until a pen is seen, then fingers move the sheet. Two fingers move
 * and zoom it always: what the first of them drew goes. A wheel zooms, and a touchpad moves.
 */

const ERASER_BUTTONS = 32; // the bit of `buttons` that a pen's other end sets
const PALM = 70; // CSS pixels: no finger touches so much
const PEN_REST = 600; // ms after a pen in which a touch is the hand that holds it
const NOTCH = 50; // CSS pixels: a wheel turns by more at a time, a touchpad by less
const ZOOM_PER_PIXEL = 0.0022;
const [SLOW_WIDTH, FAST_WIDTH] = [1.25, 0.6]; // of lines without pressure
const WIDTH_PER_SPEED = 0.22; // by which a line gets thinner, per CSS pixel and ms
const SMOOTHING = 0.25; // share of a new width in the smoothed one

/**
 * @typedef {object} Gestures what the sheet does; points are in CSS pixels of the sheet
 * @property {(kind: "draw" | "erase" | "select", point: number[], width: number, event: PointerEvent) => void} begin
 * @property {(points: number[][], predicted: number[][]) => void} move each with its width
 * @property {() => void} end
 * @property {() => void} cancel
 * @property {(dx: number, dy: number) => void} pan
 * @property {(factor: number, point: number[]) => void} zoom
 * @property {(point: number[] | null, eraser: boolean) => void} hover
 * @property {() => void} penSeen
 */

export class PointerInput {
  tool = "draw";
  fingersDraw = true;
  /** the pointer that draws, erases or selects; null: none */
  active = null;
  touches = new Map(); // by id: where the fingers that move the sheet are
  panning = null; // { id, point } of a mouse that moves the sheet
  lastPen = -Infinity;
  spaceHeld = false;

  /** @param {HTMLElement} element @param {Gestures} gestures */
  constructor(element, gestures) {
    Object.assign(this, { element, gestures });
    const on = (name, work) => element.addEventListener(name, work);
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#gone(event));
    on("lostpointercapture", (event) => this.#gone(event));
    on("pointerleave", () => gestures.hover(null, false));
    on("wheel", (event) => this.#wheel(event));
    on("contextmenu", (event) => event.preventDefault());
    for (const name of ["touchstart", "touchmove"]) element.addEventListener(name, (event) => event.preventDefault(), { passive: false });
    // Safari's pinch on a touchpad
    let zoom = 1;
    on("gesturestart", (event) => {
      event.preventDefault();
      zoom = 1;
    });
    on("gesturechange", (event) => {
      event.preventDefault();
      gestures.zoom(event.scale / zoom, this.#pointOf(event));
      zoom = event.scale;
    });
  }

  #pointOf(event) {
    const { left, top } = this.element.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  #down(event) {
    const { pointerType: type, pointerId: id } = event;
    event.preventDefault();
    this.element.focus({ preventScroll: true });
    this.element.dataset.byPointer = "";
    if (type === "touch") return this.#touch(event);
    if (type === "pen") {
      this.lastPen = event.timeStamp;
      this.touches.clear();
      if (this.active && this.active.type !== "pen") this.#cancel(); // it was the palm
      this.gestures.penSeen();
    }
    if (this.active || this.panning) return undefined;
    if (type === "mouse" && (event.button !== 0 || this.spaceHeld)) {
      if (event.button > 1 && !this.spaceHeld) return undefined;
      this.panning = { id, point: this.#pointOf(event) };
      return this.#capture(id);
    }
    if (type === "pen" && event.button > 0 && !(event.buttons & ERASER_BUTTONS)) return undefined;
    return this.#begin(event);
  }

  #touch(event) {
    const { pointerId: id } = event;
    const palm = Math.max(event.width || 0, event.height || 0) > PALM;
    const penNear = this.active?.type === "pen" || event.timeStamp - this.lastPen < PEN_REST;
    if (palm || penNear) return;
    this.#capture(id);
    this.touches.set(id, this.#pointOf(event));
    if (this.touches.size === 1 && this.fingersDraw && !this.active) this.#begin(event);
    else if (this.active?.type === "touch") this.#cancel();
  }

  #begin(event) {
    const eraser = event.pointerType === "pen" && Boolean(event.buttons & ERASER_BUTTONS);
    const kind = eraser ? "erase" : this.tool;
    const pressed = event.pointerType === "pen" && event.pressure > 0;
    this.active = { id: event.pointerId, type: event.pointerType, point: this.#pointOf(event), time: event.timeStamp, width: pressed ? pressureWidth(event.pressure) : 1 };
    this.#capture(event.pointerId);
    this.gestures.begin(kind, this.active.point, this.active.width, event);
  }

  #capture(id) {
    try {
      this.element.setPointerCapture(id);
    } catch {
      // the pointer is gone already
    }
  }

  #move(event) {
    const { active } = this;
    if (event.pointerType === "pen") this.lastPen = event.timeStamp;
    if (!active && event.pointerType !== "touch")
      this.gestures.hover(this.#pointOf(event), event.pointerType === "pen" && Boolean(event.buttons & ERASER_BUTTONS));
    if (this.panning?.id === event.pointerId) {
      const point = this.#pointOf(event);
      this.gestures.pan(point[0] - this.panning.point[0], point[1] - this.panning.point[1]);
      this.panning.point = point;
    }
    if (active?.id === event.pointerId) {
      const all = (list) => (list?.length ? list : [event]);
      const points = all(event.getCoalescedEvents?.()).map((each) => this.#widened(each));
      const predicted = (event.getPredictedEvents?.() ?? []).map((each) => [...this.#pointOf(each), active.width]);
      this.gestures.move(points, predicted);
    } else if (this.touches.has(event.pointerId)) this.#moveSheet(event);
  }

  /** Returns where a pointer is, and how wide its line is there. */
  #widened(event) {
    const { active } = this;
    const point = this.#pointOf(event);
    let width;
    if (active.type === "pen" && event.pressure > 0) width = pressureWidth(event.pressure);
    else {
      const speed = Math.hypot(point[0] - active.point[0], point[1] - active.point[1]) / Math.max(1, event.timeStamp - active.time);
      width = Math.max(FAST_WIDTH, SLOW_WIDTH - WIDTH_PER_SPEED * speed);
    }
    active.width += SMOOTHING * (width - active.width);
    [active.point, active.time] = [point, event.timeStamp];
    return [...point, Math.round(active.width * 100) / 100];
  }

  #moveSheet(event) {
    const before = [...this.touches.values()];
    const point = this.#pointOf(event);
    const last = this.touches.get(event.pointerId);
    this.touches.set(event.pointerId, point);
    if (this.active) return;
    if (this.touches.size === 1) {
      if (!this.fingersDraw) this.gestures.pan(point[0] - last[0], point[1] - last[1]);
      return;
    }
    const after = [...this.touches.values()];
    const [from, to] = [middleOf(before), middleOf(after)];
    this.gestures.pan(to[0] - from[0], to[1] - from[1]);
    const spread = spreadOf(before);
    if (spread > 0) this.gestures.zoom(spreadOf(after) / spread, to);
  }

  #up(event) {
    if (this.active?.id === event.pointerId) {
      this.active = null;
      this.gestures.end();
    }
    this.#forget(event.pointerId);
  }

  /** The browser took the pointer away, such as for a gesture of its own: nothing was meant. */
  #gone(event) {
    if (this.active?.id === event.pointerId) this.#cancel();
    this.#forget(event.pointerId);
  }

  #cancel() {
    this.active = null;
    this.gestures.cancel();
  }

  #forget(id) {
    this.touches.delete(id);
    if (this.panning?.id === id) this.panning = null;
  }

  #wheel(event) {
    event.preventDefault();
    const unit = [1, 16, this.element.clientHeight][event.deltaMode];
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    const zooms = event.ctrlKey || event.metaKey || (!dx && Math.abs(dy) >= NOTCH);
    if (!zooms) return this.gestures.pan(-dx, -dy);
    const pinch = event.ctrlKey && Math.abs(dy) < NOTCH ? 5 : 1; // a touchpad's pinch comes in small steps
    return this.gestures.zoom(Math.exp(-dy * pinch * ZOOM_PER_PIXEL), this.#pointOf(event));
  }
}

function pressureWidth(pressure) {
  return Math.round((0.35 + 1.3 * pressure) * 100) / 100;
}

function middleOf(points) {
  return [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
}

function spreadOf(points) {
  const [x, y] = middleOf(points);
  return points.reduce((sum, point) => sum + Math.hypot(point[0] - x, point[1] - y), 0) / points.length;
}

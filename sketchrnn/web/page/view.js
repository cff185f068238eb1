/** What part of the sheet is seen. Only the user moves it; a change of the window's size keeps its middle. */

const SHORT_SIDE = 300; // units across the shorter side at zoom 1: room around a drawing of 255
const MIDDLE = [128, 128];
const [LEAST_ZOOM, MOST_ZOOM] = [0.2, 12];
const MARGIN = 14; // units around a drawing that is shown whole

export class View {
  width = 0; // CSS pixels
  height = 0;
  zoom = 1;
  middle = [...MIDDLE]; // units

  /** CSS pixels of a unit. */
  get scale() {
    return (Math.max(1, Math.min(this.width, this.height)) / SHORT_SIDE) * this.zoom;
  }

  get isHome() {
    return this.zoom === 1 && this.middle.every((value, axis) => value === MIDDLE[axis]);
  }

  /** The part that is seen, in units. @returns {import("./geometry.js").Bounds} */
  get bounds() {
    const [x, y] = [this.width / this.scale / 2, this.height / this.scale / 2];
    return [this.middle[0] - x, this.middle[1] - y, this.middle[0] + x, this.middle[1] + y];
  }

  /** Returns the point of the sheet at a point of the window's sheet, in CSS pixels. */
  toUnits([x, y]) {
    return [(x - this.width / 2) / this.scale + this.middle[0], (y - this.height / 2) / this.scale + this.middle[1]];
  }

  toPixels([x, y]) {
    return [(x - this.middle[0]) * this.scale + this.width / 2, (y - this.middle[1]) * this.scale + this.height / 2];
  }

  /** Zooms by a factor; what is at `pixel` stays there. */
  zoomBy(factor, pixel) {
    const before = this.toUnits(pixel);
    this.zoom = Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, this.zoom * factor));
    const after = this.toUnits(pixel);
    this.middle = this.middle.map((value, axis) => value + before[axis] - after[axis]);
  }

  /** Moves the sheet by CSS pixels. */
  panBy(dx, dy) {
    this.middle = [this.middle[0] - dx / this.scale, this.middle[1] - dy / this.scale];
  }

  reset() {
    this.zoom = 1;
    this.middle = [...MIDDLE];
  }

  /** Shows all of a part of the sheet. @param {import("./geometry.js").Bounds} bounds */
  fit([left, top, right, bottom]) {
    this.reset();
    const wanted = Math.min(this.width / (right - left + 2 * MARGIN), this.height / (bottom - top + 2 * MARGIN));
    this.zoom = Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, wanted / this.scale));
    this.middle = [(left + right) / 2, (top + bottom) / 2];
  }

  /** Tells whether a part of the sheet is seen whole. @param {import("./geometry.js").Bounds} bounds */
  shows([left, top, right, bottom]) {
    const [x0, y0, x1, y1] = this.bounds;
    return left >= x0 && top >= y0 && right <= x1 && bottom <= y1;
  }
}

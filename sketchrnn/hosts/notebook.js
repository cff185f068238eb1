/**
 * The canvas in a notebook. `WORKER`, the text of the engine's worker, stands before this module; see notebook.py.
 *
 * The widget's trait `_content` holds `{ sketch: { strokes, penDown, scale }, completions: [...] }`. Several views may show
 * the same widget, so that a view draws what the trait holds, and changes the trait only.
 */

import { load } from "../web/engine/load.js";
import { simplified } from "../web/engine/sketch.js";
import { loadInWorker } from "../web/engine/worker-client.js";
import { boundsOf, pathData } from "../web/page/geometry.js";

const SIDE = 300; // of the picture; of the sheet too, in units: room around a drawing of 255
const SHEET = { left: -22, top: -22, side: SIDE };
const ROOM = 0.35; // around a sketch that was set, in its larger side
const MARGIN = 0.04; // around what the model draws beyond the sheet
const INK_EPSILON = 0.3; // units of the picture: the points that a drawn line keeps
const KEY_STEP = 4; // units of the picture that an arrow key moves the pen
const KEY_STEP_FAR = 20; // with Shift
const SEEDS = 2 ** 32;
const MODELS = Symbol.for("sketchrnn.models"); // of this page: promises of models by key

const TEMPLATE = `
  <svg class="sheet" tabindex="0" role="application" viewBox="0 0 ${SIDE} ${SIDE}"
    aria-label="Canvas. Draw with a pointer. Or move the pen with the arrow keys; the space bar lowers and lifts it.">
    <g class="content"></g><path class="stroke"></path><path class="pen"></path>
  </svg>
  <div class="tools">
    <button type="button" class="undo">Undo</button>
    <button type="button" class="clear">Clear</button>
    <input class="category" aria-label="Category" placeholder="Category: guess it" autocomplete="off" spellcheck="false">
    <datalist></datalist>
    <button type="button" class="complete">Complete</button>
    <button type="button" class="another">Another</button>
  </div>
  <div class="versions" role="group" aria-label="Completions" hidden></div>
  <p role="status"></p>
  <p role="alert" hidden></p>`;

let views = 0;

/** Shows a widget in an element; returns what ends that. */
export function render({ model, el }) {
  const view = new View(model, el);
  return () => view.close();
}

class View {
  undoable = []; // sketches
  stroke = null; // being drawn, in units of the picture
  pointer = null; // that draws it
  pen = null; // the keyboard's
  shown = 0; // which of the completions
  job = null; // AbortController of what the model draws
  closed = new AbortController();

  constructor(widget, el) {
    this.widget = widget;
    this.root = document.createElement("div");
    this.root.className = "sketchrnn";
    this.root.innerHTML = TEMPLATE;
    el.append(this.root);
    this.sheet = this.#find(".sheet");
    this.category = this.#find(".category");
    this.#listCategories();
    this.#listen();
    this.content = widget.get("_content");
    this.#show({ refit: true });
    this.#showCategory();
    sharedModel(widget, this.closed.signal).catch(() => {}); // early; an error is shown when it matters
  }

  close() {
    this.#stop();
    this.closed.abort();
    this.widget.off("change:_content", this.onContent);
    this.widget.off("change:category", this.onCategory);
    this.root.remove();
  }

  #find(selector) {
    return this.root.querySelector(selector);
  }

  #listCategories() {
    const { categories } = this.widget.get("_model");
    const list = this.#find("datalist");
    list.id = `sketchrnn-categories-${++views}`;
    list.append(...categories.map((name) => Object.assign(document.createElement("option"), { value: name })));
    this.category.setAttribute("list", list.id);
    this.category.hidden = categories.length < 2;
  }

  #listen() {
    const { sheet, widget } = this;
    sheet.addEventListener("pointerdown", (event) => {
      if (this.stroke || event.button !== 0) return;
      event.preventDefault();
      sheet.focus({ preventScroll: true });
      sheet.setPointerCapture(event.pointerId);
      this.pointer = event.pointerId;
      this.pen = null;
      this.#begin(this.#pointOf(event));
    });
    sheet.addEventListener("pointermove", (event) => {
      if (!this.stroke || event.pointerId !== this.pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length ? events : [event]) this.stroke.push(this.#pointOf(each));
      this.#showStroke();
    });
    for (const name of ["pointerup", "pointercancel"])
      sheet.addEventListener(name, (event) => event.pointerId === this.pointer && this.#finish());
    sheet.addEventListener("keydown", (event) => this.#key(event));
    sheet.addEventListener("blur", () => {
      if (this.stroke && this.pointer === null) this.#finish();
      this.pen = null;
      this.#showStroke();
    });
    const onClick = (name, action) => this.#find(name).addEventListener("click", action);
    onClick(".undo", () => this.#undo());
    onClick(".clear", () => this.#setSketch([]));
    onClick(".complete", () => this.#complete());
    onClick(".another", () => {
      this.#setTrait("seed", (widget.get("seed") + widget.get("count")) % SEEDS);
      this.#complete();
    });
    this.root.addEventListener("focusin", ({ target }) => {
      target.dataset.lmSuppressShortcuts = "true"; // for JupyterLab, where D D deletes a cell; each element must have it
    });
    this.category.addEventListener("change", () => this.#chooseCategory());
    this.category.addEventListener("keydown", (event) => event.key === "Enter" && this.#chooseCategory());
    this.onContent = () => this.#contentChanged();
    this.onCategory = () => this.#showCategory();
    widget.on("change:_content", this.onContent);
    widget.on("change:category", this.onCategory);
  }

  // the pen

  #pointOf({ clientX, clientY }) {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.sheet.getScreenCTM().inverse());
    return [x, y];
  }

  #begin(point) {
    this.#stop();
    this.stroke = [point];
    this.#showStroke();
  }

  #finish() {
    const { strokes } = this.content.sketch;
    const { left, top, side } = this.view;
    const inUnits = (value, start) => Number(((value / SIDE) * side + start).toPrecision(6));
    const stroke = simplified(this.stroke, INK_EPSILON).map(([x, y]) => [inUnits(x, left), inUnits(y, top)]);
    this.stroke = this.pointer = null;
    this.#showStroke();
    this.#setSketch([...strokes, stroke]);
  }

  #key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "z") {
      event.preventDefault();
      this.#undo();
      return;
    }
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !(move || event.key === " ") || this.pointer !== null) return;
    event.preventDefault();
    this.pen ??= [SIDE / 2, SIDE / 2];
    if (move) {
      const step = event.shiftKey ? KEY_STEP_FAR : KEY_STEP;
      this.pen = this.pen.map((value, axis) => Math.min(SIDE, Math.max(0, value + move[axis] * step)));
      this.stroke?.push(this.pen);
    } else if (this.stroke) {
      this.#finish();
    } else {
      this.#begin(this.pen);
    }
    this.#showStroke();
  }

  // what the widget holds

  #setTrait(name, value) {
    this.widget.set(name, value);
    this.widget.save_changes();
  }

  /** Sets the strokes; a sketch that is begun here is measured in units of the sheet. */
  #setSketch(strokes) {
    const { sketch } = this.content;
    this.#stop();
    const scale = sketch.strokes.length ? sketch.scale : this.widget.get("_model").sheetScale;
    this.#setTrait("_content", {
      sketch: { strokes, penDown: false, scale: strokes.length ? scale : null },
      completions: [],
    });
  }

  #undo() {
    const { sketch } = this.content;
    const before = this.undoable.pop() ?? { ...sketch, strokes: sketch.strokes.slice(0, -1), penDown: false };
    this.#stop();
    this.undoing = true;
    this.#setTrait("_content", { sketch: before, completions: [] });
    this.undoing = false;
  }

  #contentChanged() {
    const { sketch, completions } = this.content;
    this.content = this.widget.get("_content");
    const same = JSON.stringify(sketch) === JSON.stringify(this.content.sketch);
    if (same && JSON.stringify(completions) === JSON.stringify(this.content.completions)) return;
    if (!same) {
      this.#stop();
      this.#tell("");
      if (!this.undoing) this.undoable.push(sketch);
    }
    this.shown = 0;
    const strokes = this.content.sketch.strokes;
    const grown = strokes.length > 0 && sketch.strokes.every((stroke, index) => same || stroke === strokes[index]);
    this.#show({ refit: !grown });
  }

  #chooseCategory() {
    if (this.category.value === (this.widget.get("category") ?? "")) return; // told twice: by Enter, and when it is left
    const typed = this.category.value.trim().toLowerCase().replaceAll("_", " ");
    const { categories } = this.widget.get("_model");
    const name = typed ? categories.find((each) => each.toLowerCase() === typed) : null;
    if (name === undefined)
      this.#fail(`category: expected one of the model's ${categories.length} categories, found ${this.category.value}`);
    else this.#tell("");
    if (name !== undefined) this.#setTrait("category", name);
    this.#showCategory();
  }

  // what the model does

  #stop() {
    this.job?.abort();
    this.job = null;
    this.root.removeAttribute("aria-busy");
  }

  async #complete() {
    this.#stop();
    const job = (this.job = new AbortController());
    const { signal } = job;
    const { strokes, penDown, scale } = this.content.sketch;
    const [category, seed, temperature, count] = ["category", "seed", "temperature", "count"].map((name) =>
      this.widget.get(name),
    );
    this.root.setAttribute("aria-busy", "true");
    try {
      if (!strokes.length && !category && !this.category.hidden)
        throw new Error("nothing to complete: draw a stroke, or choose a category to draw from nothing");
      this.#tell("Loading the model …");
      const model = await sharedModel(this.widget, this.closed.signal);
      if (signal.aborted) return;
      this.#tell("Drawing …");
      const drawn = await model.completions(strokes, { category, seed, temperature, count, penDown, scale, signal });
      if (signal.aborted) return;
      const completions = drawn.map(({ flaws, ...completion }) => completion);
      this.#setTrait("_content", { ...this.content, completions });
      this.#stop();
    } catch (error) {
      if (signal.aborted) return;
      this.#stop();
      this.#fail(error.message);
    }
  }

  // what is shown

  #tell(text) {
    this.#find("[role=status]").textContent = text;
    this.#find("[role=alert]").hidden = true;
  }

  #fail(text) {
    this.#tell("");
    Object.assign(this.#find("[role=alert]"), { textContent: text, hidden: false });
  }

  #showCategory() {
    this.category.value = this.widget.get("category") ?? "";
  }

  /** Shows the content. `refit`: fit the sheet to the sketch again; otherwise it only grows. */
  #show({ refit = false } = {}) {
    const { sketch, completions } = this.content;
    const given = boundsOf(sketch.strokes);
    const all = boundsOf([...sketch.strokes, ...completions.flatMap((completion) => completion.strokes)]);
    if (refit) this.view = given && sketch.scale === null ? around(given, ROOM) : SHEET;
    if (refit && all && !given) this.view = around(all, ROOM);
    if (all && !holds(this.view, all)) this.view = around(union(this.view, all), MARGIN);
    this.#find(".content").innerHTML = pathsOf(this.view, sketch, completions[this.shown]);
    this.#find(".undo").disabled = !sketch.strokes.length && !this.undoable.length;
    this.#find(".clear").disabled = !sketch.strokes.length && !completions.length;
    this.#find(".another").disabled = !completions.length;
    this.#showVersions();
    if (completions.length) {
      const { category, seed, ended } = completions[this.shown];
      this.#tell([...(category ? [category] : []), `seed ${seed}`, ...(ended ? [] : ["cut"])].join(", "));
    }
  }

  #showVersions() {
    const { sketch, completions } = this.content;
    const versions = completions.map((completion, index) => {
      const bounds = boundsOf([...sketch.strokes, ...completion.strokes]);
      const paths = bounds ? pathsOf(around(bounds, MARGIN), sketch, completion) : "";
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", String(index === this.shown));
      button.setAttribute("aria-label", `Completion ${index + 1}, seed ${completion.seed}`);
      button.innerHTML = `<svg viewBox="0 0 ${SIDE} ${SIDE}">${paths}</svg>`;
      button.addEventListener("click", () => {
        this.shown = index;
        this.#show();
        this.#find(`.versions :nth-child(${index + 1})`).focus();
      });
      return button;
    });
    this.#find(".versions").hidden = completions.length < 2;
    this.#find(".versions").replaceChildren(...versions);
  }

  #showStroke() {
    this.sheet.classList.toggle("drawing", this.stroke !== null);
    this.#find(".stroke").setAttribute("d", this.stroke ? pathData(this.stroke) : "");
    const size = this.stroke ? 3 : 6;
    const [x, y] = this.pen ?? [0, 0];
    this.#find(".pen").setAttribute("d", this.pen ? `M${x - size} ${y}h${2 * size}M${x} ${y - size}v${2 * size}` : "");
  }
}

/** Returns the square around bounds, with room of a share of their larger side. */
function around([left, top, right, bottom], share) {
  const side = Math.max(right - left, bottom - top) * (1 + 2 * share) || 1;
  return { left: (left + right - side) / 2, top: (top + bottom - side) / 2, side };
}

function holds({ left, top, side }, bounds) {
  return bounds[0] >= left && bounds[1] >= top && bounds[2] <= left + side && bounds[3] <= top + side;
}

function union({ left, top, side }, bounds) {
  return boundsOf([[[left, top], [left + side, top + side], bounds.slice(0, 2), bounds.slice(2)]]);
}

/** Returns a sketch and its completion as paths of the picture. */
function pathsOf({ left, top, side }, sketch, completion) {
  const toPicture = ([x, y]) => [((x - left) / side) * SIDE, ((y - top) / side) * SIDE];
  const paths = (strokes, part) =>
    strokes.map((stroke) => `<path class="${part}" d="${pathData(stroke.map(toPicture))}"/>`).join("");
  return paths(completion?.strokes ?? [], "completion") + paths(sketch.strokes, "ink");
}

/** Returns the model of a widget, which all canvases of the page share. `signal`: the one that asks has gone. */
async function sharedModel(widget, signal) {
  const models = (globalThis[MODELS] ??= new Map());
  const { key } = widget.get("_model");
  for (;;) {
    if (!models.has(key)) {
      const loading = modelFile(widget, signal).then(modelOf);
      models.set(key, loading);
      loading.catch(() => models.delete(key));
    }
    try {
      return await models.get(key);
    } catch (error) {
      if (error !== GONE || signal.aborted) throw error; // else the canvas that had asked is gone: ask again
    }
  }
}

const GONE = new Error("the canvas was closed");

/** Asks Python for the model's file. */
function modelFile(widget, signal) {
  return new Promise((resolve, reject) => {
    const receive = ({ kind }, buffers) => {
      if (kind !== "model") return;
      widget.off("msg:custom", receive);
      resolve(buffers[0]);
    };
    signal.addEventListener("abort", () => {
      widget.off("msg:custom", receive);
      reject(GONE);
    });
    widget.on("msg:custom", receive);
    widget.send({ kind: "model" });
  });
}

/** Loads a model in a worker; in this thread where the page allows no worker. */
async function modelOf(bytes) {
  let worker;
  const address = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
  try {
    worker = new Worker(address);
    return await loadInWorker(bytes, { worker });
  } catch {
    worker?.terminate();
    return load(bytes);
  } finally {
    URL.revokeObjectURL(address);
  }
}

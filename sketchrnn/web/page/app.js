import { encodedDrawing, decodedDrawing } from "./link.js";
import { boundsOf, pathData, simplified } from "./geometry.js";
import { LINE_WIDTH, ndjsonText, pngBlob, save, svgText } from "./download.js";
import { Combobox } from "./combobox.js";
import { Surface } from "./surface.js";

const BOX_OF_A_SCALE = 30; // units of the sheet in an offset scale, for models whose unit is not that of the sheet
const VERSIONS = 6;
const GUESSES = 5;
const PAUSE = 180; // ms without a change before a slider's value counts
const LIVE_GUESS = 300; // ms between guesses while a line is drawn
const CHANGE_OF_MIND = 1.5; // how much more probable a later guess must be for all to be drawn anew
const MOST_UNDO = 200;
const LARGEST_SEED = 2 ** 31 - 1;

const element = (id) => document.getElementById(id);
const percent = (probability) => (probability >= 0.995 ? ">99 %" : probability < 0.01 ? "<1 %" : `${Math.round(probability * 100)} %`);

/** Starts the page; `loading` is a promise of the model. */
export async function startPage(loading) {
  await new Page().start(loading);
}

class Page {
  ink = []; // strokes that are the user's: drawn, or taken over
  versions = []; // completions: { strokes, whole, ended }
  shown = 0; // which of them is on the sheet
  done = true; // nothing is to be drawn: the sheet is empty, or all is taken over
  undoable = [];
  redoable = [];
  category = null; // chosen by the user; null: guessed
  guesses = [];
  temperature = 0.4;
  seed = 1;
  drawing = null; // AbortController of what the model is drawing
  session = null; // that of the versions on the page, drawn or being drawn
  guessing = null;
  lastLiveGuess = 0;
  thumbnails = null;

  constructor() {
    this.surface = new Surface(element("canvas"), {
      onPenDown: () => this.#penDown(),
      onPenMove: (stroke) => this.#penMove(stroke),
      onStroke: (stroke) => this.#strokeDrawn(stroke),
      onPlayed: () => this.#played(),
    });
    this.combobox = new Combobox(element("category"), element("category-list"), (name) => this.#chooseCategory(name));
    this.#listen();
    this.#showVersions();
    this.#showState();
  }

  async start(loading) {
    this.loading = loading;
    try {
      this.model = await loading;
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.scale = this.model.unit === "box" ? 1 : this.model.offsetScale / BOX_OF_A_SCALE;
    this.combobox.setNames(this.model.categories);
    if (this.model.categories.length < 2) {
      this.category = this.model.categories[0] ?? null;
      document.querySelector(".subject").hidden = !this.category;
      element("category").disabled = true;
    }
    document.querySelector(".guesses").hidden = !this.model.canGuess;
    this.#showCategory();
    document.body.dataset.ready = "true"; // for tests; drawing need not wait for it
    this.#openLink();
    window.addEventListener("hashchange", () => this.#openLink());
  }

  // the pen

  #penDown() {
    this.#stop();
    element("hint").hidden = true;
  }

  #penMove(stroke) {
    const now = performance.now();
    if (!this.model || this.category || this.guessing || now - this.lastLiveGuess < LIVE_GUESS || stroke.length < 8) return;
    this.lastLiveGuess = now;
    this.#guess([...this.ink, stroke], true).catch((error) => this.#fail(error));
  }

  #strokeDrawn(stroke) {
    this.#stopGuessing(); // it is about less than there is now
    this.#remember();
    this.ink = [...this.ink, stroke];
    this.surface.setInk(this.ink);
    this.#complete();
  }

  // what the model does

  #stop() {
    this.drawing?.abort();
    this.drawing = this.session = null;
  }

  #stopGuessing() {
    this.guessing?.abort();
    this.guessing = null;
    element("guesses").setAttribute("aria-busy", "false");
  }

  /** Has the ink completed, from the beginning on. `kept` is a completion that stays as the first version. */
  async #complete({ kept = null } = {}) {
    this.#stop();
    const drawing = (this.drawing = this.session = new AbortController());
    this.done = false;
    this.versions = kept ? [kept] : [];
    this.shown = 0;
    if (!kept) this.surface.setCompletion([], { whole: false });
    this.#showVersions();
    this.#showState();
    try {
      await this.loading;
      const category = await this.#subject();
      if (drawing.signal.aborted) return;
      await this.#draw(category, kept, drawing);
      if (!this.model.canGuess || !this.ink.length || this.session !== drawing) return;
      const guesses = await this.#guess(this.ink);
      if (this.session === drawing) this.#reconsider(guesses, category);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Returns what is to be drawn: the choice, or the guess so far, which is made good when all is drawn. */
  async #subject() {
    if (this.category || !this.model.canGuess) return this.category;
    if (!this.ink.length) return this.model.categories[Math.floor(Math.random() * this.model.categories.length)];
    const [{ category }] = this.guesses.length ? this.guesses : await this.#guess(this.ink);
    return category;
  }

  /** Has all drawn anew if a later guess is clearly another. */
  #reconsider(guesses, category) {
    const { probability = 0 } = guesses.find((guess) => guess.category === category) ?? {};
    if (!this.category && guesses[0].probability > CHANGE_OF_MIND * probability) this.#complete();
  }

  async #draw(category, kept, drawing) {
    const first = kept ? 1 : 0;
    const request = {
      category,
      count: VERSIONS - first,
      bestOf: 1,
      temperature: this.temperature,
      seed: this.seed,
      scale: this.scale,
      signal: drawing.signal,
    };
    const open = []; // versions whose last stroke goes on
    this.subject = category;
    for await (const event of this.model.stream(this.ink, request)) {
      if (event.event === "start") {
        for (const _ of event.drawings) this.versions.push({ strokes: [], whole: false, ended: false });
        if (!kept) this.surface.setCompletion(this.versions[0].strokes, { whole: false });
        this.#showVersions();
        continue;
      }
      const place = event.drawing + first;
      const version = this.versions[place];
      if (event.event === "points") {
        if (!open[place]) version.strokes.push([]);
        version.strokes.at(-1).push(...event.points);
        open[place] = !event.lift;
      } else {
        version.whole = true;
        version.ended = event.ended;
        if (place === this.shown && !version.strokes.length) this.#passOver();
      }
      if (place === this.shown) this.surface.completionGrew(version.whole);
      this.#showVersionsSoon();
    }
    if (this.drawing === drawing) this.drawing = null;
    this.#showState();
  }

  /** Shows another version in the place of one that adds nothing, if there is one. */
  #passOver() {
    const other = this.versions.findIndex((version) => version.strokes.length || !version.whole);
    if (other >= 0) this.#choose(other);
  }

  /** Guesses what strokes are going to be, shows it, and returns it. */
  async #guess(strokes, penDown = false) {
    this.guessing?.abort();
    const guessing = (this.guessing = new AbortController());
    element("guesses").setAttribute("aria-busy", "true");
    const guesses = await this.model.guess(strokes, { penDown, scale: this.scale, signal: guessing.signal });
    if (this.guessing === guessing) {
      this.guesses = guesses.slice(0, GUESSES);
      this.#showGuesses();
      this.guessing = null;
      element("guesses").setAttribute("aria-busy", "false");
    }
    return guesses;
  }

  // what the user does

  #remember() {
    this.undoable.push(this.#snapshot());
    if (this.undoable.length > MOST_UNDO) this.undoable.shift();
    this.redoable = [];
  }

  #snapshot() {
    const { ink, versions, shown, done, guesses, subject } = this;
    return { ink, versions, shown, done, guesses, subject };
  }

  #step(from, to) {
    const snapshot = from.pop();
    if (!snapshot) return;
    this.#stop();
    this.#stopGuessing();
    to.push(this.#snapshot());
    Object.assign(this, snapshot);
    this.surface.setInk(this.ink);
    this.#showGuesses();
    const unfinished = !this.done && (!this.versions.length || this.versions.some((version) => !version.whole));
    if (unfinished) this.#complete();
    else this.#showChosen({ atOnce: true });
    this.#say(this.ink.length ? `${count(this.ink.length, "stroke")} of yours` : "The sheet is empty");
  }

  #clear() {
    if (!this.ink.length && !this.versions.length) return;
    this.#stop();
    this.#stopGuessing();
    this.#remember();
    Object.assign(this, { ink: [], versions: [], shown: 0, done: true, guesses: [] });
    this.surface.setInk(this.ink);
    this.#showGuesses();
    this.#showChosen({ atOnce: true });
    this.#say("The sheet is empty");
  }

  #again() {
    this.seed = (this.seed + VERSIONS) % LARGEST_SEED;
    this.#complete();
  }

  #choose(index) {
    if (!this.versions[index] || index === this.shown) return;
    this.shown = index;
    this.#showChosen();
  }

  #takeStroke() {
    const version = this.versions[this.shown];
    if (!version?.strokes.length || (!version.whole && version.strokes.length < 2)) return;
    this.#remember();
    const [stroke, ...rest] = version.strokes;
    const shownStrokes = this.surface.strokesShown;
    this.ink = [...this.ink, stroke];
    this.surface.setInk(this.ink);
    const kept = { ...version, strokes: rest };
    this.surface.setCompletion(rest, { whole: version.whole, atOnce: shownStrokes > rest.length });
    if (!rest.length) return this.#finish();
    this.#stop();
    if (!version.whole) return this.#complete();
    this.seed = (this.seed + VERSIONS) % LARGEST_SEED;
    return this.#complete({ kept });
  }

  #takeAll() {
    const version = this.versions[this.shown];
    if (!version?.whole || !version.strokes.length) return;
    this.#remember();
    this.ink = [...this.ink, ...version.strokes];
    this.surface.setInk(this.ink);
    this.#finish();
  }

  #finish() {
    this.#stop();
    Object.assign(this, { versions: [], shown: 0, done: true });
    this.#showChosen({ atOnce: true });
    this.#say("Taken over. Draw on, and it goes on from there.");
  }

  #chooseCategory(name) {
    this.category = name;
    this.#showCategory();
    this.#showGuesses();
    if (this.ink.length || this.versions.length) this.#complete();
  }

  // links and files

  #drawingNow() {
    const version = this.versions[this.shown];
    return { ink: this.ink, completion: version?.strokes ?? [], category: this.category ?? this.subject ?? null };
  }

  async #copyLink() {
    const drawing = { ...this.#drawingNow(), temperature: this.temperature, seed: this.seed };
    const ink = drawing.ink.map((stroke) => simplified(stroke, 0.5));
    const hash = "#" + encodedDrawing({ ...drawing, ink, category: this.category });
    history.replaceState(null, "", hash);
    try {
      await navigator.clipboard.writeText(location.href);
      this.#notify("The link is copied: it holds the drawing");
    } catch {
      this.#notify("The address bar has the link now: it holds the drawing");
    }
  }

  #openLink() {
    const text = location.hash.slice(1);
    if (!text || text === "canvas") return;
    try {
      const drawing = decodedDrawing(text);
      this.#stop();
      if (this.ink.length) this.#remember();
      this.ink = drawing.ink;
      this.temperature = drawing.temperature;
      this.seed = drawing.seed;
      element("temperature").value = drawing.temperature;
      this.category = this.model.categories.includes(drawing.category) ? drawing.category : this.category;
      this.#showCategory();
      this.surface.setInk(this.ink);
      element("hint").hidden = true;
      if (drawing.completion.length) {
        const kept = { strokes: drawing.completion, whole: true, ended: true };
        this.surface.setCompletion(kept.strokes);
        this.#complete({ kept });
      } else if (this.ink.length) this.#complete();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #download(format) {
    const drawing = this.#drawingNow();
    const name = `${drawing.category ?? "drawing"}.${format}`;
    try {
      if (format === "svg") save(new Blob([svgText(drawing)], { type: "image/svg+xml" }), name);
      else if (format === "ndjson") save(new Blob([ndjsonText(drawing)], { type: "application/x-ndjson" }), name);
      else save(await pngBlob(drawing), name);
    } catch (error) {
      this.#fail(error);
    }
  }

  // what is to be seen

  #showChosen({ atOnce = false } = {}) {
    const version = this.versions[this.shown];
    this.surface.setCompletion(version?.strokes ?? [], { whole: version?.whole ?? true, atOnce });
    this.#showVersions();
    this.#showState();
  }

  #showState() {
    const version = this.versions[this.shown];
    const empty = !this.ink.length && !this.versions.length && !this.drawing;
    element("hint").hidden = !empty;
    element("undo").disabled = !this.undoable.length;
    element("redo").disabled = !this.redoable.length;
    element("clear").disabled = empty;
    element("again").disabled = empty;
    element("take-stroke").disabled = !version?.strokes.length;
    element("take-all").disabled = !version?.whole || !version.strokes.length;
    element("download").disabled = empty;
    element("link").disabled = empty;
    document.body.dataset.drawing = this.drawing ? "true" : "false";
  }

  #played() {
    const version = this.versions[this.shown];
    if (!version) return;
    const subject = this.subject ? `, as ${article(this.subject)}` : "";
    this.#say(
      version.strokes.length
        ? `Finished${subject}: ${count(version.strokes.length, "stroke")} drawn. ${this.versions.length} versions to choose from.`
        : `Nothing needs to be added${subject}.`,
    );
  }

  #showCategory() {
    this.combobox.setValue(this.category ?? "");
    element("category-reset").hidden = !this.category || !this.model.canGuess;
  }

  #showGuesses() {
    const list = element("guesses");
    const items = this.guesses.map(({ category, probability }) => {
      const button = made("button", { type: "button", className: "guess" });
      button.style.setProperty("--probability", probability);
      button.setAttribute("aria-pressed", String(this.category === category));
      button.append(made("span", { className: "guess-name", textContent: category }), made("span", { className: "guess-probability", textContent: percent(probability) }));
      button.title = `Finish it as ${article(category)}`;
      button.addEventListener("click", () => this.#chooseCategory(this.category === category ? null : category));
      const item = made("li", {});
      item.append(button);
      return item;
    });
    if (!items.length) items.push(made("li", { className: "empty", textContent: "nothing yet" }));
    list.replaceChildren(...items);
  }

  /** Makes the small pictures; `#showVersionsSoon` lets them grow. */
  #showVersions() {
    const pictures = Array.from({ length: VERSIONS }, (_, index) => {
      const button = made("button", { type: "button", className: "version", disabled: !this.versions[index] });
      button.setAttribute("aria-pressed", String(Boolean(this.versions[index]) && index === this.shown));
      button.innerHTML = '<svg aria-hidden="true" focusable="false"><path class="given"/><path class="drawn"/></svg>';
      button.addEventListener("click", () => this.#choose(index));
      return button;
    });
    const focused = [...element("versions").children].indexOf(document.activeElement);
    element("versions").replaceChildren(...pictures);
    if (focused >= 0) pictures[focused].focus();
    this.inkPath = this.ink.map(pathData).join("");
    this.#growVersions();
  }

  #showVersionsSoon() {
    this.thumbnails ??= requestAnimationFrame(() => {
      this.thumbnails = null;
      this.#growVersions();
      this.#showState();
    });
  }

  #growVersions() {
    [...element("versions").children].forEach((button, index) => {
      const version = this.versions[index];
      const about = !version ? "not drawn yet" : version.whole ? count(version.strokes.length, "stroke") : "being drawn";
      button.setAttribute("aria-label", `Version ${index + 1}: ${about}`);
      button.disabled = !version;
      if (!version) return;
      const [left, top, right, bottom] = boundsOf([...this.ink, ...version.strokes]) ?? [0, 0, 255, 255];
      const side = Math.max(right - left, bottom - top, 60) + 24;
      const picture = button.firstElementChild;
      picture.setAttribute("viewBox", `${(left + right - side) / 2} ${(top + bottom - side) / 2} ${side} ${side}`);
      picture.style.setProperty("--width", Math.max(LINE_WIDTH, side / 90));
      picture.children[0].setAttribute("d", this.inkPath);
      picture.children[1].setAttribute("d", version.strokes.map(pathData).join(""));
    });
  }

  #say(text) {
    element("status").textContent = text;
  }

  #notify(text) {
    this.#say(text);
    const message = element("message");
    message.textContent = text;
    message.hidden = false;
    clearTimeout(this.messageTimer);
    this.messageTimer = setTimeout(() => (message.hidden = true), 5000);
  }

  #fail(error) {
    if (error.name === "AbortError") return; // something newer is on its way
    this.#notify(error.message);
    this.drawing = null;
    this.#showState();
  }

  #listen() {
    const on = (id, work) => element(id).addEventListener("click", work);
    on("undo", () => this.#step(this.undoable, this.redoable));
    on("redo", () => this.#step(this.redoable, this.undoable));
    on("clear", () => this.#clear());
    on("again", () => this.#again());
    on("surprise", () => {
      this.seed = Math.floor(Math.random() * LARGEST_SEED);
      this.#complete();
    });
    on("take-stroke", () => this.#takeStroke());
    on("take-all", () => this.#takeAll());
    on("link", () => this.#copyLink());
    on("category-reset", () => {
      this.#chooseCategory(null);
      element("category").focus();
    });
    let pause;
    element("temperature").addEventListener("input", (event) => {
      this.temperature = Number(event.target.value);
      event.target.setAttribute("aria-valuetext", `${this.temperature}`);
      clearTimeout(pause);
      pause = setTimeout(() => !this.done && this.#complete(), PAUSE);
    });
    this.#listenToMenu();
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  #listenToMenu() {
    const [button, menu] = [element("download"), element("download-menu")];
    const items = [...menu.querySelectorAll("button")];
    const open = (wanted) => {
      menu.hidden = !wanted;
      button.setAttribute("aria-expanded", String(wanted));
      if (wanted) items[0].focus();
    };
    button.addEventListener("click", () => open(menu.hidden));
    document.addEventListener("pointerdown", (event) => {
      if (!event.target.closest(".menu")) open(false);
    });
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !event.relatedTarget.closest(".menu")) open(false);
    });
    menu.addEventListener("keydown", (event) => {
      const moves = { ArrowDown: 1, ArrowUp: -1 };
      if (event.key === "Escape") {
        open(false);
        button.focus();
      } else if (moves[event.key]) {
        event.preventDefault();
        items.at((items.indexOf(document.activeElement) + moves[event.key]) % items.length).focus();
      }
    });
    for (const item of items)
      item.addEventListener("click", () => {
        open(false);
        button.focus();
        this.#download(item.dataset.format);
      });
  }

  #key(event) {
    const key = event.key.toLowerCase();
    const typing = event.target.closest?.("input, [role=menu]");
    if ((event.ctrlKey || event.metaKey) && key === "z" && !(typing && event.target.type === "text")) {
      event.preventDefault();
      event.shiftKey ? this.#step(this.redoable, this.undoable) : this.#step(this.undoable, this.redoable);
    } else if ((event.ctrlKey || event.metaKey) && key === "y" && !typing) {
      event.preventDefault();
      this.#step(this.redoable, this.undoable);
    } else if (event.target === element("canvas") && !event.ctrlKey && !event.metaKey && !event.altKey) {
      // single letters only where the drawing has the focus, so that they are in nobody's way
      const keys = { u: "undo", a: "again", s: "take-stroke", enter: "take-all", delete: "clear" };
      if (keys[key]) element(keys[key]).click();
      else if (/^[1-9]$/.test(key)) this.#choose(Number(key) - 1);
    }
  }
}

function made(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function article(noun) {
  return /^(the|\d)/i.test(noun) ? noun : /^[aeiou]/i.test(noun) ? `an ${noun}` : `a ${noun}`;
}

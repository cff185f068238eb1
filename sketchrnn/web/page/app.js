/**
 * The page: what happens when something is drawn, chosen or opened.
 * @typedef {import("./geometry.js").Stroke} Stroke
 * @typedef {import("./history.js").Ending} Ending
 */

import { simplified } from "../engine/sketch.js";
import { Combobox } from "./combobox.js";
import { DEMO_DRAWINGS } from "./demo.js";
import { FORMATS, save } from "./download.js";
import { ENDINGS, Finisher, LARGEST_SEED, isClear } from "./endings.js";
import { boundsOf, moved } from "./geometry.js";
import { History, emptyState } from "./history.js";
import { LinkError, decodedDrawing, drawingIn, encodedDrawing } from "./link.js";
import { makeMenu } from "./menu.js";
import { growEnding, showDrawings, showEndings, showGuesses } from "./panel.js";
import { share } from "./share.js";
import { Storage, claim, currentId, holdUnsaved, release, setCurrentId, setSetting, setting, takeUnsaved } from "./storage.js";
import { Surface } from "./surface.js";
import { chooseLanguage, languageNames, texts, useLanguage } from "./texts.js";

const PAUSE = 180; // ms without a change before a slider's value counts
const LIVE_GUESS = 250; // ms between guesses while a line is drawn
const LEAST_GUESSED = 8; // points of a line that is guessed while it is drawn
const SETTLED = 0.5; // seconds that an ending has been watched before a better one no longer replaces it
const NEXT_ENDING = 2600; // ms after an ending is drawn before the next one is shown in turn
const NEXT_DEMO = 2200;
const DEMO_MARGIN = 16; // units around a drawing of the demonstration
const SEED_STEP = 100; // to the seeds of other endings
const LINK_EPSILON = 0.5; // units that lines in links differ by, at most

const stillness = matchMedia("(prefers-reduced-motion: reduce)");
const element = (id) => document.getElementById(id);

/** Starts the page. @param {Promise<import("../engine/model.js").Model>} model which may be loading */
export async function startPage(model) {
  const page = new Page();
  page.start(); // needs no model
  await page.useModel(model);
}

class Page {
  history = new History(emptyState());
  /** @type {Finisher | null} until the model is loaded */
  finisher = null;
  /** @type {Storage | null} */
  storage = null;
  id = newId();
  shownInTurn = null; // endings that have been shown in turn; null: the user has chosen one
  lastLiveGuess = 0;
  timers = {};

  constructor() {
    useLanguage();
    this.surface = new Surface(element("canvas"), {
      onPenDown: () => this.#penDown(),
      onPenMove: (stroke) => this.#guessWhileDrawing(stroke),
      onStroke: (stroke) => this.#changeInk([...this.state.ink, stroke]),
      onCancel: () => this.#penGone(),
      onErase: (ink, ending) => this.#erase(ink, ending),
      onMoveStrokes: (strokes, dx, dy) => this.#moveStrokes(strokes, dx, dy),
      onSelect: (strokes) => this.#selected(strokes),
      onPlayed: () => this.#played(),
      onView: () => this.#viewMoved(),
      onPenSeen: () => this.#penSeen(),
    });
    this.combobox = new Combobox(element("category"), element("category-list"), (name) => this.#chooseCategory(name));
    this.#listen();
  }

  get state() {
    return this.history.present;
  }

  /** The ending on the sheet. @returns {Ending | undefined} */
  get ending() {
    return this.state.endings[this.state.shown];
  }

  get isEmpty() {
    return !this.state.ink.length && !this.state.endings.length && this.state.settled;
  }

  async start() {
    this.#showAll();
    this.#say(texts.begin);
    try {
      this.storage = await Storage.open();
      await this.#restore();
    } catch {
      if (!this.storage) this.#say(texts.cannotKeep);
    }
    this.#openLink();
    window.addEventListener("hashchange", () => this.#openLink());
    if (this.isEmpty) this.#showDemo(0);
    document.body.dataset.restored = "true";
  }

  async useModel(model) {
    try {
      this.finisher = new Finisher(await model);
    } catch (error) {
      this.#say(texts.failed(error.message));
      return;
    }
    const { categories } = this.finisher.model;
    this.combobox.setNames(categories);
    document.querySelector(".subject").hidden = categories.length < 2;
    document.querySelector(".guesses").hidden = !this.finisher.canGuess;
    document.body.dataset.ready = "true";
    this.#showControls();
    if (this.state.settled) this.finisher.warmUp();
    else this.#finish();
  }

  // the pen

  #penDown() {
    this.#stopTurns();
    this.#stopDemo();
    element("hint").hidden = true;
  }

  #penGone() {
    this.#showControls();
  }

  #guessWhileDrawing(stroke) {
    const now = performance.now();
    const { finisher, state } = this;
    const busy = !finisher?.canGuess || finisher.isGuessing || finisher.job || state.category;
    if (busy || now - this.lastLiveGuess < LIVE_GUESS || stroke.length < LEAST_GUESSED) return;
    this.lastLiveGuess = now;
    finisher.guess([...state.ink, stroke], { penDown: true }).then(
      (guesses) => this.surface.penIsDown && showGuesses(element("guesses"), guesses, null, (name) => this.#chooseCategory(name)),
      (error) => this.#fail(error),
    );
  }

  #penSeen() {
    if (this.penWasSeen) return;
    this.penWasSeen = true;
    this.#letFingersDraw(false);
    this.#say(texts.penSeen);
  }

  #letFingersDraw(wanted) {
    this.surface.pointer.fingersDraw = wanted;
    element("fingers-draw").setAttribute("aria-checked", String(wanted));
  }

  // what changes the drawing: each is a step of the history

  /** @param {Partial<import("./history.js").State>} changes */
  #change(changes, { finish = false } = {}) {
    this.finisher?.stop();
    this.#stopTurns();
    this.#stopDemo();
    this.history.change({ ...changes, ...(finish && { endings: [], shown: 0, settled: false }) });
    if (finish) this.#finish(); // first of all: the worker draws while the page shows the change
    this.#showAll();
    this.#save();
  }

  /** @param {Stroke[]} ink */
  #changeInk(ink) {
    if (ink.length) this.#change({ ink }, { finish: true });
    else this.#clear();
  }

  #clear() {
    if (this.isEmpty) return;
    this.#change({ ink: [], endings: [], shown: 0, settled: true, guesses: [] });
    this.#say(texts.empty);
  }

  /** @param {Set<Stroke>} ink @param {Set<Stroke>} ending */
  #erase(ink, ending) {
    if (ink.size) return this.#changeInk(this.state.ink.filter((stroke) => !ink.has(stroke)));
    const left = { ...this.ending, strokes: this.ending.strokes.filter((stroke) => !ending.has(stroke)) };
    const endings = this.state.endings.map((one) => (one === this.ending ? left : one)).filter(({ strokes }) => strokes.length);
    const shown = Math.min(this.state.shown, Math.max(0, endings.length - 1));
    return this.#change({ endings, shown, settled: true });
  }

  #moveStrokes(strokes, dx, dy) {
    const changed = new Map([...strokes].map((stroke) => [stroke, moved(stroke, dx, dy)]));
    this.#changeInk(this.state.ink.map((stroke) => changed.get(stroke) ?? stroke));
    this.surface.select(new Set(changed.values()));
  }

  #deleteSelected() {
    const { selection } = this.surface;
    if (selection.size) this.#erase(selection, new Set());
    element("canvas").focus();
  }

  /** @param {string | null} category */
  #chooseCategory(category) {
    const { state } = this;
    const wanted = category === state.category ? null : category;
    if (!state.ink.length && !wanted) this.#change({ category: null, endings: [], shown: 0, settled: true });
    else this.#change({ category: wanted }, { finish: !this.isEmpty });
  }

  #surprise() {
    const { categories } = this.finisher.model;
    const others = categories.filter((name) => name !== this.state.category);
    const category = others[Math.floor(Math.random() * others.length)] ?? categories[0] ?? null;
    this.#change({ category, seed: Math.floor(Math.random() * LARGEST_SEED) }, { finish: true });
  }

  #again() {
    this.#change({ seed: (this.state.seed + SEED_STEP) % LARGEST_SEED }, { finish: true });
  }

  #keep() {
    const { state, ending } = this;
    if (!ending?.whole) return;
    this.#change({ ink: [...state.ink, ...ending.strokes], endings: [], shown: 0, settled: true });
    this.#say(texts.kept);
  }

  #keepStroke() {
    const { state, ending } = this;
    if (!ending?.whole) return;
    const [stroke, ...rest] = ending.strokes;
    const endings = rest.length ? [{ ...ending, strokes: rest }] : [];
    this.#change({ ink: [...state.ink, stroke], endings, shown: 0, settled: true });
    this.#say(texts.kept);
  }

  #step(name) {
    if (!this.history[name === "undo" ? "canUndo" : "canRedo"]) return;
    this.finisher?.stop();
    this.#stopTurns();
    this.history[name]();
    this.#showAll();
    this.#say(this.state.ink.length ? texts.yours(this.state.ink.length) : texts.empty);
    if (!this.state.settled) this.#finish();
    this.#save();
  }

  // the model

  async #finish() {
    const { state, finisher } = this;
    if (!finisher) return this.#say(texts.loading);
    state.endings = [];
    state.shown = 0;
    this.shownInTurn = new Set();
    this.addsNothingAs = null;
    this.#say(texts.thinking);
    try {
      const finishing = finisher.finish(state, this.#finisherEvents(state));
      this.#showControls();
      const endings = await finishing;
      if (endings && state === this.state) this.#finished(state, endings);
    } catch (error) {
      state.settled = true;
      this.#fail(error);
    }
    this.#showControls();
    return undefined;
  }

  /** @returns {import("./endings.js").FinisherEvents} */
  #finisherEvents(state) {
    const list = element("endings");
    return {
      onGuesses: (guesses) => {
        state.guesses = guesses;
        this.#showGuesses();
        if (state.category) return;
        const names = guesses.slice(0, 3).map(({ category }) => category);
        this.#say(isClear(guesses) || names.length < 2 ? texts.looksClearly(names[0]) : texts.looksUnclear(names));
      },
      onBegin: (ending) => {
        state.endings.push(ending);
        if (state.endings.length === 1) this.#show(0);
        this.#showEndings();
      },
      onGrow: (ending) => {
        this.surface.wake();
        this.timers.grow ??= requestAnimationFrame(() => {
          this.timers.grow = null;
          growEnding(list, this.state, this.state.endings.indexOf(ending));
        });
      },
      onBetter: (drawn, better) => {
        const index = state.endings.indexOf(drawn);
        const { playback } = this.surface;
        const watched = playback?.ending === drawn && playback.clock > SETTLED && drawn.strokes.length > 0 && !stillness.matches;
        if (watched) state.endings.push(better);
        else {
          state.endings.splice(Math.max(0, index), index < 0 ? 0 : 1, better);
          this.#show(state.endings.indexOf(better));
        }
        this.#showEndings();
        return watched ? drawn : null;
      },
      onNothing: (category) => {
        state.endings = []; // one may have been begun
        this.addsNothingAs ??= category;
        this.#say(texts.tryingNext(this.addsNothingAs));
      },
    };
  }

  /** Puts the endings in order, the best first; the one on the sheet stays there. */
  #finished(state, endings) {
    const shown = state.endings[state.shown];
    state.endings = endings.toSorted((one, other) => other.score - one.score);
    state.settled = true;
    const chosen = this.shownInTurn === null;
    state.shown = stillness.matches && !chosen ? 0 : Math.max(0, state.endings.indexOf(shown));
    if (this.ending !== this.surface.playback?.ending) this.#show(state.shown);
    if (!endings.length) this.#say(texts.nothingAtAll);
    else if (this.addsNothingAs) this.#say(texts.nothingAdded(this.addsNothingAs, endings[0].category));
    if (this.surface.playback?.played) this.#played();
    this.#showEndings();
    this.#describe();
    this.#viewMoved();
    this.#save();
  }

  #played() {
    const { state, ending } = this;
    this.#showControls();
    if (!ending || !state.settled) return;
    if (!this.addsNothingAs) this.#say(texts.finished(ending.category, ending.strokes.length));
    this.#describe();
    this.#showNextSoon();
  }

  // endings in turn

  #showNextSoon() {
    clearTimeout(this.timers.turn);
    const wanted = setting("in-turn", "yes") === "yes" && !stillness.matches;
    if (this.shownInTurn && wanted && this.state.endings.length > 1) this.timers.turn = setTimeout(() => this.#showNext(), NEXT_ENDING);
  }

  #showNext() {
    const { state, shownInTurn } = this;
    if (!shownInTurn) return;
    const waiting = document.hidden || this.surface.gesture || document.querySelector("dialog[open]");
    if (waiting) return this.#showNextSoon();
    shownInTurn.add(this.ending);
    const next = state.endings.findIndex((ending) => !shownInTurn.has(ending));
    if (next < 0) this.shownInTurn = null; // each has been shown: the best one stays
    return this.#show(Math.max(0, next), { fade: true });
  }

  #stopTurns() {
    clearTimeout(this.timers.turn);
    this.shownInTurn = null;
  }

  #choose(index) {
    if (!this.state.endings[index]) return;
    this.#stopTurns();
    this.#show(index);
    this.#describe();
    this.#save();
  }

  /** Shows an ending on the sheet. */
  #show(index, options = {}) {
    this.state.shown = index;
    this.surface.setEnding(this.ending ?? null, options);
    this.#showEndings();
    this.#showControls();
    this.#viewMoved();
  }

  // the demonstration

  #showDemo(index) {
    if (!this.isEmpty || index >= DEMO_DRAWINGS.length) return;
    const drawing = this.#aboveTheHint(decodedDrawing(DEMO_DRAWINGS[index]));
    const goesOn = !stillness.matches && index + 1 < DEMO_DRAWINGS.length;
    const onPlayed = () => goesOn && (this.timers.demo = setTimeout(() => this.surface.demo && this.#showDemo(index + 1), NEXT_DEMO));
    this.surface.setDemo({ ...drawing, onPlayed });
  }

  /** Returns a drawing of the demonstration, no larger than the sheet's part above the hint. */
  #aboveTheHint({ ink, completion }) {
    const { view } = this.surface;
    const [left, top, right, bottom] = boundsOf([...ink, ...completion]);
    const [width, height] = view.toUnits([view.width, element("hint").offsetTop]).map((value, axis) => value - view.bounds[axis]);
    const factor = Math.max(0.1, Math.min(1, width / (right - left + 2 * DEMO_MARGIN), height / (bottom - top + 2 * DEMO_MARGIN)));
    const middle = [view.bounds[0] + width / 2, view.bounds[1] + height / 2];
    const placed = ([x, y, ...rest]) => [(x - (left + right) / 2) * factor + middle[0], (y - (top + bottom) / 2) * factor + middle[1], ...rest];
    const scaled = (strokes) => strokes.map((stroke) => stroke.map(placed));
    return { ink: scaled(ink), completion: scaled(completion) };
  }

  #stopDemo() {
    clearTimeout(this.timers.demo);
    if (this.surface.demo) this.surface.setDemo(null);
  }

  // drawings that are kept

  async #restore() {
    const wanted = currentId();
    const records = await this.storage.all();
    const record = wanted ? records.find(({ id }) => id === wanted) : records[0];
    const unsaved = takeUnsaved(record ?? { id: wanted, changed: 0 });
    if (wanted || record) this.id = wanted ?? record.id;
    if (await claim(this.id)) {
      const history = record ? History.fromRecord(record.history) : this.history;
      if (unsaved) history.change(unsaved);
      if (record || unsaved) this.#open(this.id, history);
    } else {
      this.id = newId();
      await claim(this.id);
    }
    setCurrentId(this.id);
    await this.#showStrip();
  }

  /** Shows another drawing. @param {History} history */
  #open(id, history) {
    this.finisher?.stop();
    this.#stopTurns();
    this.#stopDemo();
    [this.id, this.history] = [id, history];
    setCurrentId(id);
    this.surface.select(new Set());
    this.surface.resetView();
    this.#showAll();
    if (!this.state.settled) this.#finish();
  }

  async #switchTo(id) {
    const left = this.id;
    await this.#save();
    if (!(await claim(id))) return;
    const record = await this.storage.get(id);
    if (!record) return;
    release(left);
    this.#open(id, History.fromRecord(record.history));
    await this.#showStrip();
  }

  async #newSheet(history = new History(emptyState(this.state.temperature))) {
    await this.#save();
    release(this.id);
    const id = newId();
    claim(id);
    this.#open(id, history);
    await this.#showStrip();
  }

  /** Saves the drawing now. Changes that come while it is being saved are saved together afterwards. */
  async #save() {
    this.saveAgain = true;
    this.saving ??= this.#saveChanges().finally(() => (this.saving = null));
    await this.saving;
  }

  async #saveChanges() {
    while (this.saveAgain) {
      this.saveAgain = false;
      const { history, id, storage } = this;
      if (!storage || (this.isEmpty && !history.canUndo && !history.canRedo)) return;
      try {
        await storage.save({ id, changed: Date.now(), history: history.toRecord() });
      } catch {
        if (!this.saidCannotKeep) this.#say(texts.cannotKeep);
        this.saidCannotKeep = true;
      }
    }
  }

  async #showStrip() {
    const records = this.storage ? await this.storage.all() : [];
    const others = records.filter(({ id, history: { present } }) => id !== this.id && (present.ink.length || present.endings.length));
    showDrawings(element("drawings-list"), others, (id) => this.#switchTo(id));
    element("no-drawings").hidden = others.length > 0;
    element("drawings-count").hidden = !others.length;
    element("drawings-count").textContent = others.length;
  }

  async #deleteAll() {
    await this.saving;
    await this.storage?.deleteAll();
    release(this.id);
    this.#open(newId(), new History(emptyState()));
    this.#say(texts.empty);
    await this.#showStrip();
  }

  // links and files

  #drawingNow() {
    const { ink, category } = this.state;
    return { ink, completion: this.ending?.strokes ?? [], subject: category ?? this.ending?.category ?? null };
  }

  #share() {
    const { category, temperature, seed } = this.state;
    const drawing = this.#drawingNow();
    const ink = drawing.ink.map((stroke) => simplified(stroke, LINK_EPSILON));
    share(encodedDrawing({ ...drawing, ink, category, temperature, seed }), (text) => this.#say(text));
  }

  /** Opens the drawing in the address, which then leaves it: the address would be stale with the next line. */
  #openLink() {
    const text = location.hash.slice(1);
    if (!text || text === "canvas") return;
    window.history.replaceState(null, "", location.href.split("#")[0]);
    this.#openText(text);
  }

  #openText(text) {
    try {
      const { ink, completion, category, subject, temperature, seed } = decodedDrawing(text);
      const endings = completion.length ? [{ strokes: completion, category: subject ?? category, seed, score: 0, whole: true }] : [];
      const settled = completion.length > 0 || (!ink.length && !category);
      const hadDrawing = !this.isEmpty;
      this.#newSheet(new History({ ...emptyState(temperature, seed), ink, endings, category, settled }));
      if (hadDrawing) this.#say(texts.opened);
      this.#save();
    } catch (error) {
      this.#say(error instanceof LinkError ? texts[error.message] : error.message);
    }
  }

  async #download(format) {
    const drawing = this.#drawingNow();
    try {
      save(await FORMATS[format](drawing), `${drawing.subject ?? texts.fileName}.${format}`);
    } catch {
      this.#say(texts.cannotSave(format));
    }
  }

  // what is to be seen

  #showAll() {
    this.surface.setInk(this.state.ink);
    this.surface.setEnding(this.ending ?? null, { atOnce: true });
    element("temperature").value = this.state.temperature;
    this.combobox.setValue(this.state.category ?? "");
    element("category-reset").hidden = !this.state.category || !this.finisher?.canGuess;
    this.#showGuesses();
    this.#showEndings();
    this.#showControls();
    this.#describe();
    this.#viewMoved();
  }

  #showGuesses() {
    showGuesses(element("guesses"), this.state.guesses, this.state.category, (name) => this.#chooseCategory(name));
  }

  #showEndings() {
    const drawing = Boolean(this.finisher?.job);
    showEndings(element("endings"), this.state, { room: ENDINGS, drawing, onChoice: (index) => this.#choose(index) });
  }

  #showControls() {
    const { state, ending, history, finisher } = this;
    element("hint").hidden = !this.isEmpty || this.surface.penIsDown;
    const disabled = {
      undo: !history.canUndo,
      redo: !history.canRedo,
      clear: this.isEmpty,
      "new-sheet": this.isEmpty,
      again: !finisher || this.isEmpty || !(state.ink.length || state.category),
      surprise: !finisher,
      keep: !ending?.whole,
      "keep-stroke": !ending?.whole,
      download: this.isEmpty,
      share: this.isEmpty,
    };
    for (const [id, value] of Object.entries(disabled)) element(id).disabled = value;
    document.body.dataset.drawing = String(Boolean(finisher?.job));
    element("guesses").setAttribute("aria-busy", String(Boolean(finisher?.isGuessing)));
  }

  #viewMoved() {
    const { surface } = this;
    element("reset-view").hidden = surface.view.isHome;
    element("show-all").hidden = surface.showsAll;
    const bounds = surface.selectionBounds;
    const button = element("delete-selected");
    button.hidden = !bounds;
    if (!bounds) return;
    const within = (value, most) => Math.max(4, Math.min(most - 48, value));
    button.style.left = `${within(bounds[2] + 12, surface.view.width)}px`;
    button.style.top = `${within(bounds[1] - 52, surface.view.height)}px`;
  }

  #selected(strokes) {
    this.#viewMoved();
    if (strokes.size) this.#say(texts.selected(strokes.size));
  }

  #describe() {
    const { ink } = this.state;
    const { ending } = this;
    element("description").textContent = this.isEmpty ? texts.empty : texts.described(ink.length, ending?.category, ending?.strokes.length ?? 0);
  }

  #say(text) {
    element("status").textContent = text;
  }

  #fail(error) {
    if (error.name === "AbortError") return; // something newer is on its way
    this.#say(texts.failed(error.message));
    this.#showControls();
  }

  // buttons and keys

  #listen() {
    const on = (id, work) => element(id).addEventListener("click", work);
    on("undo", () => this.#step("undo"));
    on("redo", () => this.#step("redo"));
    on("clear", () => this.#clear());
    on("new-sheet", () => this.#newSheet());
    on("again", () => this.#again());
    on("surprise", () => this.#surprise());
    on("keep", () => this.#keep());
    on("keep-stroke", () => this.#keepStroke());
    on("share", () => this.#share());
    on("delete-selected", () => this.#deleteSelected());
    on("reset-view", () => this.surface.resetView());
    on("show-all", () => this.surface.showAll());
    on("zoom-in", () => this.surface.zoomBy(1.25));
    on("zoom-out", () => this.surface.zoomBy(1 / 1.25));
    on("category-reset", () => {
      this.#chooseCategory(null);
      element("category").focus();
    });
    for (const button of document.querySelectorAll("button[data-tool]")) button.addEventListener("click", () => this.#useTool(button.dataset.tool));
    on("drawings-button", async () => {
      await this.#save();
      await this.#showStrip();
      const strip = element("drawings");
      strip.hidden = !strip.hidden;
      element("drawings-button").setAttribute("aria-expanded", String(!strip.hidden));
    });
    this.#listenToMenus();
    element("temperature").addEventListener("input", ({ target }) => {
      clearTimeout(this.timers.temperature);
      this.timers.temperature = setTimeout(() => {
        const temperature = Number(target.value);
        if (temperature !== this.state.temperature) this.#change({ temperature }, { finish: !this.isEmpty });
      }, PAUSE);
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("pointerdown", () => this.#stopDemo(), true);
    document.addEventListener("paste", (event) => {
      const text = !isTextField(event.target) && drawingIn(event.clipboardData.getData("text"));
      if (text) this.#openText(text);
    });
    document.addEventListener("visibilitychange", () => document.hidden && this.#save());
    window.addEventListener("pagehide", () => {
      if (this.saving) holdUnsaved({ id: this.id, changed: Date.now(), present: this.state });
    });
  }

  #listenToMenus() {
    makeMenu(element("download"), element("download-menu"));
    makeMenu(element("more"), element("more-menu"));
    for (const item of document.querySelectorAll("[data-format]")) item.addEventListener("click", () => this.#download(item.dataset.format));
    element("fingers-draw").addEventListener("click", () => this.#letFingersDraw(!this.surface.pointer.fingersDraw));
    const inTurn = element("in-turn");
    inTurn.setAttribute("aria-checked", String(setting("in-turn", "yes") === "yes"));
    inTurn.addEventListener("click", () => {
      const wanted = inTurn.getAttribute("aria-checked") !== "true";
      inTurn.setAttribute("aria-checked", String(wanted));
      setSetting("in-turn", wanted ? "yes" : "no");
      if (!wanted) this.#stopTurns();
    });
    const language = element("language");
    const codes = Object.keys(languageNames);
    const other = () => codes[(codes.indexOf(document.documentElement.lang) + 1) % codes.length];
    const name = () => Object.assign(language, { textContent: languageNames[other()], lang: other() });
    name();
    language.addEventListener("click", () => {
      chooseLanguage(other());
      name();
      this.#showAll();
      this.#say("");
    });
    element("delete-all").addEventListener("click", () => element("delete-dialog").showModal());
    element("delete-dialog").addEventListener("close", ({ target }) => {
      if (target.returnValue === "delete") this.#deleteAll();
      target.returnValue = "";
    });
  }

  #useTool(tool) {
    this.surface.tool = tool;
    for (const button of document.querySelectorAll("button[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
  }

  #key(event) {
    const key = event.key.toLowerCase();
    this.#stopDemo();
    if (document.querySelector("dialog[open]")) return;
    if (event.ctrlKey || event.metaKey) {
      const step = { z: event.shiftKey ? "redo" : "undo", y: "redo" }[key];
      if (step && !isTextField(event.target)) {
        event.preventDefault();
        this.#step(step);
      } else if (key === "a" && event.target === element("canvas")) {
        event.preventDefault();
        this.#useTool("select");
        this.surface.select(new Set(this.state.ink));
      }
    } else if (event.target === element("canvas") && !event.altKey) this.#sheetKey(key);
  }

  /** Single letters count only where the drawing has the focus, so that they are in nobody's way. */
  #sheetKey(key) {
    this.#stopTurns();
    const buttons = { u: "undo", a: "again", s: "keep-stroke", enter: "keep", p: "tool-draw", e: "tool-erase", v: "tool-select" };
    const views = { "+": "zoom-in", "=": "zoom-in", "-": "zoom-out" };
    const name = buttons[key] ?? views[key];
    if (name) element(name).click();
    else if (key === "0") this.surface.resetView();
    else if (key === "delete" || key === "backspace") element(this.surface.selection.size ? "delete-selected" : "clear").click();
    else if (key === "escape") this.surface.select(new Set());
    else if (/^[1-9]$/.test(key)) this.#choose(Number(key) - 1);
  }
}

function newId() {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
}

function isTextField(target) {
  return target.matches?.("textarea, input:not([type=range])") ?? false;
}

/**
 * What the page asks of the engine: guesses, and endings of a drawing. Nothing else on the page calls the engine.
 * @typedef {import("./history.js").Ending} Ending
 * @typedef {{ category: string, probability: number }} Guess
 */

export const ENDINGS = 6;
export const LARGEST_SEED = 2 ** 31 - 1;
const FIRST_CANDIDATES = 4; // of the ending that is watched first, as `sketchrnn complete` has
const OTHER_CANDIDATES = 2;
const [CLEAR, CLEAR_LEAD] = [0.5, 3]; // a category is clearly first with this probability, and so many times the next one's
const [LEAST_GUESS, LEAST_SHARE] = [0.02, 1 / 8]; // less probable categories, or so much less than the first, are not drawn
const LEAST_CATEGORIES = 3; // that are drawn if none is clearly first
const BOX_OF_A_SCALE = 30; // units of the sheet in the offset_scale of a model that was not trained in the 255 box, from nothing
const WARMING = [[[40, 40], [200, 60], [180, 210], [50, 190], [40, 40]]]; // closed, so that it can begin elsewhere
const WARMING_POINTS = 30;

/** Tells whether the first category is so much more probable than the others that all endings should be of it. */
export function isClear(guesses) {
  const [first, second] = guesses;
  return Boolean(first) && first.probability >= CLEAR && first.probability >= CLEAR_LEAD * (second?.probability ?? 0);
}

/** Returns the categories of the endings: one if it is clearly first, else the most probable ones. @param {Guess[]} guesses */
export function categoriesOf(guesses) {
  if (isClear(guesses)) return [guesses[0].category];
  const least = Math.max(LEAST_GUESS, guesses[0].probability * LEAST_SHARE);
  const likely = guesses.filter(({ probability }, index) => probability >= least || index < LEAST_CATEGORIES);
  return likely.slice(0, ENDINGS).map(({ category }) => category);
}

/**
 * @typedef {object} FinisherEvents
 * @property {(guesses: Guess[]) => void} onGuesses
 * @property {(ending: Ending) => void} onBegin an ending has its first point
 * @property {(ending: Ending) => void} onGrow the ending has another point, or is whole
 * @property {(drawn: Ending, better: Ending) => void} onBetter a candidate is better than the one that was begun
 * @property {(category: string) => void} onNothing the model adds nothing as this category, and the next is tried
 */

export class Finisher {
  /** what is being drawn; null: nothing @type {AbortController | null} */
  job = null;
  /** @type {AbortController | null} */
  #guessing = null;
  /** @type {AbortController | null} */
  #warming = null;

  constructor(model) {
    this.model = model;
    this.scaleFromNothing = model.unit === "box" ? 1 : model.offsetScale / BOX_OF_A_SCALE;
  }

  get canGuess() {
    return this.model.canGuess && this.model.categories.length > 1;
  }

  /** Draws what nobody sees: browsers compile the engine while it draws, so that its first drawing would be slow. */
  async warmUp() {
    const { signal } = (this.#warming = new AbortController());
    const category = this.canGuess ? null : this.model.categories[0] ?? null;
    await this.model.completions(WARMING, { category, maxPoints: WARMING_POINTS, signal }).catch(() => {});
  }

  stop() {
    this.#warming?.abort();
    this.job?.abort();
    this.job = null;
    this.stopGuessing();
  }

  stopGuessing() {
    this.#guessing?.abort();
    this.#guessing = null;
  }

  get isGuessing() {
    return this.#guessing !== null;
  }

  /** Guesses what strokes are going to be; an earlier guess is given up. @returns {Promise<Guess[]>} */
  async guess(strokes, { penDown = false } = {}) {
    this.stopGuessing();
    const guessing = (this.#guessing = new AbortController());
    try {
      return await this.model.guess(plain(strokes), { penDown, signal: guessing.signal });
    } finally {
      if (this.#guessing === guessing) this.#guessing = null;
    }
  }

  /**
   * Draws endings of a drawing and reports them to `events`. Resolves with the endings that add something; null if stopped.
   * @param {import("./history.js").State} state @param {FinisherEvents} events
   */
  async finish(state, events) {
    this.stop();
    const job = (this.job = new AbortController());
    try {
      return await this.#finish(state, events, job.signal);
    } catch (error) {
      if (job.signal.aborted) return null;
      throw error;
    } finally {
      if (this.job === job) this.job = null;
    }
  }

  async #finish({ ink, category, temperature, seed }, events, signal) {
    const settings = { strokes: plain(ink), temperature, seed, signal };
    const guessable = this.canGuess && ink.length > 0;
    const named = category ?? (guessable ? null : this.model.categories[0] ?? null);
    let first = await this.#drawFirst({ ...settings, category: named }, events);
    if (category && guessable) {
      events.onGuesses(await this.guess(ink)); // only shown: they must not keep the first line waiting
      signal.throwIfAborted();
      if (!first.endings.length) {
        events.onNothing(category);
        first = await this.#drawFirst({ ...settings, category: null }, events);
      }
    }
    const { endings, tried, guesses } = first;
    if (!endings.length) return [];
    const others = category || !guesses ? [] : categoriesOf(guesses).filter((name) => !tried.includes(name));
    const count = others.length ? 1 : ENDINGS - 1;
    for (const [index, name] of (others.length ? others : tried.slice(-1)).entries())
      endings.push(...(await this.#draw({ ...settings, category: name, seed: seed + 1 + index, count }, events)));
    // add the guess for the given strokes: an ending can look clearly like an improbable category
    const likely = new Map(guesses?.map(({ category: name, probability }) => [name, Math.log(probability)]));
    for (const ending of endings) ending.score += likely.get(ending.category) ?? 0;
    return endings;
  }

  /**
   * Draws the ending that is watched first: a candidate is shown while it is drawn, until the best one is known. Returns
   * the endings, none if nothing is added, the categories that were tried, several if none was named, and then the guesses.
   */
  async #drawFirst(settings, events) {
    const tried = [];
    let guesses = null;
    let watched;
    let goesOn = false;
    const onStart = (event) => {
      if (tried.length) events.onNothing(tried.at(-1));
      else if (event.guesses) events.onGuesses((guesses = event.guesses));
      tried.push(event.category);
      watched = newEnding(event.category, settings.seed);
      goesOn = false;
    };
    const { candidates, completions } = await this.#stream(settings, 1, FIRST_CANDIDATES, ({ event, ...told }) => {
      const { drawing, points, lift } = told;
      if (event === "start") onStart(told);
      if (event !== "points" || drawing) return;
      if (!goesOn) watched.strokes.push([]);
      watched.strokes.at(-1).push(...points);
      goesOn = !lift;
      if (watched.strokes.length === 1 && watched.strokes[0].length === points.length) events.onBegin(watched);
      events.onGrow(watched);
    });
    const [best] = completions;
    if (!best.strokes.length) return { endings: [], tried, guesses };
    Object.assign(watched, { whole: true, score: scoreOf(candidates[0]) });
    events.onGrow(watched);
    if (best === candidates[0]) return { endings: [watched], tried, guesses };
    const better = { ...newEnding(best.category, settings.seed), strokes: best.strokes, whole: true, score: scoreOf(best) };
    return { endings: [events.onBetter(watched, better), better].filter(Boolean), tried, guesses };
  }

  async #draw({ count, ...settings }, events) {
    const { completions } = await this.#stream(settings, count, OTHER_CANDIDATES, () => {});
    const endings = completions
      .filter(({ strokes }) => strokes.length)
      .map((completion) => ({ ...newEnding(settings.category, completion.seed), strokes: completion.strokes, whole: true, score: scoreOf(completion) }));
    for (const ending of endings) events.onBegin(ending);
    return endings;
  }

  async #stream({ strokes, ...settings }, count, bestOf, onEvent) {
    const scale = strokes.length ? null : this.scaleFromNothing; // null: estimated from the strokes
    const events = this.model.stream(strokes, { ...settings, count, bestOf, scale });
    for (;;) {
      const { done, value } = await events.next();
      settings.signal.throwIfAborted();
      if (done) return value;
      onEvent(value);
    }
  }
}

/** Returns strokes without widths. */
function plain(strokes) {
  return strokes.map((stroke) => stroke.map(([x, y]) => [x, y]));
}

/** @returns {Ending} */
function newEnding(category, seed) {
  return { strokes: [], category, seed, score: 0, whole: false };
}

/** A flaw, such as a scribble, counts more than any probability. */
function scoreOf({ score, flaws }) {
  return score - 1000 * flaws;
}

/** The public model: drawing is asynchronous, and other work can run in between. */

/** A trained model. `signal`, an option of each method, stops it. */
export class Model {
  #run;

  /** `run(kind, strokes, options, signal)`: yields the events of a job of the engine and returns its result. */
  constructor(description, run) {
    Object.assign(this, description);
    this.#run = run;
  }

  /**
   * Guesses the category of strokes: returns all categories, the most probable first.
   * @param {any} strokes @param {Record<string, any>} options
   */
  async guess(strokes, options = {}) {
    return resultOf(this.#run("guess", strokes, ...parted(options)));
  }

  /**
   * Completes a partial sketch, and yields the points of the completion: `{ x, y, stroke, lift }`. `lift` is true at
   * the last point of a
   * stroke. With `bestOf: 1`, points come as they are drawn, else when the best candidate is known. Returns the
   * completion.
   */
  async *complete(strokes, options = {}) {
    parted(options); // checks them
    if ((options.bestOf ?? 2) > 1) {
      const [completion] = await this.completions(strokes, { ...options, count: 1 });
      for (const [stroke, points] of completion.strokes.entries())
        for (const [index, [x, y]] of points.entries()) {
          const last = index === points.length - 1;
          yield { x, y, stroke, lift: last && !(completion.penDown && stroke === completion.strokes.length - 1) };
        }
      return completion;
    }
    const events = this.stream(strokes, { ...options, count: 1 });
    for (let stroke = 0; ; ) {
      const { done, value } = await events.next();
      if (done) return value.completions[0];
      if (value.event !== "points") continue;
      for (const [x, y] of value.points) yield { x, y, stroke, lift: value.lift };
      stroke += Number(value.lift);
    }
  }

  /** Draws from nothing; see `complete`. */
  generate(options = {}) {
    return this.complete([], options);
  }

  /**
   * Returns `count` completions, with the seeds `seed`, `seed` + 1, ...; each is the best of `bestOf` candidates.
   * @param {any} strokes @param {Record<string, any>} options
   */
  async completions(strokes, options = {}) {
    return (await resultOf(this.#run("draw", strokes, ...parted(options)))).completions;
  }

  /**
   * Draws `count` times `bestOf` candidates at once, and yields events:
   * `{ event: "start", category, drawings: [{ seed, candidate }, ...], guesses }`, again for each category that is tried,
   * `{ event: "points", drawing, points, lift }`, `{ event: "end", drawing, ended }`.
   * Returns all drawings as `candidates`, in this order, and the chosen ones as `completions`.
   * @param {any} strokes @param {Record<string, any>} options
   */
  stream(strokes, options = {}) {
    return this.#run("draw", strokes, ...parted(options));
  }
}

/** Returns options without their signal, and the signal. */
function parted(options) {
  if (typeof options !== "object" || options === null)
    throw new TypeError(`options: expected an object, found ${options}`);
  const { signal, ...others } = options;
  if (typeof (signal ?? new EventTarget()).addEventListener !== "function")
    throw new TypeError(`signal: expected an AbortSignal, found ${signal}`);
  return [others, signal ?? undefined];
}

async function resultOf(events) {
  for (;;) {
    const { done, value } = await events.next();
    if (done) return value;
  }
}

// The package from a user's point of view: run in Node by node.test.js, and in Chromium by chromium.test.js.
// A case is called with `model`, the module `sketchrnn`, the `source` of the model, and `expect`.

const CUP = [[[20, 130], [84, 126], [150, 128.5], [236, 124]], [[30, 130], [60, 220], [190, 222], [225, 126]]];
const FAST = { category: "cat", bestOf: 1, maxPoints: 40, seed: 3 };

/** Throws unless a condition holds. */
export function expect(condition, message) {
  if (!condition) throw new Error(message ?? "a condition does not hold");
}

async function all(points) {
  const seen = [];
  for (;;) {
    const { done, value } = await points.next();
    if (done) return { seen, completion: value };
    seen.push(value);
  }
}

const strokesOf = (points) => {
  const strokes = [];
  for (const { x, y, stroke } of points) (strokes[stroke] ??= []).push([x, y]);
  return strokes;
};
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected an error");
}

export const cases = {
  async "knows its categories"({ model }) {
    expect(model.categories.length === 345 && model.categories.includes("cat"));
    expect(model.canGuess && model.unit === "box" && model.kernel === "wasm");
  },

  async "guesses"({ model }) {
    const guesses = await model.guess(CUP);
    expect(guesses.length === 345);
    const sum = guesses.reduce((total, { probability }) => total + probability, 0);
    expect(Math.abs(sum - 1) < 1e-6, `the probabilities sum to ${sum}`);
    expect(guesses.every(({ probability }, index) => !index || probability <= guesses[index - 1].probability));
  },

  async "completes, the same for the same seed"({ model }) {
    const [first, again, other] = [
      await all(model.complete(CUP, FAST)),
      await all(model.complete(CUP, FAST)),
      await all(model.complete(CUP, { ...FAST, seed: 4 })),
    ];
    expect(first.seen.length > 1);
    expect(same(first, again), "the same seed draws something else");
    expect(!same(first.seen, other.seen), "another seed draws the same");
    expect(same(strokesOf(first.seen), first.completion.strokes), "the points are not those of the completion");
    for (const [index, { lift, stroke }] of first.seen.entries())
      expect(index === first.seen.length - 1 || lift === first.seen[index + 1].stroke > stroke, "strokes end with a lift");
  },

  async "keeps the best candidate"({ model }) {
    const { seen, completion } = await all(model.complete(CUP, { ...FAST, bestOf: 3 }));
    expect(same(strokesOf(seen), completion.strokes));
    const [chosen] = await model.completions(CUP, { ...FAST, bestOf: 3 });
    expect(same(chosen, completion));
    const events = model.stream(CUP, { ...FAST, bestOf: 3 });
    const { candidates, completions } = (await all(events)).completion;
    expect(candidates.length === 3 && same(completions, [chosen]));
    expect(candidates.every(({ flaws }) => flaws >= chosen.flaws), "a better candidate is not chosen");
  },

  async "yields events while it draws"({ model }) {
    const { seen, completion } = await all(model.stream(CUP, { ...FAST, count: 3 }));
    expect(same(seen[0].drawings.map(({ seed }) => seed), [3, 4, 5]) && seen[0].category === "cat");
    const drawn = completion.completions.map(() => []);
    const ended = [];
    for (const { event, drawing, points, ...rest } of seen.slice(1))
      if (event === "end") ended[drawing] = rest.ended;
      else drawn[drawing].push(...points);
    expect(same(drawn, completion.completions.map(({ strokes }) => strokes.flat())));
    expect(same(ended, completion.completions.map((one) => one.ended)));
  },

  async "takes strokes in any unit, as pairs or as objects"({ model }) {
    const [whole] = await model.completions(CUP, FAST);
    const tiny = CUP.map((stroke) => stroke.map(([x, y]) => ({ x: x / 1000 + 7, y: y / 1000 - 2 })));
    const [scaled] = await model.completions(tiny, FAST);
    const back = scaled.strokes.map((stroke) => stroke.map(([x, y]) => [(x - 7) * 1000, (y + 2) * 1000]));
    expect(same(whole.strokes.map(({ length }) => length), back.map(({ length }) => length)));
    whole.strokes.flat().forEach(([x, y], index) => {
      const [otherX, otherY] = back.flat()[index];
      expect(Math.hypot(x - otherX, y - otherY) < 0.5, `(${x}, ${y}) became (${otherX}, ${otherY})`);
    });
  },

  async "continues a stroke whose pen is down"({ model }) {
    const [completion] = await model.completions([CUP[0]], { ...FAST, penDown: true, arrange: false });
    expect(same(completion.strokes[0][0], CUP[0].at(-1)));
  },

  async "draws from nothing"({ model }) {
    const { seen } = await all(model.generate(FAST));
    expect(seen[0].x === 0 && seen[0].y === 0 && seen.length > 2);
    expect(/category/.test(await rejection(all(model.generate()))));
  },

  async "says what is wrong"({ model, module, source }) {
    expect(/temprature/.test(await rejection(model.completions(CUP, { temprature: 1 }))));
    expect(/pgi/.test(await rejection(model.completions(CUP, { category: "pgi" }))));
    expect(/temperature: expected 0, or from/.test(await rejection(model.completions(CUP, { temperature: "1" }))));
    for (const options of [5, null, "cup"])
      expect(/options: expected an object/.test(await rejection(model.complete(CUP, options).next())));
    expect(/signal: expected an AbortSignal, found 5/.test(await rejection(model.guess(CUP, { signal: 5 }))));
    expect(/stroke 0, point 0/.test(await rejection(model.guess([[[NaN, 0]]]))));
    for (const flat of [[1, 2], [{ x: 1, y: 2 }]])
      expect(/stroke 0: expected a list of points/.test(await rejection(model.guess(flat))));
    expect(/safetensors/.test(await rejection(module.load(new ArrayBuffer(3)))));
    expect(/safetensors/.test(await rejection(module.load(new Blob(["abc"])))));
    expect(/expected its address or its bytes, found undefined/.test(await rejection(module.load())));
    const damaged = source instanceof Uint8Array ? source.slice(0, 5000) : null;
    if (damaged) expect(/cut short/.test(await rejection(module.load(damaged))));
    else {
      expect(/404/.test(await rejection(module.load("nothing-here.safetensors"))));
      expect(/not the expected file/.test(await rejection(module.load(source, { integrity: `sha256-${"A".repeat(43)}=` }))));
    }
  },

  async "stops on abort"({ model }) {
    const stop = new AbortController();
    const events = model.stream(CUP, { ...FAST, maxPoints: 1000, count: 50, signal: stop.signal });
    await events.next();
    stop.abort();
    expect((await rejection(all(events))).name === "AbortError");
    expect((await rejection(model.guess(CUP, { signal: stop.signal }))).name === "AbortError");
    for await (const point of model.complete(CUP, FAST)) {
      expect(point.stroke === 0);
      break; // this also ends the job
    }
    await model.guess(CUP);
  },

  async "does several things at once"({ model }) {
    const [one, other, guesses] = await Promise.all([
      model.completions(CUP, FAST),
      model.completions(CUP, { ...FAST, seed: 9 }),
      model.guess(CUP),
    ]);
    expect(same(one, await model.completions(CUP, FAST)) && same(other, await model.completions(CUP, { ...FAST, seed: 9 })));
    expect(same(guesses, await model.guess(CUP)));
  },

  async "draws the same without WebAssembly"({ model, module, source }) {
    const plain = await module.load(source, { plain: true });
    expect(plain.kernel === "plain");
    const [one, other] = [await model.completions(CUP, FAST), await plain.completions(CUP, FAST)];
    expect(one[0].strokes.flat().every(([x, y], index) => {
      const [otherX, otherY] = other[0].strokes.flat()[index];
      return Math.hypot(x - otherX, y - otherY) < 0.1;
    }));
  },
};

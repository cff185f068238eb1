// A model whose answers a test decides: SCRIPT has `guesses`, [[category, probability], ...], and `endings`, by category
// the strokes relative to the last point of the drawing; `*` is any other category.

const TRIED = 5; // categories, if none is named and nothing is added
const guesses = SCRIPT.guesses.map(([category, probability]) => ({ category, probability }));
const categories = [...guesses.map(({ category }) => category), ...(SCRIPT.categories ?? [])];

onmessage = ({ data: { id, kind, strokes, options } }) => {
  const answer = (value, events = []) => postMessage({ id, events, done: true, value });
  if (kind === "load") answer({ categories, canGuess: true, unit: "box", offsetScale: 26 });
  else if (kind === "guess") answer(guesses);
  else if (kind === "draw") {
    const [x, y] = strokes.at(-1)?.at(-1) ?? [128, 128];
    const linesOf = (category) => SCRIPT.endings[category] ?? SCRIPT.endings["*"] ?? [];
    const open = !options.category && strokes.length;
    const names = open ? guesses.slice(0, TRIED).map(({ category }) => category) : [options.category];
    const last = names.findIndex((name) => linesOf(name).length);
    const tried = last < 0 ? names : names.slice(0, last + 1);
    const category = last < 0 ? names[0] : names[last];
    const lines = linesOf(category);
    const candidates = [];
    const events = tried.map((category) => ({ event: "start", category, guesses: open ? guesses : null }));
    for (let number = 0; number < options.count; number++)
      for (let candidate = 0; candidate < options.bestOf; candidate++) {
        const shift = 3 * number + candidate + (options.seed % 37);
        const drawn = lines.map((line) => line.map(([dx, dy]) => [x + dx + shift, y + dy]));
        for (const line of drawn)
          line.forEach((point, index) =>
            events.push({ event: "points", drawing: candidates.length, points: [point], lift: index === line.length - 1 }),
          );
        candidates.push({ category, strokes: drawn, penDown: false, seed: options.seed + number, candidate, ended: true, score: -number, flaws: 0 });
      }
    const completions = candidates.filter(({ candidate }) => candidate === 0);
    answer({ candidates, completions }, events);
  }
};

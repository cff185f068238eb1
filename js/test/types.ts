// Compiled, never run: what users may write, and what they may not.

import { type Completion, type Guess, load, loadInWorker, type Model } from "sketchrnn";

const model: Model = await load(new URL("model.safetensors", "https://example.org/"));
const inWorker: Model = await loadInWorker("model.safetensors", { integrity: "sha256-" });
const guesses: Guess[] = await model.guess([[[0, 0], { x: 1, y: 2 }]], { signal: new AbortController().signal });
for await (const { x, y, stroke, lift } of inWorker.complete([], { category: guesses[0]?.category, seed: 3 })) {
  const numbers: number = x + y + stroke;
  const flag: boolean = lift;
  void [numbers, flag];
}
const points = model.generate({ pen: "auto", temperature: 0.2 });
const step = await points.next();
if (step.done) void (step.value satisfies Completion);
for await (const event of model.stream([]))
  if (event.event === "points") void (event.points[0]![0] satisfies number);

// @ts-expect-error: no such option
await model.guess([], { temperature: 1 });
// @ts-expect-error: no such pen
await model.completions([], { pen: "sideways" });
// @ts-expect-error: strokes are lists of points
await model.guess([[1, 2]]);

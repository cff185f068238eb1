/** A point, in any unit, y pointing down. */
export type Point = readonly [x: number, y: number] | { readonly x: number; readonly y: number };

/** What is drawn while the pen is down. */
export type Stroke = readonly Point[];

export interface LoadOptions {
  /** What the file must match, as in HTML's `integrity`: "sha256-..." */
  integrity?: string;
  signal?: AbortSignal;
  /** Compute without WebAssembly. */
  plain?: boolean;
}

export interface WorkerOptions extends LoadOptions {
  /** A worker that runs `sketchrnn/worker`; the default makes one. */
  worker?: Worker;
}

export interface GuessOptions {
  /** Pixels of a finished drawing 255 wide in one unit of the strokes; null, the default, estimates it. */
  scale?: number | null;
  /** The last stroke is unfinished. Default: false. */
  penDown?: boolean;
  signal?: AbortSignal;
}

export interface CompleteOptions extends GuessOptions {
  /** What to draw, one of the model's categories; null, the default, takes the most probable one. */
  category?: string | null;
  /** The pen after the last point: "auto" is the likelier; null, the default, what `penDown` says. */
  pen?: "up" | "down" | "auto" | null;
  /** Repeats a drawing. Completion i has seed + i. Default: 0. */
  seed?: number;
  /** Number of completions; for `completions` and `stream`. Default: 1. */
  count?: number;
  /** Candidates that are sampled for each completion, of which the best is kept. Default: 4. */
  bestOf?: number;
  /** Keep those of all good candidates that differ most. Default: false. */
  diverse?: boolean;
  /** Variety of the lines: 0 = the likeliest point each time, 1 = as the training drawings. Default: 0.4. */
  temperature?: number;
  /** The same for the pen: when it lifts, and when the drawing ends. Default: 0.7. */
  penTemperature?: number;
  /** Sample only from the likeliest mixture components with this total weight. Default: 1. */
  topP?: number;
  /** Strength of the category: 1 = as trained, more = stronger, 0 = ignored. Default: 1.4. */
  guidance?: number;
  /** How clearly the category shows: 0 = as people draw on average, 1 = as the clearest drawings. Default: 1. */
  clarity?: number;
  /** A drawing that has not ended is cut after so many new points. Default: 250. */
  maxPoints?: number;
  /** Source of z for a model with an encoder. Default: "auto". */
  latent?: "auto" | "none" | "prefix" | "prior";
  /** Let the model see the strokes in the order and direction that it finds likeliest. Default: true. */
  arrange?: boolean;
}

export interface Guess {
  category: string;
  probability: number;
}

/** A point of a completion. */
export interface DrawnPoint {
  x: number;
  y: number;
  /** Which of the new strokes it belongs to, from 0. Each stroke begins with the point that it starts from. */
  stroke: number;
  /** The stroke ends here. */
  lift: boolean;
}

export interface Completion {
  /** New strokes, in the coordinates that were given. If the pen was down, the first one begins at the last point. */
  strokes: [x: number, y: number][][];
  /** The pen is down after the last point. */
  penDown: boolean;
  seed: number;
  candidate: number;
  /** The model ended the drawing by itself; otherwise it was cut. */
  ended: boolean;
  /** Log probability of the category, by the recognizer; 0 where it was not asked. */
  score: number;
  /** How many of these hold: it was cut, it left the page, it scribbles in one place. */
  flaws: number;
}

export type DrawingEvent =
  | { event: "start"; category: string | null; drawings: { seed: number; candidate: number }[] }
  | { event: "points"; drawing: number; points: [x: number, y: number][]; lift: boolean }
  | { event: "end"; drawing: number; ended: boolean };

/** A trained model. Drawing is asynchronous and gives way to other work. */
export class Model {
  /** What it draws, as Quick, Draw! spells it; empty for a model without names. */
  readonly categories: readonly string[];
  /** It can say what strokes are going to be. */
  readonly canGuess: boolean;
  /** What the training drawings were measured in: "box" for pixels of a box of 255, "source" for their file's unit. */
  readonly unit: "box" | "source";
  /** Standard deviation of the training drawings' offsets, in that unit. */
  readonly offsetScale: number;
  /** How it computes. */
  readonly kernel: "wasm" | "plain";

  /** Returns what strokes are going to be: all categories, the most probable first. */
  guess(strokes: readonly Stroke[], options?: GuessOptions): Promise<Guess[]>;

  /**
   * Completes a partial sketch, and yields the points of the completion, which it also returns. With `bestOf: 1` they come
   * as they are drawn, else when the best candidate is known.
   */
  complete(strokes: readonly Stroke[], options?: CompleteOptions): AsyncGenerator<DrawnPoint, Completion, void>;

  /** Draws from nothing; as `complete`. */
  generate(options?: CompleteOptions): AsyncGenerator<DrawnPoint, Completion, void>;

  /** Returns `count` completions, one for each seed from `seed` on, each the best of its candidates. */
  completions(strokes: readonly Stroke[], options?: CompleteOptions): Promise<Completion[]>;

  /**
   * Draws `count` times `bestOf` candidates at once, and yields what happens. Returns all that was drawn as `candidates`,
   * and the chosen ones as `completions`.
   */
  stream(
    strokes: readonly Stroke[],
    options?: CompleteOptions,
  ): AsyncGenerator<DrawingEvent, { candidates: Completion[]; completions: Completion[] }, void>;
}

/** Loads a model, a sketchrnn `.safetensors` file, from an address or as bytes; it draws in this thread. */
export function load(source: string | URL | ArrayBuffer | ArrayBufferView, options?: LoadOptions): Promise<Model>;

/** Loads a model that draws in a worker, so that the page stays quick. */
export function loadInWorker(
  source: string | URL | ArrayBuffer | ArrayBufferView,
  options?: WorkerOptions,
): Promise<Model>;

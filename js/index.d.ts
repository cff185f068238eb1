/** A point, in any unit, y pointing down. */
export type Point = readonly [x: number, y: number] | { readonly x: number; readonly y: number };

/** The points between pen down and pen up. */
export type Stroke = readonly Point[];

export interface LoadOptions {
  /** Hash of the file, as in HTML's `integrity`: "sha256-..." */
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
  /**
   * What to draw, one of the model's categories; null, the default, chooses the most probable one. If nothing can be added
   * as this category, the next most probable ones are tried, up to five in all.
   */
  category?: string | null;
  /** The pen after the last point: "auto" = the likelier of both; null, the default, uses `penDown`. */
  pen?: "up" | "down" | "auto" | null;
  /** Repeats a drawing. Completion i has seed + i. Default: 0. */
  seed?: number;
  /** Number of completions; for `completions` and `stream`. Default: 1. */
  count?: number;
  /** Candidates sampled for each completion; the first good one is kept, else the best one. Default: 4. */
  bestOf?: number;
  /** Keep the good candidates that differ most from each other. Default: false. */
  diverse?: boolean;
  /** Variety of the lines: 0 = likeliest point each time, 1 = as in the training drawings. Default: 0.4. */
  temperature?: number;
  /** The same for the pen: when it lifts, and when the drawing ends. Default: 0.7. */
  penTemperature?: number;
  /** Sample only from the likeliest mixture components with this total weight. Default: 1. */
  topP?: number;
  /** Strength of the category: 1 = as trained, more = stronger, 0 = ignored. Default: 1.8. */
  guidance?: number;
  /** Clarity of the category: 0 = as in the average drawing, 1 = as in the clearest ones. Default: 1. */
  clarity?: number;
  /** Stop a drawing after this number of new points. Default: 250. */
  maxPoints?: number;
  /** Source of z for a model with an encoder. Default: "auto". */
  latent?: "auto" | "none" | "prefix" | "prior";
  /** Give the model the strokes in their likeliest order and direction. Default: true. */
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
  /** Index of the new stroke, from 0. */
  stroke: number;
  /** The stroke ends here. */
  lift: boolean;
}

export interface Completion {
  /** The category that was drawn; null for a model without categories. */
  category: string | null;
  /** New strokes, in the given coordinates. If the pen was down, the first one starts at the last given point. */
  strokes: [x: number, y: number][][];
  /** The pen is down after the last point. */
  penDown: boolean;
  seed: number;
  candidate: number;
  /** The model ended the drawing; if not, it was cut at `maxPoints`. */
  ended: boolean;
  /** Log probability of the category by the recognizer; 0 without a score. */
  score: number;
  /** Number of flaws: it was cut, it left the page, it scribbles in one spot. */
  flaws: number;
}

export type DrawingEvent =
  | { event: "start"; category: string | null; drawings: { seed: number; candidate: number }[]; guesses: Guess[] | null }
  | { event: "points"; drawing: number; points: [x: number, y: number][]; lift: boolean }
  | { event: "end"; drawing: number; ended: boolean };

/** A trained model. Drawing is asynchronous; other work can run in between. */
export class Model {
  /** Names of the categories, as Quick, Draw! spells them; empty for a model without names. */
  readonly categories: readonly string[];
  /** Whether it can guess categories. */
  readonly canGuess: boolean;
  /** Unit of the training drawings: "box" = pixels of the 255 box, "source" = that of their files. */
  readonly unit: "box" | "source";
  /** Standard deviation of the training drawings' offsets, in that unit. */
  readonly offsetScale: number;
  /** Whether it computes in WebAssembly or in plain JavaScript. */
  readonly kernel: "wasm" | "plain";

  /** Guesses the category of strokes: returns all categories, the most probable first. */
  guess(strokes: readonly Stroke[], options?: GuessOptions): Promise<Guess[]>;

  /**
   * Completes a partial sketch, and yields the points of the completion, which it also returns. With `bestOf: 1` they come
   * as they are drawn, else when the best candidate is known.
   */
  complete(strokes: readonly Stroke[], options?: CompleteOptions): AsyncGenerator<DrawnPoint, Completion, void>;

  /** Draws from nothing; see `complete`. */
  generate(options?: CompleteOptions): AsyncGenerator<DrawnPoint, Completion, void>;

  /** Returns `count` completions, with the seeds `seed`, `seed` + 1, ...; each is the best of its candidates. */
  completions(strokes: readonly Stroke[], options?: CompleteOptions): Promise<Completion[]>;

  /**
   * Draws `count` times `bestOf` candidates at once, and yields what happens. Returns all that was drawn as `candidates`,
   * and the chosen ones as `completions`. If further categories are tried, each has its own "start".
   */
  stream(
    strokes: readonly Stroke[],
    options?: CompleteOptions,
  ): AsyncGenerator<DrawingEvent, { candidates: Completion[]; completions: Completion[] }, void>;
}

/** The address of a sketchrnn `.safetensors` file, its bytes, or a file that a visitor chose. */
export type Source = string | URL | ArrayBuffer | ArrayBufferView | Blob;

/** Loads a model that draws in this thread. */
export function load(source: Source, options?: LoadOptions): Promise<Model>;

/** Loads a model that draws in a worker, so that the page stays responsive. */
export function loadInWorker(source: Source, options?: WorkerOptions): Promise<Model>;

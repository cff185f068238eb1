/**
 * One history for all that a user decides: ink, endings, category, seed, temperature.
 * @typedef {import("./geometry.js").Stroke} Stroke
 * @typedef {{ strokes: Stroke[], category: string | null, seed: number, score: number, whole: boolean }} Ending
 *   what the model drew; `whole` once it is known to be all
 * @typedef {object} State
 * @property {Stroke[]} ink strokes of the user: drawn, or kept from an ending
 * @property {Ending[]} endings
 * @property {number} shown index of the ending on the sheet
 * @property {boolean} settled nothing is to be drawn: the sheet is empty, or all of it is kept
 * @property {string | null} category chosen by the user; null: the category is guessed
 * @property {{ category: string, probability: number }[]} guesses
 * @property {number} temperature
 * @property {number} seed
 */

const MOST_STATES = 200;

/** @returns {State} */
export function emptyState(temperature = 0.4, seed = 1) {
  return { ink: [], endings: [], shown: 0, settled: true, category: null, guesses: [], temperature, seed };
}

export class History {
  /** @param {State} present */
  constructor(present, past = [], future = []) {
    Object.assign(this, { present, past, future });
  }

  /** Begins a new state; undo returns to the present one. @param {Partial<State>} changes */
  change(changes) {
    this.past = [...this.past, this.present].slice(-MOST_STATES);
    this.present = { ...this.present, ...changes };
    this.future = [];
    return this.present;
  }

  get canUndo() {
    return this.past.length > 0;
  }

  get canRedo() {
    return this.future.length > 0;
  }

  undo() {
    if (!this.canUndo) return;
    this.future = [this.present, ...this.future];
    this.present = this.past.at(-1);
    this.past = this.past.slice(0, -1);
  }

  redo() {
    if (!this.canRedo) return;
    this.past = [...this.past, this.present];
    [this.present, ...this.future] = this.future;
  }

  /** What is stored; strokes that states share are stored once. */
  toRecord() {
    const { present, past, future } = this;
    return { present, past, future };
  }

  static fromRecord({ present, past, future }) {
    return new History(present, past, future);
  }
}

/**
 * The network of a model file; the counterpart of sketchrnn/model/network.py.
 *
 * A state has `size` drawings, one after another in each array: `hidden` and `cell`, [size, stateUnits]; `constants`,
 * for
 * each drawing the part of the sums that is the same at every step; `pen`, [size, 9], the position of the pen, for
 * models
 * with position inputs: point, first point of the stroke, smallest and largest x and y so far, and whether it is
 * lifted.
 */

import { columns, makeCell } from "./cells.js";
import { mixtureOf } from "./mixture.js";

const POSITION_FACTOR = 0.25;
const PEN_NUMBERS = 9;
const BOX = 255; // extent of a whole training drawing
const OFFSET_SCALES_OF_A_DRAWING = 8; // extent of a typical drawing in another unit

export class Network {
  encoder = null;
  clarity = null;
  noLatent = null;

  constructor(file, kernel) {
    const { configuration } = file;
    const { rowUnits, conditioningUnits, decoderUnits, outputUnits, categories, categoryUnits, latentUnits } = configuration;
    this.file = file;
    this.configuration = configuration;
    this.kernel = kernel;
    this.offsetScale = file.offsetScale;
    this.wholeExtent = file.unit === "box" ? BOX : OFFSET_SCALES_OF_A_DRAWING * file.offsetScale; // of a training drawing
    this.cell = this.#layer("decoder.lstm", configuration.decoderCell, rowUnits + conditioningUnits, decoderUnits);
    const { inputWeights, stateUnits } = this.cell;
    const width = rowUnits + conditioningUnits;
    const sums = inputWeights.length / width;
    const matrix = (values, inputs) => kernel.matrix(values, values.length / inputs, inputs);
    this.rowWeights = kernel.matrix(columns(inputWeights, width, 0, rowUnits), sums, rowUnits);
    if (conditioningUnits) {
      this.conditioningWeights = matrix(columns(inputWeights, width, rowUnits, conditioningUnits), conditioningUnits);
      this.initialWeights = matrix(file.tensor("decoder.initial.weight", 2 * stateUnits, conditioningUnits), conditioningUnits);
      this.initialBias = file.tensor("decoder.initial.bias", 2 * stateUnits);
    }
    delete this.cell.inputWeights; // the kernel has them
    this.outputWeights = matrix(file.tensor("decoder.output.weight", outputUnits, decoderUnits), decoderUnits);
    this.outputBias = file.tensor("decoder.output.bias", outputUnits);
    if (configuration.conditional) {
      this.embedding = file.tensor("category.weight", categories.length, categoryUnits);
      this.meanEmbedding = Float32Array.from({ length: categoryUnits }, (_, unit) => {
        let sum = 0;
        for (let at = unit; at < this.embedding.length; at += categoryUnits) sum += this.embedding[at];
        return sum / categories.length;
      });
    }
    if (configuration.clarity && configuration.conditional) this.clarity = file.tensor("clarity", categoryUnits);
    if (configuration.variational && configuration.canDrawWithoutLatent)
      this.noLatent = file.tensor("no_latent", latentUnits);
  }

  /**
   * Returns the decoder's conditioning, [conditioningUnits]: z, then the category's embedding.
   * `category`: an index; null for the mean of all. `z`: null for "no z". `guidance`: factor of the distance from
   * the mean embedding; 1 = as trained. `clarity`: how clearly the category shows; 0 = unknown.
   */
  conditioning(category, z = null, guidance = 1, clarity = 0) {
    const { variational, conditional, latentUnits, conditioningUnits, categoryUnits } = this.configuration;
    const values = new Float32Array(conditioningUnits);
    if (variational) values.set(z ?? this.noLatent ?? new Float32Array(latentUnits));
    if (conditional)
      for (let unit = 0, at = conditioningUnits - categoryUnits; unit < categoryUnits; unit++, at++) {
        const mean = this.meanEmbedding[unit];
        values[at] =
          category === null ? mean : mean + guidance * (this.embedding[category * categoryUnits + unit] - mean);
        if (this.clarity) values[at] += clarity * this.clarity[unit];
      }
    return values;
  }

  /** Returns the state before START, with one drawing per conditioning. */
  start(conditionings) {
    const { configuration, kernel, cell } = this;
    const { stateUnits, inputBias } = cell;
    const size = conditionings.length;
    const state = {
      size,
      hidden: new Float32Array(size * stateUnits),
      cell: new Float32Array(size * stateUnits),
      constants: conditionings.map(() => inputBias),
      pen: configuration.positionInputs ? new Float32Array(size * PEN_NUMBERS) : null,
    };
    if (state.pen) for (let at = PEN_NUMBERS - 1; at < state.pen.length; at += PEN_NUMBERS) state.pen[at] = 1;
    if (!configuration.conditioningUnits) return state;
    conditionings.forEach((conditioning, drawing) => {
      const constant = kernel.multiply(this.conditioningWeights, conditioning, 1);
      for (let index = 0; index < constant.length; index++) constant[index] += inputBias[index];
      state.constants[drawing] = constant;
      const seen = configuration.latentTanh ? conditioning.map(Math.tanh) : conditioning;
      const initial = kernel.multiply(this.initialWeights, seen, 1);
      for (let index = 0; index < initial.length; index++) initial[index] = Math.tanh(initial[index] + this.initialBias[index]);
      state.hidden.set(initial.subarray(0, stateUnits), drawing * stateUnits);
      state.cell.set(initial.subarray(stateUnits), drawing * stateUnits);
    });
    return state;
  }

  /** Returns copies of the states of some drawings, or of one of them many times. */
  take(state, indices) {
    const copied = (values, size) => {
      const taken = new Float32Array(indices.length * size);
      indices.forEach((from, to) => taken.set(values.subarray(from * size, (from + 1) * size), to * size));
      return taken;
    };
    return {
      size: indices.length,
      hidden: copied(state.hidden, this.cell.stateUnits),
      cell: copied(state.cell, this.cell.stateUnits),
      constants: indices.map((index) => state.constants[index]),
      pen: state.pen && copied(state.pen, PEN_NUMBERS),
    };
  }

  /** Returns states of one drawing each as one state. */
  joined(states) {
    const all = (name) => {
      const size = states[0][name].length;
      const values = new Float32Array(states.length * size);
      states.forEach((state, index) => values.set(state[name], index * size));
      return values;
    };
    return {
      size: states.length,
      hidden: all("hidden"),
      cell: all("cell"),
      constants: states.flatMap(({ constants }) => constants),
      pen: states[0].pen && all("pen"),
    };
  }

  /** Takes one step, in place. `rows`: stroke-5, in offset scales, one for each drawing, or one for all. */
  step(state, rows) {
    const { size, constants, pen } = state;
    const { rowUnits } = this.configuration;
    const inputs = new Float32Array(size * rowUnits);
    for (let drawing = 0; drawing < size; drawing++) {
      const row = rows.length === 1 ? rows[0] : rows[drawing];
      inputs.set(row, drawing * rowUnits);
      if (pen) {
        const own = pen.subarray(drawing * PEN_NUMBERS, (drawing + 1) * PEN_NUMBERS);
        movePen(own, row);
        inputs.set(positionOf(own), drawing * rowUnits + 5);
      }
    }
    const projected = this.kernel.multiply(this.rowWeights, inputs, size);
    for (let drawing = 0, at = 0; drawing < size; drawing++) {
      const constant = constants[drawing];
      for (let index = 0; index < constant.length; index++, at++) projected[at] += constant[index];
    }
    this.cell.step(projected, state);
    return state;
  }

  /** Returns the distributions of the next rows, one for each drawing. */
  mixtures({ size, hidden }) {
    const { outputUnits, mixtures } = this.configuration;
    const outputs = this.kernel.multiply(this.outputWeights, hidden, size, this.cell.stateUnits);
    return Array.from({ length: size }, (_, drawing) => {
      const output = outputs.subarray(drawing * outputUnits, (drawing + 1) * outputUnits);
      for (let index = 0; index < outputUnits; index++) output[index] += this.outputBias[index];
      return mixtureOf(output, mixtures);
    });
  }

  /** Returns the mean and the log variance of z of a sketch, given as its stroke-5 rows without START and END. */
  encode(rows, category) {
    const { encoderUnits, encoderCell, latentUnits, conditional, categoryUnits } = this.configuration;
    const { file, kernel } = this;
    this.encoder ??= ["forwards", "backwards"].map((name) => this.#layer(`encoder.${name}`, encoderCell, 5, encoderUnits));
    const summary = [rows, [...rows].reverse()].flatMap((sequence, direction) => [
      ...lastOutput(this.encoder[direction], sequence, kernel),
    ]);
    if (conditional) summary.push(...this.embedding.subarray(category * categoryUnits, (category + 1) * categoryUnits));
    return ["mean", "logvar"].map((name) => {
      const weights = file.tensor(`encoder.${name}.weight`, latentUnits, summary.length);
      const bias = file.tensor(`encoder.${name}.bias`, latentUnits);
      return bias.map((value, unit) =>
        summary.reduce((sum, number, index) => sum + number * weights[unit * summary.length + index], value),
      );
    });
  }

  #layer(name, kind, inputs, units) {
    const tensor = (part, ...shape) => this.file.tensor(`${name}.${part}`, ...shape);
    return makeCell(kind, tensor, inputs, units, this.configuration, this.kernel);
  }
}

/** Returns a layer's output after the last row. */
function lastOutput(cell, rows, kernel) {
  const { units, stateUnits, inputWeights, inputBias } = cell;
  const state = { size: 1, hidden: new Float32Array(stateUnits), cell: new Float32Array(stateUnits) };
  for (const row of rows) {
    const projected = inputBias.map((bias, index) =>
      row.reduce((sum, number, column) => sum + number * inputWeights[index * row.length + column], bias),
    );
    cell.step(projected, state);
  }
  return state.hidden.subarray(0, units);
}

function movePen(pen, [dx, dy, , p2]) {
  pen[0] += dx;
  pen[1] += dy;
  if (pen[8]) [pen[2], pen[3]] = [pen[0], pen[1]];
  [pen[4], pen[5]] = [Math.min(pen[4], pen[0]), Math.min(pen[5], pen[1])];
  [pen[6], pen[7]] = [Math.max(pen[6], pen[0]), Math.max(pen[7], pen[1])];
  pen[8] = Number(p2 > 0.5);
}

/** Returns the position inputs of the decoder: see `position_inputs` in configuration.py. */
function positionOf([x, y, startX, startY, left, top, right, bottom]) {
  return [x, y, x - startX, y - startY, x - left, y - top, right - x, bottom - y].map((value) => POSITION_FACTOR * value);
}

/**
 * The recurrent cells; the counterparts of those in sketchrnn/model/cells.py. Gates in the order input, forget, cell
 * input, output.
 *
 * A cell has `units`, the size of its output, which is the first part of its hidden state; `stateUnits`, the size of
 * each
 * of its two states; `inputWeights` [size, inputs] and `inputBias` [size] for the rows; and `step(projected, state)`,
 * which
 * takes the products with the rows, [B, size], and changes the states of B drawings in place.
 */

import { sigmoid } from "./kernel.js";

const EPSILON = 1e-3;

/** Returns a recurrent layer. `tensor` returns one of the layer's tensors by name and shape. */
export function makeCell(kind, tensor, inputs, units, configuration, kernel) {
  if (kind === "hyper") return hyperCell(tensor, inputs, units, configuration, kernel);
  if (kind === "layer_norm") return layerNormCell(tensor, inputs, units, kernel);
  return lstmCell(tensor, inputs, units, kernel);
}

function lstmCell(tensor, inputs, units, kernel) {
  const hiddenWeights = kernel.matrix(tensor("weight_hh_l0", 4 * units, units), 4 * units, units);
  return {
    units,
    stateUnits: units,
    inputWeights: tensor("weight_ih_l0", 4 * units, inputs),
    inputBias: tensor("bias_ih_l0", 4 * units),
    step: (projected, state) => kernel.lstm(kernel.multiply(hiddenWeights, state.hidden, state.size), projected, state, units),
  };
}

/** Normalizes the gates and the cell of one drawing, and takes the step of an LSTM. */
function layerNormGates(tensor, units) {
  const gateGain = tensor("gate_norm.gain", 4, units);
  const gateBias = tensor("gate_norm.bias", 4, units);
  const cellGain = tensor("cell_norm.gain", 1, units);
  const cellBias = tensor("cell_norm.bias", 1, units);
  return (gates, hidden, cell) => {
    for (let gate = 0; gate < 4; gate++) normalize(gates, gate * units, units);
    for (let index = 0; index < gates.length; index++) gates[index] = gateGain[index] * gates[index] + gateBias[index];
    for (let unit = 0; unit < units; unit++)
      cell[unit] =
        sigmoid(gates[units + unit]) * cell[unit] + sigmoid(gates[unit]) * Math.tanh(gates[2 * units + unit]);
    const normed = cell.slice(0, units);
    normalize(normed, 0, units);
    for (let unit = 0; unit < units; unit++)
      hidden[unit] = sigmoid(gates[3 * units + unit]) * Math.tanh(cellGain[unit] * normed[unit] + cellBias[unit]);
  };
}

function layerNormCell(tensor, inputs, units, kernel) {
  const hiddenWeights = kernel.matrix(tensor("weight_hh", 4 * units, units), 4 * units, units);
  const update = layerNormGates(tensor, units);
  return {
    units,
    stateUnits: units,
    inputWeights: tensor("weight_ih", 4 * units, inputs),
    inputBias: new Float32Array(4 * units),
    step(projected, { size, hidden, cell }) {
      const gates = kernel.multiply(hiddenWeights, hidden, size);
      for (let index = 0; index < gates.length; index++) gates[index] += projected[index];
      for (let drawing = 0; drawing < size; drawing++)
        update(part(gates, drawing, 4 * units), part(hidden, drawing, units), part(cell, drawing, units));
    },
  };
}

function hyperCell(tensor, inputs, units, { hyperUnits, hyperEmbeddingUnits }, kernel) {
  const [large, small] = [4 * units, 4 * hyperUnits];
  const ofHyper = (name, ...shape) => tensor(`hyper.${name}`, ...shape);
  const hyperInputs = ofHyper("weight_ih", small, inputs + units); // the row, then the large LSTM's output
  const hiddenWeights = kernel.matrix(
    concatenated(tensor("weight_hh", large, units), columns(hyperInputs, inputs + units, inputs, units)),
    large + small,
    units,
  );
  const hyperHidden = kernel.matrix(ofHyper("weight_hh", small, hyperUnits), small, hyperUnits);
  const [update, updateHyper] = [layerNormGates(tensor, units), layerNormGates(ofHyper, hyperUnits)];
  const embedding = (name, count) =>
    kernel.matrix(
      tensor(`${name}_embedding.weight`, count * hyperEmbeddingUnits, hyperUnits),
      count * hyperEmbeddingUnits,
      hyperUnits,
    );
  const [toScale, toShift] = [embedding("scale", 8), embedding("shift", 4)];
  const scaleBias = tensor("scale_embedding.bias", 8 * hyperEmbeddingUnits);
  const scale = tensor("scale", 8, units, hyperEmbeddingUnits);
  const shift = tensor("shift", 4, units, hyperEmbeddingUnits);
  const bias = tensor("bias", 4, units);
  const stateUnits = units + hyperUnits;

  /** Returns the products of part `index` of an embedding with `units` rows of weights. */
  const productsOf = (embedded, weights, index) => {
    const products = new Float32Array(units);
    for (let unit = 0, weight = index * units * hyperEmbeddingUnits; unit < units; unit++)
      for (let number = 0; number < hyperEmbeddingUnits; number++, weight++)
        products[unit] += embedded[index * hyperEmbeddingUnits + number] * weights[weight];
    return products;
  };

  return {
    units,
    stateUnits,
    inputWeights: concatenated(tensor("weight_ih", large, inputs), columns(hyperInputs, inputs + units, 0, inputs)),
    inputBias: new Float32Array(large + small),
    step(projected, { size, hidden, cell }) {
      const ofState = kernel.multiply(hiddenWeights, hidden, size, stateUnits);
      const ofHyperState = kernel.multiply(hyperHidden, hidden.subarray(units), size, stateUnits);
      for (let drawing = 0; drawing < size; drawing++) {
        const [rows, states] = [part(projected, drawing, large + small), part(ofState, drawing, large + small)];
        const [ownHidden, ownCell] = [part(hidden, drawing, stateUnits), part(cell, drawing, stateUnits)];
        const hyperGates = part(ofHyperState, drawing, small);
        for (let index = 0; index < small; index++) hyperGates[index] += rows[large + index] + states[large + index];
        updateHyper(hyperGates, ownHidden.subarray(units), ownCell.subarray(units));
        const scaleEmbedded = kernel.multiply(toScale, ownHidden.subarray(units), 1);
        for (let index = 0; index < scaleEmbedded.length; index++) scaleEmbedded[index] += scaleBias[index];
        const shiftEmbedded = kernel.multiply(toShift, ownHidden.subarray(units), 1);
        const gates = new Float32Array(large);
        for (let gate = 0; gate < 4; gate++) {
          const ofRow = productsOf(scaleEmbedded, scale, gate);
          const ofHidden = productsOf(scaleEmbedded, scale, 4 + gate);
          const added = productsOf(shiftEmbedded, shift, gate);
          for (let unit = 0, index = gate * units; unit < units; unit++, index++)
            gates[index] = ofRow[unit] * rows[index] + ofHidden[unit] * states[index] + added[unit] + bias[index];
        }
        update(gates, ownHidden.subarray(0, units), ownCell.subarray(0, units));
      }
    },
  };
}

/** Returns some columns of a matrix [rows, width]. */
export function columns(matrix, width, first, count) {
  const taken = new Float32Array((matrix.length / width) * count);
  for (let from = first, to = 0; to < taken.length; from += width, to += count)
    taken.set(matrix.subarray(from, from + count), to);
  return taken;
}

function concatenated(one, other) {
  const joined = new Float32Array(one.length + other.length);
  joined.set(one);
  joined.set(other, one.length);
  return joined;
}

function part(values, index, size) {
  return values.subarray(index * size, (index + 1) * size);
}

/** Normalizes `count` numbers to mean 0 and deviation 1, in place. */
function normalize(values, first, count) {
  let [sum, squares] = [0, 0];
  for (let index = first; index < first + count; index++) sum += values[index];
  const mean = sum / count;
  for (let index = first; index < first + count; index++) squares += (values[index] - mean) ** 2;
  const deviation = Math.sqrt(squares / count + EPSILON);
  for (let index = first; index < first + count; index++) values[index] = (values[index] - mean) / deviation;
}

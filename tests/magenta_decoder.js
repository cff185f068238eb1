// Runs a model in Magenta's format over a prefix, as its JavaScript does, and prints what it then predicts.
//
// node magenta_decoder.js MODEL.json PREFIX.json
//
// PREFIX: {"rows": stroke-5 rows, in units of scale_factor, the first of them the input before anything is drawn,
//          "z": latent vector, for a VAE,
//          "sketch": rows to encode, for a VAE}
// Prints {"pi", "mu_x", "mu_y", "sigma_x", "sigma_y", "rho", "pen"} after the last row; for a VAE also {"z_mean",
// "z_logvar"} of the sketch.
//
// Written from the description of the format, not from Python's side of it: base64 of little-endian int16, 32767 for 10,
// row-major matrices that rows are multiplied with from the left; gates input, candidate, forget, output; 1 added to the
// forget gate; output pen, pi, mu_x, mu_y, sigma_x, sigma_y, rho; the state that z is turned into is cell, then hidden.
'use strict';
const fs = require('fs');

const [info, shapes, blobs] = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const prefix = JSON.parse(fs.readFileSync(process.argv[3], 'utf8'));
const tensors = blobs.map((blob, index) => {
  const bytes = Buffer.from(blob, 'base64');
  const values = Float64Array.from({length: bytes.length / 2}, (_, place) => bytes.readInt16LE(2 * place) * 10 / 32767);
  if (values.length !== shapes[index].reduce((product, size) => product * size, 1)) {
    throw new Error(`tensor ${index} does not have the shape ${shapes[index]}`);
  }
  return {values, columns: shapes[index][shapes[index].length - 1]};
});

const sigmoid = value => 1 / (1 + Math.exp(-value));

function multiply(row, matrix, result) {
  row.forEach((factor, index) => {
    for (let column = 0; column < matrix.columns; column++) {
      result[column] += factor * matrix.values[index * matrix.columns + column];
    }
  });
  return result;
}

const linear = (row, matrix, bias) => multiply(row, matrix, Array.from(bias.values));

function step(row, state, [inputs, recurrent, bias]) {
  const units = recurrent.columns / 4;
  const gates = multiply(state.hidden, recurrent, linear(row, inputs, bias));
  const gate = number => gates.slice(number * units, (number + 1) * units);
  const [input, candidate, forget, output] = [0, 1, 2, 3].map(gate);
  const cell = state.cell.map((value, unit) =>
    value * sigmoid(forget[unit] + 1) + sigmoid(input[unit]) * Math.tanh(candidate[unit]));
  return {cell, hidden: cell.map((value, unit) => Math.tanh(value) * sigmoid(output[unit]))};
}

function nothing(lstm) {
  const zeros = new Array(lstm[1].columns / 4).fill(0);
  return {cell: zeros, hidden: zeros};
}

function softmax(logits) {
  const exponentials = logits.map(value => Math.exp(value - Math.max(...logits)));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map(value => value / sum);
}

const isDecoder = info.mode === 2 || info.mode === 'gen';
const [outputWeight, outputBias, ...lstm] = tensors.slice(isDecoder ? 0 : 12);
const result = {};
let state = nothing(lstm);
let z = [];
if (!isDecoder) {
  const last = (cell, rows) => rows.reduce((before, row) => step(row, before, cell), nothing(cell)).hidden;
  const read = last(tensors.slice(0, 3), prefix.sketch).concat(
    last(tensors.slice(3, 6), prefix.sketch.slice().reverse()));
  result.z_mean = linear(read, tensors[6], tensors[7]);
  result.z_logvar = linear(read, tensors[8], tensors[9]);
  z = prefix.z;
  const started = linear(info.version < 6 ? z.map(Math.tanh) : z, tensors[10], tensors[11]).map(Math.tanh);
  const units = started.length / 2;
  state = {cell: started.slice(0, units), hidden: started.slice(units)};
}
for (const row of prefix.rows) {
  state = step(row.concat(z), state, lstm);
}
const numbers = linear(state.hidden, outputWeight, outputBias);
const mixtures = (numbers.length - 3) / 6;
const part = number => numbers.slice(3 + number * mixtures, 3 + (number + 1) * mixtures);
result.pen = softmax(numbers.slice(0, 3));
result.pi = softmax(part(0));
result.mu_x = part(1);
result.mu_y = part(2);
result.sigma_x = part(3).map(Math.exp);
result.sigma_y = part(4).map(Math.exp);
result.rho = part(5).map(Math.tanh);
console.log(JSON.stringify(result));

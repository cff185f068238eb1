/**
 * The recognizer: names the category of a drawing from its picture, and estimates its extent; counterpart of
 * sketchrnn/model/recognizer.py.
 */

import { logSoftmax } from "./mixture.js";
import { extentOf } from "./sketch.js";

const MARGIN = 3; // pixels that stay empty on each side of the picture
const SAMPLE_SPACING = 0.7; // pixels between the dots of a line, at most
const PART_NUMBERS = 2; // that partNumbers returns
/** Logarithms of the extent of a part relative to the whole drawing, at which its probability density is given. */
export const LOG_EXTENTS = [-4.4, -3.4, -2.6, -2, -1.55, -1.2, -0.95, -0.75, -0.58, -0.43, -0.3, -0.19, -0.09, 0];

/** Returns the recognizer of a model file; null for a model without one. */
export function makeRecognizer({ recognizer, configuration, tensor }, kernel) {
  return recognizer && new Recognizer(recognizer, configuration.categories.length, tensor, kernel);
}

class Recognizer {
  constructor({ pictureSize, channels, kernels, strides, hiddenUnits, extentUnits }, categories, tensor, kernel) {
    this.pictureSize = pictureSize;
    this.kernel = kernel;
    let [inputs, size] = [1, pictureSize];
    this.convolutions = channels.map((outputs, index) => {
      const [width, stride] = [kernels[index], strides[index]];
      const columns = width * width * inputs;
      const weight = channelsLast(tensor(`recognizer.convolution${index}.weight`, outputs, inputs, width, width), outputs, inputs);
      const convolution = {
        ...{ inputs, width, stride, size, outputSize: Math.ceil(size / stride), columns },
        weight: kernel.matrix(weight, outputs, columns),
        bias: tensor(`recognizer.convolution${index}.bias`, outputs),
      };
      [inputs, size] = [outputs, convolution.outputSize];
      return convolution;
    });
    const flat = inputs * size * size;
    const dense = (values, rows, columns, name) => ({
      weight: kernel.matrix(values, rows, columns),
      bias: tensor(`recognizer.${name}.bias`, rows),
    });
    const hidden = channelsLast(tensor("recognizer.hidden.weight", hiddenUnits, flat), hiddenUnits, inputs);
    this.hidden = dense(hidden, hiddenUnits, flat, "hidden");
    const output = tensor("recognizer.output.weight", categories, hiddenUnits);
    this.output = dense(output, categories, hiddenUnits, "output");
    const [inputsOfExtent, outputsOfExtent] = [hiddenUnits + PART_NUMBERS, LOG_EXTENTS.length + 1];
    const extentHidden = tensor("recognizer.extent.hidden.weight", extentUnits, inputsOfExtent);
    this.extentHidden = dense(extentHidden, extentUnits, inputsOfExtent, "extent.hidden");
    const extentOutput = tensor("recognizer.extent.output.weight", outputsOfExtent, extentUnits);
    this.extentOutput = dense(extentOutput, outputsOfExtent, extentUnits, "extent.output");
    this.extentCategory = tensor("recognizer.extent.category.weight", categories, extentUnits);
  }

  /** Returns the log probability of each category for a drawing. */
  logProbabilities({ strokes }) {
    return logSoftmax(this.#layer(this.output, this.#hidden(strokes), 1, -Infinity));
  }

  /**
   * Returns the outputs for the extent of a sketch with as few points as the training drawings; its category is null if
   * it is not known.
   */
  extentOutputs({ strokes }, category) {
    const inputs = Float32Array.of(...this.#hidden(strokes), ...partNumbers(strokes));
    const values = this.#layer(this.extentHidden, inputs, 1, -Infinity).map((value, unit) =>
      Math.max(0, category === null ? value : value + this.extentCategory[category * this.extentHidden.bias.length + unit]),
    );
    return this.#layer(this.extentOutput, values, 1, -Infinity);
  }

  /** Returns the values of the hidden layer. */
  #hidden(strokes) {
    let values = pictureOf(strokes, this.pictureSize);
    for (const convolution of this.convolutions) {
      const positions = convolution.outputSize ** 2;
      values = this.#layer(convolution, windowsOf(values, convolution), positions);
    }
    return this.#layer(this.hidden, values, 1);
  }

  /** Returns the outputs of a layer for some vectors, at least `least`. */
  #layer({ weight, bias }, vectors, count, least = 0) {
    const sums = this.kernel.multiply(weight, vectors, count);
    for (let vector = 0, at = 0; vector < count; vector++)
      for (let output = 0; output < bias.length; output++, at++) {
        const sum = sums[at] + bias[output];
        sums[at] = sum > least ? sum : least;
      }
    return sums;
  }
}

/** Returns how detailed a drawing is: log of its points, and log(1 + length of its lines / extent). */
function partNumbers(strokes) {
  const sideOf = ([x, y], [nextX, nextY]) => Math.hypot(nextX - x, nextY - y);
  const lengthOf = (stroke) => stroke.slice(1).reduce((sum, point, index) => sum + sideOf(stroke[index], point), 0);
  const length = strokes.reduce((sum, stroke) => sum + lengthOf(stroke), 0);
  return [Math.log(strokes.flat().length), Math.log1p(length / extentOf({ strokes }))];
}

/** Transposes rows [inputs, positions] to [positions, inputs]. */
function channelsLast(values, rows, inputs) {
  const columns = values.length / rows;
  const positions = columns / inputs;
  const turned = new Float32Array(values.length);
  for (let row = 0, from = 0; row < rows; row++)
    for (let input = 0; input < inputs; input++)
      for (let position = 0; position < positions; position++, from++)
        turned[row * columns + position * inputs + input] = values[from];
  return turned;
}

/** Returns the inputs of a convolution at each position of a picture [size, size, inputs]. */
function windowsOf(picture, { inputs, width, stride, size, outputSize, columns }) {
  const windows = new Float32Array(outputSize * outputSize * columns);
  const half = width >> 1;
  for (let y = 0, to = 0; y < outputSize; y++)
    for (let x = 0; x < outputSize; x++)
      for (let row = y * stride - half; row <= y * stride + half; row++, to += width * inputs) {
        if (row < 0 || row >= size) continue;
        const first = x * stride - half;
        const [begin, end] = [Math.max(0, first), Math.min(size, first + width)];
        const from = (row * size + begin) * inputs;
        windows.set(picture.subarray(from, from + (end - begin) * inputs), to + (begin - first) * inputs);
      }
  return windows;
}

/**
 * Returns a gray picture of a drawing, [size, size]: 1 is ink. Lines are dots, each spread over the four nearest
 * pixels; a
 * line has an ink of 1 for each pixel of its length, a stroke without extent is one dot, no pixel has more than 1.
 */
export function pictureOf(strokes, size) {
  const ink = new Float64Array(size * size);
  const points = strokes.flat();
  if (!points.length) return new Float32Array(ink);
  const least = (axis) => points.reduce((low, point) => Math.min(low, point[axis]), Infinity);
  const most = (axis) => points.reduce((high, point) => Math.max(high, point[axis]), -Infinity);
  const [low, high] = [least, most].map((bound) => [bound(0), bound(1)]);
  const extent = Math.max(high[0] - low[0], high[1] - low[1]);
  const scale = extent > 0 ? (size - 1 - 2 * MARGIN) / extent : 0;
  const fitted = (point) => point.map((value, axis) => (value - (low[axis] / 2 + high[axis] / 2)) * scale + (size - 1) / 2);

  function dot(x, y, weight) {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const [right, below] = [x - column, y - row];
    const pixel = row * size + column;
    ink[pixel] += (1 - right) * (1 - below) * weight;
    ink[pixel + 1] += right * (1 - below) * weight;
    ink[pixel + size] += (1 - right) * below * weight;
    ink[pixel + size + 1] += right * below * weight;
  }

  for (const stroke of strokes) {
    const line = stroke.map(fitted);
    let length = 0;
    for (let index = 0; index + 1 < line.length; index++) {
      const [[x, y], next] = [line[index], line[index + 1]];
      const [dx, dy] = [next[0] - x, next[1] - y];
      const side = Math.sqrt(dx * dx + dy * dy);
      const count = Math.ceil(side / SAMPLE_SPACING);
      for (let number = 0; number < count; number++) {
        const along = (number + 0.5) / count;
        dot(x + along * dx, y + along * dy, side / count);
      }
      length += side;
    }
    if (!length) dot(...line[0], 1);
  }
  return Float32Array.from(ink, (value) => Math.min(value, 1));
}

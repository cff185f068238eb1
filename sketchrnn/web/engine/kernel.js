/** The products that take most of the time: in WebAssembly if it is allowed, else in JavaScript. */

// kernel.wat, compiled by `wat2wasm`
const KERNEL =
  "AGFzbQEAAAABIwVgBX9/f39/AGADf397AGAEe3t7ewF7YAN/f38Be2ABewF7AwoJAAABAgADBAQEBQMBAAEHHgQGbWVtb3J5AgADb25lAAAEZm91cgABBGxzdG0ABArBCwnlAQIEfwV7IAJBAnQhBSADIAVqIQYDQP0MAAAAAAAAAAAAAAAAAAAAACEJIAkhCiAJIQsgCSEMIAMhCCAAIQcDQCAI/QAEACENIAkgDSAH/QAEAP3mAf3kASEJIAogDSAHIAVq/QAEAP3mAf3kASEKIAsgDSAHIAVBAXRq/QAEAP3mAf3kASELIAwgDSAHIAVBA2xq/QAEAP3mAf3kASEMIAdBEGohByAIQRBqIQggCCAGSQ0ACyAEIAkgCiALIAwQA/0LBAAgBEEQaiEEIAAgBUECdGohACABQQRrIQEgAUEASg0ACwviAgIFfwt7IAJBAnQhBSADIAVqIQcgAUECdCEGA0D9DAAAAAAAAAAAAAAAAAAAAAAhCiAKIQsgCiEMIAohDSAKIQ4gCiEPIAohECAKIREgAyEJIAAhCANAIAj9AAQAIRIgCCAFav0ABAAhEyAJ/QAEACEUIAogFCAS/eYB/eQBIQogDiAUIBP95gH95AEhDiAJIAVq/QAEACEUIAsgFCAS/eYB/eQBIQsgDyAUIBP95gH95AEhDyAJIAVBAXRq/QAEACEUIAwgFCAS/eYB/eQBIQwgECAUIBP95gH95AEhECAJIAVBA2xq/QAEACEUIA0gFCAS/eYB/eQBIQ0gESAUIBP95gH95AEhESAIQRBqIQggCUEQaiEJIAkgB0kNAAsgBCAGIAogCyAMIA0QAxACIARBBGogBiAOIA8gECAREAMQAiAEQQhqIQQgACAFQQF0aiEAIAFBAmshASABQQBKDQALCzUAIAAgAv1aAgAAIAAgAWogAv1aAgABIAAgAUEBdGogAv1aAgACIAAgAUEDbGogAv1aAgADC5UBAQJ7IAAgAf0NAAECAxAREhMEBQYHFBUWFyAAIAH9DQgJCgsYGRobDA0ODxwdHh/95AEhBCACIAP9DQABAgMQERITBAUGBxQVFhcgAiAD/Q0ICQoLGBkaGwwNDg8cHR4f/eQBIQUgBCAF/Q0AAQIDBAUGBxAREhMUFRYXIAQgBf0NCAkKCwwNDg8YGRobHB0eH/3kAQuOAQICfwF7IARBAnQhBSAAIAVqIQYDQCAAIAEgBRAFEAYgAv0ABAD95gEgACABQQAQBRAGIAAgASAFQQF0EAUQB/3mAf3kASEHIAIgB/0LBAAgAyAAIAEgBUEDbBAFEAYgBxAH/eYB/QsEACAAQRBqIQAgAUEQaiEBIAJBEGohAiADQRBqIQMgACAGSQ0ACwsXACAAIAJq/QAEACABIAJq/QAEAP3kAQszAP0MAACAPwAAgD8AAIA/AACAP/0MAACAPwAAgD8AAIA/AACAPyAA/eEBEAj95AH95wELSgD9DAAAgD8AAIA/AACAPwAAgD/9DAAAAEAAAABAAAAAQAAAAED9DAAAgD8AAIA/AACAPwAAgD8gACAA/eQBEAj95AH95wH95QEL/wIBAnv9DAAArkIAAK5CAACuQgAArkL9DAAArsIAAK7CAACuwgAArsIgAP3rAf3qASEAIAD9DDuquD87qrg/O6q4PzuquD/95gH9aiEBIAAgAf0MAIAxPwCAMT8AgDE/AIAxP/3mAf3lASEAIAAgAf0Mg4BeOYOAXjmDgF45g4BeOf3mAf3kASEAIAD9DGdpUDlnaVA5Z2lQOWdpUDn95gEhAiAAIAL9DM5DtzrOQ7c6zkO3Os5Dtzr95AH95gEhAiAAIAL9DAiJCDwIiQg8CIkIPAiJCDz95AH95gEhAiAAIAL9DMGpKj3BqSo9wakqPcGpKj395AH95gEhAiAAIAL9DKqqKj6qqio+qqoqPqqqKj795AH95gEhAiAC/QwAAAA/AAAAPwAAAD8AAAA//eQBIQIgAiAAIAD95gH95gEgAP0MAACAPwAAgD8AAIA/AACAP/3kAf3kASECIAIgAf34Af0MfwAAAH8AAAB/AAAAfwAAAP2uAUEX/asB/eYBCw==";

const PAGE = 65536; // bytes
const GROUP = 4; // vectors that are multiplied together, and numbers in one SIMD register
const LEAST_TOGETHER = 3; // fewer vectors are multiplied faster one by one

/**
 * Returns a kernel: `matrix(values, rows, columns)` copies a matrix, and
 * `multiply(matrix, vectors, count, stride)` returns the products with `count` vectors, [count, rows].
 * A vector starts every `stride` numbers; by default this is the number of columns. `lstm(sums, more, state, units)`
 * makes
 * the step of an LSTM: the sums of the gates are given in two parts [size, 4 units]; the state is changed in place.
 */
export function makeKernel({ plain = false } = {}) {
  if (!plain) {
    try {
      const bytes = Uint8Array.from(atob(KERNEL), (letter) => letter.charCodeAt(0));
      return wasmKernel(/** @type {any} */ (new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports));
    } catch {
      // no WebAssembly, no SIMD, or a content security policy without 'wasm-unsafe-eval'
    }
  }
  return plainKernel();
}

function wasmKernel({ memory, one, four, lstm }) {
  let used = 0; // bytes
  let numbers = new Float32Array(memory.buffer);

  const padded = (size) => Math.ceil(size / GROUP) * GROUP;

  function reserve(size) {
    const offset = used;
    used += 4 * size;
    if (used > memory.buffer.byteLength) {
      memory.grow(Math.ceil((used - memory.buffer.byteLength) / PAGE));
      numbers = new Float32Array(memory.buffer);
    }
    return offset;
  }

  const scratch = new Map(); // by the number of units of the LSTM

  return {
    name: "wasm",
    matrix(values, rows, columns) {
      const [high, wide] = [padded(rows), padded(columns)];
      const at = reserve(high * wide);
      for (let row = 0; row < rows; row++)
        numbers.set(values.subarray(row * columns, (row + 1) * columns), at / 4 + row * wide);
      return { rows, columns, high, wide, at, vectors: reserve(GROUP * wide), out: reserve(GROUP * high) };
    },
    multiply({ rows, columns, high, wide, at, vectors: inside, out: result }, vectors, count, stride = columns) {
      const out = new Float32Array(count * rows);
      for (let first = 0; first < count; ) {
        const together = count - first >= LEAST_TOGETHER ? Math.min(GROUP, count - first) : 1;
        for (let index = 0, from = first * stride; index < together; index++, from += stride)
          numbers.set(vectors.subarray(from, from + columns), inside / 4 + index * wide);
        (together > 1 ? four : one)(at, high, wide, inside, result);
        for (let index = 0, from = result / 4, to = first * rows; index < together; index++, from += high, to += rows)
          out.set(numbers.subarray(from, from + rows), to);
        first += together;
      }
      return out;
    },
    lstm(sums, more, { size, hidden, cell }, units) {
      const wide = padded(units);
      if (!scratch.has(units)) scratch.set(units, reserve(10 * wide));
      const at = scratch.get(units);
      const [ofSums, ofMore, ofCell, ofHidden] = [0, 4, 8, 9].map((part) => at + 4 * part * wide);
      for (let drawing = 0; drawing < size; drawing++) {
        for (let gate = 0, from = 4 * drawing * units; gate < 4; gate++, from += units) {
          numbers.set(sums.subarray(from, from + units), ofSums / 4 + gate * wide);
          numbers.set(more.subarray(from, from + units), ofMore / 4 + gate * wide);
        }
        numbers.set(cell.subarray(drawing * units, (drawing + 1) * units), ofCell / 4);
        lstm(ofSums, ofMore, ofCell, ofHidden, wide);
        cell.set(numbers.subarray(ofCell / 4, ofCell / 4 + units), drawing * units);
        hidden.set(numbers.subarray(ofHidden / 4, ofHidden / 4 + units), drawing * units);
      }
    },
  };
}

function plainKernel() {
  return {
    name: "plain",
    matrix: (values, rows, columns) => ({ values, rows, columns }),
    multiply({ values, rows, columns }, vectors, count, stride = columns) {
      const out = new Float32Array(count * rows);
      for (let vector = 0, to = 0; vector < count; vector++)
        for (let row = 0, at = 0; row < rows; row++, to++) {
          let [a, b, c, d] = [0, 0, 0, 0]; // four sums, so that the processor does not wait for each one
          let from = vector * stride;
          let left = columns;
          for (; left >= 4; left -= 4, at += 4, from += 4) {
            a += values[at] * vectors[from];
            b += values[at + 1] * vectors[from + 1];
            c += values[at + 2] * vectors[from + 2];
            d += values[at + 3] * vectors[from + 3];
          }
          for (; left > 0; left--) a += values[at++] * vectors[from++];
          out[to] = a + b + c + d;
        }
      return out;
    },
    lstm(sums, more, { size, hidden, cell }, units) {
      const gate = (index) => sums[index] + more[index];
      for (let drawing = 0; drawing < size; drawing++)
        for (let unit = 0, own = drawing * units, at = 4 * own; unit < units; unit++, own++, at++) {
          cell[own] = sigmoid(gate(at + units)) * cell[own] + sigmoid(gate(at)) * Math.tanh(gate(at + 2 * units));
          hidden[own] = sigmoid(gate(at + 3 * units)) * Math.tanh(cell[own]);
        }
    },
  };
}

export function sigmoid(value) {
  return 1 / (1 + Math.exp(-value));
}

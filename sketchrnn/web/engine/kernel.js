/** The products that take most of the time: in WebAssembly if it is allowed, else in JavaScript. */

// kernel.wat, compiled by `wat2wasm`
const KERNEL =
  "AGFzbQEAAAABHQRgBX9/f39/AGAEe3t7ewF7YAN/f38Be2ABewF7AwkIAAABAAIDAwMFAwEAAQceBAZtZW1vcnkCAANvbmUAAARmb3VyAAEEbHN0bQADCoELCOUBAgR/BXsgAkECdCEFIAMgBWohBgNA/QwAAAAAAAAAAAAAAAAAAAAAIQkgCSEKIAkhCyAJIQwgAyEIIAAhBwNAIAj9AAQAIQ0gCSANIAf9AAQA/eYB/eQBIQkgCiANIAcgBWr9AAQA/eYB/eQBIQogCyANIAcgBUEBdGr9AAQA/eYB/eQBIQsgDCANIAcgBUEDbGr9AAQA/eYB/eQBIQwgB0EQaiEHIAhBEGohCCAIIAZJDQALIAQgCSAKIAsgDBAC/QsEACAEQRBqIQQgACAFQQJ0aiEAIAFBBGshASABQQBKDQALC9gCAgR/C3sgAkECdCEFIAMgBWohBgNA/QwAAAAAAAAAAAAAAAAAAAAAIQkgCSEKIAkhCyAJIQwgCSENIAkhDiAJIQ8gCSEQIAMhCCAAIQcDQCAH/QAEACERIAcgBWr9AAQAIRIgCP0ABAAhEyAJIBMgEf3mAf3kASEJIA0gEyAS/eYB/eQBIQ0gCCAFav0ABAAhEyAKIBMgEf3mAf3kASEKIA4gEyAS/eYB/eQBIQ4gCCAFQQF0av0ABAAhEyALIBMgEf3mAf3kASELIA8gEyAS/eYB/eQBIQ8gCCAFQQNsav0ABAAhEyAMIBMgEf3mAf3kASEMIBAgEyAS/eYB/eQBIRAgB0EQaiEHIAhBEGohCCAIIAZJDQALIAQgCSAKIAsgDBAC/QsEACAEIA0gDiAPIBAQAv0LBBAgBEEgaiEEIAAgBUEBdGohACABQQJrIQEgAUEASg0ACwuVAQECeyAAIAH9DQABAgMQERITBAUGBxQVFhcgACAB/Q0ICQoLGBkaGwwNDg8cHR4f/eQBIQQgAiAD/Q0AAQIDEBESEwQFBgcUFRYXIAIgA/0NCAkKCxgZGhsMDQ4PHB0eH/3kASEFIAQgBf0NAAECAwQFBgcQERITFBUWFyAEIAX9DQgJCgsMDQ4PGBkaGxwdHh/95AELjgECAn8BeyAEQQJ0IQUgACAFaiEGA0AgACABIAUQBBAFIAL9AAQA/eYBIAAgAUEAEAQQBSAAIAEgBUEBdBAEEAb95gH95AEhByACIAf9CwQAIAMgACABIAVBA2wQBBAFIAcQBv3mAf0LBAAgAEEQaiEAIAFBEGohASACQRBqIQIgA0EQaiEDIAAgBkkNAAsLFwAgACACav0ABAAgASACav0ABAD95AELMwD9DAAAgD8AAIA/AACAPwAAgD/9DAAAgD8AAIA/AACAPwAAgD8gAP3hARAH/eQB/ecBC0oA/QwAAIA/AACAPwAAgD8AAIA//QwAAABAAAAAQAAAAEAAAABA/QwAAIA/AACAPwAAgD8AAIA/IAAgAP3kARAH/eQB/ecB/eUBC/8CAQJ7/QwAAK5CAACuQgAArkIAAK5C/QwAAK7CAACuwgAArsIAAK7CIAD96wH96gEhACAA/Qw7qrg/O6q4PzuquD87qrg//eYB/WohASAAIAH9DACAMT8AgDE/AIAxPwCAMT/95gH95QEhACAAIAH9DIOAXjmDgF45g4BeOYOAXjn95gH95AEhACAA/QxnaVA5Z2lQOWdpUDlnaVA5/eYBIQIgACAC/QzOQ7c6zkO3Os5DtzrOQ7c6/eQB/eYBIQIgACAC/QwIiQg8CIkIPAiJCDwIiQg8/eQB/eYBIQIgACAC/QzBqSo9wakqPcGpKj3BqSo9/eQB/eYBIQIgACAC/Qyqqio+qqoqPqqqKj6qqio+/eQB/eYBIQIgAv0MAAAAPwAAAD8AAAA/AAAAP/3kASECIAIgACAA/eYB/eYBIAD9DAAAgD8AAIA/AACAPwAAgD/95AH95AEhAiACIAH9+AH9DH8AAAB/AAAAfwAAAH8AAAD9rgFBF/2rAf3mAQs=";

const PAGE = 65536; // bytes
const GROUP = 4; // vectors that are multiplied together, and numbers in one SIMD register

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
      return wasmKernel(new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports);
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
        const together = Math.min(GROUP, count - first);
        for (let index = 0, from = first * stride; index < together; index++, from += stride)
          numbers.set(vectors.subarray(from, from + columns), inside / 4 + index * wide);
        (together > 1 ? four : one)(at, high, wide, inside, result);
        if (together === 1) out.set(numbers.subarray(result / 4, result / 4 + rows), first * rows);
        else
          for (let index = 0, to = first * rows; index < together; index++)
            for (let row = 0, from = result / 4 + index; row < rows; row++, from += GROUP) out[to++] = numbers[from];
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

// The decoder of a Sketch-RNN, sampling from it and guessing with it: the twin of numpy_network.py, completion.py and
// guess.py. Drawings that are drawn together, B of them, lie one after another in each array.

const MAX_LOG_SIGMA = 7;
const MAX_RHO_LOGIT = 5;
const PEN_STATES = 3;
const LIFTED = 1;
const ENDED = 2;
const MARGIN = 10; // nats behind the best at which a category is given up: less than one in ten thousand

/** A network; weights are read by `decoderFrom`. */
export class Decoder {
  /** `weights`: rows [4H, 5], hidden [4H, H], bias [4H], category [4H, E], initial [2H, E], initialBias [2H], output, outputBias, embedding [C, E]. */
  constructor(model, weights, multiply = product) {
    Object.assign(this, { model, weights, multiply });
    this.units = model.units;
    this.mixtures = model.mixtures;
    this.outputs = PEN_STATES + 6 * model.mixtures;
    this.told = new Map(); // by category: what it adds to the gates at every step, and the initial state
  }

  /** Returns what a category adds to the gates, [4H], and its initial hidden state and cell, [2H]. */
  #tell(category, guidance) {
    const key = `${category} ${guidance}`;
    let told = this.told.get(key);
    if (told) return told;
    const { model, weights, units } = this;
    const size = model.embedding;
    const constant = Float32Array.from(weights.bias);
    const initial = new Float32Array(2 * units);
    if (model.conditioned) {
      const embedded = this.#embedded(category, guidance);
      const [onGates, onState] = [new Float32Array(4 * units), new Float32Array(2 * units)];
      product(weights.category, 4 * units, size, embedded, 1, onGates);
      product(weights.initial, 2 * units, size, embedded, 1, onState);
      for (let unit = 0; unit < 4 * units; unit++) constant[unit] += onGates[unit];
      for (let unit = 0; unit < 2 * units; unit++) initial[unit] = Math.tanh(onState[unit] + weights.initialBias[unit]);
    }
    told = { constant, initial };
    this.told.set(key, told);
    return told;
  }

  /** Returns a category's embedding, as many times as far from the mean of all as guidance says. */
  #embedded(category, guidance) {
    const { embedding, categories } = this.model;
    this.mean ??= Float32Array.from({ length: embedding }, (_, place) => {
      let sum = 0;
      for (let one = 0; one < categories.length; one++) sum += this.weights.embedding[one * embedding + place];
      return sum / categories.length;
    });
    return this.mean.map((mean, place) => mean + guidance * (this.weights.embedding[category * embedding + place] - mean));
  }

  /** Returns the state before START of a drawing of each of some categories. */
  start(categories, guidance = 1) {
    const { units } = this;
    const size = categories.length;
    const told = categories.map((category) => this.#tell(category, guidance));
    const state = { size, told, hidden: new Float32Array(size * units), cell: new Float32Array(size * units) };
    told.forEach(({ initial }, place) => {
      state.hidden.set(initial.subarray(0, units), place * units);
      state.cell.set(initial.subarray(units), place * units);
    });
    return state;
  }

  /** Returns the states of some drawings, or of one of them many times. */
  take(state, places) {
    const { units } = this;
    const taken = {
      size: places.length,
      told: places.map((place) => state.told[place]),
      hidden: new Float32Array(places.length * units),
      cell: new Float32Array(places.length * units),
    };
    places.forEach((from, to) => {
      for (const name of ["hidden", "cell"])
        taken[name].set(state[name].subarray(from * units, (from + 1) * units), to * units);
    });
    return taken;
  }

  /** Takes one step, in place. `rows`: stroke-5, in offset scales, [B, 5]; or one row for all. */
  step(state, rows) {
    const { units, weights } = this;
    const { hidden, cell, size } = state;
    const gates = this.multiply(weights.hidden, 4 * units, units, hidden, size, new Float32Array(size * 4 * units));
    for (let drawing = 0; drawing < size; drawing++) {
      const { constant } = state.told[drawing];
      const row = rows.length === 5 ? rows : rows.subarray(drawing * 5, drawing * 5 + 5);
      const [dx, dy, p1, p2, p3] = row;
      const at = drawing * 4 * units;
      for (let gate = 0, place = 0; gate < 4 * units; gate++, place += 5)
        gates[at + gate] +=
          constant[gate] +
          weights.rows[place] * dx +
          weights.rows[place + 1] * dy +
          weights.rows[place + 2] * p1 +
          weights.rows[place + 3] * p2 +
          weights.rows[place + 4] * p3;
      for (let unit = 0, own = drawing * units; unit < units; unit++, own++) {
        const admit = sigmoid(gates[at + unit]);
        const keep = sigmoid(gates[at + units + unit]);
        cell[own] = keep * cell[own] + admit * Math.tanh(gates[at + 2 * units + unit]);
        hidden[own] = sigmoid(gates[at + 3 * units + unit]) * Math.tanh(cell[own]);
      }
    }
    return state;
  }

  /** Returns the distributions of the next rows, one for each drawing. */
  mixturesOf(state) {
    const { units, outputs, weights } = this;
    const output = this.multiply(weights.output, outputs, units, state.hidden, state.size, new Float32Array(state.size * outputs));
    return Array.from({ length: state.size }, (_, drawing) => {
      const own = output.subarray(drawing * outputs, (drawing + 1) * outputs);
      for (let place = 0; place < outputs; place++) own[place] += weights.outputBias[place];
      return mixtureOf(own, this.mixtures);
    });
  }
}

/** Splits one output: pen, pi, mu_x, mu_y, sigma_x, sigma_y, rho. */
export function mixtureOf(output, mixtures) {
  const part = (index) => output.subarray(PEN_STATES + index * mixtures, PEN_STATES + (index + 1) * mixtures);
  const bounded = (values, bound) => values.map((value) => Math.max(-bound, Math.min(bound, value)));
  return {
    logPi: logSoftmax(part(0)),
    muX: part(1),
    muY: part(2),
    logSigmaX: bounded(part(3), MAX_LOG_SIGMA),
    logSigmaY: bounded(part(4), MAX_LOG_SIGMA),
    rho: bounded(part(5), MAX_RHO_LOGIT).map(Math.tanh),
    logQ: logSoftmax(output.subarray(0, PEN_STATES)),
  };
}

/** These are as in sketchrnn/model/sampling.py, which says why. */
const PEN_TEMPERATURE = 0.7;
const GUIDANCE = 1.4;

/** The paper's temperature: logits of pi divided by it, variances multiplied by it; logits of q by the pen's. */
function atTemperature(mixture, temperature) {
  const wider = 0.5 * Math.log(temperature);
  const tempered = (logits, by) => logSoftmax(logits.map((logit) => logit / by));
  return {
    ...mixture,
    logPi: tempered(mixture.logPi, temperature),
    logQ: tempered(mixture.logQ, PEN_TEMPERATURE),
    logSigmaX: mixture.logSigmaX.map((value) => value + wider),
    logSigmaY: mixture.logSigmaY.map((value) => value + wider),
  };
}

/** Returns [dx, dy, pen state] in offset scales. */
function sampled(mixture, random) {
  const component = inverseCdf(mixture.logPi, random());
  const [first, second] = normals(random);
  const rho = mixture.rho[component];
  return [
    mixture.muX[component] + Math.exp(mixture.logSigmaX[component]) * first,
    mixture.muY[component] + Math.exp(mixture.logSigmaY[component]) * (rho * first + Math.sqrt(1 - rho * rho) * second),
    inverseCdf(mixture.logQ, random()),
  ];
}

/** Log density of a row's offset, in offset scales, plus the log probability of its pen. */
export function logProb(mixture, [dx, dy, p1, p2, p3]) {
  const terms = mixture.logPi.map((logPi, k) => {
    const x = (dx - mixture.muX[k]) * Math.exp(-mixture.logSigmaX[k]);
    const y = (dy - mixture.muY[k]) * Math.exp(-mixture.logSigmaY[k]);
    const rest = 1 - mixture.rho[k] * mixture.rho[k];
    const quadratic = (x - mixture.rho[k] * y) ** 2 / rest + y * y;
    return logPi - 0.5 * (quadratic + Math.log(rest)) - mixture.logSigmaX[k] - mixture.logSigmaY[k] - Math.log(2 * Math.PI);
  });
  const highest = terms.reduce((one, other) => Math.max(one, other));
  let sum = 0;
  for (const term of terms) sum += Math.exp(term - highest);
  return highest + Math.log(sum) + p1 * mixture.logQ[0] + p2 * mixture.logQ[1] + p3 * mixture.logQ[2];
}

/** Returns what a network sees of strokes after START: rows [dx, dy, p1, p2, p3] in offset scales. */
export function rowsOf(strokes, offsetScale, penDown = false) {
  const rows = [];
  let last = strokes[0]?.[0];
  for (const stroke of strokes)
    stroke.forEach(([x, y], index) => {
      const lift = Number(index === stroke.length - 1 && !(penDown && stroke === strokes.at(-1)));
      rows.push(Float32Array.of((x - last[0]) / offsetScale, (y - last[1]) / offsetScale, 1 - lift, lift, 0));
      last = [x, y];
    });
  // the first point is the origin, before the first row, unless its stroke has no other place
  const moves = strokes.length && strokes[0].some(([x, y]) => x !== strokes[0][0][0] || y !== strokes[0][0][1]);
  return moves ? rows.slice(1) : rows;
}

const START = Float32Array.of(0, 0, 1, 0, 0);

/** Draws completions, all at once; yields the API's events, and now and then nothing, so that others get their turn. */
export function* completions(decoder, { strokes, category, count, temperature, seed, maxPoints = 250 }) {
  const { offsetScale } = decoder.model;
  yield { event: "start", category: decoder.model.categories[category] ?? null, seeds: Array.from({ length: count }, (_, place) => seed + place) };
  let state = decoder.start([category], GUIDANCE);
  for (const row of [START, ...rowsOf(strokes, offsetScale)]) {
    decoder.step(state, row);
    yield null;
  }
  state = decoder.take(state, Array(count).fill(0));
  const randoms = Array.from({ length: count }, (_, place) => randomNumbers(seed + place));
  const from = strokes.at(-1)?.at(-1) ?? [0, 0];
  const pens = Array.from({ length: count }, () => [...from]);
  let active = Array.from({ length: count }, (_, place) => place);
  if (!strokes.length) for (const drawing of active) yield { event: "points", drawing, points: [[...from]], lift: false };
  for (let step = 0; step < maxPoints && active.length; step++) {
    const rows = decoder.mixturesOf(state).map((mixture, place) => sampled(atTemperature(mixture, temperature), randoms[active[place]]));
    const goingOn = [];
    for (let place = 0; place < rows.length; place++) {
      const [dx, dy, pen] = rows[place];
      const drawing = active[place];
      if (pen === ENDED) {
        yield { event: "end", drawing, ended: true };
        continue;
      }
      goingOn.push(place);
      pens[drawing][0] += dx * offsetScale;
      pens[drawing][1] += dy * offsetScale;
      const point = pens[drawing].map((value) => Math.round(value * 100) / 100);
      yield { event: "points", drawing, points: [point], lift: pen === LIFTED };
    }
    if (goingOn.length < active.length) {
      state = decoder.take(state, goingOn);
      active = goingOn.map((place) => active[place]);
    }
    const fed = new Float32Array(5 * active.length);
    goingOn.forEach((place, to) => {
      const [dx, dy, pen] = rows[place];
      fed.set([dx, dy, pen === LIFTED ? 0 : 1, pen === LIFTED ? 1 : 0, 0], 5 * to);
    });
    if (active.length && step + 1 < maxPoints) decoder.step(state, fed);
    yield null;
  }
  for (const drawing of active) yield { event: "end", drawing, ended: false };
}

/** Guesses what strokes are going to be, again and again as they grow: finished strokes are not looked at twice. */
export class Guesser {
  constructor(decoder) {
    this.decoder = decoder;
    this.known = []; // at START and at the end of each stroke; see #beginning
  }

  /** Yields what it looks like so far, and now and then nothing; returns [{ category, probability }, ...], best first. */
  *guess({ strokes, pen_down: penDown }, count) {
    const { decoder } = this;
    const rows = rowsOf(strokes, decoder.model.offsetScale, penDown);
    if (!this.known.length) this.known.push(yield* this.#beginning());
    while (!beginsWith(rows, this.known.at(-1).rows)) this.known.pop();
    let { state, stepped, total, behind, followed } = copied(this.known.at(-1));
    for (let index = this.known.at(-1).rows.length; index < rows.length; index++) {
      const places = followed.map((_, place) => place);
      const next = decoder.start([]);
      for (const some of pieces(places)) {
        const part = decoder.take(state, some);
        if (!stepped) decoder.step(part, rows[index - 1]);
        decoder.mixturesOf(part).forEach((mixture, place) => {
          total[followed[some[place]]] += logProb(mixture, rows[index]);
        });
        append(next, part);
        yield null;
      }
      stepped = false;
      const best = Math.max(...followed.map((category) => total[category]));
      for (const category of followed) if (best - total[category] > MARGIN) behind[category] = best - total[category];
      const near = places.filter((place) => !behind[followed[place]]);
      followed = near.map((place) => followed[place]);
      state = decoder.take(next, near);
      yield this.#ranked(total, behind, followed, count);
      if (rows[index][3]) this.known.push(copied({ rows: rows.slice(0, index + 1), state, stepped, total, behind, followed }));
    }
    return this.#ranked(total, behind, followed, count);
  }

  #ranked(total, behind, followed, count) {
    const best = Math.max(...followed.map((category) => total[category]));
    const likelihood = Array.from(total, (value, category) => Math.exp(behind[category] ? -behind[category] : value - best));
    const sum = likelihood.reduce((one, other) => one + other);
    return this.decoder.model.categories
      .map((category, index) => ({ category, probability: likelihood[index] / sum }))
      .sort((one, other) => other.probability - one.probability)
      .slice(0, count);
  }

  /**
   * Returns where every guess begins: the `rows` that are looked at, the `state` of the categories that are `followed`,
   * whether it has `stepped` over the last of the rows, the likelihoods in `total`, and how far `behind` the others are.
   */
  *#beginning() {
    const followed = this.decoder.model.categories.map((_, index) => index);
    const state = this.decoder.start([]);
    for (const some of pieces(followed)) {
      append(state, this.decoder.step(this.decoder.start(some), START));
      yield null;
    }
    return { rows: [], state, stepped: true, total: Float64Array.from(this.decoder.model.logPrior), behind: new Float64Array(followed.length), followed };
  }
}

const PIECE = 16; // drawings that are stepped together before others get their turn

function* pieces(places) {
  for (let first = 0; first < places.length; first += PIECE) yield places.slice(first, first + PIECE);
}

function append(state, more) {
  for (const name of ["hidden", "cell"]) {
    const joined = new Float32Array(state[name].length + more[name].length);
    joined.set(state[name]);
    joined.set(more[name], state[name].length);
    state[name] = joined;
  }
  state.told.push(...more.told);
  state.size += more.size;
}

function copied({ state, total, behind, ...rest }) {
  const { size, hidden, cell } = state;
  const own = { size, told: [...state.told], hidden: hidden.slice(), cell: cell.slice() };
  return { ...rest, state: own, total: total.slice(), behind: behind.slice() };
}

function beginsWith(rows, beginning) {
  return beginning.length <= rows.length && beginning.every((row, index) => row.every((value, place) => value === rows[index][place]));
}

/** Returns out[b, r] = sum over j of matrix[r, j] vectors[b, j], for B vectors. */
export function product(matrix, rows, columns, vectors, count, out) {
  let first = 0;
  for (; first + 4 <= count; first += 4) {
    // four vectors at a time, so that each weight is fetched once for all of them
    const [v0, v1, v2, v3] = [0, 1, 2, 3].map((index) => (first + index) * columns);
    for (let row = 0, place = 0; row < rows; row++) {
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let column = 0; column < columns; column++, place++) {
        const weight = matrix[place];
        a += weight * vectors[v0 + column];
        b += weight * vectors[v1 + column];
        c += weight * vectors[v2 + column];
        d += weight * vectors[v3 + column];
      }
      out[first * rows + row] = a;
      out[(first + 1) * rows + row] = b;
      out[(first + 2) * rows + row] = c;
      out[(first + 3) * rows + row] = d;
    }
  }
  for (; first < count; first++) {
    const vector = first * columns;
    for (let row = 0; row < rows; row++) {
      const place = row * columns;
      let [a, b, c, d] = [0, 0, 0, 0]; // apart, so that the processor need not wait for each sum
      let column = 0;
      for (; column + 4 <= columns; column += 4) {
        a += matrix[place + column] * vectors[vector + column];
        b += matrix[place + column + 1] * vectors[vector + column + 1];
        c += matrix[place + column + 2] * vectors[vector + column + 2];
        d += matrix[place + column + 3] * vectors[vector + column + 3];
      }
      for (; column < columns; column++) a += matrix[place + column] * vectors[vector + column];
      out[first * rows + row] = a + b + c + d;
    }
  }
  return out;
}

function sigmoid(value) {
  return 1 / (1 + Math.exp(-value));
}

function logSoftmax(logits) {
  const highest = logits.reduce((one, other) => Math.max(one, other));
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - highest);
  const norm = highest + Math.log(sum);
  return logits.map((logit) => logit - norm);
}

function inverseCdf(logWeights, uniform) {
  let rest = uniform;
  for (let index = 0; index < logWeights.length; index++) {
    rest -= Math.exp(logWeights[index]);
    if (rest < 0) return index;
  }
  return logWeights.length - 1;
}

/** Returns two independent numbers from N(0, 1), by Box and Muller. */
function normals(random) {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  const angle = 2 * Math.PI * random();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** Returns a repeatable source of numbers from [0, 1): mulberry32. */
function randomNumbers(seed) {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const POWERS = Array.from({ length: 32 }, (_, exponent) => 2 ** (exponent - 15));

/** Reads a model as the exporter packed it: `model` says for each tensor its shape, number type and place in `bytes`. */
export function decoderFrom(model, bytes, multiply) {
  const weights = {};
  for (const { name, shape, type, offset } of model.tensors) {
    const size = shape.reduce((one, other) => one * other, 1);
    if (type === "float32") weights[name] = new Float32Array(bytes, offset, size);
    else if (type === "float16") weights[name] = fromHalves(new Uint16Array(bytes, offset, size));
    else weights[name] = fromInt8(bytes, offset, shape, size);
  }
  return new Decoder(model, weights, multiply);
}

function fromHalves(halves) {
  const values = new Float32Array(halves.length);
  for (let place = 0; place < values.length; place++) {
    const bits = halves[place];
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent ? POWERS[exponent] * (1 + fraction / 1024) : POWERS[1] * (fraction / 1024);
    values[place] = bits >> 15 ? -size : size;
  }
  return values;
}

/** Rows of int8, before them a float32 scale for each row. */
function fromInt8(bytes, offset, [rows], size) {
  const scales = new Float32Array(bytes, offset, rows);
  const values = new Int8Array(bytes, offset + 4 * rows, size);
  const columns = size / rows;
  const result = new Float32Array(size);
  for (let row = 0, place = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, place++) result[place] = values[place] * scales[row];
  return result;
}

/** Reads a model's file: safetensors as sketchrnn writes them, with weights in float32, float16 or int8. */

const FORMAT = "sketchrnn";
const FORMAT_VERSION = "1";
const LATER_FIELDS = {
  encoderCell: "lstm",
  decoderCell: "lstm",
  hyperUnits: 256,
  hyperEmbeddingUnits: 32,
  latentTanh: false,
  positionInputs: false,
  clarity: false,
};
const MOST_COUNTED = 200; // limit of the drawings per category in the prior, as in checkpoint.py
const BYTES = { F32: 4, F16: 2, I8: 1 };
const POWERS = Array.from({ length: 32 }, (_, exponent) => (exponent < 31 ? 2 ** (exponent - 15) : Infinity));

/**
 * Returns the content of a file: `configuration`, that of the `recognizer` or null, `offsetScale`, `unit`,
 * `categoryLogPrior`, `has(name)`, which says whether it has a tensor, and `tensor(name, ...shape)`, which returns the
 * tensor's numbers as a Float32Array.
 */
export function readModelFile(buffer) {
  const { header, begin } = headerOf(buffer);
  const { __metadata__: metadata = {}, ...tensors } = header;
  if (metadata.format !== FORMAT) throw new Error("the model: expected a sketchrnn model, found another safetensors file");
  if (metadata.format_version !== FORMAT_VERSION)
    throw new Error(`the model: expected file format version ${FORMAT_VERSION}, found ${metadata.format_version}`);
  const configuration = configurationOf(parsed(metadata.configuration, "configuration"));
  const recognizer = metadata.recognizer ? camelCased(parsed(metadata.recognizer, "recognizer")) : null;
  const offsetScale = Number(metadata.offset_scale);
  if (!(offsetScale > 0 && offsetScale < Infinity))
    throw new Error(`the model: offset_scale: expected a positive number, found ${metadata.offset_scale}`);
  const training = parsed(metadata.training ?? "{}", "training");

  function numbersOf(name) {
    const { dtype, shape, data_offsets: [first, end] } = tensors[name];
    const size = shape.reduce((product, side) => product * side, 1);
    if (!BYTES[dtype]) throw new Error(`the model: tensor ${name}: expected F32, F16 or I8, found ${dtype}`);
    if (end - first !== size * BYTES[dtype] || begin + end > buffer.byteLength)
      throw new Error(`the model: tensor ${name}: the file is cut short or damaged`);
    const bytes = buffer.slice(begin + first, begin + end); // a copy, which is aligned
    if (dtype === "F32") return new Float32Array(bytes);
    return dtype === "F16" ? fromHalves(new Uint16Array(bytes)) : new Int8Array(bytes);
  }

  return {
    configuration,
    recognizer,
    offsetScale,
    unit: metadata.unit,
    categoryLogPrior: logPrior(configuration.categories.length, training.category_counts),
    has: (name) => name in tensors,
    tensor(name, ...shape) {
      const found = tensors[name]?.shape;
      if (!found || found.length !== shape.length || found.some((side, axis) => side !== shape[axis]))
        throw new Error(
          `the model: tensor ${name} ${found ? `has shape [${found}]` : "is missing"}; expected shape [${shape}]`,
        );
      const numbers = numbersOf(name);
      const weights = numbers instanceof Int8Array ? fromInt8(numbers, numbersOf(`${name}.scale`)) : numbers;
      if (weights.some((value) => !Number.isFinite(value)))
        throw new Error(`the model: tensor ${name}: expected finite numbers, found others`);
      return weights;
    },
  };
}

function headerOf(buffer) {
  const size = buffer.byteLength >= 8 ? Number(new DataView(buffer).getBigUint64(0, true)) : Infinity;
  if (size > buffer.byteLength - 8)
    throw new Error("the model: the file is cut short or not a safetensors file; expected a sketchrnn model");
  return { header: parsed(new TextDecoder().decode(new Uint8Array(buffer, 8, size)), "header"), begin: 8 + size };
}

function parsed(text, name) {
  try {
    return JSON.parse(text.replace(/(?<=[:,[]\s*)(NaN|-?Infinity)\b/g, "null")); // as Python writes them
  } catch {
    throw new Error(`the model: its ${name} is damaged; expected JSON`);
  }
}

function camelCased(fields) {
  const renamed = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [renamed(name), value]));
}

function configurationOf(fields) {
  const configuration = { ...LATER_FIELDS, ...camelCased(fields) };
  const { categories, variational, latentUnits, categoryUnits, latentDropout, mixtures, positionInputs } = configuration;
  const conditional = categories.length > 1;
  return Object.assign(configuration, {
    conditional,
    canDrawWithoutLatent: !variational || latentDropout > 0,
    conditioningUnits: (variational ? latentUnits : 0) + (conditional ? categoryUnits : 0),
    rowUnits: positionInputs ? 13 : 5,
    outputUnits: 3 + 6 * mixtures,
  });
}

/** Log prior of each category: its training drawings plus one, up to a limit. */
function logPrior(categories, counts) {
  const known = Array.isArray(counts) && counts.length === categories;
  const seen = Array.from({ length: categories }, (_, index) => Math.min((known ? counts[index] : 0) + 1, MOST_COUNTED));
  const sum = seen.reduce((total, count) => total + count, 0);
  return Float64Array.from(seen, (count) => Math.log(count / sum));
}

function fromHalves(halves) {
  const values = new Float32Array(halves.length);
  for (let index = 0; index < values.length; index++) {
    const bits = halves[index];
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent ? POWERS[exponent] * (1 + fraction / 1024) : POWERS[1] * (fraction / 1024);
    values[index] = bits >> 15 ? -size : size;
  }
  return values;
}

/** Multiplies each row of whole numbers by its scale. */
function fromInt8(integers, scales) {
  const values = new Float32Array(integers.length);
  const columns = integers.length / scales.length;
  for (let row = 0, index = 0; row < scales.length; row++)
    for (let column = 0; column < columns; column++, index++) values[index] = integers[index] * scales[row];
  return values;
}

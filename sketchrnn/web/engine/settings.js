/** The options of `complete` and `guess`; defaults and ranges are those of sketchrnn/model/sampling.py. */

const LEAST_TEMPERATURE = 1e-3;
const MOST_DRAWINGS = 1000;

const number = (expected, valid) => [expected, (value) => typeof value === "number" && valid(value)];
const range = (least, most) => number(`${least} to ${most}`, (value) => value >= least && value <= most);
const temperature = number(
  "0, or from 0.001 to 10",
  (value) => value === 0 || (value >= LEAST_TEMPERATURE && value <= 10),
);
const oneOf = (...values) => [values.map((value) => `"${value}"`).join(" or "), (value) => values.includes(value)];
const whole = (least, most) => [
  `a whole number from ${least} to ${most}`,
  (value) => Number.isInteger(value) && value >= least && value <= most,
];
const positive = number("a positive number", (value) => value > 0 && value < Infinity);
const flag = ["true or false", (value) => typeof value === "boolean"];
/** @param {any[]} kind */
const optional = ([expected, valid]) => [`${expected}, or null`, (value) => value === null || valid(value)];
const text = ["a name", (value) => typeof value === "string"];

const GUESS = {
  scale: [null, optional(positive)],
  penDown: [false, flag],
};
const DRAW = {
  ...GUESS,
  category: [null, optional(text)],
  arrange: [true, flag],
  pen: [null, optional(oneOf("up", "down", "auto"))],
  count: [1, whole(1, MOST_DRAWINGS)],
  bestOf: [4, whole(1, MOST_DRAWINGS)],
  diverse: [false, flag],
  seed: [0, whole(0, 2 ** 32 - 1)],
  temperature: [0.4, temperature],
  penTemperature: [0.7, temperature],
  topP: [1, number("a share above 0 and up to 1", (value) => value > 0 && value <= 1)],
  guidance: [1.8, range(0, 10)],
  clarity: [1, range(-5, 5)],
  maxPoints: [250, whole(1, 100_000)],
  latent: ["auto", oneOf("auto", "none", "prefix", "prior")],
};

export const guessSettings = (options) => checked(options, GUESS);
export const drawSettings = (options) => checked(options, DRAW);

/** @returns {any} */
function checked(options, known) {
  const settings = Object.fromEntries(Object.entries(known).map(([name, [fallback]]) => [name, fallback]));
  for (const [name, value] of Object.entries(options)) {
    if (!known[name]) throw new TypeError(`unknown option ${name}; expected ${Object.keys(known).join(", ")} or signal`);
    if (value === undefined) continue;
    const [expected, valid] = known[name][1];
    if (!valid(value)) throw new RangeError(`${name}: expected ${expected}, found ${value}`);
    settings[name] = value;
  }
  return settings;
}

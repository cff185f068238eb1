/**
 * Drawings as files.
 * @typedef {import("./geometry.js").Stroke} Stroke
 * @typedef {{ ink: Stroke[], completion: Stroke[], subject: string | null }} Drawing
 */

import { LINE_WIDTH, boundsOf, hasWidths, outlineData, pathData } from "./geometry.js";
import { gifBytes } from "./gif.js";
import { Playback, secondsOf } from "./playback.js";

const [INK, COMPLETION, PAPER] = ["#1a1a1a", "#d9480f", "#ffffff"];
const MARGIN = 12; // units
const SVG_SIDE = 512; // pixels
const PNG_SIDE = 1600;
const GIF_SIDE = 480;
const GIF_DELAY = 5; // hundredths of a second of a frame
const GIF_COLORS = 32;
const REST_SECONDS = 2; // that an animation stands still at its end

const decimals = (value) => Math.round(value * 100) / 100;
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export const FORMATS = {
  svg: (drawing) => new Blob([svgText(drawing)], { type: "image/svg+xml" }),
  png: pngBlob,
  ndjson: (drawing) => new Blob([ndjsonText(drawing)], { type: "application/x-ndjson" }),
  "animated.svg": (drawing) => new Blob([svgText(drawing, { animated: true })], { type: "image/svg+xml" }),
  gif: gifBlob,
};

function frameOf({ ink, completion }) {
  const [left, top, right, bottom] = boundsOf([...ink, ...completion]) ?? [0, 0, 255, 255];
  return [left - MARGIN, top - MARGIN, right - left + 2 * MARGIN, bottom - top + 2 * MARGIN].map(decimals);
}

/**
 * Returns an SVG document with the layers `prefix` and `completion`. A line whose width changes is a center line, as thin
 * as its thinnest part, which plotters and `sketchrnn complete` read, under a filled outline in the layer `prefix-width`.
 * @param {Drawing} drawing
 */
export function svgText(drawing, { animated = false } = {}) {
  const { ink, completion, subject } = drawing;
  const [x, y, width, height] = frameOf(drawing);
  const scale = SVG_SIDE / Math.max(width, height);
  const times = animated ? timesOf([...ink, ...completion]) : null;
  const animation = (index) => (times ? ` class="s" style="animation-delay:${times[index].map((time) => `${decimals(time)}s`).join(";animation-duration:")}"` : "");
  const layer = (name, color, paths) =>
    `<g id="${name}" inkscape:groupmode="layer" inkscape:label="${name}" ${color}>\n${paths.join("")}</g>\n`;
  const line = (color) => `fill="none" stroke="${color}" stroke-width="${LINE_WIDTH}" stroke-linecap="round" stroke-linejoin="round"`;
  const paths = (strokes, first) =>
    strokes.map((stroke, index) => {
      const thin = !animated && hasWidths(stroke) ? ` stroke-width="${decimals(leastWidth(stroke) * LINE_WIDTH)}"` : "";
      const length = animated ? ' pathLength="1"' : "";
      return `<path d="${pathData(stroke)}"${thin}${length}${animation(first + index)}/>\n`;
    });
  const wide = animated ? [] : ink.filter(hasWidths);
  return (
    '<?xml version="1.0" encoding="utf-8"?>\n' +
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"' +
    ` width="${Math.round(width * scale)}" height="${Math.round(height * scale)}" viewBox="${x} ${y} ${width} ${height}">\n` +
    `<title>${escaped(subject ?? "drawing")}, begun by hand and completed by sketchrnn</title>\n` +
    (animated ? ANIMATION : "") +
    layer("prefix", line(INK), paths(ink, 0)) +
    (wide.length ? layer("prefix-width", `fill="${INK}" stroke="none"`, wide.map((stroke) => `<path d="${outlineData(stroke)}"/>\n`)) : "") +
    layer("completion", line(COMPLETION), paths(completion, ink.length)) +
    "</svg>\n"
  );
}

const ANIMATION =
  "<style>.s{stroke-dasharray:1;stroke-dashoffset:1;opacity:0;animation:draw linear both}" +
  "@keyframes draw{from{opacity:1;stroke-dashoffset:1}to{opacity:1;stroke-dashoffset:0}}" +
  "@media (prefers-reduced-motion:reduce){.s{animation:none;opacity:1;stroke-dashoffset:0}}</style>\n";

/** Returns when each stroke begins, and how long drawing it takes, in seconds. */
function timesOf(strokes) {
  let begin = 0;
  return strokes.map((stroke) => {
    const seconds = secondsOf(stroke);
    begin += seconds;
    return [begin - seconds, seconds];
  });
}

function leastWidth(stroke) {
  return Math.min(...stroke.map(([, , width = 1]) => width));
}

/** Returns a Quick, Draw! record. @param {Drawing} drawing */
export function ndjsonText({ ink, completion, subject }) {
  const drawing = [...ink, ...completion].map((stroke) => [0, 1].map((axis) => stroke.map((point) => decimals(point[axis]))));
  return JSON.stringify({ ...(subject && { word: subject }), drawing }) + "\n";
}

function canvasOf(drawing, side) {
  const [x, y, width, height] = frameOf(drawing);
  const scale = side / Math.max(width, height);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height].map((length) => Math.max(1, Math.round(length * scale)));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const clear = () => {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = PAPER;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale);
    Object.assign(context, { lineWidth: LINE_WIDTH, lineCap: "round", lineJoin: "round" });
  };
  clear();
  return { canvas, context, clear };
}

function drawWhole(context, strokes, color) {
  context.strokeStyle = context.fillStyle = color;
  for (const stroke of strokes)
    if (hasWidths(stroke)) context.fill(new Path2D(outlineData(stroke)));
    else context.stroke(new Path2D(pathData(stroke)));
}

/** Returns a promise of a PNG. @param {Drawing} drawing */
export function pngBlob(drawing) {
  const { canvas, context } = canvasOf(drawing, PNG_SIDE);
  drawWhole(context, drawing.ink, INK);
  drawWhole(context, drawing.completion, COMPLETION);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("toBlob"))), "image/png"),
  );
}

/** Returns a GIF in which both hands draw. @param {Drawing} drawing */
export async function gifBlob(drawing) {
  const { canvas, context, clear } = canvasOf(drawing, GIF_SIDE);
  const hands = [[drawing.ink, INK], [drawing.completion, COMPLETION]].map(([strokes, color]) => ({ playback: new Playback({ strokes, whole: true }), strokes, color }));
  const frames = [];
  for (let drawn = false; !drawn; ) {
    clear();
    drawn = true;
    for (const { playback, strokes, color } of hands) {
      if (!drawn) break; // the model draws after the hand
      playback.advance(GIF_DELAY / 100);
      drawn = playback.played;
      context.strokeStyle = color;
      if (playback.played) drawWhole(context, strokes, color);
      else playback.draw(context);
    }
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    frames.push({ pixels: indexed(data), delay: GIF_DELAY });
    if (frames.length % 4 === 0) await new Promise((resolve) => setTimeout(resolve)); // the page stays quick meanwhile
  }
  frames.at(-1).delay = REST_SECONDS * 100;
  return gifBytes({ width: canvas.width, height: canvas.height, palette: PALETTE, frames });
}

const channels = (color) => [1, 3, 5].map((from) => parseInt(color.slice(from, from + 2), 16));
const shades = (color) =>
  Array.from({ length: GIF_COLORS / 2 }, (_, index) => channels(color).map((value) => Math.round(255 + (value - 255) * (index / (GIF_COLORS / 2 - 1)))));
const PALETTE = [...shades(INK), ...shades(COMPLETION)]; // from paper to ink, and from paper to the completion's color

/** Returns the nearest of the palette's colors for each pixel: how dark it is says how much line covers it. */
function indexed(data) {
  const pixels = new Uint8Array(data.length / 4);
  const most = GIF_COLORS / 2 - 1;
  for (let index = 0; index < pixels.length; index++) {
    const [red, blue] = [data[4 * index], data[4 * index + 2]];
    const ink = red < blue + 12; // gray
    const cover = ink ? (255 - red) / 229 : (255 - blue) / 240;
    pixels[index] = Math.min(most, Math.round(cover * most)) + (ink ? 0 : most + 1);
  }
  return pixels;
}

/** Hands a file to the browser's downloads. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

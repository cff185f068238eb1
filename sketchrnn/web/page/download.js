import { boundsOf, pathData } from "./geometry.js";

const INK = "#1a1a1a";
const COMPLETION = "#d9480f";
const PAPER = "#ffffff";
const MARGIN = 12; // units, as are widths
export const LINE_WIDTH = 2.2;
const SVG_SIDE = 512; // pixels
const PNG_SIDE = 1600;

const decimals = (value) => Math.round(value * 100) / 100;
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function frameOf(strokes) {
  const [left, top, right, bottom] = boundsOf(strokes) ?? [0, 0, 255, 255];
  return [left - MARGIN, top - MARGIN, right - left + 2 * MARGIN, bottom - top + 2 * MARGIN].map(decimals);
}

/** Returns an SVG document with the groups `prefix` and `completion`, which Inkscape shows as layers. */
export function svgText({ ink, completion, category }) {
  const [x, y, width, height] = frameOf([...ink, ...completion]);
  const scale = SVG_SIDE / Math.max(width, height);
  const layer = (name, colour, strokes) =>
    `<g id="${name}" inkscape:groupmode="layer" inkscape:label="${name}" fill="none" stroke="${colour}"` +
    ` stroke-width="${LINE_WIDTH}" stroke-linecap="round" stroke-linejoin="round">\n` +
    strokes.map((stroke) => `<path d="${pathData(stroke)}"/>\n`).join("") +
    "</g>\n";
  return (
    '<?xml version="1.0" encoding="utf-8"?>\n' +
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"' +
    ` width="${Math.round(width * scale)}" height="${Math.round(height * scale)}" viewBox="${x} ${y} ${width} ${height}">\n` +
    `<title>${escaped(category ?? "a drawing")}, begun by hand and finished by sketchrnn</title>\n` +
    layer("prefix", INK, ink) +
    layer("completion", COMPLETION, completion) +
    "</svg>\n"
  );
}

/** Returns a Quick, Draw! record. */
export function ndjsonText({ ink, completion, category }) {
  const drawing = [...ink, ...completion].map((stroke) => [0, 1].map((axis) => stroke.map((point) => decimals(point[axis]))));
  return JSON.stringify({ ...(category && { word: category }), drawing }) + "\n";
}

/** Returns a promise of a PNG. */
export function pngBlob({ ink, completion }) {
  const [x, y, width, height] = frameOf([...ink, ...completion]);
  const scale = PNG_SIDE / Math.max(width, height);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
  const context = canvas.getContext("2d");
  context.fillStyle = PAPER;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale);
  Object.assign(context, { lineWidth: LINE_WIDTH, lineCap: "round", lineJoin: "round" });
  for (const [strokes, colour] of [[ink, INK], [completion, COMPLETION]]) {
    context.strokeStyle = colour;
    for (const stroke of strokes) context.stroke(new Path2D(pathData(stroke)));
  }
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no memory for a picture"))), "image/png"));
}

/** Hands a file to the browser's downloads. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

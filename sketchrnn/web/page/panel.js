/** What is beside the sheet: guesses, endings and earlier drawings, as lists of buttons. */

import { boundsOf, pathData } from "./geometry.js";
import { texts } from "./texts.js";

const SMALLEST_SIDE = 60; // units that a picture shows at least
const PICTURE_MARGIN = 24;
const LINE_SHARE = 1 / 70; // of a picture's side: how wide its lines are
const SHOWN_GUESSES = 5;

/** Shows the most probable categories. @param {(category: string) => void} onChoice */
export function showGuesses(list, guesses, chosen, onChoice) {
  const items = guesses.slice(0, SHOWN_GUESSES).map(({ category, probability }) => {
    const button = made("button", { type: "button", className: "guess", title: texts.guessOption(category) });
    button.style.setProperty("--probability", probability);
    button.setAttribute("aria-pressed", String(chosen === category));
    button.append(made("span", { className: "guess-name", textContent: category }), made("span", { className: "guess-share", textContent: texts.percent(probability) }));
    button.addEventListener("click", () => onChoice(category));
    return item(button);
  });
  if (!items.length) items.push(made("li", { className: "empty", textContent: texts.nothingYet }));
  list.replaceChildren(...items);
}

/**
 * Shows the endings as pictures, the shown one pressed.
 * @param {import("./history.js").State} state @param {{ room: number, onChoice: (index: number) => void }} options
 *   `room`: how many pictures there are places for
 */
export function showEndings(list, { ink, endings, shown }, { room, drawing, onChoice }) {
  const focused = [...list.children].indexOf(document.activeElement);
  const labeled = new Set(endings.map(({ category }) => category)).size > 1;
  const places = drawing ? Math.max(room, endings.length) : endings.length;
  const given = ink.map(pathData).join("");
  const best = !drawing && endings.length > 1 ? endings[0] : null;
  const buttons = Array.from({ length: places }, (_, index) => {
    const ending = endings[index];
    const button = made("button", { type: "button", className: "ending", disabled: !ending });
    if (!ending) button.setAttribute("aria-hidden", "true");
    else {
      button.setAttribute("aria-pressed", String(index === shown));
      button.append(picture(given, ending.strokes, [...ink, ...ending.strokes]));
      if (labeled) button.append(made("span", { className: "ending-name", textContent: ending.category }));
      if (ending === best) button.append(made("span", { className: "best", textContent: "★" }));
      const strokes = ending.whole ? ending.strokes.length : null;
      button.setAttribute("aria-label", texts.endingLabel(index + 1, labeled ? ending.category : null, strokes, ending === best));
    }
    button.addEventListener("click", () => onChoice(index));
    return button;
  });
  list.replaceChildren(...buttons);
  if (focused >= 0) buttons[Math.min(focused, buttons.length - 1)]?.focus();
}

/** Lets the picture of an ending that is being drawn grow. */
export function growEnding(list, { ink, endings }, index) {
  const svg = list.children[index]?.querySelector("svg");
  if (!svg) return;
  const { strokes } = endings[index];
  frame(svg, [...ink, ...strokes]);
  svg.lastElementChild.setAttribute("d", strokes.map(pathData).join(""));
}

/** Shows drawings to return to. @param {import("./storage.js").DrawingRecord[]} records */
export function showDrawings(list, records, onChoice) {
  const items = records.map(({ id, history: { present } }, index) => {
    const ending = present.endings[present.shown];
    const strokes = [...present.ink, ...(ending?.strokes ?? [])];
    const button = made("button", { type: "button", className: "ending" });
    button.append(picture(present.ink.map(pathData).join(""), ending?.strokes ?? [], strokes));
    button.setAttribute("aria-label", texts.drawingLabel(index + 1, strokes.length, present.category ?? ending?.category));
    button.addEventListener("click", () => onChoice(id));
    return item(button);
  });
  list.replaceChildren(...items);
}

const SVG = "http://www.w3.org/2000/svg";

function picture(given, drawn, all) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  for (const [name, data] of [["given", given], ["drawn", drawn.map(pathData).join("")]]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    path.setAttribute("d", data);
    svg.append(path);
  }
  frame(svg, all);
  return svg;
}

function frame(svg, strokes) {
  const [left, top, right, bottom] = boundsOf(strokes) ?? [0, 0, 255, 255];
  const side = Math.max(right - left, bottom - top, SMALLEST_SIDE) + PICTURE_MARGIN;
  svg.setAttribute("viewBox", `${(left + right - side) / 2} ${(top + bottom - side) / 2} ${side} ${side}`);
  svg.style.setProperty("--width", side * LINE_SHARE);
}

function item(content) {
  const element = document.createElement("li");
  element.append(content);
  return element;
}

function made(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

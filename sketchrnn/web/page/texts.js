/** The interface's words, in the user's language. */

import { ENGLISH } from "./texts-en.js";
import { GERMAN } from "./texts-de.js";
import { setSetting, setting } from "./storage.js";

const LANGUAGES = { en: ENGLISH, de: GERMAN };

/** @type {typeof ENGLISH} */
export const texts = {};

/** The languages, each by its own name. */
export const languageNames = Object.fromEntries(Object.entries(LANGUAGES).map(([code, { language }]) => [code, language]));

/** Uses a language: the given one, the one chosen before, or the browser's first that there is. Returns its code. */
export function useLanguage(wanted = setting("language")) {
  const preferred = [wanted, ...navigator.languages].map((name) => name?.slice(0, 2));
  const code = preferred.find((name) => name in LANGUAGES) ?? "en";
  Object.assign(texts, LANGUAGES[code]);
  document.documentElement.lang = code;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = texts[element.dataset.text];
  for (const element of document.querySelectorAll("[data-label]")) {
    const label = texts[element.dataset.label];
    element.setAttribute("aria-label", label);
    if (element.matches("button")) element.title = element.dataset.key ? `${label} (${element.dataset.key})` : label;
  }
  for (const element of document.querySelectorAll("[data-hint]")) element.placeholder = texts[element.dataset.hint];
  document.title = texts.title;
  return code;
}

export function chooseLanguage(code) {
  setSetting("language", code);
  useLanguage(code);
}

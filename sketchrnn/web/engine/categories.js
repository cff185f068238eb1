// Which category a name means; the same in sketchrnn/model/categories.py.

import { SYNONYMS } from "./synonyms.js";

/** Returns a name without capitals, spaces, hyphens, underscores and apostrophes, and without a leading "the". */
function folded(name) {
  return name
    .toLowerCase()
    .replace(/^\s*the[\s_]+/, "")
    .replace(/[\s_'’-]+/g, "");
}

/**
 * Returns the index of the category that a name means, or -1. It may be spelled in another way, be a plural or a singular,
 * or a synonym.
 */
export function indexOfName(name, categories) {
  const exact = categories.indexOf(name);
  if (exact >= 0) return exact;
  const known = categories.map(folded);
  const word = folded(name);
  const singular = word.replace(/s$/, "");
  for (const form of [word, `${word}s`, singular]) if (known.includes(form)) return known.indexOf(form);
  for (const form of [word, singular])
    if (Object.hasOwn(SYNONYMS, form)) return categories.indexOf(SYNONYMS[form]);
  return -1;
}

/** The recognizer, which names the category of a drawing by its picture. */

/** Returns the recognizer of a model file; null for a model without one. */
export function makeRecognizer() {
  return null;
}

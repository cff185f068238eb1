/** Sketch-RNN: completes partial sketches, in browsers, workers and Node. */

export { load } from "./load.js";
export { Model } from "./model.js";
export { loadInWorker } from "./worker-client.js";

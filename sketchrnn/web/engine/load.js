/**
 * Loading a model that draws in this thread.
 * @typedef {{ integrity?: string, signal?: AbortSignal, plain?: boolean }} LoadOptions
 */

import { Engine } from "./engine.js";
import { Model } from "./model.js";

export const TURN = 8; // ms of work before other work can run

/**
 * Loads a model: a sketchrnn `.safetensors` file, from an address, as bytes, or as a file that a visitor chose.
 * `integrity`: hash of the file, such as "sha256-...". `plain`: without WebAssembly.
 * @param {string | URL | ArrayBuffer | ArrayBufferView} source @param {LoadOptions} options
 */
export async function load(source, { integrity, signal, plain } = {}) {
  const engine = new Engine(await bytesOf(source, { integrity, signal }), { plain });
  return new Model(engine.description, (kind, strokes, options, stop) => inTurns(engine[kind](strokes, options), stop));
}

/** Runs steps, and regularly lets other work of this thread run. */
async function* inTurns(steps, signal) {
  for (let until = performance.now() + TURN; ; ) {
    signal?.throwIfAborted();
    const { done, value } = steps.next();
    if (done) return value;
    if (value) yield value;
    if (performance.now() < until) continue;
    await otherWork();
    until = performance.now() + TURN;
  }
}

/** Lets messages and timers run; a timer would wait for 4 ms. */
export function otherWork() {
  return new Promise((resolve) => {
    if ("setImmediate" in globalThis) return globalThis.setImmediate(resolve);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve(null);
    };
    port2.postMessage(null);
  });
}

/**
 * Returns the bytes of a model, from an address or as given.
 * @param {string | URL | ArrayBuffer | ArrayBufferView} source @param {LoadOptions} options
 */
export async function bytesOf(source, { integrity, signal } = {}) {
  if (source instanceof ArrayBuffer) return source;
  if (source instanceof Blob) return source.arrayBuffer();
  if (ArrayBuffer.isView(source)) return source.buffer.slice(source.byteOffset, source.byteOffset + source.byteLength);
  if (typeof source !== "string" && !(source instanceof URL))
    throw new TypeError(`the model: expected its address or its bytes, found ${source === null ? "null" : typeof source}`);
  let response;
  try {
    response = await fetch(source, { integrity, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    const doubt = integrity ? ", or is not the expected file" : "";
    const hint = globalThis.process ? ". In Node, pass the bytes of a file: load(await readFile(path))" : "";
    throw new Error(`${source}: the model cannot be loaded${doubt} (${error.message})${hint}`);
  }
  if (!response.ok) throw new Error(`${source}: the model cannot be loaded: the server answered ${response.status}`);
  return response.arrayBuffer();
}

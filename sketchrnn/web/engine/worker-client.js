/** A model that draws in a worker, so that the page stays responsive. */

import { Model } from "./model.js";

/**
 * Loads a model as `load` does, in a worker. `worker`: a Worker that runs `worker.js`; the default makes one.
 * @param {string | URL | ArrayBuffer | ArrayBufferView} source
 * @param {import("./load.js").LoadOptions & { worker?: Worker }} options
 */
export async function loadInWorker(source, { worker, signal, ...options } = {}) {
  if (!worker && !globalThis.Worker) throw new Error("loadInWorker: expected a browser. Use load in Node");
  const own = worker ?? new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const client = new WorkerClient(own);
  const isAddress = typeof source === "string" || source instanceof URL;
  const from = isAddress ? new URL(source, globalThis.document?.baseURI ?? location.href).href : source; // relative to the page, not to the worker
  const { value } = await client.run({ kind: "load", source: from, options }, signal).next();
  return new Model(value, (kind, strokes, settings, stop) => client.run({ kind, strokes, options: settings }, stop));
}

class WorkerClient {
  #jobs = new Map(); // by id: called with each answer
  #lastId = 0;

  constructor(worker) {
    this.worker = worker;
    worker.onmessage = ({ data }) => this.#jobs.get(data.id)?.(data);
    worker.onerror = (event) => {
      const error = new Error(`the worker cannot start: ${event.message ?? "workers are not allowed here"}`);
      for (const answer of this.#jobs.values()) answer({ error });
    };
  }

  /** Starts a job; yields its events and returns its result. If the caller stops early, the job is canceled. */
  async *run(message, signal) {
    signal?.throwIfAborted();
    const id = ++this.#lastId;
    const answers = [];
    let wake;
    const answer = (data) => {
      answers.push(data);
      wake?.();
    };
    const abort = () => answer({ error: signal.reason });
    this.#jobs.set(id, answer);
    signal?.addEventListener("abort", abort);
    try {
      this.worker.postMessage({ id, ...message });
      for (;;) {
        while (!answers.length) await new Promise((resolve) => (wake = resolve));
        const { events = [], done, value, error } = answers.shift();
        if (error) throw error;
        for (const event of events) {
          signal?.throwIfAborted();
          yield event;
        }
        if (done) return value;
      }
    } finally {
      this.#jobs.delete(id);
      signal?.removeEventListener("abort", abort);
      this.worker.postMessage({ id, kind: "cancel" });
    }
  }
}

/** Draws in the browser itself, with a model that the page holds: in a worker, so that the page stays quick. */
export class WorkerBackend {
  jobs = new Map(); // by id: { resolve, reject, onEvent }
  lastId = 0;

  /** `script` is the worker's, `model` what the exporter says of the weights, `weights` base64. */
  constructor(script, model, weights) {
    this.model = model;
    this.worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
    this.worker.onmessage = ({ data }) => this.#receive(data);
    this.worker.onerror = (event) => {
      const error = new Error(event.message || "this browser lets no worker run here");
      for (const { reject } of this.jobs.values()) reject(error);
      this.jobs.clear();
    };
    this.loaded = this.#ask({ kind: "load", model, weights });
  }

  async ready() {
    await this.loaded;
    const { name, categories } = this.model;
    return { name, categories, guesses: categories.length > 1 };
  }

  guess(prefix, count, signal, onSoFar) {
    return this.#ask({ kind: "guess", prefix, count }, onSoFar, signal);
  }

  complete({ category, ...request }, onEvent, signal) {
    const index = Math.max(0, this.model.categories.indexOf(category));
    return this.#ask({ kind: "complete", request: { ...request, category: index } }, onEvent, signal);
  }

  #ask(message, onEvent, signal) {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.jobs.set(id, { resolve, reject, onEvent });
      signal?.addEventListener("abort", () => {
        if (!this.jobs.delete(id)) return;
        this.worker.postMessage({ kind: "cancel", id });
        reject(new DOMException("aborted", "AbortError"));
      });
      this.worker.postMessage({ id, ...message });
    });
  }

  #receive({ id, events = [], done, value, error }) {
    const job = this.jobs.get(id);
    if (!job) return;
    for (const event of events) job.onEvent?.(event);
    if (!done && error === undefined) return;
    this.jobs.delete(id);
    if (error === undefined) job.resolve(value);
    else job.reject(new Error(error));
  }
}

/** The worker of `loadInWorker`: receives jobs as messages, and answers with their events. */

import { Engine } from "./engine.js";
import { TURN, bytesOf, otherWork } from "./load.js";

class WorkerSide {
  jobs = new Map(); // by id: { steps: a generator, kind }
  working = false;

  async receive({ id, kind, source, options, strokes }) {
    if (kind === "cancel") {
      this.jobs.delete(id);
      return;
    }
    try {
      if (kind === "load") {
        this.engine = new Engine(await bytesOf(source, options), options);
        postMessage({ id, done: true, value: this.engine.description });
      } else {
        this.jobs.set(id, { kind, steps: this.engine[kind](strokes, options) });
        this.#work();
      }
    } catch (error) {
      postMessage({ id, error });
    }
  }

  /** Runs the jobs, drawings before guesses. */
  async #work() {
    if (this.working) return;
    this.working = true;
    while (this.jobs.size) {
      const jobs = [...this.jobs];
      const [id, { steps }] = jobs.find(([, { kind }]) => kind === "draw") ?? jobs[0];
      try {
        this.#turn(id, steps);
      } catch (error) {
        this.jobs.delete(id);
        postMessage({ id, error });
      }
      await otherWork();
    }
    this.working = false;
  }

  #turn(id, steps) {
    const events = [];
    const until = performance.now() + TURN;
    let step;
    do {
      step = steps.next();
      if (step.value && !step.done) events.push(step.value);
    } while (!step.done && performance.now() < until);
    if (step.done) this.jobs.delete(id);
    if (events.length || step.done) postMessage({ id, events, done: step.done, value: step.value });
  }
}

const workerSide = new WorkerSide();
onmessage = ({ data }) => workerSide.receive(data);

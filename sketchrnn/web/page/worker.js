import { Guesser, completions, decoderFrom } from "./decoder.js";
import { fastestProduct } from "./kernel.js";

const TURN = 8; // ms of work between two looks at what else is asked for

/** What runs in the worker: takes jobs as messages, answers with their events; completions go before guesses. */
class WorkerSide {
  jobs = new Map(); // by id: { steps: an iterator, urgent }
  working = false;
  channel = new MessageChannel();

  receive({ kind, id, ...rest }) {
    if (kind === "load") {
      this.decoder = decoderFrom(rest.model, bytesOf(rest.weights), fastestProduct());
      this.guesser = new Guesser(this.decoder);
      postMessage({ id, done: true });
      this.#begin("first", this.guesser.guess({ strokes: [] }, 0), false); // what every guess begins with
      return;
    }
    if (kind === "cancel") {
      this.jobs.delete(id);
      return;
    }
    if (kind === "guess") this.#begin(id, this.guesser.guess(rest.prefix, rest.count), false);
    else this.#begin(id, completions(this.decoder, rest.request), true);
  }

  #begin(id, steps, urgent) {
    this.jobs.set(id, { steps, urgent });
    this.#work();
  }

  async #work() {
    if (this.working) return;
    this.working = true;
    while (this.jobs.size) {
      const [id, { steps }] = [...this.jobs].find(([, job]) => job.urgent) ?? [...this.jobs][0];
      try {
        this.#turn(id, steps);
      } catch (error) {
        this.jobs.delete(id);
        postMessage({ id, error: error.message });
      }
      await this.#otherMessages();
    }
    this.working = false;
  }

  /** Lets messages in that came meanwhile; a timer would wait for 4 ms. */
  #otherMessages() {
    return new Promise((resolve) => {
      this.channel.port1.onmessage = resolve;
      this.channel.port2.postMessage(null);
    });
  }

  #turn(id, steps) {
    const events = [];
    const end = performance.now() + TURN;
    let result;
    do {
      result = steps.next();
      if (result.value && !result.done) events.push(result.value);
    } while (!result.done && performance.now() < end);
    if (result.done) this.jobs.delete(id);
    if (events.length || result.done) postMessage({ id, events, done: result.done, value: result.value });
  }
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
  return bytes.buffer;
}

const workerSide = new WorkerSide();
onmessage = (message) => workerSide.receive(message.data);

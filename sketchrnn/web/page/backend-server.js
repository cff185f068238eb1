// A back end has: ready(), a promise of { name, categories, guesses }; guess({ strokes, pen_down }, count, signal, onSoFar), a
// promise of [{ category, probability }, ...], which may be told earlier as far as it is known; complete(request, onEvent, signal), a promise that is kept when all is drawn.
// Events are those of the HTTP API: start, points, end.

/** Waits for the network; what it throws says nothing that a user could use. */
async function heard(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server does not answer; is sketchrnn serve still running?");
  }
}

async function answerOf(path, options) {
  const response = await heard(fetch(path, options));
  if (response.ok) return response;
  const { detail } = await response.json().catch(() => ({}));
  throw new Error(detail ?? `the server answers ${response.status}`);
}

const post = (body, signal) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });

/** Draws on the server that the page came from. */
export class ServerBackend {
  async ready() {
    const model = await (await answerOf("api/model", {})).json();
    this.scale = model.page_scale;
    return model;
  }

  async guess(prefix, count, signal) {
    return (await (await answerOf("api/guess", post({ ...prefix, count, scale: this.scale }, signal))).json()).guesses;
  }

  async complete({ strokes, category, count, temperature, seed }, onEvent, signal) {
    const request = { strokes, category, count, temperature, seed, scale: this.scale };
    const answer = await answerOf("api/completions/stream", post(request, signal));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await heard(reader.read());
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const event = JSON.parse(line);
        if (event.event === "error") throw new Error(event.detail);
        onEvent(event);
      }
    }
  }
}

/** Keeps the served page for when there is no network. The server puts `FILES` before it: the paths of all files. */

const CACHE = `sketchrnn ${FILES.join(" ")}`; // the paths change with the files

oninstall = (event) => {
  skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
};

onactivate = (event) => event.waitUntil(takeOver());

async function takeOver() {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
  await clients.claim();
}

onfetch = (event) => {
  if (event.request.method === "GET" && new URL(event.request.url).origin === location.origin) event.respondWith(answer(event.request));
};

/** Answers with a kept file; the page itself is asked for first, since there may be a newer one. */
async function answer(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, { ignoreSearch: true });
  if (kept && request.mode !== "navigate") return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

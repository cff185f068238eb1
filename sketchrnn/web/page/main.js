/** The page, served or as one file: it loads the model in a worker, and shows everything else meanwhile. */

import { startPage } from "./app.js";
import { loadInWorker } from "../engine/worker-client.js";

const held = (id) => document.getElementById(id)?.textContent;
const { worker, source, integrity, serviceWorker } = JSON.parse(held("model"));
const script = worker ?? URL.createObjectURL(new Blob([held("worker")], { type: "text/javascript" }));
const weights = source ?? `data:application/octet-stream;base64,${held("weights").trim()}`;
startPage(loadInWorker(weights, { worker: new Worker(script), integrity }));
if (serviceWorker) navigator.serviceWorker?.register(serviceWorker).catch(() => {}); // the page then works with its server only

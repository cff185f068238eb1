import { startPage } from "./app.js";
import { WorkerBackend } from "./backend-worker.js";

const held = (id) => document.getElementById(id).textContent;
startPage(new WorkerBackend(held("worker"), JSON.parse(held("model")), held("weights").trim()));

// Copies the engine, which lives in the Python package since its page uses it too, and the license into this folder.

import { cpSync, readdirSync, rmSync } from "node:fs";

const root = new URL("../", import.meta.url);
const engine = new URL("sketchrnn/web/engine/", root);
const target = new URL("engine/", import.meta.url);
rmSync(target, { recursive: true, force: true });
for (const name of readdirSync(engine).filter((name) => name.endsWith(".js")))
  cpSync(new URL(name, engine), new URL(name, target));
for (const name of ["LICENSE", "NOTICE"]) cpSync(new URL(name, root), new URL(name, import.meta.url));

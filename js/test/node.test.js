import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

import * as module from "sketchrnn";

import { cases, expect } from "./cases.js";

const MODEL = new URL("../../sketchrnn/model/weights/quickdraw345.safetensors", import.meta.url);
const FOLDER = fileURLToPath(new URL("../", import.meta.url));
const LARGEST = 60_000; // bytes

test("in Node", async (context) => {
  const source = new Uint8Array(readFileSync(MODEL));
  const model = await module.load(source);
  for (const [name, run] of Object.entries(cases)) await context.test(name, () => run({ model, module, source }));
});

test("in Node, load explains how to read a file", async () => {
  for (const source of ["model.safetensors", MODEL])
    await module.load(source).then(
      () => expect(false, "a file was read by its address"),
      ({ message }) => expect(/In Node, pass the bytes of a file/.test(message), message),
    );
  await module.loadInWorker(MODEL).then(
    () => expect(false, "a worker was started"),
    ({ message }) => expect(/Use load in Node/.test(message), message),
  );
});

test("the package is small, holds what it should, and works where it is installed", () => {
  const folder = mkdtempSync(join(tmpdir(), "sketchrnn-"));
  try {
    const run = (command, ...options) => execFileSync(command, options, { cwd: folder, encoding: "utf8" });
    const [packed] = JSON.parse(run("npm", "pack", FOLDER, "--json", "--ignore-scripts"));
    expect(packed.size < LARGEST, `${packed.size} bytes`);
    const names = packed.files.map(({ path }) => path);
    const allowed = /^(engine\/[\w-]+\.js|index\.d\.ts|package\.json|README\.md|LICENSE|NOTICE)$/;
    expect(names.every((name) => allowed.test(name)), names.join());
    expect(names.includes("engine/worker.js") && names.includes("LICENSE"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    run("npm", "install", "--offline", "--no-audit", "--no-fund", packed.filename);
    writeFileSync(
      join(folder, "draw.js"),
      `import { readFile } from "node:fs/promises";
       import { load } from "sketchrnn";
       const model = await load(await readFile(process.argv[2]));
       for await (const { x, y } of model.complete([[[0, 0], [9, 9]]], { category: "cat", bestOf: 1, maxPoints: 5 }))
         console.log(x, y);`,
    );
    const lines = run("node", "draw.js", fileURLToPath(MODEL)).trim().split("\n");
    expect(lines.length >= 1 && lines.every((line) => /^-?[\d.]+ -?[\d.]+$/.test(line)), lines.join());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const compiler = fileURLToPath(new URL("../node_modules/.bin/tsc", import.meta.url));

test("the types fit", () => {
  const options = ["--ignoreConfig", "--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom,dom.asynciterable"];
  const { status, stdout } = spawnSync(compiler, [...options, "test/types.ts"], { cwd: FOLDER, encoding: "utf8" });
  expect(status === 0, stdout);
});

test("the engine's code fits its own types", () => {
  const { status, stdout } = spawnSync(compiler, ["--project", "."], { cwd: FOLDER, encoding: "utf8" });
  expect(status === 0, stdout);
});

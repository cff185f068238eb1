// The same cases in Chromium, in the page's thread and in a worker; and the p5.js example, with a real mouse.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { cases, expect } from "./cases.js";

const ROOT = new URL("../../", import.meta.url);
const MODEL = "/sketchrnn/model/weights/quickdraw345.safetensors";
const TYPES = { ".html": "text/html", ".js": "text/javascript" };
const EMPTY = '<!doctype html><script type="importmap">{ "imports": { "sketchrnn": "/js/engine/index.js" } }</script>';

const server = createServer(async ({ url }, response) => {
  const path = new URL(url, "http://localhost").pathname;
  if (path === "/favicon.ico") return response.writeHead(204).end(); // the first page of a browser asks for it
  try {
    const content = path === "/" ? EMPTY : await readFile(new URL(`.${path}`, ROOT));
    response.writeHead(200, { "Content-Type": TYPES[extname(path) || ".html"] ?? "application/octet-stream" });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
test.after(async () => {
  await browser.close();
  server.close();
});

for (const load of ["load", "loadInWorker"])
  test(`in Chromium, by ${load}`, async (context) => {
    const page = await browser.newPage();
    await page.goto(address);
    await page.evaluate(
      async ([load, source]) => {
        const module = await import("sketchrnn");
        const { cases } = await import("/js/test/cases.js");
        const model = await module[load](new URL(source, location.href));
        window.run = (name) => cases[name]({ model, module, source });
      },
      [load, MODEL],
    );
    for (const name of Object.keys(cases)) await context.test(name, () => page.evaluate((name) => run(name), name));
    await page.close();
  });

test("the p5.js example finishes what the visitor draws", async () => {
  const page = await browser.newPage({ viewport: { width: 700, height: 700 } });
  page.setDefaultTimeout(60_000);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(`${address}/js/examples/p5.html`);
  await page.waitForFunction(() => document.body.dataset.state === "ready");
  const colored = () =>
    page.evaluate(() => {
      const canvas = document.querySelector("canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const counts = { ink: 0, completion: 0 };
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] < 60 && data[at + 2] < 60) counts.ink++;
        if (data[at] > 180 && data[at + 1] < 120 && data[at + 2] < 80) counts.completion++;
      }
      return counts;
    });
  const circle = (angle) => [350 + 180 * Math.sin(angle), 350 - 180 * Math.cos(angle)];
  await page.mouse.move(...circle(0));
  await page.mouse.down();
  for (let angle = 0.1; angle < 6.2; angle += 0.2) await page.mouse.move(...circle(angle));
  expect((await colored()).completion === 0, "it draws before the pen is lifted");
  await page.mouse.up();
  await page.waitForFunction(() => document.body.dataset.state === "finished");
  await page.evaluate(() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown))));
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
  const { ink, completion } = await colored();
  expect(ink > 500 && completion > 200, `${ink} dark and ${completion} colored pixels`);
  expect(!complaints.length, complaints.join("\n"));
  await page.close();
});

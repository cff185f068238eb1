"""Compare the coordinates read from SVG documents with the coordinates that a browser draws.

    python benchmarks/svg_browser.py DOCUMENT_OR_FOLDER ...

Every document is opened in headless Chromium. Each shape that the browser shows, also inside ``<use>``, is sampled by
``getPointAtLength``, mapped into the root's user units by ``getScreenCTM``, and, where the document clips it, tested
for visibility by ``elementsFromPoint``. A difference is the largest distance between the browser's samples and the
lines that were read, in both directions. The table lists every document that differs by more than 0.1 user units.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import CDPSession, Error, sync_playwright
from results import write_results

from sketchrnn.errors import FormatError
from sketchrnn.formats.svg.reading import parse_svg

TOLERANCE = 0.1
SHAPES = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon"}
SAMPLE = r"""
function() {
  const HIDDEN = new Set(["defs", "symbol", "clipPath", "mask", "marker", "pattern"]);
  const root = document.documentElement;
  const parent = (one) => one.parentNode instanceof ShadowRoot ? one.parentNode.host : one.parentElement;
  let opacity = 1, clipped = false, visible = this.checkVisibility(), host = this;
  for (let one = this; one; one = parent(one)) {
    const style = getComputedStyle(one), inUse = one.parentNode instanceof ShadowRoot;
    opacity *= parseFloat(style.opacity);
    if (style.display === "none" || HIDDEN.has(one.localName)) visible = false;
    if (style.clipPath !== "none") clipped = true;
    if (one.localName === "svg" || one.localName === "symbol") {
      if (one !== root && style.overflow !== "visible") clipped = true;
      const box = one.viewBox && one.viewBox.baseVal;
      if (box && one.hasAttribute("viewBox") && (box.width === 0 || box.height === 0)) visible = false;
      if (one.localName === "svg" && (one.width.baseVal.value === 0 || one.height.baseVal.value === 0)) visible = false;
    }
    if (inUse) host = parent(one);
  }
  const style = getComputedStyle(this);
  visible = visible && style.visibility === "visible" && opacity > 0;
  const seen = (paint, amount) =>
    !/^none|^context-|^rgba\(.*, 0\)|transparent/.test(paint) && parseFloat(amount) > 0;
  const missing = (paint) => {
    const found = /^url\("#([^"]*)"\)(.*)$/.exec(paint);
    return found && !document.getElementById(found[1]) && (!found[2].trim() || found[2].trim() === "none");
  };
  const wide = parseFloat(style.strokeWidth) > 0;
  const stroked = visible && wide && seen(style.stroke, style.strokeOpacity) && !missing(style.stroke);
  const filled = visible && this.localName !== "line" && seen(style.fill, style.fillOpacity) && !missing(style.fill);
  if (!stroked && !filled) return null;
  const sides = {rect: ["width", "height"], circle: ["r"], ellipse: ["rx", "ry"]}[this.localName] || [];
  if (sides.some((name) => parseFloat(style[name]) === 0)) return null;  // drawn by no browser, but measured
  let length;
  try { length = this.getTotalLength(); } catch (error) { return null; }
  const screen = this.getScreenCTM(), outer = root.getScreenCTM();
  if (!screen || !outer || !(length > 0)) return null;
  const matrix = outer.inverse().multiply(screen);
  const size = Math.sqrt(Math.abs(matrix.a * matrix.d - matrix.b * matrix.c)) || 1;
  const count = Math.min(6000, Math.max(64, Math.ceil(length * size * 6)));
  const points = [], hits = [];
  const look = (length) => {
    const at = this.getPointAtLength(length);
    const there = at.matrixTransform(matrix), pixel = at.matrixTransform(screen);
    const hit = !clipped || document.elementsFromPoint(pixel.x, pixel.y).includes(host);
    return {length, x: there.x, y: there.y, hit};
  };
  const near = (one, other) => one.hit === other.hit
    && Math.hypot(one.x - other.x, one.y - other.y) <= 2 * size * (other.length - one.length) + 0.001;
  const keep = (one) => { points.push([one.x, one.y]); hits.push(one.hit); };
  let last = look(0);
  keep(last);
  for (let index = 1; index <= count; index++) {
    const next = look(length * index / count);
    if (!near(last, next)) {  // a jump to another subpath, or the edge of a clip path: find its place
      let low = last, high = next;
      for (let step = 0; step < 14; step++) {
        const middle = look((low.length + high.length) / 2);
        if (near(last, middle)) low = middle; else high = middle;
      }
      keep(low);
      keep(high);
    }
    keep(next);
    last = next;
  }
  return {tag: this.localName, id: this.id, stroked, clipped, points, hits};
}
"""
PREPARE = r"""
() => {
  const make = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
  const style = make("style");
  style.textContent = "* { pointer-events: all !important }";
  document.documentElement.append(style);
  // Chromium's getScreenCTM leaves out the viewport of a <symbol>, but not that of the <svg> that it stands for
  for (const symbol of [...document.querySelectorAll("symbol")]) {
    const defs = make("defs"), svg = make("svg");
    for (const { name, value } of [...symbol.attributes])
      if (!["x", "y", "width", "height"].includes(name)) svg.setAttribute(name, value);
    svg.style.setProperty("display", "inline", "important");
    svg.style.transformOrigin = "0 0";  // as a symbol's; that of an <svg> below <use> is its center
    svg.append(...symbol.childNodes);
    defs.append(svg);
    symbol.replaceWith(defs);
  }
  // nor does it know x and y of <use>, which are a translation after its transform
  for (const use of document.querySelectorAll("use")) {
    const x = use.x.baseVal.value, y = use.y.baseVal.value;
    if (!x && !y) continue;
    use.setAttribute("transform", `${use.getAttribute("transform") || ""} translate(${x} ${y})`);
    use.removeAttribute("x");
    use.removeAttribute("y");
  }
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}
"""
STROKED = "stroke: #000 !important; stroke-width: 1px !important; stroke-opacity: 1 !important"
EXPLAINED = {
    "illustrator-styles.svg": "samples cut the corners of a page of 792 units",
    "shapes__rect__ch-values.svg": "ch depends on the font: 0.5 em is used",
    "shapes__rect__lh-values.svg": "lh depends on the font: 1.2 em is used",
    "shapes__rect__rlh-values.svg": "rlh depends on the font: 1.2 rem is used",
    "shapes__rect__vi-and-vb-values.svg": "of a window of 1000 pixels; without a window, of the root",
    "shapes__rect__vmin-and-vmax-values.svg": "as for vi and vb",
    "structure__symbol__with-transform.svg": "beyond the page, where elementsFromPoint finds nothing",
}


def shown_by_browser(session: CDPSession) -> list[dict[str, Any]]:
    """Return the shapes that the page shows, in document order, with points along each of them."""

    def walk(node: dict[str, Any]) -> None:
        if node.get("localName") in SHAPES:
            nodes.append(node["backendNodeId"])
        for child in [*node.get("shadowRoots", ()), *node.get("children", ())]:
            walk(child)

    nodes: list[int] = []
    walk(session.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"])
    shapes = []
    for node in nodes:
        handle = session.send("DOM.resolveNode", {"backendNodeId": node})["object"]["objectId"]
        arguments = {"functionDeclaration": SAMPLE, "objectId": handle, "returnByValue": True}
        answer = session.send("Runtime.callFunctionOn", arguments)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:500])
        if answer["result"].get("value"):
            shapes.append(answer["result"]["value"])
    return [shape for shape in shapes if shape["stroked"]] or shapes


def polylines_of(shapes: list[dict[str, Any]]) -> list[np.ndarray]:
    """Return the runs of visible samples of every shape; a jump between subpaths ends a run."""
    lines = []
    for shape in shapes:
        points = np.array(shape["points"], dtype=np.float64)
        visible = np.array(shape["hits"], dtype=bool)
        step = np.hypot(*np.diff(points, axis=0).T)
        jump = step > max(0.5, 3 * float(np.median(step)))
        cut = jump | (visible[1:] != visible[:-1])
        for piece, first in zip(
            np.split(points, np.flatnonzero(cut) + 1), [0, *(np.flatnonzero(cut) + 1)], strict=True
        ):
            if visible[first]:
                lines.append(piece)
    return lines


def distance(points: np.ndarray, lines: list[np.ndarray]) -> float:
    """Return the largest distance of any point from the nearest segment of any line."""
    if not len(points):
        return 0.0
    if not lines:
        return math.inf
    start = np.concatenate([line[:-1] if len(line) > 1 else line for line in lines])
    end = np.concatenate([line[1:] if len(line) > 1 else line for line in lines])
    along = end - start
    length = np.maximum((along**2).sum(axis=1), 1e-300)
    largest = 0.0
    for piece in np.array_split(points, max(1, len(points) * len(start) // 2_000_000)):
        offset = piece[:, None] - start
        share = np.clip((offset * along).sum(axis=2) / length, 0.0, 1.0)
        gap = offset - share[..., None] * along
        largest = max(largest, float(np.hypot(gap[..., 0], gap[..., 1]).min(axis=1).max()))
    return largest


def dense(lines: list[np.ndarray], spacing: float) -> np.ndarray:
    """Return points along lines, at most ``spacing`` apart."""
    found = [np.zeros((0, 2))]
    for line in lines:
        counts = np.maximum(1, np.ceil(np.hypot(*np.diff(line, axis=0).T) / spacing)).astype(int)
        if len(line) == 1:
            continue
        found += [
            a + (b - a) * np.arange(n + 1)[:, None] / n
            for a, b, n in zip(line[:-1], line[1:], np.minimum(counts, 2000), strict=True)
        ]
    return np.concatenate(found)


def all_stroked(path: Path, folder: Path) -> Path | None:
    """Write a document whose shapes all have a stroke, so that every shape is compared; None if it is no XML."""
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    namespace = root.tag.rpartition("}")[0] + "}" if "}" in root.tag else ""
    style = ElementTree.SubElement(root, f"{namespace}style")
    style.text = f"{','.join(sorted(SHAPES))} {{{STROKED}}}"
    copy = folder / path.name
    ElementTree.ElementTree(root).write(copy, encoding="utf-8", xml_declaration=True)
    return copy


def compare(path: Path, session: CDPSession, page: Any) -> tuple[str, float]:
    """Return a description of what the browser and the reader found, and the difference."""
    try:
        page.goto(path.resolve().as_uri())
        if page.evaluate("document.documentElement.localName") != "svg" or page.evaluate(
            "!!document.querySelector('parsererror')"
        ):
            return "not shown by the browser", 0.0
    except Error:
        return "not shown by the browser", 0.0
    page.evaluate(PREPARE)
    shapes = shown_by_browser(session)
    browser = polylines_of(shapes)
    try:
        ours = [line.points for line in parse_svg(path.read_bytes(), path.name).lines]
        said = ""
    except FormatError as error:
        ours, said = [], str(error)
    ours = [line for line in ours if len(line) > 1]
    if not browser or not ours:
        if not browser and not ours:
            return f"nothing shown; {said}", 0.0
        return f"{len(browser)} in the browser, {len(ours)} read {said}", math.inf
    samples = np.concatenate(browser)
    there = distance(samples[:: max(1, len(samples) // 1500)], ours)
    back = distance(dense(ours, 2.0), browser)
    return f"{len(browser)} in the browser, {len(ours)} read; browser->read {there:.3f}, read->browser {back:.3f}", max(
        there, back
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", type=Path, nargs="+")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    parser.add_argument("--verbose", action="store_true", help="list every document")
    arguments = parser.parse_args()
    paths = [one for path in arguments.documents for one in (sorted(path.glob("*.svg")) if path.is_dir() else [path])]
    rows, compared, hidden = [], 0, 0
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1000, "height": 1000})
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("DOM.enable")
        for path in paths:
            said, difference = compare(path, session, page)
            hidden += said.startswith("not shown")
            compared += not said.startswith("not shown")
            results = [(path.name, difference, said)]
            stroked = all_stroked(path, Path(folder))
            if stroked is not None:
                said, difference = compare(stroked, session, page)
                results.append((f"{path.name}, all shapes stroked", difference, said))
            for name, difference, said in results:
                if arguments.verbose:
                    print(f"{name}: {difference:.4f} {said}", flush=True)
                if difference > TOLERANCE:
                    rows.append((name, difference, said))
        browser.close()
    lines = [
        f"{len(paths)} documents: {hidden} not shown by the browser, {compared} compared, as they are and with "
        f"a stroke for every shape; {len(rows)} results differ by more than {TOLERANCE} user units.",
    ]
    if rows:
        lines += ["", "| document | difference | found | reason |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {name} | {gap:.2f} | {said} | {EXPLAINED.get(name.partition(',')[0], '**not explained**')} |"
            for name, gap, said in rows
        ]
    write_results("svg_browser", lines)


if __name__ == "__main__":
    main()

"""Take the manual's picture of the page: ``python docs/screenshot.py``. Needs the extra ``test`` and Chromium."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

import sketchrnn

ROOT = Path(__file__).parent.parent
OUTPUT = Path(__file__).parent / "_static" / "page.png"
WIDTH, HEIGHT = 1240, 800
SIZE = 0.8  # pixels per unit of the sample
SAMPLE = ROOT / "samples" / "butterfly.ndjson"


def main() -> None:
    """Serve the page, draw a sample with the mouse, and take a picture of what the model makes of it."""
    command = [sys.executable, "-m", "sketchrnn", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server, sync_playwright() as driver:
        address = re.search(r"http://\S+", server.stderr.readline())[0]
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(address, wait_until="load")
        page.wait_for_timeout(5000)  # the model loads
        box = page.locator("canvas").first.bounding_box()
        strokes = sketchrnn.read(SAMPLE)[0].sketch.polylines()
        left, top = (min(point[axis] for stroke in strokes for point in stroke) for axis in (0, 1))
        for stroke in strokes:
            points = [
                (box["x"] + 0.35 * box["width"] + SIZE * (x - left), box["y"] + 0.3 * box["height"] + SIZE * (y - top))
                for x, y in stroke
            ]
            page.mouse.move(*points[0])
            page.mouse.down()
            for point in points:
                page.mouse.move(*point, steps=5)
            page.mouse.up()
        page.wait_for_timeout(15_000)  # all endings are drawn
        page.locator('[aria-label^="Ending"][aria-label*="butterfly"]').first.click()
        page.mouse.move(1, 1)
        page.wait_for_timeout(5000)
        page.screenshot(path=OUTPUT)
        browser.close()
        server.terminate()


if __name__ == "__main__":
    main()

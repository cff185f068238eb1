"""Take the manual's picture of the page: ``python docs/screenshot.py``. Needs the extra ``test`` and Chromium."""

import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

OUTPUT = Path(__file__).parent / "_static" / "page.png"
WIDTH, HEIGHT = 1100, 720
CIRCLE = [(0.42 + 0.15 * math.cos(angle / 8), 0.48 + 0.2 * math.sin(angle / 8)) for angle in range(-10, 41)]
"""Points of a stroke, as shares of the sheet's width and height."""


def main() -> None:
    """Serve the page, draw a circle with the mouse, and take a picture of what the model makes of it."""
    command = [sys.executable, "-m", "sketchrnn", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server, sync_playwright() as driver:
        address = re.search(r"http://\S+", server.stderr.readline())[0]
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(address, wait_until="load")
        page.wait_for_timeout(5000)  # the model loads
        box = page.locator("canvas").first.bounding_box()
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in CIRCLE]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points:
            page.mouse.move(*point)
            page.wait_for_timeout(10)
        page.mouse.up()
        page.wait_for_timeout(15_000)  # all endings are drawn
        page.screenshot(path=OUTPUT)
        browser.close()
        server.terminate()


if __name__ == "__main__":
    main()

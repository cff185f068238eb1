"""What does the page make of first-time drawings, in an order and direction that the training data does not favor?

Ten drawings are drawn with the mouse on the exported page in Debian's Chromium, stroke after stroke. Printed is what
the page guesses at the end of the drawing, and saved is a picture of the page with all its endings. Run it again with
another model: --model.
"""

import argparse
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from page import BROWSERS
from results import write_results


def arc(x: float, y: float, radius: float, begin: float, turn: float, flat: float = 1.0) -> list[tuple[float, float]]:
    """Return points of an arc; angles in degrees, clockwise from the right, as y points down."""
    count = max(4, round(abs(turn) / 12))
    angles = [math.radians(begin + turn * step / count) for step in range(count + 1)]
    return [(x + radius * math.cos(angle), y + radius * flat * math.sin(angle)) for angle in angles]


def dot(x: float, y: float) -> list[tuple[float, float]]:
    """Return a small circle, from its bottom."""
    return arc(x, y, 3, 90, -360)


DRAWINGS: dict[str, list[list[tuple[float, float]]]] = {
    # ears from right to left, then the head from the bottom, counterclockwise
    "cat": [
        [(75, -62), (72, -100), (38, -85)],
        [(-38, -85), (-72, -100), (-75, -62)],
        arc(0, -10, 80, 90, -360),
    ],
    # the roof first, from right to left, then the walls from the bottom up
    "house": [
        [(95, -20), (0, -95), (-95, -20)],
        [(75, -20), (75, 80), (-75, 80), (-75, -20)],
        [(15, 80), (15, 35), (-15, 35), (-15, 80)],
    ],
    # the tail first, at the left, then the body from the tail
    "fish": [
        [(-60, 0), (-100, -35), (-100, 35), (-60, 0)],
        arc(10, 0, 70, 180, 360, 0.55),
    ],
    # legs first, then the back from right to left, the head at the end
    "dog": [
        [(50, 30), (50, 80), (35, 80), (35, 35)],
        [(-30, 35), (-30, 80), (-45, 80), (-45, 30)],
        [(55, 30), (60, -5), (-50, -5), (-50, 30), (55, 30)],
        [(60, -5), (85, -30)],
    ],
    # the frame before the wheels, from right to left
    "bicycle": [
        [(60, 40), (35, -20), (-25, -20), (0, 40), (35, -20)],
        [(35, -20), (30, -40), (50, -42)],
        arc(60, 40, 36, 90, -360),
    ],
    # the crown first, from the bottom, then one side of the trunk upwards
    "tree": [
        arc(0, -35, 58, 80, -340),
        [(14, 90), (12, 22)],
    ],
    # wheels from right to left, from their bottom, then the floor
    "car": [
        arc(50, 40, 20, 90, -360),
        arc(-50, 40, 20, 90, -360),
        [(90, 40), (95, 5), (50, 0)],
    ],
    # the stem first, upwards, then the middle, from its bottom
    "flower": [
        [(0, 100), (-3, 50), (0, 0)],
        arc(0, -20, 18, 90, -360),
        arc(0, -58, 20, 60, -300),
    ],
    # the mouth first, from right to left, then an eye, then the head from the bottom
    "face": [
        arc(0, 15, 40, 20, 140),
        dot(28, -25),
        arc(0, 0, 85, 90, -360),
    ],
    # rays first, inwards, then the disk from the bottom
    "sun": [
        [(0, 100), (0, 65)],
        [(100, 0), (65, 0)],
        [(-100, 0), (-65, 0)],
        arc(0, 0, 50, 90, -360),
    ],
}
"""By what is meant: strokes around (0, 0), 100 being half of the drawing; unfinished, for the page to finish."""

WIDTH, HEIGHT = 1100, 740


def draw(page, strokes: list[list[tuple[float, float]]]) -> dict[str, Any]:
    """Draw on an empty page with the mouse; return what it says when the endings are there."""
    box = page.locator("#canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    size = 0.3 * min(box["width"], box["height"]) / 100
    for stroke in strokes:
        (first, *others) = [(x + size * px, y + size * py) for px, py in stroke]
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point, steps=3)
        page.mouse.up()
    page.wait_for_selector("body[data-drawing=false]", timeout=120_000)
    return page.evaluate("""() => ({
      guesses: [...document.querySelectorAll(".guess")].map((one) => one.textContent.replace(/(\\d)/, " $1")),
      endings: [...document.querySelectorAll(".ending")].map((one) => one.getAttribute("aria-label")),
      status: document.getElementById("status").textContent,
    })""")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="by default the model that ships with sketchrnn")
    parser.add_argument("--pictures", type=Path, help="folder for the pictures of the page")
    parser.add_argument(
        "--only", choices=DRAWINGS, nargs="*", help="draw these only, and leave the results as they are"
    )
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    lines = ["| drawing | guesses | the page says |", "| --- | --- | --- |"]
    program = next(filter(None, map(shutil.which, BROWSERS)))
    model = [arguments.model] if arguments.model else []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "page.html"
        subprocess.run([sys.executable, "-m", "sketchrnn", "export-page", *model, "-o", path], check=True)
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name in arguments.only or DRAWINGS:
            context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
            page = context.new_page()
            page.goto(path.as_uri())
            page.wait_for_selector("body[data-ready=true][data-restored=true]", timeout=120_000)
            said = draw(page, DRAWINGS[name])
            lines.append(f"| {name} | {', '.join(said['guesses'][:3])} | {said['status']} |")
            if arguments.pictures:
                arguments.pictures.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=arguments.pictures / f"{name}.png")
            context.close()
        browser.close()
    if arguments.only:
        print("\n".join(lines))
    else:
        write_results("first drawings", lines)


if __name__ == "__main__":
    main()

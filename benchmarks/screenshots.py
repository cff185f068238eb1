"""Take pictures of the page in eight window sizes and both color schemes, so that somebody can look at them.

python benchmarks/screenshots.py -o screenshots
"""

import argparse
import math
import shutil
import sys
from pathlib import Path

from page import BROWSERS, server

SIZES = {
    "320x568": (320, 568, 2),
    "390x844": (390, 844, 2),
    "844x390": (844, 390, 2),
    "768x1024": (768, 1024, 1),
    "1280x800": (1280, 800, 1),
    "1920x1080": (1920, 1080, 1),
    "3840x2160": (3840, 2160, 1),
    "1280x800-at-400-percent": (320, 200, 4),
}
"""Width and height in CSS pixels, and device pixels in each of them."""

FACE = [
    [(math.cos(step / 5), math.sin(step / 5)) for step in range(32)],
    [(-0.4 + 0.1 * math.cos(step), -0.3 + 0.1 * math.sin(step)) for step in range(7)],
]
"""The head and one eye of a face, in shares of its size."""


def draw(page) -> None:
    """Draw a face and wait for its endings."""
    canvas = page.locator("#canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y, size = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, 0.3 * min(box["width"], box["height"])
    for stroke in FACE:
        (first, *others) = [(x + size * px, y + size * py) for px, py in stroke]
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point)
        page.mouse.up()
    page.wait_for_timeout(300)
    page.wait_for_selector("body[data-drawing=false]", timeout=120_000)
    page.wait_for_timeout(300)


def take(page, path: Path) -> None:
    """Take pictures of one window in each state."""

    def picture(state: str, *, whole: bool = False) -> None:
        page.screenshot(path=f"{path}-{state}.png", full_page=whole)

    picture("empty")
    draw(page)
    picture("endings")
    if page.evaluate("() => document.documentElement.scrollHeight > innerHeight"):
        picture("endings-whole-page", whole=True)
    for button, state in (("#download", "download"), ("#more", "more"), ("#category", "categories")):
        page.click(button)
        picture(state)
        page.keyboard.press("Escape")
    page.focus("#canvas")
    page.keyboard.press("Control+a")
    picture("selected")
    page.click("#new-sheet")
    page.click("#drawings-button")
    page.wait_for_selector("#drawings-list button")
    picture("earlier-drawings")
    page.click("#more")
    page.click("#delete-all")
    picture("question")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("screenshots"), help="folder of the pictures")
    parser.add_argument("--sizes", nargs="*", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--language", default="en", choices=("en", "de"))
    arguments = parser.parse_args()
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        sys.exit(f"screenshots: expected one of {', '.join(BROWSERS)}, found none. Install one")
    from playwright.sync_api import sync_playwright

    arguments.output.mkdir(parents=True, exist_ok=True)
    with server() as (_, port), sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for name in arguments.sizes:
            width, height, density = SIZES[name]
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    device_scale_factor=density,
                    color_scheme=scheme,
                    locale=arguments.language,
                    reduced_motion="reduce",
                )
                page = context.new_page()
                page.goto(f"http://127.0.0.1:{port}/")
                page.wait_for_selector("body[data-ready=true][data-restored=true]", timeout=120_000)
                take(page, arguments.output / f"{name}-{scheme}")
                context.close()
                print(f"{name} {scheme}", flush=True)
        browser.close()


if __name__ == "__main__":
    main()

"""Every window, scheme and language: nothing is cut off, everything has a name."""

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from web import PAGE_WAIT as WAIT

from sketchrnn.web.page_files import page_text

MODEL: dict[str, Any] = {
    "guesses": [["cat", 0.3], ["hot air balloon", 0.28], ["sun", 0.2], ["The Great Wall of China", 0.12], ["axe", 0.1]],
    "categories": ["bicycle", "dog", "house", "tree"],
    "endings": {"*": [[[10, 0], [40, 10]], [[10, 10], [40, 30]]]},
}
SIZES = [(195, 422), (320, 256), (320, 568), (390, 844), (640, 360), (844, 390), (820, 1180), (1400, 900), (3840, 2160)]

CONTROLS = "button, input, textarea, canvas, p, h1, label"
CUT_OFF = (Path(__file__).parent / "cut_off.js").read_text()


def drawn(opened, addresses, **options):
    page = opened(addresses["served"], model=MODEL, **options)
    page.draw(page.circle())
    page.wait_until_drawn()
    page.wait_for_selector(".ending svg")
    return page


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_a_window_of_any_size(addresses, opened, size, language):
    """One page goes through its states, because opening pages takes most of the time of these tests."""
    options = {"viewport": {"width": size[0], "height": size[1]}, "locale": language}
    page = opened(addresses["served"], model=MODEL, **options)
    assert page.evaluate(CUT_OFF, CONTROLS) == []
    if size != SIZES[0]:
        the_demonstration_is_above_the_hint(page)
    page.evaluate("() => document.getElementById('canvas').scrollIntoView({ block: 'center' })")
    before = sheet_of(page, size)
    page.draw(page.circle(0.4))
    page.wait_until_drawn()
    page.wait_for_selector(".ending svg")
    assert page.evaluate(CUT_OFF, CONTROLS) == []
    assert sheet_of(page, size) == before, "else it would move under the pen"
    if size != SIZES[0]:
        names_are_beside_the_pictures(page)
    page.click("#download")
    assert page.evaluate(CUT_OFF, "[data-format]") == []
    page.keyboard.press("Escape")
    page.click("#category")
    box = page.locator("#category-list").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size[0]
    page.keyboard.press("Escape")
    if size != SIZES[0]:
        earlier_drawings_cover_nothing_else(page)


def sheet_of(page, size):
    """Return the sheet's size, and where it is in windows that do not scroll."""
    box = page.locator("#canvas").bounding_box()
    return box if min(size) >= 390 else (box["width"], box["height"])


def the_demonstration_is_above_the_hint(page):
    inked = """() => {
      const canvas = document.getElementById("canvas");
      const [sheet, title] = [canvas, document.querySelector(".hint-title")].map((one) => one.getBoundingClientRect());
      const top = Math.ceil(((title.top - sheet.top) / sheet.height) * canvas.height);
      const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
      const context = copy.getContext("2d", { willReadFrequently: true });
      context.drawImage(canvas, 0, 0);
      const part = (y, height) => context.getImageData(0, y, canvas.width, height).data.some(Boolean);
      return [part(0, top), top < canvas.height && part(top, canvas.height - top)];
    }"""
    page.wait_for_function(f"() => ({inked})()[0]", timeout=WAIT)
    assert page.evaluate(inked) == [True, False]


def names_are_beside_the_pictures(page):
    for ending in page.locator(".ending:has(.ending-name)").all():
        picture, name = ending.locator("svg").bounding_box(), ending.locator(".ending-name").bounding_box()
        assert picture["height"] >= 30
        assert picture["y"] + picture["height"] <= name["y"] + 0.5


def earlier_drawings_cover_nothing_else(page):
    page.click("#new-sheet")
    page.click("#drawings-button")
    page.wait_for_selector("#drawings-list button")
    assert page.evaluate(CUT_OFF, CONTROLS.replace("canvas, p, ", "")) == []
    assert page.locator("#hint").is_hidden()


@pytest.mark.parametrize("size", [(320, 568), (844, 390), (1280, 800)], ids=lambda size: "x".join(map(str, size)))
def test_texts_fit(addresses, opened, size):
    page = opened(addresses["served"], model=MODEL, viewport={"width": size[0], "height": size[1]})
    room, text = page.evaluate(
        """() => {
          const input = document.getElementById("category");
          const style = getComputedStyle(input);
          const context = document.createElement("canvas").getContext("2d");
          context.font = style.font;
          const paddings = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
          return [input.clientWidth - paddings, context.measureText(input.placeholder).width];
        }"""
    )
    assert text <= room
    if size[0] != 844:  # there, buttons have two lines
        assert {round(button.bounding_box()["height"]) for button in page.locator(".choices button").all()} == {44}
        lines = """button => {
          const range = document.createRange();
          range.selectNodeContents(button.querySelector("span"));
          return range.getClientRects().length;
        }"""
        assert {button.evaluate(lines) for button in page.locator(".choices button").all()} == {1}
    if size[0] == 320:
        assert len({button.bounding_box()["y"] for button in page.locator(".tools button").all()}) == 1


def test_targets_are_large_enough_for_fingers(addresses, opened):
    page = drawn(opened, addresses, viewport={"width": 390, "height": 844}, has_touch=True)
    for button in page.locator("button:visible").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 36, button.get_attribute("id") or button.text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_axe_finds_nothing(addresses, opened, scheme, width):
    """No violation of accessibility rules in any state of the page."""
    page = opened(addresses["served"], model=MODEL, color_scheme=scheme, viewport={"width": width, "height": 900})

    def check(state):
        results = Axe().run(page.page)
        assert results.violations_count == 0, f"{state}: {results.generate_report()}"

    check("empty")
    page.draw(page.circle())
    page.wait_until_drawn()
    page.wait_for_selector(".ending svg")
    check("drawn")
    for button, state in (("#download", "download menu"), ("#more", "other menu"), ("#category", "categories")):
        page.click(button)
        check(state)
        page.keyboard.press("Escape")
    page.focus("#canvas")
    page.keyboard.press("Control+a")
    check("selected")
    page.click("#new-sheet")
    page.click("#drawings-button")
    page.wait_for_selector("#drawings-list button")
    check("earlier drawings")
    page.click("#more")
    page.click("#delete-all")
    check("question")


def test_everything_has_a_name(addresses, opened):
    """Every control that a screen reader finds says what it is."""
    page = drawn(opened, addresses)
    page.click("#download")
    tree = page.cdp.send("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "combobox", "slider", "application", "menuitem")
    controls = [node for node in tree if not node.get("ignored") and node.get("role", {}).get("value") in roles]
    assert len(controls) > 20
    assert [node for node in controls if not node.get("name", {}).get("value")] == []
    page.keyboard.press("Escape")
    assert "1 stroke of yours, and 2 strokes that the model drew" in page.locator("#description").text_content()


def test_high_contrast(addresses, opened):
    page = drawn(opened, addresses, forced_colors="active")
    outline = page.locator("#tool-draw").evaluate("button => getComputedStyle(button).outlineStyle")
    assert outline == "solid"


# the combobox


def test_the_combobox_by_keyboard(addresses, opened):
    page = opened(addresses["served"], model=MODEL)
    names = sorted([name for name, _ in MODEL["guesses"]] + MODEL["categories"], key=str.lower)

    def active():
        return page.locator(f"#{page.get_attribute('#category', 'aria-activedescendant')}").text_content()

    page.focus("#category")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    assert active() == names[-1]
    page.keyboard.press("Home")
    assert active() == "whatever it looks like"
    page.keyboard.press("PageDown")
    assert active() == names[7]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("#category") == names[8]
    page.keyboard.press("Escape")  # means whatever it looks like
    assert page.input_value("#category") == ""
    for typed, found in (("kitten", "cat"), ("bike", "bicycle"), ("HOU", "house"), ("cat", "cat")):
        page.choose(typed)
        assert page.input_value("#category") == found
    page.choose("")
    assert page.input_value("#category") == ""
    page.choose("dog")
    page.fill("#category", "")
    page.focus("#temperature")  # an emptied field means it too
    page.wait_for_selector("#category-reset", state="hidden")
    page.fill("#category", "nonsense")
    assert "has not learned" in page.locator("#category-list").text_content()
    page.focus("#temperature")
    assert page.input_value("#category") == ""


# languages


def test_languages_have_the_same_texts(addresses, opened):
    page = opened(addresses["served"], model=MODEL)

    def keys(name):
        text = page_text(name).split("synonyms: ")[0]
        return set(re.findall(r"^  (\w+):", text, re.MULTILINE))

    assert keys("texts-en.js") == keys("texts-de.js")
    assert len(keys("texts-en.js")) > 60
    used = set(re.findall(r'data-(?:text|label|hint)="(\w+)"', page_text("index.html")))
    used |= set(
        re.findall(
            r"texts\.(\w+)", "".join(page_text(name) for name in ("app.js", "panel.js", "share.js", "combobox.js"))
        )
    )
    assert used - {"js", "synonyms"} <= keys("texts-en.js")
    page.click("#more")
    page.click("#language")
    assert page.locator("html").get_attribute("lang") == "de"
    assert page.get_attribute("#category", "placeholder") == "wonach es aussieht"
    page.choose("katze")
    assert page.input_value("#category") == "cat"
    page.reload()
    page.wait_for_selector("body[data-ready=true]", timeout=WAIT)
    assert page.locator("html").get_attribute("lang") == "de"

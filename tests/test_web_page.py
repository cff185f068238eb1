"""The page in a real browser: served, and as a file."""

import json
import math
import re
import xml.etree.ElementTree as ElementTree

import pytest
from web import browsing, program, serving

from sketchrnn.formats import read_records
from sketchrnn.model.checkpoint import load_shipped
from sketchrnn.web.model_file import page_model
from sketchrnn.web.page_files import SCRIPT, WORKER, bundled, exported_page, page_text, served_page

SVG = "{http://www.w3.org/2000/svg}"
WHOLE = '.version:nth-child(6)[aria-label*="stroke"]'
CONTROLS = ("button", "combobox", "slider", "application", "menuitem")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


@pytest.fixture(scope="module")
def browser():
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    model = page_model(load_shipped(), "int8")
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(exported_page(model))
    with serving(served_page(model)) as port:
        yield {"served": f"http://127.0.0.1:{port}/", "file": path.as_uri()}


@pytest.fixture(params=["served", "file"])
def address(request, addresses):
    return addresses[request.param]


@pytest.fixture
def opened(browser):
    """Open pages; afterwards make sure that none of them complained."""
    contexts, complaints = [], []

    def open_page(address, **options):
        settings = {"viewport": {"width": 1000, "height": 640}, "reduced_motion": "reduce", **options}
        context = browser.new_context(accept_downloads=True, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if foreign(request.url, address) else None)
        page.goto(address)
        page.wait_for_selector("body[data-ready=true]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def foreign(url, address):
    """Anything but the server or the file itself, and what the page makes itself."""
    return not url.startswith((address.partition("#")[0], "blob:", "data:"))


def circle(page, radius=0.3):
    """Points of a circle on the sheet."""
    box = page.locator("#canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    size = radius * min(box["width"], box["height"])
    return [(x + size * math.cos(0.2 * step - 1.6), y + size * math.sin(0.2 * step - 1.6)) for step in range(0, 31, 2)]


def draw(page, points):
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()


def wait_until_drawn(page):
    page.wait_for_selector("body[data-drawing=false]")
    page.wait_for_selector(WHOLE)


def choose(page, category):
    page.fill("#category", category)
    page.keyboard.press("Enter")


def versions(page):
    return page.locator(".version .drawn").evaluate_all("paths => paths.map((path) => path.getAttribute('d'))")


def downloaded(page, kind):
    page.click("#download")
    with page.expect_download() as download:
        page.click(f"[data-format={kind}]")
    return download.value.suggested_filename, download.value.path().read_bytes()


def groups(svg):
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    return {group.get("id"): len(group.findall(f"{SVG}path")) for group in root.iter(f"{SVG}g")}


def test_a_circle_is_finished(address, opened):
    page = opened(address)
    assert page.locator("#hint").is_visible()
    assert page.locator("#undo").is_disabled()
    choose(page, "cat")
    draw(page, circle(page))
    wait_until_drawn(page)
    assert page.locator("#hint").is_hidden()
    as_cat = versions(page)
    assert len(as_cat) == 6
    assert len(set(as_cat)) > 3

    choose(page, "sun")  # another category, another completion
    wait_until_drawn(page)
    assert versions(page) != as_cat
    choose(page, "cat")
    wait_until_drawn(page)
    assert versions(page) == as_cat  # the same seed draws the same

    page.wait_for_selector(".guess")  # what else it might be is said all the same
    longest = max(range(6), key=lambda index: len(as_cat[index]))
    page.click(f".version:nth-child({longest + 1})")
    assert page.get_attribute(f".version:nth-child({longest + 1})", "aria-pressed") == "true"
    name, svg = downloaded(page, "svg")
    before = groups(svg)
    assert name == "cat.svg"
    assert before["prefix"] == 1
    assert before["completion"] >= 1

    page.click("#take-all")
    after = groups(downloaded(page, "svg")[1])
    assert after == {"prefix": before["prefix"] + before["completion"], "completion": 0}
    page.click("#undo")
    assert groups(downloaded(page, "svg")[1]) == before
    page.click("#undo")
    assert page.locator("#hint").is_visible()
    page.click("#redo")
    assert groups(downloaded(page, "svg")[1]) == before


def test_a_version_that_adds_nothing_is_passed_over(browser, addresses):
    events = [
        {"event": "start", "category": "cat", "drawings": [{}, {}, {}]},
        {"event": "end", "drawing": 0, "ended": True},
        {"event": "end", "drawing": 1, "ended": True},
        {"event": "points", "drawing": 2, "points": [[0, 0], [90, 90]], "lift": True},
        {"event": "end", "drawing": 2, "ended": True},
    ]
    model = {"categories": ["cat", "dog"], "canGuess": False, "unit": "box", "offsetScale": 26}
    worker = f"""onmessage = ({{ data: {{ id, kind }} }}) => {{
      if (kind === "load") postMessage({{ id, done: true, value: {json.dumps(model)} }});
      if (kind === "draw") postMessage({{ id, events: {json.dumps(events)}, done: true, value: {{}} }});
    }}"""
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.route("**/worker-*", lambda route: route.fulfill(body=worker, content_type="text/javascript"))
    page.goto(addresses["served"])
    page.wait_for_selector("body[data-ready=true]")
    choose(page, "cat")
    draw(page, circle(page))
    page.wait_for_selector(".version:nth-child(3)[aria-pressed=true]")
    page.click(".version:nth-child(1)")  # but it can be looked at
    assert page.get_attribute(".version:nth-child(1)", "aria-pressed") == "true"
    page.context.close()


def test_files_hold_the_whole_drawing(addresses, opened, tmp_path):
    page = opened(addresses["served"])
    choose(page, "cat")
    draw(page, circle(page))
    wait_until_drawn(page)
    layers = groups(downloaded(page, "svg")[1])
    path = tmp_path / "cat.ndjson"
    path.write_bytes(downloaded(page, "ndjson")[1])
    (record,) = read_records(path)
    assert record.word == "cat"
    assert len(record.sketch.strokes) == layers["prefix"] + layers["completion"]
    name, png = downloaded(page, "png")
    assert name == "cat.png"
    assert png.startswith(b"\x89PNG")
    assert len(png) > 5000


def test_it_is_guessed(addresses, opened):
    page = opened(addresses["file"])
    draw(page, circle(page))
    for _ in range(2):  # the guess may change once all is drawn, and all is drawn anew
        wait_until_drawn(page)
        page.wait_for_selector("#guesses[aria-busy=false]")
    guesses = page.locator(".guess").all()
    assert len(guesses) == 5
    named = page.locator("#guesses li:nth-child(2) .guess-name").text_content()
    page.click("#guesses li:nth-child(2) .guess")
    assert page.input_value("#category") == named
    wait_until_drawn(page)
    assert downloaded(page, "svg")[0] == f"{named}.svg"
    page.click("#category-reset")
    assert page.input_value("#category") == ""


def test_a_stroke_is_taken(addresses, opened):
    page = opened(addresses["served"])
    choose(page, "cat")
    draw(page, circle(page))
    wait_until_drawn(page)
    strokes = [path.count("M") for path in versions(page)]
    rich = max(range(6), key=strokes.__getitem__)
    page.click(f".version:nth-child({rich + 1})")
    page.click("#take-stroke")
    wait_until_drawn(page)
    assert groups(downloaded(page, "svg")[1]) == {"prefix": 2, "completion": strokes[rich] - 1}
    page.click("#undo")
    assert groups(downloaded(page, "svg")[1]) == {"prefix": 1, "completion": strokes[rich]}


def test_drawing_on_starts_again(addresses, opened):
    page = opened(addresses["file"])
    choose(page, "cat")
    points = circle(page)
    draw(page, points)
    wait_until_drawn(page)
    first = versions(page)
    draw(page, [points[5], points[12]])
    wait_until_drawn(page)
    assert versions(page) != first
    assert groups(downloaded(page, "svg")[1])["prefix"] == 2
    page.click("#again")
    wait_until_drawn(page)
    second = versions(page)
    page.locator("#temperature").fill("1.1")
    page.wait_for_selector("body[data-drawing=true]")
    wait_until_drawn(page)
    assert versions(page) != second
    page.click("#clear")
    assert page.locator("#hint").is_visible()
    page.click("#undo")
    assert groups(downloaded(page, "svg")[1])["prefix"] == 2


def test_a_link_holds_the_drawing(address, opened):
    page = opened(address, permissions=["clipboard-read", "clipboard-write"] if address.startswith("http") else [])
    choose(page, "cat")
    draw(page, circle(page))
    wait_until_drawn(page)
    layers = groups(downloaded(page, "svg")[1])
    page.click("#link")
    page.wait_for_selector("#message:not([hidden])")
    link = page.url
    assert "#" in link
    if address.startswith("http"):
        assert page.evaluate("() => navigator.clipboard.readText()") == link
    other = opened(link)
    wait_until_drawn(other)
    assert groups(downloaded(other, "svg")[1]) == layers
    assert other.input_value("#category") == "cat"


def test_a_damaged_link_is_said(addresses, opened):
    for damaged in ("#AAAA", "#%00"):
        page = opened(addresses["served"] + damaged)
        assert "link" in page.locator("#message").text_content()


def test_on_a_phone_with_a_finger(address, opened):
    page = opened(address, **PHONE)
    points = circle(page)
    touch = page.context.new_cdp_session(page)
    for place, (x, y) in enumerate(points):
        kind = "touchMove" if place else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait_until_drawn(page)
    assert groups(downloaded(page, "svg")[1])["prefix"] == 1
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= PHONE["viewport"]["width"]
    page.click("#download")
    for name in ("#undo", "#take-stroke", "#take-all", "#download-menu", "#category", "#temperature"):
        box = page.locator(name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= PHONE["viewport"]["height"]


def test_by_keyboard(addresses, opened):
    page = opened(addresses["served"])
    choose(page, "cat")
    page.focus("#canvas")
    page.keyboard.press("Space")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        for _ in range(4):
            page.keyboard.press(f"Shift+{key}")
    page.keyboard.press("Space")
    wait_until_drawn(page)
    drawn = [path.count("M") for path in versions(page)]
    rich = max(range(6), key=drawn.__getitem__)
    page.keyboard.press(str(rich + 1))
    assert page.get_attribute(f".version:nth-child({rich + 1})", "aria-pressed") == "true"
    assert groups(downloaded(page, "svg")[1]) == {"prefix": 1, "completion": drawn[rich]}
    page.focus("#canvas")
    page.keyboard.press("Enter")
    assert groups(downloaded(page, "svg")[1]) == {"prefix": 1 + drawn[rich], "completion": 0}
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert page.locator("#hint").is_visible()
    page.focus("#category")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    active = page.get_attribute("#category", "aria-activedescendant")
    name = page.locator(f"#{active}").text_content()
    page.keyboard.press("Enter")
    assert page.input_value("#category") == name


def test_everything_has_a_name(addresses, opened):
    """Every control that a screen reader finds says what it is."""
    page = opened(addresses["served"])
    draw(page, circle(page))
    wait_until_drawn(page)
    page.click("#download")
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    controls = [node for node in tree if not node.get("ignored") and node.get("role", {}).get("value") in CONTROLS]
    assert len(controls) > 20
    nameless = [node for node in controls if not node.get("name", {}).get("value")]
    assert nameless == []
    page.keyboard.press("Escape")
    page.wait_for_selector("#status:not(:empty)", state="attached")


def test_nothing_begins_without_ink_but_if_asked(addresses, opened):
    page = opened(addresses["file"])
    page.click("#surprise")
    wait_until_drawn(page)
    assert groups(downloaded(page, "svg")[1])["prefix"] == 0


def test_nothing_waits_for_the_model(browser, addresses):
    """What is drawn before the model is there is finished when it is."""
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    held = []
    page.route("**/model-*", lambda route: held.append(route))
    page.goto(addresses["served"])
    draw(page, circle(page))
    page.wait_for_selector("#undo:not([disabled])")
    assert page.get_attribute("body", "data-ready") is None
    held[0].continue_()
    wait_until_drawn(page)
    context.close()


@pytest.mark.parametrize("answer", [{"status": 500}, {"body": "another file"}, None])
def test_a_model_that_does_not_come_is_said(browser, addresses, answer):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/model-*", lambda route: route.fulfill(**answer) if answer else route.abort())
    page.goto(addresses["served"])
    page.wait_for_selector("#message:not([hidden])")
    assert "model cannot be fetched" in page.locator("#message").text_content()
    context.close()


def test_a_second_visit_asks_for_the_page_alone(browser, addresses):
    context = browser.new_context()
    page = context.new_page()
    page.goto(addresses["served"])
    page.wait_for_selector("body[data-ready=true]")
    asked = []
    context.on("response", lambda response: asked.append((response.url, response.status, response.from_service_worker)))
    sent = page.evaluate("() => performance.getEntriesByType('resource').length")
    page.goto(addresses["served"])
    page.wait_for_selector("body[data-ready=true]")
    sizes = page.evaluate(
        "() => performance.getEntriesByType('resource').map((entry) => [entry.name, entry.transferSize])"
    )
    assert len(sizes) == sent >= 3
    assert [name for name, size in sizes if size] == []
    context.close()


# without a browser


@pytest.mark.parametrize("entry", [SCRIPT, WORKER])
def test_a_bundle_holds_each_module_once(entry):
    script = bundled(entry)
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)
    names = re.findall(r"^const (module_\w+) = \(\(\) => \{", script, re.MULTILINE)
    assert len(names) == len(set(names)) > 3
    assert ("module_draw" in script) == (entry == WORKER)  # the page itself draws nothing


def test_the_kernel_is_what_its_source_says(tmp_path):
    import base64
    import subprocess

    (tmp_path / "kernel.wat").write_text(page_text("kernel.wat"))
    subprocess.run([program("wat2wasm"), "kernel.wat", "-o", "kernel.wasm"], cwd=tmp_path, check=True)
    held = re.search(r'KERNEL =\s*"([^"]*)"', page_text("kernel.js"))
    assert base64.b64decode(held[1]) == (tmp_path / "kernel.wasm").read_bytes()


def test_the_exported_page_asks_for_nothing():
    page = exported_page(page_model(load_shipped(), "int8"))
    assert len(page) < 8_000_000
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)


def test_the_served_model_is_small():
    assert len(page_model(load_shipped(), "int8")) < 6_000_000

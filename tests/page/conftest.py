"""The page in a real browser: served, as a file, and with a model whose answers a test decides."""

import json
import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from web import PAGE_WAIT as WAIT
from web import browsing, serving

from sketchrnn.model.checkpoint import load_shipped
from sketchrnn.web.model_file import page_model
from sketchrnn.web.page_files import exported_page, served_page

SVG = "{http://www.w3.org/2000/svg}"
SCRIPTED_WORKER = (Path(__file__).parent / "scripted_worker.js").read_text()


@pytest.fixture(scope="module")
def browser():
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="session")
def addresses(tmp_path_factory):
    model = page_model(load_shipped(), "int8")
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(exported_page(model))
    with serving(served_page(model)) as port:
        yield {"served": f"http://127.0.0.1:{port}/", "file": path.as_uri()}


@pytest.fixture(params=["served", "file"])
def address(request, addresses):
    return addresses[request.param]


@pytest.fixture(params=["reduce", "no-preference"], ids=["still", "moving"])
def motion(request):
    return request.param


class Page:
    """A page, and what a user does with it."""

    def __init__(self, page, context):
        self.page, self.context = page, context
        self.cdp = context.new_cdp_session(page)

    def __getattr__(self, name):
        return getattr(self.page, name)

    def box(self):
        """Return the middle of the sheet, and half its smaller side."""
        box = self.page.locator("#canvas").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, min(box["width"], box["height"]) / 2

    def at(self, *points):
        """Return where points are, given in shares of the sheet: (0, 0) is its middle, 1 half its smaller side."""
        x, y, size = self.box()
        return [(x + size * px, y + size * py) for px, py in points]

    def circle(self, radius=0.6, x=0.0, y=0.0):
        """Return points of a circle on the sheet."""
        angles = [0.2 * step - 1.6 for step in range(0, 32, 2)]
        return self.at(*((x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles))

    def draw(self, points):
        """Draw a line with the mouse."""
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point)
        self.page.mouse.up()

    def touch(self, kind, *points):
        """Send touches: start, move, end or cancel."""
        touches = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
        name = {"start": "touchStart", "move": "touchMove", "end": "touchEnd", "cancel": "touchCancel"}[kind]
        self.cdp.send("Input.dispatchTouchEvent", {"type": name, "touchPoints": touches})

    def pen(self, kind, point, *, force=0.5, buttons=1, button="left"):
        """Send a pen's event: pressed, moved or released."""
        event = {"type": f"mouse{kind.title()}", "x": point[0], "y": point[1], "pointerType": "pen"}
        self.cdp.send(
            "Input.dispatchMouseEvent", {**event, "force": force, "buttons": buttons, "button": button, "clickCount": 1}
        )

    def draw_with_pen(self, points, forces=None, **options):
        """Draw a line with a pen."""
        forces = forces or [0.5] * len(points)
        self.pen("pressed", points[0], force=forces[0], **options)
        for point, force in zip(points[1:], forces[1:], strict=True):
            self.pen("moved", point, force=force, **options)
        self.pen("released", points[-1], force=0.0, **{**options, "buttons": 0})

    def erase_with_pen(self, points):
        """Draw with the eraser end of a pen. The page gets made-up events: the developer tools have no such pen."""
        for index, (x, y) in enumerate([*points, points[-1]]):
            name = "pointerdown" if index == 0 else "pointerup" if index == len(points) else "pointermove"
            options = {
                "pointerId": 7,
                "pointerType": "pen",
                "clientX": x,
                "clientY": y,
                "pressure": 0.5,
                "bubbles": True,
            }
            options |= {"buttons": 0 if name == "pointerup" else 32, "button": -1 if name == "pointermove" else 5}
            self.page.evaluate(
                "([name, options]) => document.getElementById('canvas').dispatchEvent(new PointerEvent(name, options))",
                [name, options],
            )

    def wait_until_drawn(self):
        """Wait until the endings are there."""
        self.page.wait_for_selector("body[data-drawing=false]", timeout=WAIT)

    def wait_for_status(self, part):
        """Wait until the visible status has a text in it."""
        self.page.wait_for_function(
            "(part) => document.getElementById('status').textContent.includes(part)", arg=part, timeout=WAIT
        )

    def wait_until_saved(self):
        """Wait until the browser's database has the drawing of this tab with its endings."""
        saved = """async () => {
          const [{ name }] = await indexedDB.databases();
          const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
          const database = await done(indexedDB.open(name));
          const id = sessionStorage.getItem("sketchrnn-drawing");
          const record = await done(database.transaction("drawings").objectStore("drawings").get(id));
          database.close();
          return record?.history.present.settled && record.history.present.endings.length > 0;
        }"""
        self.page.wait_for_function(saved, timeout=WAIT)

    def choose(self, category):
        """Choose a category by typing."""
        self.page.fill("#category", category)
        self.page.keyboard.press("Enter")

    def endings(self):
        """Return the paths of the endings' pictures."""
        return self.page.locator("#endings .ending .drawn").evaluate_all(
            "all => all.map((one) => one.getAttribute('d'))"
        )

    def downloaded(self, kind):
        """Return the name and the content of a downloaded file."""
        self.page.click("#download")
        with self.page.expect_download(timeout=WAIT) as download:
            self.page.click(f"[data-format='{kind}']")
        return download.value.suggested_filename, download.value.path().read_bytes()

    def layers(self):
        """Return how many paths each layer of the downloaded SVG has, outlines apart."""
        root = ElementTree.fromstring(self.downloaded("svg")[1])
        groups = {group.get("id"): len(group.findall(f"{SVG}path")) for group in root.iter(f"{SVG}g")}
        return {name: groups.get(name, 0) for name in ("prefix", "completion")}

    def lines(self, layer="prefix"):
        """Return the lines of a layer of the downloaded SVG, each as its end points in units."""
        root = ElementTree.fromstring(self.downloaded("svg")[1])
        (group,) = (group for group in root.iter(f"{SVG}g") if group.get("id") == layer)
        return [ends(path.get("d")) for path in group.iter(f"{SVG}path")]

    def strokes_of_ink(self):
        """Return the number of strokes of the user."""
        if self.page.locator("#download").is_disabled():
            return 0
        return self.layers()["prefix"]


def ends(data):
    """Return the first and the last point of a path."""
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", data)]
    return [numbers[:2], numbers[-2:]]


@pytest.fixture
def opened(browser):
    """Open pages; afterward make sure that none of them complained."""
    contexts, complaints = [], []

    def open_page(address, *, context=None, model=None, clock=False, **options):
        settings = {"viewport": {"width": 1100, "height": 740}, "reduced_motion": "reduce", **options}
        if context is None:
            context = browser.new_context(accept_downloads=True, **settings)
            contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if foreign(request.url, address) else None)
        if model is not None:
            body = f"const SCRIPT = {json.dumps(model)};\n{SCRIPTED_WORKER}"
            page.route("**/worker-*.js", lambda route: route.fulfill(body=body, content_type="text/javascript"))
        if clock:
            page.clock.install()  # which the test can move on
        page.goto(address)
        page.wait_for_selector("body[data-ready=true][data-restored=true]", timeout=WAIT)
        return Page(page, context)

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def foreign(url, address):
    """Tell of a request to anything but the server or the file itself, and what the page makes itself."""
    return not url.startswith((address.partition("#")[0], "blob:", "data:"))

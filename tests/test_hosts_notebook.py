"""The canvas in a notebook: its traits, the real JupyterLab with a browser, and the tutorial."""

import base64
import contextlib
import inspect
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import numpy as np
import pytest
from web import ROOT, browsing

import sketchrnn
from sketchrnn.errors import CategoryError, CheckpointError, ConfigurationError
from sketchrnn.model.loading import load_model
from sketchrnn.web.model_file import page_model

SHIPPED = ROOT / "sketchrnn" / "model" / "weights" / "quickdraw345.safetensors"
TOKEN = "test"
CORNER = sketchrnn.Sketch.from_polylines([[(10, 120), (10, 10), (200, 20)], [(5, 5)]])
PATIENCE = 120_000
"""Milliseconds that are waited for what happens at once on an idle machine."""


def front_end(canvas, strokes=None, completions=(), scale=1.0):
    """Do what the browser does when something was drawn."""
    sketch = {"strokes": strokes or [], "penDown": False, "scale": scale}
    canvas.set_state({"_content": {"sketch": sketch, "completions": list(completions)}})


DRAWN = {
    "strokes": [[[1.5, 2.25], [0.1, 7]], [[3, 4]]],
    "penDown": False,
    "category": "pig",
    "seed": 7,
    "candidate": 2,
    "ended": True,
    "score": -0.5,
}


# without a browser


def test_strokes_from_the_browser_arrive_in_python():
    canvas, seen = sketchrnn.Canvas(), []
    canvas.observe(lambda change: seen.append((change.new.polylines(), canvas.completions)), "sketch")
    front_end(canvas, [[[1, 2], [0.1, 7]], [[3, 4]]])
    assert canvas.sketch == sketchrnn.Sketch.from_polylines([[(1, 2), (0.1, 7)], [(3, 4)]])
    assert canvas.scale == 1.0
    assert seen == [(canvas.sketch.polylines(), ())]
    front_end(canvas, [[[1, 2], [0.1, 7]], [[3, 4]]], [DRAWN])
    (drawing,) = canvas.completions
    assert drawing.prefix == canvas.sketch
    assert (drawing.category, drawing.seed, drawing.ended, drawing.candidate) == ("pig", 7, True, 2)
    assert drawing.sketch.point_count == 6
    assert len(seen) == 1
    front_end(canvas)
    assert (canvas.sketch.strokes, canvas.completions) == ((), ())


def test_a_sketch_from_python_is_shown_and_removes_the_completions():
    canvas = sketchrnn.Canvas()
    front_end(canvas, [[[0, 0], [9, 9]]], [DRAWN])
    canvas.sketch = CORNER
    content = json.loads(json.dumps(canvas.get_state("_content")))["_content"]
    assert content["sketch"] == {"strokes": [s.tolist() for s in CORNER.strokes], "penDown": False, "scale": None}
    assert content["completions"] == []
    assert (canvas.completions, canvas.scale) == ((), None)
    (record,) = sketchrnn.read(ROOT / "samples" / "pig.ndjson")
    canvas.sketch = record
    assert canvas.sketch == record.sketch


def test_completions_from_python_are_shown():
    drawings = sketchrnn.load().complete(CORNER, "cup", count=2, best_of=1, max_points=5)
    canvas = sketchrnn.Canvas(sketch=CORNER)
    canvas.completions = drawings
    shown = canvas.get_state("_content")["_content"]["completions"]
    assert [each["strokes"] for each in shown] == [
        [stroke.tolist() for stroke in drawing.completion.strokes] for drawing in drawings
    ]
    assert canvas.completions == tuple(drawings)
    with pytest.raises(ConfigurationError, match=r"^completions: expected completions of the canvas's sketch"):
        sketchrnn.Canvas().completions = drawings


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"category": "pigg"}, CategoryError, "pigg"),
        ({"category": 5}, CategoryError, "category: expected a name or None, found 5"),
        ({"seed": -1}, ConfigurationError, "seed: expected a whole number from 0 to 4294967295, found -1"),
        ({"temperature": float("nan")}, ConfigurationError, "temperature: expected 0, or a number"),
        ({"count": 101}, ConfigurationError, "count: expected a whole number from 1 to 100, found 101"),
        ({"sketch": [[(0, 0)]]}, ConfigurationError, "sketch: expected a Sketch or a Record, found list"),
        ({"completions": [CORNER]}, ConfigurationError, "completions: expected a list of drawings"),
        ({"color": "red"}, ConfigurationError, "unknown setting 'color'; expected sketch"),
        ({"model": "missing.safetensors"}, CheckpointError, "missing.safetensors"),
    ],
)
def test_what_is_wrong_is_refused_with_one_line(settings, error, message):
    with pytest.raises(error) as caught:
        sketchrnn.Canvas(**settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    if "model" not in settings and "color" not in settings:
        canvas = sketchrnn.Canvas()
        before = canvas.get_state()
        with pytest.raises(error):
            setattr(canvas, *next(iter(settings.items())))
        assert canvas.get_state() == before


def test_a_category_is_spelled_as_the_model_spells_it():
    assert sketchrnn.Canvas(category="Alarm_Clock").category == "alarm clock"


def test_the_model_is_sent_only_to_a_page_that_asks_for_it(monkeypatch, tmp_path):
    canvas, sent = sketchrnn.Canvas(), []
    monkeypatch.setattr(canvas, "send", lambda content, buffers=None: sent.append((content, buffers)))
    assert len(json.dumps({**canvas.get_state(), "layout": None})) < 300_000
    canvas._handle_custom_msg({"kind": "model"}, [])
    canvas._handle_custom_msg({"kind": "other"}, [])
    ((message, (content,)),) = sent
    assert message == {"kind": "model"}
    assert len(content) == len(page_model(load_model(), "int8"))
    (tmp_path / "model.safetensors").write_bytes(content)
    assert load_model(tmp_path / "model.safetensors").configuration.categories == load_model().configuration.categories
    shutil.copy(SHIPPED, tmp_path / "copy.safetensors")
    assert sketchrnn.Canvas(tmp_path / "copy.safetensors")._model["key"] == canvas._model["key"]


def test_the_import_stays_light_and_names_the_extra():
    program = (
        "import sys, sketchrnn; print('anywidget' in sys.modules, 'traitlets' in sys.modules)\n"
        "sys.modules['anywidget'] = None\n"
        "from sketchrnn import *\n"
        "sketchrnn.Canvas"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.stdout.split() == ["False", "False"]
    assert result.stderr.strip().endswith("Install it: pip install 'sketchrnn[notebook]'")
    assert "Canvas" in dir(sketchrnn)


# in JupyterLab


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    """The environment of Jupyter programs: nothing of the user's own."""
    home = tmp_path_factory.mktemp("jupyter")
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR", "HOME")
    config = home / "JUPYTER_CONFIG_DIR" / "labconfig" / "page_config.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}))
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, **{name: str(home / name) for name in names}, "PYTHONPATH": path}


def write_notebook(path, *cells):
    kernel = {"name": "python3", "display_name": "Python 3"}  # without it, JupyterLab asks which
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=code, metadata={"kernelspec": kernel}), path)


@pytest.fixture(scope="module")
def lab(jupyter, tmp_path_factory):
    """A running JupyterLab on any free port: yields its address and its folder."""
    folder = tmp_path_factory.mktemp("lab")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    command += ["--ServerApp.port=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}"]
    with subprocess.Popen(command, env=jupyter, cwd=folder, stderr=subprocess.PIPE, text=True) as server:
        log = []
        try:
            address = None
            for line in server.stderr:
                log.append(line)
                if (start := line.find("http://127.0.0.1:")) >= 0:
                    address = line[start:].split("/lab")[0]
                    break
            assert address, "".join(log)
            drain = threading.Thread(target=lambda: log.extend(server.stderr), daemon=True)
            drain.start()  # a full pipe would stop the server
            yield address, folder
        finally:
            server.terminate()
            server.wait()


class Notebook:
    """A notebook that is open in JupyterLab."""

    def __init__(self, page):
        self.page = page
        self.canvas = page.locator(".sketchrnn")

    def run(self, number):
        """Run a cell, and wait for its end."""
        cell = self.page.locator(".jp-CodeCell").nth(number)
        before = cell.locator(".jp-InputPrompt").inner_text()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        finished = """([number, before]) => {
            const now = document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")[number].innerText;
            return now !== before && /\\d/.test(now);
        }"""
        self.page.wait_for_function(finished, arg=[number, before], timeout=PATIENCE)
        return cell.locator(".jp-OutputArea-output")

    def values(self, number):
        """Run a cell that prints JSON; return that."""
        output = self.run(number).locator("pre")
        output.first.wait_for(timeout=PATIENCE)
        return json.loads(output.first.inner_text())

    def draw(self, *points):
        """Draw a stroke with the mouse, in shares of the sheet's sides."""
        sheet = self.canvas.locator(".sheet").first
        sheet.scroll_into_view_if_needed()
        box = sheet.bounding_box()
        (x, y), *others = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for x, y in others:
            self.page.mouse.move(x, y, steps=4)
        self.page.mouse.up()


@contextlib.contextmanager
def opened(lab, name, *cells, script=None):
    """Open a new notebook in JupyterLab in a browser; yield it. Nothing may be asked from anywhere else."""
    address, folder = lab
    write_notebook(folder / name, *cells)
    with browsing() as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 2400})
        page.set_default_timeout(PATIENCE)
        if script:
            page.add_init_script(script)
        elsewhere = []
        local = (address, address.replace("http", "ws"), "blob:", "data:")
        page.on("request", lambda request: request.url.startswith(local) or elsewhere.append(request.url))
        page.goto(f"{address}/lab/workspaces/{Path(name).stem}/tree/{name}?token={TOKEN}")
        page.locator(".jp-CodeCell").first.wait_for()
        page.get_by_text("| Idle").wait_for()  # what is run before that is lost
        yield Notebook(page)
        assert not elsewhere


def press(canvas, name):
    """Press a button of a canvas."""
    canvas.get_by_role("button", name=name, exact=True).click()


START = "import json, sketchrnn\ncanvas = sketchrnn.Canvas(category='face', count=2, seed=3)\ncanvas"


def values_of(canvas):
    """Return what a canvas holds, as plain values."""
    return {
        "strokes": canvas.sketch.polylines(),
        "scale": canvas.scale,
        "category": canvas.category,
        "seed": canvas.seed,
        "completions": [
            {"sketch": each.completion.polylines(), "category": each.category, "seed": each.seed}
            for each in canvas.completions
        ],
    }


READ = f"{inspect.getsource(values_of)}\nprint(json.dumps(values_of(canvas)))"
CIRCLE = [(0.5 + 0.35 * np.cos(angle), 0.5 + 0.35 * np.sin(angle)) for angle in np.linspace(0, 6.28, 25)]


@pytest.fixture(scope="module")
def browser_model(tmp_path_factory):
    """The model with the weights that the browser has, in Python."""
    path = tmp_path_factory.mktemp("model") / "int8.safetensors"
    path.write_bytes(page_model(load_model(), "int8"))
    return sketchrnn.load(path)


def assert_same_completions(found, model, **settings):
    """Assert that Python draws the same for what the canvas holds."""
    expected = model.complete(
        sketchrnn.Sketch.from_polylines(found["strokes"]),
        found["category"],
        scale=found["scale"],
        seed=found["seed"],
        **settings,
    )
    extent = sketchrnn.Sketch.from_polylines(found["strokes"]).extent
    assert [each["seed"] for each in found["completions"]] == [each.seed for each in expected]
    for one, other in zip(found["completions"], expected, strict=True):
        assert one["category"] == other.category
        strokes = other.completion.polylines()
        assert [len(stroke) for stroke in one["sketch"]] == [len(stroke) for stroke in strokes]
        for mine, theirs in zip(one["sketch"], strokes, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-3 * max(1e-3, extent))


def test_draw_complete_and_read_back_in_jupyterlab(lab, browser_model):
    change = "canvas.sketch = sketchrnn.Sketch.from_polylines([[(0, 0), (0.4, 0)], [(0.4, 0), (0.4, 0.3)]])\n"
    change += "canvas.category, canvas.count = 'Alarm_Clock', 1"
    with opened(lab, "draw.ipynb", START, READ, change) as notebook:
        canvas = notebook.canvas
        notebook.run(0)
        canvas.locator(".sheet").wait_for()
        assert canvas.locator(".category").input_value() == "face"
        notebook.draw(*CIRCLE)
        notebook.draw((0.4, 0.4), (0.42, 0.42))
        notebook.draw((0.1, 0.1), (0.9, 0.1))
        press(canvas, "Undo")
        assert canvas.locator(".sheet .ink").count() == 2
        press(canvas, "Complete")
        canvas.locator(".sheet .completion").first.wait_for(state="attached")  # a dot has no size
        assert canvas.locator(".versions button").count() == 2
        assert [worker.url for worker in notebook.page.workers if worker.url.startswith("blob:")]
        found = notebook.values(1)
        assert len(found["strokes"]) == 2
        assert found["scale"] == 1
        first = np.array(found["strokes"][0])
        np.testing.assert_allclose(np.ptp(first, axis=0), [210, 210], atol=6)
        assert_same_completions(found, browser_model, count=2)

        press(canvas, "Another")
        canvas.get_by_text("face, seed 5").wait_for()
        assert_same_completions(notebook.values(1), browser_model, count=2)

        notebook.run(2)
        notebook.page.wait_for_function(
            "() => document.querySelectorAll('.sheet .ink').length === 2"
            " && !document.querySelector('.sheet .completion')"
        )
        assert canvas.locator(".category").input_value() == "alarm clock"
        widths = [part.bounding_box()["width"] for part in canvas.locator(".sheet .ink").all()]
        assert max(widths) > 100  # fitted to the sheet
        press(canvas, "Complete")
        canvas.locator(".sheet .completion").first.wait_for(state="attached")  # a dot has no size
        found = notebook.values(1)
        assert (found["strokes"][0], found["scale"]) == ([[0, 0], [0.4, 0]], None)
        assert_same_completions(found, browser_model, count=1)


def test_two_canvases_get_the_model_once_and_a_page_without_workers_completes(lab):
    script = """
      delete globalThis.Worker;
      globalThis.models = 0;
      const { addEventListener } = WebSocket.prototype;
      const count = ({ data }) => data.byteLength > 1e6 && globalThis.models++;
      globalThis.WebSocket = class extends WebSocket {
        constructor(...args) { super(...args); this.addEventListener("message", count); }
      };
    """
    two = "one, canvas = sketchrnn.Canvas(), sketchrnn.Canvas()\ndisplay(one, canvas)"
    with opened(lab, "two.ipynb", "import json, sketchrnn\n" + two, READ, script=script) as notebook:
        notebook.run(0)
        for index in (0, 1):
            canvas = notebook.canvas.nth(index)
            press(canvas, "Complete")
            canvas.get_by_text("nothing to complete: draw a stroke").wait_for()
            canvas.locator(".category").fill("cat")
            canvas.locator(".category").press("Enter")
            press(canvas, "Complete")
            canvas.get_by_text("cat, seed 0").wait_for()
        assert notebook.page.evaluate("models") == 1
        found = notebook.values(1)
        assert (found["category"], found["completions"][0]["category"]) == ("cat", "cat")
        canvas.locator(".category").fill("catt")
        canvas.locator(".category").press("Enter")
        canvas.get_by_text("expected one of the model's 345 categories, found catt").wait_for()
        assert canvas.locator(".category").input_value() == "cat"


def test_the_keyboard_draws_in_jupyterlab(lab):
    with opened(lab, "keys.ipynb", START, READ) as notebook:
        notebook.run(0)
        notebook.canvas.locator(".sheet").focus()
        for key in ("Shift+ArrowLeft", "Space", "Shift+ArrowRight", "ArrowDown", "Space"):
            notebook.page.keyboard.press(key)
        assert notebook.canvas.locator(".sheet .ink").count() == 1
        for key in "dd":  # JupyterLab's shortcut that deletes a cell
            notebook.page.keyboard.press(key)
        (stroke,) = notebook.values(1)["strokes"]
        assert stroke == [[108, 128], [128, 128], [128, 132]]
        notebook.canvas.locator(".sheet").focus()
        notebook.page.keyboard.press("Control+z")
        # the change may still be on its way to the kernel when the cell runs
        assert any(notebook.values(1)["strokes"] == [] for _ in range(60))


# in any other host of anywidgets


VS_CODE = (  # of notebooks in VS Code with the setting notebook.experimental.enableCsp: no worker from a blob
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' https: http: data:; font-src 'self' https:; connect-src https:; child-src https: data:"
)
STRICT = "default-src 'none'; script-src 'self'; style-src 'self'"  # neither workers nor WebAssembly nor the network
HOST = """
import widget from "/widget.js";

delete globalThis.fetch;
delete globalThis.XMLHttpRequest;
const listeners = new Set(); // as text and function
const call = (event, ...values) => [...listeners].forEach(([name, run]) => name === event && run(...values));
const model = {
  get: (name) => state[name],
  set(name, value) {
    state[name] = JSON.parse(JSON.stringify(value));
    call(`change:${name}`);
  },
  save_changes() {},
  on: (name, run) => listeners.add([name, run]),
  off: (name, run) => [...listeners].forEach((one) => one[0] === name && one[1] === run && listeners.delete(one)),
  send: (content) => setTimeout(() => call("msg:custom", content, [file()])),
};
globalThis.count = () => listeners.size;
globalThis.end = await widget.render({ model, el: document.body });
"""
FILES = {
    "DataView": "new DataView(new Uint8Array([1, 2, 3, ...bytes]).buffer, 3)",
    "ArrayBuffer": "bytes.buffer",
    "Uint8Array": "bytes",
}


@pytest.mark.parametrize(
    ("policy", "kind", "workers"),
    [(None, "DataView", 1), (VS_CODE, "ArrayBuffer", 0), (STRICT, "Uint8Array", 0)],
    ids=["no policy", "VS Code", "strict"],
)
def test_the_script_needs_only_the_interface_of_anywidget(browser_model, policy, kind, workers):
    """https://anywidget.dev/en/afm/; hosts differ in the form of binary data, and in what their pages allow."""
    canvas = sketchrnn.Canvas(category="face", count=2, seed=3)
    names = ("_content", "_model", "category", "seed", "temperature", "count")
    file = base64.b64encode(canvas._browser_model.file).decode()
    globals_ = (
        f"globalThis.state = {json.dumps(canvas.get_state(names))};\n"
        f"const bytes = Uint8Array.from(atob({file!r}), (one) => one.charCodeAt(0));\n"
        f"globalThis.file = () => {FILES[kind]};\n"
    )
    served = {
        "/": ("text/html", '<!doctype html><body><script src="/globals.js"></script>'
                           '<script type="module" src="/host.js"></script>'),
        "/globals.js": ("text/javascript", globals_),
        "/host.js": ("text/javascript", HOST),
        "/widget.js": ("text/javascript", canvas._esm),
    }  # fmt: skip
    asked, errors = [], []

    def answer(route):
        asked.append(route.request.url.removeprefix("https://host.test"))
        media_type, body = served[asked[-1]]
        headers = {"Content-Security-Policy": policy} if policy else {}
        route.fulfill(body=body, content_type=media_type, headers=headers)

    with browsing() as browser:
        page = browser.new_page(viewport={"width": 600, "height": 600})
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.route("**/*", answer)
        page.goto("https://host.test/")
        shown = Notebook(page)
        shown.canvas.locator(".sheet").wait_for()
        shown.draw(*CIRCLE)
        shown.draw((0.4, 0.4), (0.42, 0.42))
        press(shown.canvas, "Complete")
        shown.canvas.locator(".sheet .completion").first.wait_for(state="attached")  # a dot has no size
        assert len(page.workers) == workers
        canvas.set_state({"_content": page.evaluate("state._content")})
        assert len(canvas.sketch.strokes) == 2
        assert_same_completions(values_of(canvas), browser_model, count=2)
        page.evaluate("end()")
        assert (page.evaluate("count()"), page.locator(".sketchrnn").count()) == (0, 0)
    assert sorted(asked) == sorted(served)
    assert errors == []


# the tutorial


def test_the_tutorial_runs(jupyter, tmp_path):
    path = ROOT / "docs" / "tutorial.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    program = "import sys, nbformat, nbclient; nbclient.NotebookClient(nbformat.read(sys.argv[1], 4)).execute()"
    subprocess.run([sys.executable, "-c", program, path], env=jupyter, cwd=tmp_path, check=True)
    assert (tmp_path / "face.svg").read_text().startswith("<")

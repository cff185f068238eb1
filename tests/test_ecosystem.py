"""Sketches and models in shapely, GeoJSON, matplotlib, Pillow, NumPy, PyTorch and the Hugging Face Hub."""

import contextlib
import hashlib
import http.server
import json
import os
import pickle
import subprocess
import sys
import threading

import hosts
import numpy as np
import pytest
import torch
from builders import checkpoint_of, network_of, small_model
from hypothesis import given
from strategies import drawable_floats, sketches, whole_sketches

import sketchrnn
import sketchrnn.training
from sketchrnn.dataset.prepare import prepare
from sketchrnn.errors import ConfigurationError, DownloadError, FormatError
from sketchrnn.formats.quickdraw import dumps_ndjson
from sketchrnn.model.checkpoint import save_checkpoint
from sketchrnn.model.hub import fetch_from_hub
from sketchrnn.sketch import Sketch
from sketchrnn.training.batches import Collator, Strokes
from sketchrnn.training.network.sketch_rnn import SketchRNN

OPTIONAL = ("torch", "shapely", "matplotlib", "PIL", "resvg_py", "huggingface_hub", "vpype", "fastapi", "tensorboard")
SKETCH = Sketch.from_polylines([[(0, 0), (90, 0), (90, 40)], [(20, 30)], [(5, 35), (60, 10)]])


@pytest.fixture(scope="module", autouse=True)
def headless():
    """matplotlib draws into memory."""
    hosts.module("matplotlib", "plot").use("Agg")


@pytest.mark.parametrize(
    "program",
    [
        "import sketchrnn",
        "import sketchrnn.training",
        "from sketchrnn import Sketch; s = Sketch.from_polylines([[(0, 0)]]); s.__geo_interface__; s.to_array()",
        "import sketchrnn; sketchrnn.load()",
    ],
)
def test_no_optional_package_is_imported_before_it_is_needed(program):
    found = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        check=True,
    )
    modules = {name.partition(".")[0] for name in json.loads(found.stdout)}
    assert modules.isdisjoint(OPTIONAL)
    if program == "import sketchrnn":
        assert modules.isdisjoint({"numpy", "click", "requests"})


@pytest.mark.parametrize(
    ("package", "extra", "use"),
    [
        ("shapely", "shapely", SKETCH.to_shapely),
        ("matplotlib.pyplot", "plot", SKETCH.plot),
        ("PIL.Image", "image", SKETCH.to_image),
        ("resvg_py", "image", SKETCH.to_image),
        ("torch", "train", lambda: sketchrnn.training.Strokes),
        ("huggingface_hub", "hub", lambda: sketchrnn.load("hf://user/name")),
    ],
)
def test_a_missing_package_is_named_with_its_extra(monkeypatch, package, extra, use):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError) as failure:
        use()
    assert str(failure.value) == f"needs {package.partition('.')[0]}. Install it: pip install 'sketchrnn[{extra}]'"


# shapely and GeoJSON


@given(sketches(drawable_floats))
def test_shapely_round_trip(sketch):
    shapely = hosts.module("shapely", "shapely")
    lines = sketch.to_shapely()
    assert isinstance(lines, shapely.MultiLineString)
    assert lines.length == pytest.approx(sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in sketch.strokes))
    doubled = [line * 2 if len(line) == 1 else line for line in sketch.polylines()]
    assert Sketch.from_geometry(lines).polylines() == doubled
    assert Sketch.from_geometry(sketch).polylines() == doubled
    assert shapely.geometry.shape(sketch).equals_exact(lines, 0)
    assert Sketch.from_geometry(json.loads(json.dumps(sketch.__geo_interface__))).polylines() == doubled


SQUARE = [(0, 0), (4, 0), (4, 4), (0, 0)]
HOLE = [(1, 1), (2, 1), (2, 2), (1, 1)]
LINE = {"type": "LineString", "coordinates": [(0, 0), (3, 4)]}
NOWHERE = {"type": "Point", "coordinates": ()}
FEATURE = {"type": "Feature", "properties": {}, "geometry": LINE}


@pytest.mark.parametrize(
    ("geometry", "strokes"),
    [
        (LINE, [[(0, 0), (3, 4)]]),
        ({"type": "LineString", "coordinates": [(0, 0, 7), (3, 4, 7)]}, [[(0, 0), (3, 4)]]),
        ({"type": "LinearRing", "coordinates": SQUARE}, [SQUARE]),
        ({"type": "Point", "coordinates": (1, 2)}, [[(1, 2)]]),
        ({"type": "MultiPoint", "coordinates": [(1, 2), (3, 4)]}, [[(1, 2)], [(3, 4)]]),
        ({"type": "Polygon", "coordinates": [SQUARE, HOLE]}, [SQUARE, HOLE]),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [SQUARE]]}, [SQUARE, HOLE, SQUARE]),
        (
            {"type": "GeometryCollection", "geometries": [LINE, {"type": "Point", "coordinates": ()}]},
            [[(0, 0), (3, 4)]],
        ),
        (FEATURE, [[(0, 0), (3, 4)]]),
        ({"type": "Feature", "properties": {}, "geometry": None}, []),
        (
            {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": LINE}] * 2},
            [[(0, 0), (3, 4)]] * 2,
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_every_kind_of_geometry(geometry, strokes):
    shapely = hosts.module("shapely", "shapely")
    expected = [[(float(x), float(y)) for x, y in stroke] for stroke in strokes]
    assert Sketch.from_geometry(geometry).polylines() == expected
    if not geometry["type"].startswith("Feature"):
        assert Sketch.from_geometry(shapely.geometry.shape(geometry)).polylines() == expected


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        [[(0, 0), (1, 1)]],
        {},
        {"type": "Circle", "coordinates": (0, 0)},
        {"type": "LineString"},
        {"type": ["LineString"], "coordinates": []},
        {"type": "LineString", "coordinates": 5},
        {"type": "LineString", "coordinates": [(0,), (1,)]},
        {"type": "LineString", "coordinates": [(0, "a"), (1, "b")]},
        {"type": "LineString", "coordinates": [(0, float("nan")), (1, 1)]},
        {"type": "Polygon", "coordinates": [(0, 0), (1, 1)]},
        {"type": "GeometryCollection", "geometries": None},
        {"type": "Feature", "geometry": [1]},
    ],
)
def test_what_is_no_geometry_is_refused(geometry):
    with pytest.raises(FormatError, match="expected"):
        Sketch.from_geometry(geometry)


# matplotlib


@pytest.fixture
def axes():
    pyplot = hosts.module("matplotlib.pyplot", "plot")
    figure, axes = pyplot.subplots(figsize=(2, 2), dpi=100)
    yield axes
    pyplot.close(figure)


@given(sketches(drawable_floats))
def test_plot_draws_every_stroke(sketch):
    figure = hosts.module("matplotlib.figure", "plot").Figure()
    axes = figure.subplots()
    assert sketch.plot(axes) is axes
    lines, *dots = axes.collections
    drawn = [*lines.get_segments(), *(dot[None] for one in dots for dot in one.get_offsets())]
    expected = [np.unique(stroke, axis=0).tolist() for stroke in sketch.strokes]
    assert sorted(np.unique(stroke, axis=0).tolist() for stroke in drawn) == sorted(expected)
    if sketch.strokes:
        x_min, y_min, x_max, y_max = sketch.bounds()
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        assert left <= x_min <= x_max <= right
        assert top <= y_min <= y_max <= bottom  # y points down


def test_plot_looks_like_the_sketch(axes):
    many = Sketch.from_polylines([np.column_stack([np.linspace(0, 90, 200), np.full(200, 20.0)]), [(45, 60), (45, 60)]])
    SKETCH.plot(axes, color="red", lw=3)
    many.plot(axes, color="blue")
    assert axes.yaxis_inverted()
    assert axes.get_aspect() == 1.0
    look = [(tuple(lines.get_color()[0][:3]), lines.get_linewidth()[0]) for lines in axes.collections[::2]]
    assert look == [((1, 0, 0), 3), ((0, 0, 1), 1.5)]
    axes.axis("off")
    axes.figure.canvas.draw()
    pixels = np.asarray(axes.figure.canvas.buffer_rgba())
    for point in np.concatenate([*SKETCH.strokes, *many.strokes]):  # the dots, too
        x, y = axes.transData.transform(point).round().astype(int)
        row = pixels.shape[0] - 1 - y
        assert pixels[row - 2 : row + 3, x - 2 : x + 3, 1].min() < 128, point


def test_plot_without_axes_draws_into_the_current_ones(axes):
    assert SKETCH.plot() is axes


# pictures


@given(whole_sketches)
def test_image_and_array_show_the_same_drawing(sketch):
    hosts.module("resvg_py", "image")
    size = 48
    array, image = sketch.to_array(size), sketch.to_image(size)
    assert (array.shape, array.dtype, image.size, image.mode) == ((size, size), np.float32, (size, size), "L")
    paper = np.asarray(image)
    assert 0.0 <= array.min() <= array.max() <= 1.0
    if not sketch.strokes:
        assert paper.min() == 255
        assert array.max() == 0
        return
    for ink in (array, 255.0 - paper):
        rows, columns = np.nonzero(ink)
        middle = (rows.min() + rows.max() + 1) / 2, (columns.min() + columns.max() + 1) / 2
        np.testing.assert_allclose(middle, size / 2, atol=1.5)
    ys, xs = np.nonzero(array > 0.5)  # each line of one is near a line of the other
    for y, x in zip(ys, xs, strict=True):
        assert paper[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5].min() < 255


def test_image_keeps_y_down_and_proportions():
    hosts.module("resvg_py", "image")
    corner = Sketch.from_polylines([[(0, 0), (200, 0)], [(0, 0), (0, 100)]])
    for ink in (corner.to_array(64), 255.0 - np.asarray(corner.to_image(64))):
        assert ink[:32].sum() > 2 * ink[32:].sum()
        assert ink[:, :32].sum() > ink[:, 32:].sum()
        assert (ink.sum(axis=1) > 0).sum() == pytest.approx(32, abs=4)


@pytest.mark.parametrize("size", [-1, 0, 7, 20_000])
@pytest.mark.parametrize("method", [Sketch.to_array, Sketch.to_image])
def test_sizes_out_of_range_are_refused(method, size):
    with pytest.raises(ConfigurationError, match="expected 8 to 16384 pixels"):
        method(SKETCH, size)


@pytest.mark.parametrize("width", [1e-200, 1e200])
def test_sketches_too_small_or_large_to_measure_are_refused(width):
    with pytest.raises(FormatError, match="expected"):
        Sketch.from_polylines([[(0, 0), (width, 0)]]).to_array()


# PyTorch


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strokes")
    generator = np.random.default_rng(0)
    for word in ("cat", "pig"):
        shapes = [
            Sketch.from_polylines(generator.integers(0, 255, (strokes, 4, 2)))
            for strokes in generator.integers(1, 5, 60)
        ]
        records = [sketchrnn.Record(shape, word=word) for shape in shapes]
        (folder / f"{word}.ndjson").write_text(dumps_ndjson(records))
    prepare([folder / "cat.ndjson", folder / "pig.ndjson"], folder / "store")
    return folder / "store"


def test_items_and_batches_are_those_of_our_own_training(store):
    strokes = sketchrnn.training.Strokes(store)
    assert strokes.categories == ("cat", "pig")
    assert strokes.offset_scale == Strokes(store, "valid").offset_scale  # of the training drawings, for every split
    index = np.array([3, 0, 17])
    items = [strokes[int(one)] for one in index]
    ours = strokes.collate(items)
    theirs = Collator(strokes.drawings, strokes.offset_scale).collate(index)
    assert torch.equal(ours.stroke5, theirs.stroke5)
    assert torch.equal(ours.lengths, theirs.lengths)
    assert torch.equal(ours.category, theirs.category)
    assert (ours.shard, ours.global_batch_size, len(ours)) == (theirs.shard, theirs.global_batch_size, 3)
    assert torch.equal(strokes[-1][0], strokes[len(strokes) - 1][0])
    with pytest.raises(IndexError):
        strokes[len(strokes)]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loop_of_ones_own(store, workers):
    strokes = Strokes(store)
    loader = torch.utils.data.DataLoader(
        strokes, batch_size=16, shuffle=True, num_workers=workers, collate_fn=strokes.collate
    )
    seen = [tuple(row[:length].ravel().tolist()) for batch in loader for row, length in
            zip(batch.stroke5, batch.lengths + 2, strict=True)]  # fmt: skip
    assert sorted(seen) == sorted(tuple(strokes[one][0].ravel().tolist()) for one in range(len(strokes)))
    network = SketchRNN(small_model(categories=strokes.categories))
    optimizer = torch.optim.Adam(network.parameters())
    for batch in loader:
        mixture = network(batch.stroke5, batch.lengths, batch.category)
        assert mixture is not None
        optimizer.zero_grad()


def test_a_dataset_goes_to_other_processes(store):
    strokes = Strokes(store, "all")
    assert torch.equal(pickle.loads(pickle.dumps(strokes))[5][0], strokes[5][0])
    assert len(strokes) == sum(len(Strokes(store, split)) for split in ("train", "valid", "test"))


def test_settings_out_of_range_are_refused(store):
    for settings in ({"split": "training"}, {"offset_scale": 0.0}, {"offset_scale": float("nan")}):
        with pytest.raises(ConfigurationError, match="expected"):
            Strokes(store, **settings)


# the Hub


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextlib.contextmanager
def hub(files):
    """Serve files by their address, as the Hub does; others are missing, or of a missing repository or revision."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def do_HEAD(self):
            self.answer(head=True)

        def do_GET(self):
            self.answer(head=False)

        def answer(self, head):
            content = files.get(self.path)
            if content is None:
                prefixes = [path.split("/resolve/") for path in files]
                repository, _, rest = self.path.partition("/resolve/")
                code = "RepoNotFound"
                if any(repository == known for known, _ in prefixes):
                    revisions = {file.partition("/")[0] for known, file in prefixes if known == repository}
                    code = "EntryNotFound" if rest.partition("/")[0] in revisions else "RevisionNotFound"
                self.send_response(404)
                self.send_header("X-Error-Code", code)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if not head:
                self.wfile.write(content)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def published(tmp_path):
    """A model on the Hub, in two files and two revisions; yields the environment of programs that use it."""
    hosts.module("huggingface_hub", "hub")
    contents = []
    for name in ("cat", "pig"):
        network = network_of(small_model(variational=False, categories=(name,)))
        save_checkpoint(checkpoint_of(network), tmp_path / "model.safetensors")
        contents.append((tmp_path / "model.safetensors").read_bytes())
    files = {
        "/user/name/resolve/main/model.safetensors": contents[0],
        "/user/name/resolve/main/small/pig.safetensors": contents[1],
        "/user/name/resolve/v2/model.safetensors": contents[1],
        "/user/other/resolve/main/model.safetensors": b"no model",
    }
    with hub(files) as url:
        yield {**os.environ, "HF_ENDPOINT": url, "HF_HOME": str(tmp_path / "hub"), "HF_TOKEN_PATH": "/nowhere"}


def categories_of(address, environment):
    program = f"import sketchrnn; print(sketchrnn.load({address!r}).categories)"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(
    ("address", "category"),
    [
        ("hf://user/name", "cat"),
        ("hf://user/name/", "cat"),
        ("hf://user/name@v2", "pig"),
        ("hf://user/name/small/pig.safetensors", "pig"),
    ],
)
def test_a_model_is_loaded_from_the_hub_and_kept(published, address, category):
    first = categories_of(address, published)
    assert first.stdout.strip() == f"('{category}',)", first.stderr
    assert categories_of(address, {**published, "HF_HUB_OFFLINE": "1"}).stdout == first.stdout


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf://user/nothing", "expected a model on the Hub, found none or a private one"),
        ("hf://user/name@v3", "found no such revision"),
        ("hf://user/name/pig.safetensors", "expected the file pig.safetensors, found none"),
        ("hf://user/na me", "expected hf://USER/NAME, found another form of name"),
        ("hf://user/other", "expected a sketchrnn checkpoint"),
    ],
)
def test_the_command_line_says_in_one_line_what_is_missing(published, address, message):
    command = [sys.executable, "-m", "sketchrnn", "generate", "--model", address]
    result = subprocess.run(command, capture_output=True, text=True, env=published)
    assert result.returncode == 1
    lines = [line for line in result.stderr.splitlines() if "Error" in line or "Traceback" in line]
    assert len(lines) == 1, result.stderr
    assert message in lines[0]
    assert result.stdout == ""


def test_without_network_and_cache(published):
    result = categories_of("hf://user/name", {**published, "HF_HUB_OFFLINE": "1"})
    assert "DownloadError: hf://user/name: expected the Hub to answer, or a copy in the cache" in result.stderr


@pytest.mark.parametrize("address", ["hf://", "hf://user", "hf://user/@v1", "hf://user/name@", "hf:///name"])
def test_malformed_addresses_are_refused(address):
    with pytest.raises(DownloadError, match="expected hf://USER/NAME"):
        fetch_from_hub(address)

"""Sketch-RNN in Python."""

import inspect
import subprocess
import sys
import typing
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

import sketchrnn
from sketchrnn.errors import CategoryError, ConfigurationError

SAMPLES = Path(__file__).parent.parent / "samples"
QUICK = {"choose_from": 1, "max_points": 6}


@pytest.fixture(scope="module")
def model():
    return sketchrnn.load()


def test_everything_that_is_published_is_there():
    for name in sketchrnn.__all__:
        assert getattr(sketchrnn, name) is not None
    with pytest.raises(AttributeError):
        sketchrnn.nothing  # noqa: B018
    assert (Path(sketchrnn.__file__).parent / "py.typed").exists()
    assert typing.get_type_hints(sketchrnn.Model.complete)["return"] == list[sketchrnn.Drawing]
    for name in ("Model", "Drawing", "load", "read"):
        assert inspect.getdoc(getattr(sketchrnn, name))


def test_import_is_light():
    program = (
        "import sketchrnn, sys; print('numpy' in sys.modules, 'torch' in sys.modules)\n"
        "sketchrnn.load(); print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False", "False"]


def test_a_record_is_finished_as_what_it_says(model):
    (record,) = sketchrnn.read(SAMPLES / "pig.ndjson")
    first, second = model.complete(record, count=2, seed=4, scale=1, **QUICK)
    assert (first.category, first.seed, second.seed) == ("pig", 4, 5)
    assert first.prefix == record.sketch
    np.testing.assert_array_equal(first.sketch.strokes[0], record.sketch.strokes[0])
    again = model.complete(record.sketch, "pig", seed=4, scale=1, **QUICK)[0]
    assert again.sketch.strokes[0].tolist() == first.sketch.strokes[0].tolist()


def test_without_a_name_it_becomes_what_it_looks_like(model):
    (circle,) = sketchrnn.read(SAMPLES / "circle.json")
    best = model.guess(circle, scale=1)[0]
    assert model.complete(circle, scale=1, **QUICK)[0].category == best.category
    assert 0 < best.probability < 1


def test_generate_draws_from_nothing(model):
    (cat,) = model.generate("cat", **QUICK)
    assert not cat.prefix.strokes
    assert cat.sketch.point_count > 1
    with pytest.raises(CategoryError):
        model.generate()
    with pytest.raises(ConfigurationError):
        model.generate("cat", temperature=-1)


def test_notebooks_show_pictures(model):
    (drawing,) = model.complete(sketchrnn.read(SAMPLES / "cup.svg")[0], "cup", scale=4, **QUICK)
    for shown, groups in ((drawing, 2), (drawing.sketch, 1), (sketchrnn.Sketch(()), 1)):
        root = ElementTree.fromstring(shown._repr_svg_())
        assert len(root.findall("{http://www.w3.org/2000/svg}g")) == groups


def test_drawings_are_saved_by_name(model, tmp_path):
    (drawing,) = model.generate("cat", **QUICK)
    look = sketchrnn.RenderStyle(style="ink", page=sketchrnn.Page.parse("a6"))
    drawing.save(tmp_path / "cat.svg", look)
    assert 'width="105mm"' in (tmp_path / "cat.svg").read_text()
    drawing.save(tmp_path / "cat.ndjson")
    assert sketchrnn.read(tmp_path / "cat.ndjson")[0].sketch == drawing.sketch
    pytest.importorskip("resvg_py")
    drawing.save(tmp_path / "cat.png")
    drawing.save(tmp_path / "cat.gif", animation=sketchrnn.Animation(0.2))
    assert (tmp_path / "cat.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "cat.gif").read_bytes().startswith(b"GIF89a")
    with pytest.raises(ConfigurationError, match=r"cat\.bmp"):
        drawing.save(tmp_path / "cat.bmp")

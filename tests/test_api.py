"""Sketch-RNN in Python, and that the command line gives the same bytes."""

import inspect
import json
import subprocess
import sys
import typing
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from builders import CONFIGURATIONS, checkpoint_of, network_of, small_model
from click.testing import CliRunner

import sketchrnn
from sketchrnn.cli import main
from sketchrnn.errors import CategoryError, ConfigurationError, SketchRNNError
from sketchrnn.model.checkpoint import save_checkpoint
from sketchrnn.model.recognizer import LOG_EXTENTS

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
QUICK = {"best_of": 1, "max_points": 6}


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
    for name in ("Model", "Drawing", "Request", "Sampling", "load", "read", "render", "save"):
        assert inspect.getdoc(getattr(sketchrnn, name))


def test_import_is_light():
    program = (
        "import sketchrnn, sys; print('numpy' in sys.modules, 'torch' in sys.modules)\n"
        "sketchrnn.load(); print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False", "False"]


def test_a_record_is_completed_as_what_it_says(model):
    (record,) = sketchrnn.read(SAMPLES / "pig.ndjson")
    first, second = model.complete(record, count=2, seed=4, scale=1, **QUICK)
    assert (first.category, first.seed, second.seed) == ("pig", 4, 5)
    assert first.prefix == record.sketch
    np.testing.assert_array_equal(first.sketch.strokes[0], record.sketch.strokes[0])
    again = model.complete(record.sketch, "pig", seed=4, scale=1, **QUICK)[0]
    assert again.sketch == first.sketch


def test_without_a_name_it_becomes_what_it_looks_like(model):
    (circle,) = sketchrnn.read(SAMPLES / "circle.json")
    guesses = model.guess(circle)
    (drawing,) = model.complete(circle, **QUICK)
    tried = [guess.category for guess in guesses[:5]]
    assert drawing.category in tried
    for category in tried[: tried.index(drawing.category)]:  # as which it is whole already
        assert not model.complete(circle, category, **QUICK)[0].completion.strokes
    assert drawing.guesses == tuple(guesses[:3])
    assert 0 < guesses[0].probability < 1
    three = model.complete(circle, "auto:3", **QUICK)
    assert [one.category for one in three] == [one.category for one in guesses[:3]]
    with pytest.raises(CategoryError, match=r"auto:K with K from 1 to 345, found 'auto:x'"):
        model.complete(circle, "auto:x", **QUICK)


def test_generate_draws_from_nothing(model):
    (cat,) = model.generate("cat", **QUICK)
    assert not cat.prefix.strokes
    assert cat.sketch.point_count > 1
    with pytest.raises(CategoryError):
        model.generate()
    with pytest.raises(ConfigurationError):
        model.generate("cat", temperature=-1)


def test_the_recognizer_guesses_if_there_is_one(model, monkeypatch):
    class Recognizer:
        categories = ("cat", "pig", "cow")

        def log_probabilities(self, drawings):
            return np.log([[0.2, 0.1, 0.7]] * len(drawings)).astype(np.float32)

        def extent_outputs(self, drawings, categories):
            return np.zeros((len(drawings), len(LOG_EXTENTS) + 1), np.float32)

    monkeypatch.setitem(model.__dict__, "recognizer", Recognizer())
    (circle,) = sketchrnn.read(SAMPLES / "circle.json")
    guesses = model.guess(circle)
    assert [one.category for one in guesses] == ["cow", "cat", "pig"]
    assert [one.probability for one in guesses] == pytest.approx([0.7, 0.2, 0.1])
    assert model.complete(circle, **QUICK)[0].category == "cow"
    assert len(list(model.guess_many([circle, circle.sketch]))) == 2


def test_notebooks_show_pictures(model):
    (drawing,) = model.complete(sketchrnn.read(SAMPLES / "cup.svg")[0], "cup", scale=4, **QUICK)
    for shown, groups in ((drawing, 2), (drawing.sketch, 1), (sketchrnn.Sketch(()), 1)):
        root = ElementTree.fromstring(shown._repr_svg_())
        assert len(root.findall("{http://www.w3.org/2000/svg}g")) == groups


def test_drawings_are_saved_by_name(model, tmp_path):
    (drawing,) = model.generate("cat", **QUICK)
    drawing.save(tmp_path / "cat.svg", style="ink", page=sketchrnn.Page.parse("a6"))
    assert 'width="105mm"' in (tmp_path / "cat.svg").read_text()
    drawing.save(tmp_path / "cat.ndjson")
    assert sketchrnn.read(tmp_path / "cat.ndjson")[0].sketch == drawing.sketch
    sketchrnn.save([drawing, drawing], tmp_path / "cats.svg", columns=2)
    pytest.importorskip("resvg_py")
    drawing.save(tmp_path / "cat.png")
    drawing.save(tmp_path / "cat.gif", seconds=0.2)
    assert (tmp_path / "cat.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "cat.gif").read_bytes().startswith(b"GIF89a")
    with pytest.raises(ConfigurationError, match=r"cat\.bmp: expected a name that ends in svg, .*found 'bmp'"):
        drawing.save(tmp_path / "cat.bmp")
    with pytest.raises(ConfigurationError, match="unknown setting 'color'"):
        drawing.save(tmp_path / "cat.svg", color="red")
    with pytest.raises(ConfigurationError, match="expected one drawing for polyline JSON, found 2"):
        sketchrnn.save([drawing, drawing], tmp_path / "cats.json")


# the command line writes what Python gives


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Files of each kind, and a model with an encoder."""
    folder = tmp_path_factory.mktemp("inputs")
    lines = [
        {"word": word, "key_id": str(number), "drawing": [[[9 * number, 80, 40], [9, 30, 90]], [[5, 7], [60, 20]]]}
        for number, word in enumerate(("pig", "pig", "alarm clock"))
    ]
    (folder / "many.ndjson").write_text("\n".join(map(json.dumps, lines)))
    (folder / "unnamed.ndjson").write_text(json.dumps({"drawing": lines[0]["drawing"]}))
    (folder / "lines.json").write_text('{"strokes": [[[1, 2], [30, 40], [5, 60]], [[3, 3]]]}')
    checkpoint = checkpoint_of(network_of(small_model(**CONFIGURATIONS["vae with categories"])))
    checkpoint.weights["decoder.output.bias"][2] -= 3.0
    save_checkpoint(checkpoint, folder / "vae.safetensors")
    for path in (*SAMPLES.glob("*.*json"), SAMPLES / "cup.svg", ROOT / "tests" / "svg" / "inkscape-layers.svg"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def documents(file, model, inputs, **settings):
    return sketchrnn.render(model.complete(sketchrnn.read(inputs / file)[0], **settings), "svg")


def records(file, model, inputs, kind="ndjson", **settings):
    requests = (sketchrnn.Request(one).updated(settings) for one in sketchrnn.read(inputs / file))
    return sketchrnn.render([drawing for each in model.complete_many(requests) for drawing in each], kind)


def reconstructed(file, model, inputs, kind, **settings):
    drawn = [model.reconstruct(one, **settings) for one in sketchrnn.read(inputs / file)]
    return sketchrnn.render(
        [one for each in drawn for one in ([each[0].original] if kind == "svg" else []) + each], kind
    )


def many(file, inputs):
    return sketchrnn.read(inputs / file)


VAE = ("--model", "vae.safetensors")
CASES = {
    "complete pig.ndjson": lambda m, v, i: documents("pig.ndjson", m, i),
    "complete pig.ndjson --category cat --seed 5": lambda m, v, i: documents(
        "pig.ndjson", m, i, category="cat", seed=5
    ),
    "complete circle.json": lambda m, v, i: documents("circle.json", m, i),
    "complete circle.json --category face -n 2": lambda m, v, i: documents(
        "circle.json", m, i, category="face", count=2
    ),
    "complete circle.json --category auto:2": lambda m, v, i: documents("circle.json", m, i, category="auto:2"),
    "complete cup.svg --category cup": lambda m, v, i: m.add_to_svg(i / "cup.svg", "cup"),
    "complete cup.svg": lambda m, v, i: m.add_to_svg((i / "cup.svg").read_bytes()),
    "complete cup.svg --category cup --continue-from rim --line-color red": lambda m, v, i: m.add_to_svg(
        i / "cup.svg", "cup", continue_from="rim", picture={"line_color": "red"}
    ),
    "complete inkscape-layers.svg --category cat -n 2": lambda m, v, i: m.add_to_svg(
        i / "inkscape-layers.svg", "cat", count=2
    ),
    "complete cup.svg --category cup --redraw --page a5 --style ink": lambda m, v, i: sketchrnn.render(
        m.complete(many("cup.svg", i)[0], "cup"), redraw=True, page=sketchrnn.Page.parse("a5"), style="ink"
    ),
    "complete lines.json --category pig --pen auto --no-arrange --scale 2": lambda m, v, i: documents(
        "lines.json", m, i, category="pig", pen="auto", arrange=False, scale=2.0
    ),
    "complete many.ndjson --format ndjson": lambda m, v, i: records("many.ndjson", m, i),
    "complete many.ndjson --category cat -n 2 --format svg": lambda m, v, i: records(
        "many.ndjson", m, i, "svg", category="cat", count=2
    ),
    "complete unnamed.ndjson --format json": lambda m, v, i: records("unnamed.ndjson", m, i, "json"),
    "generate --category cat -n 3 --diverse --best-of 2": lambda m, v, i: sketchrnn.render(
        m.generate("cat", count=3, diverse=True, best_of=2)
    ),
    "generate --category alarm_clock --animate": lambda m, v, i: sketchrnn.render(
        m.generate("alarm clock"), animate=True
    ),
    "reconstruct many.ndjson --model vae.safetensors -n 2": lambda m, v, i: reconstructed(
        "many.ndjson", v, i, "svg", count=2
    ),
    "reconstruct lines.json --category pig --model vae.safetensors --sample --format ndjson": lambda m, v, i: (
        reconstructed("lines.json", v, i, "ndjson", category="pig", sample=True)
    ),
    "interpolate cat pig --steps 3": lambda m, v, i: sketchrnn.render(
        m.interpolate(["cat", "pig"], steps=3), columns=3
    ),
    "interpolate many.ndjson:0 many.ndjson:2 --model vae.safetensors --steps 4 --linear": lambda m, v, i: (
        sketchrnn.render(
            v.interpolate([many("many.ndjson", i)[0], many("many.ndjson", i)[2]], steps=4, linear=True), columns=4
        )
    ),
    "arithmetic many.ndjson:0 - many.ndjson:1 + lines.json --model vae.safetensors --category pig": lambda m, v, i: (
        sketchrnn.render(
            v.combine(
                [
                    (1, many("many.ndjson", i)[0]),
                    (-1, many("many.ndjson", i)[1]),
                    (1, many("lines.json", i)[0]),
                ],
                category="pig",
                show_terms=True,
            )
        )
    ),
    "guess circle.json --json -n 3": lambda m, v, i: (
        json.dumps([vars(one) for one in m.guess(many("circle.json", i)[0])[:3]], indent=2) + "\n"
    ).encode(),
    "render many.ndjson --style order": lambda m, v, i: sketchrnn.render(many("many.ndjson", i), style="order"),
}


@pytest.mark.parametrize("command", CASES)
def test_the_command_line_writes_byte_for_byte_what_python_gives(command, model, inputs, monkeypatch):
    monkeypatch.chdir(inputs)
    result = CliRunner().invoke(main, command.split())
    assert result.exit_code == 0, result.output
    expected = CASES[command](model, sketchrnn.load(inputs / "vae.safetensors"), inputs)
    assert result.stdout_bytes == expected
    assert len(expected) > 50


def test_records_that_fail_are_reported_and_the_others_are_written(inputs, tmp_path):
    good = (inputs / "many.ndjson").read_text().splitlines()
    path = tmp_path / "some.ndjson"
    far = json.dumps({"word": "pig", "drawing": [[[0, 1e31], [0, 0]]]})
    unknown = json.dumps({"word": "a category that nobody knows", "drawing": [[[0, 9], [0, 9]]]})
    path.write_text("\n".join([good[0], far, good[1], "{broken", unknown, good[2]]))
    arguments = ["complete", str(path), "--format", "ndjson", "--max-points", "5"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert [json.loads(line)["key_id"] for line in result.stdout.splitlines()] == ["0", "1", "2"]
    lines = result.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines[:3]] == ["record 1", "record 3", "record 4"]
    assert "line 4" in lines[1]
    assert lines[-1] == f"Error: {path}: 3 of 6 records failed; the others were written"
    for command in ("guess",):
        result = CliRunner().invoke(main, [command, str(path), "--ndjson"])
        assert (result.exit_code, len(result.stdout.splitlines())) == (1, 5)  # the recognizer needs no word and no size
    output = tmp_path / "out.ndjson"
    assert CliRunner().invoke(main, [*arguments, "-o", str(output)]).exit_code == 1
    assert len(output.read_text().splitlines()) == 3


def test_a_single_record_that_fails_is_named(tmp_path):
    path = tmp_path / "one.ndjson"
    path.write_text('{"word": "nobody knows this", "drawing": [[[0, 9], [0, 9]]]}')
    result = CliRunner().invoke(main, ["complete", str(path)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {path}: unknown category")
    with pytest.raises(SketchRNNError, match="unknown category"):
        sketchrnn.load().complete(sketchrnn.read(path)[0])

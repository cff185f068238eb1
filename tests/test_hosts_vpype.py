"""The vpype plug-in, in vpype."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import hosts
import numpy as np
import pytest
from click.testing import CliRunner

import sketchrnn
from sketchrnn.cli import main

SAMPLES = Path(__file__).parent.parent / "samples"
vpype, vpype_cli = hosts.module("vpype", "vpype"), hosts.module("vpype_cli", "vpype")


@pytest.fixture(scope="module", autouse=True)
def registered():
    """vpype knows plug-ins by the entry points of what is installed."""
    known = {entry.name: entry.value for entry in importlib.metadata.entry_points(group="vpype.plugins")}
    if "sketchrnn-complete" not in known:
        hosts.absent("the entry points of this sketchrnn: pip install -e '.[vpype]'")


def execute(pipeline, document=None):
    """Run a pipeline in this process; return its document."""
    return vpype_cli.execute(pipeline, document)


def lines_of(sketch):
    return [stroke[:, 0] + 1j * stroke[:, 1] for stroke in sketch.strokes]


def same_lines(ours, theirs):
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.fixture(scope="module")
def model():
    return sketchrnn.load()


@pytest.fixture
def document():
    """Half a cup, in two layers with a page, a pen and a name."""
    document = vpype.Document(page_size=(400.0, 300.0))
    document.add([[100 + 50j, 300 + 50j, 300 + 70j, 100 + 70j, 100 + 50j]], 1)
    document.add([[100 + 60j, 130 + 200j, 270 + 200j, 300 + 60j]], 3)
    for lid, color in ((1, "#ff0000"), (3, "#00ff00")):
        document.layers[lid].set_property(vpype.METADATA_FIELD_COLOR, color)
        document.layers[lid].set_property(vpype.METADATA_FIELD_PEN_WIDTH, float(lid))
        document.layers[lid].set_property(vpype.METADATA_FIELD_NAME, f"layer {lid}")
    document.set_property("made_by", "hand")
    return document


def prefix_of(document, layers=(1, 3), *, pen_down=True):
    lines = [line for lid in layers for line in document.layers[lid]]
    return sketchrnn.Sketch.from_polylines([np.column_stack([line.real, line.imag]) for line in lines],
                                           pen_down=pen_down)  # fmt: skip


def test_the_pipeline_of_the_manual(tmp_path):
    """In a process of its own, as users run it."""
    command = ["read", SAMPLES / "cup.svg", "sketchrnn-complete", "--category", "cup", "linemerge", "write", "plot.svg"]
    subprocess.run([sys.executable, "-m", "vpype_cli", *map(str, command)], cwd=tmp_path, check=True)
    plot = vpype.read_multilayer_svg(str(tmp_path / "plot.svg"), 0.1)
    before = vpype.read_multilayer_svg(str(SAMPLES / "cup.svg"), 0.1)
    assert sorted(plot.ids()) == [1, 2]
    assert plot.page_size == pytest.approx(before.page_size, rel=1e-5)
    assert plot.layers[2].property("vp_name") == "cup"
    assert plot.layers[2].property("vp_color") == before.layers[1].property("vp_color")
    assert plot.layers[2].length() > 0


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["complete", SAMPLES / "pig.ndjson"], {1: "prefix", 2: "2 pig, seed 7, "}),
        (["complete", SAMPLES / "cup.svg", "--category", "cup"], {1: "cup", 2: "2 cup, seed 7, "}),
        (["generate", "--category", "cat"], {1: "drawing"}),
    ],
    ids=["new", "added", "generated"],
)
def test_vpype_numbers_the_layers_of_written_files(tmp_path, command, expected):
    """vpype takes the first digits of a layer's label for its number: they are the layer's number, not the seed."""
    written = tmp_path / "out.svg"
    assert CliRunner().invoke(main, [*map(str, command), "--seed", "7", "-o", str(written)]).exit_code == 0
    document = vpype.read_multilayer_svg(str(written), 0.1)
    assert set(document.layers) == set(expected)
    for number, name in expected.items():
        assert document.layers[number].property("vp_name").startswith(name)


def test_help_is_grouped():
    shown = subprocess.run([sys.executable, "-m", "vpype_cli", "--help"], capture_output=True, text=True, check=True)
    group = shown.stdout.partition("Sketch-RNN:")[2].split("\n\n")[0]
    assert [line.split()[0] for line in group.strip().splitlines()] == ["sketchrnn-complete", "sketchrnn-generate"]
    for name in ("sketchrnn-complete", "sketchrnn-generate"):
        page = subprocess.run([sys.executable, "-m", "vpype_cli", name, "--help"], capture_output=True, text=True)
        assert "--category" in page.stdout


def test_it_is_the_completion_of_python(document, model):
    completed = execute("sketchrnn-complete --category cup --seed 5 --temperature 0.6", document)
    drawing = model.complete(prefix_of(document), "cup", seed=5, temperature=0.6)[0]
    same_lines(list(completed.layers[2]), lines_of(drawing.completion))
    assert completed.layers[2].lines[0][0] == document.layers[3].lines[-1][-1]  # it continues from the pen
    assert completed.layers[2].property("vp_name") == "cup"
    assert completed.layers[2].property("sketchrnn_seed") == 5


def test_pages_metadata_and_other_layers_stay(document):
    completed = execute("sketchrnn-complete --category cup", document)
    assert completed.page_size == (400.0, 300.0)
    assert completed.property("made_by") == "hand"
    assert sorted(completed.ids()) == [1, 2, 3]
    for lid in (1, 3):
        assert completed.layers[lid] == document.layers[lid]
    assert completed.layers[2].property("vp_color") == vpype.Color("#00ff00")  # of the line that is continued
    assert completed.layers[2].property("vp_pen_width") == 3.0


def test_layers_of_the_prefix_and_of_the_completion(document, model):
    completed = execute("sketchrnn-complete --category cup --layer 1 --destination 3", document)
    drawing = model.complete(prefix_of(document, (1,), pen_down=False), "cup")[0]  # a closed line lifts the pen
    expected = [*document.layers[3], *lines_of(drawing.completion)]
    same_lines(list(completed.layers[3]), expected)
    assert completed.layers[3].metadata == document.layers[3].metadata
    assert sorted(completed.ids()) == [1, 3]
    twice = execute("sketchrnn-complete -c cup -l 1,3 -s 1 sketchrnn-complete -c cup -l 1,3 -s 2", document)
    assert [twice.layers[lid].property("sketchrnn_seed") for lid in (2, 4)] == [1, 2]


def test_each_layer_is_completed_in_forlayer(document):
    completed = execute("forlayer sketchrnn-complete --category cup --destination %_lid% end", document)
    for lid in (1, 3):
        alone = execute(f"sketchrnn-complete --category cup --layer {lid} --destination {lid}", document)
        same_lines(list(completed.layers[lid]), list(alone.layers[lid]))
        assert completed.layers[lid].metadata == document.layers[lid].metadata
    assert sorted(completed.ids()) == [1, 3]


def test_linemerge_joins_the_prefix_and_its_continuation(document):
    completed = execute("sketchrnn-complete --category cup --pen down --destination 3", document)
    merged = execute("linemerge", completed)
    assert len(merged.layers[3]) < len(completed.layers[3])


def test_the_pen_can_be_lifted(document, model):
    drawing = model.complete(prefix_of(document), "cup", pen="up")[0]
    same_lines(list(execute("sketchrnn-complete -c cup --pen up", document).layers[2]),
               lines_of(drawing.completion))  # fmt: skip


def test_without_a_category_the_best_guess_is_drawn(document, model):
    name = execute("sketchrnn-complete", document).layers[2].property("vp_name")
    assert name == model.complete(prefix_of(document))[0].category


@pytest.mark.parametrize(("text", "pixels"), [("10cm", 10 / 2.54 * 96), ("200", 200), ("2in", 192)])
def test_generate_has_a_size(text, pixels):
    lines = execute(f"sketchrnn-generate --category cactus --size {text} -l 4").layers[4]
    left, top, right, bottom = lines.bounds()
    assert (left, top) == pytest.approx((0, 0), abs=1e-9)
    assert max(right, bottom) == pytest.approx(pixels)


def test_generate_is_the_drawing_of_python(model):
    lines = execute("sketchrnn-generate --category cactus --seed 3 --size 100").layers[1]
    sketch = model.generate("cactus", seed=3)[0].sketch
    scale = 100 / sketch.extent
    for mine, stroke in zip(lines, lines_of(sketch.transformed(scale, -scale * np.array(sketch.bounds()[:2]))),
                            strict=True):  # fmt: skip
        np.testing.assert_allclose(mine, stroke if len(stroke) > 1 else np.repeat(stroke, 2), atol=1e-9)


def test_expressions_give_each_cell_of_a_grid_its_seed(model):
    drawn = execute("begin grid -o 10cm 0 2 1 sketchrnn-generate -c cup --size 5cm -s %_i% end")
    seeds = [execute(f"sketchrnn-generate -c cup --size 5cm -s {seed}").layers[1] for seed in (0, 1)]
    seeds[1].translate(10 / 2.54 * 96, 0)
    assert len(drawn.layers[1]) == sum(map(len, seeds))
    for mine, other in zip(drawn.layers[1], [*seeds[0], *seeds[1]], strict=True):
        np.testing.assert_allclose(mine, other)


def test_a_dot_is_a_line_without_length():
    from sketchrnn.hosts.vpype import _lines

    (line,) = _lines(sketchrnn.Sketch.from_polylines([[(3, 4)]]))
    assert line.tolist() == [3 + 4j, 3 + 4j]


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        ("sketchrnn-complete", "expected lines in the given layers, found none"),
        ("line 0 0 9 9 sketchrnn-complete --layer 7", "expected lines in the given layers, found none"),
        ("line 0 0 9 9 sketchrnn-complete --category cupp", "unknown category 'cupp'"),
        ("line 0 0 9 9 sketchrnn-complete --model none.safetensors", "none.safetensors"),
        ("line 0 0 9 9 sketchrnn-complete --temperature 11", "11.0"),
        ("line 0 0 9 9 sketchrnn-complete --seed -1", "-1"),
        ("line 0 0 9 9 sketchrnn-complete --pen sideways", "sideways"),
        ("line 0 0 1e40 9 sketchrnn-complete --category cup", "1e+40"),
        ("sketchrnn-generate", "category"),
        ("sketchrnn-generate --category cup --size -3cm", "expected a positive length"),
        ("sketchrnn-generate --category cup --size big", "big"),
    ],
)
def test_errors_are_one_line_and_nothing_is_written(tmp_path, pipeline, message):
    command = [sys.executable, "-m", "vpype_cli", *pipeline.split(), "write", "out.svg"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode in (1, 2)
    assert "Traceback" not in result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert not (tmp_path / "out.svg").exists()


def test_vpype_starts_without_the_model():
    program = "import sketchrnn.hosts.vpype, sys; print([name for name in sys.modules if 'sketchrnn.model.' in name])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "['sketchrnn.model.sampling']"

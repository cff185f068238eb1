"""SVG in, SVG out, and what pictures look like: what a user types, and what comes back."""

import json
import os
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sketchrnn.cli import main
from sketchrnn.formats import read_records
from sketchrnn.formats.svg.reading import parse_root, parse_svg

ROOT = Path(__file__).parent.parent
CUP = ROOT / "samples" / "cup.svg"
PIG = ROOT / "samples" / "pig.ndjson"
FILES = sorted((Path(__file__).parent / "svg").glob("*.svg"))
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"
QUICK = ("--category", "cup", "--max-points", 8, "--best-of", 1)
FAST = (*QUICK, "--scale", 1)


def run(*arguments, stdin=None):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def done(*arguments, stdin=None):
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result


def added_to(original: bytes, changed: bytes):
    """The layers that a document got; all else is as it was."""
    root, before = parse_root(changed), parse_root(original)
    layers = root[len(before) :]
    for layer in layers:
        root.remove(layer)
    root[-1].tail = before[-1].tail
    canonical = [ElementTree.canonicalize(ElementTree.tostring(one, encoding="unicode")) for one in (root, before)]
    assert canonical[0] == canonical[1]
    return layers


# SVG in, SVG out


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_document_of_any_maker_is_finished(path, tmp_path):
    output = tmp_path / "out.svg"
    was = parse_svg(path.read_bytes(), path.name)
    last = was.lines[-1]
    # in the model's unit, so that the offsets that are drawn are about as large as the drawing
    scale = 200 / np.ptp(np.concatenate([line.points for line in was.lines]), axis=0).max()
    done("complete", path, *FAST, "--scale", scale, "--pen", "down", "-o", output)
    (layer,) = added_to(path.read_bytes(), output.read_bytes())
    assert layer.get(f"{INKSCAPE}groupmode") == "layer"
    assert layer.get(f"{INKSCAPE}label").endswith(("cup, seed 0, ended by itself", "cup, seed 0, cut"))
    first = [float(number) for number in layer[0].get("points").replace(",", " ").split()[:2]]
    np.testing.assert_allclose(first, last.points[-1], atol=0.01)
    now = parse_svg(output.read_bytes(), "out").lines[-1]
    assert now.color == last.color
    if last.width is not None:
        assert now.width == pytest.approx(last.width)
        assert now.opacity == pytest.approx(last.opacity)


def test_without_a_pen_it_goes_on_from_where_an_open_line_ends():
    def start(*arguments):
        layer = parse_root(done("complete", CUP, *FAST, *arguments).stdout_bytes)[-1]
        return [float(number) for number in layer[0].get("points").replace(",", " ").split()[:2]]

    assert start() == [90, 34]  # the end of the body, through the layer's transform
    assert start("--continue-from", "rim") != [90, 34]  # which is closed, and lifts the pen
    assert start("--pen", "up") != [90, 34]


def test_several_completions_are_layers_of_which_one_is_shown():
    changed = done("complete", CUP, *FAST, "-n", 3, "--seed", 5).stdout_bytes
    layers = added_to(CUP.read_bytes(), changed)
    assert [layer.get("style") for layer in layers] == ["display:inline", "display:none", "display:none"]
    assert [layer.get(f"{INKSCAPE}label").split(",")[1] for layer in layers] == [" seed 5", " seed 6", " seed 7"]


def test_stroke_and_width_say_otherwise():
    changed = done("complete", CUP, *FAST, "--line-color", "tomato", "--line-width", "2mm").stdout_bytes
    line = parse_svg(changed, "x").lines[-1]
    assert (line.color, line.width) == ("tomato", pytest.approx(2))
    line = parse_svg(done("complete", CUP, *FAST, "--line-width", "0.25").stdout_bytes, "x").lines[-1]
    assert line.width == 0.25


def test_a_file_each_and_redrawn_sheets(tmp_path):
    done("complete", CUP, *FAST, "-n", 2, "-o", tmp_path / "cup-%d.svg")
    for number in range(2):
        (layer,) = added_to(CUP.read_bytes(), (tmp_path / f"cup-{number}.svg").read_bytes())
        assert layer.get("style") == "display:inline"
    sheet = done("complete", CUP, *FAST, "-n", 2, "--redraw", "--page", "a5").stdout
    assert 'id="prefix-1"' in sheet
    assert 'width="148mm"' in sheet


def test_what_would_change_the_document_is_refused():
    for option in (("--page", "a4"), ("--margin", "3"), ("--background", "red"), ("--columns", 2)):
        result = run("complete", CUP, *FAST, *option)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"{option[0].strip('-')} needs redraw: the SVG document is kept" in result.stderr
    result = run("complete", PIG, "--continue-from", "a")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "continue_from: expected an SVG document" in result.stderr
    result = run("complete", CUP, *FAST, "--continue-from", "handle")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "'handle'" in result.stderr
    pixels = ROOT / "tests" / "svg" / "hand-shapes.svg"
    assert "no unit of length" in run("complete", pixels, *FAST, "--line-width", "1mm").stderr


def test_what_is_not_gone_by_and_what_leaves_the_page_is_said():
    text = ROOT / "tests" / "svg" / "text-and-image.svg"
    assert "1 image, 2 text" in done("complete", text, *FAST).stderr
    assert "extends beyond the page" in done("complete", CUP, *FAST, "--scale", 0.01, "--pen", "up").stderr


def test_a_document_from_standard_input_goes_to_standard_output():
    assert (
        done("complete", "-", *FAST, stdin=CUP.read_bytes()).stdout_bytes == done("complete", CUP, *FAST).stdout_bytes
    )


# round trips and pipelines


@pytest.mark.parametrize("sample", ["pig", "butterfly", "pineapple"])
@pytest.mark.parametrize("page", [(), ("--page", "a4")])
def test_ndjson_to_svg_to_ndjson_keeps_the_points(sample, page):
    path = ROOT / "samples" / f"{sample}.ndjson"
    (record,) = read_records(path)
    svg = done("render", path, *page).stdout
    line = done("render", "-", "--format", "ndjson", stdin=svg).stdout
    back = [np.transpose(stroke) for stroke in json.loads(line)["drawing"]]
    assert len(back) == len(record.sketch.strokes)
    if page:  # in millimeters: the same drawing, scaled and shifted to the page
        scale = np.ptp(np.concatenate(back), axis=0)[0] / np.ptp(np.concatenate(record.sketch.strokes), axis=0)[0]
        shift = back[0][0] - record.sketch.strokes[0][0] * scale
        for stroke, original in zip(back, record.sketch.strokes, strict=True):
            np.testing.assert_allclose(stroke, original * scale + shift, atol=1e-9)
    else:
        for stroke, original in zip(back, record.sketch.strokes, strict=True):
            np.testing.assert_array_equal(stroke, original)


def test_a_pipeline_of_every_command():
    cats = done("generate", *QUICK, "-n", 2, "--format", "ndjson").stdout
    more = done("complete", "-", *FAST, "-n", 2, "--format", "ndjson", stdin=cats).stdout
    assert len(more.splitlines()) == 4
    guessed = done("guess", "-", "--ndjson", "-n", 2, stdin=cats).stdout
    assert [len(json.loads(line)["guesses"]) for line in guessed.splitlines()] == [2, 2]
    assert [len(one) for one in json.loads(done("guess", "-", "--json", "-n", 2, stdin=cats).stdout)] == [
        2,
        2,
    ]
    sheet = done("render", "-", stdin=more + guessed).stdout
    assert 'id="drawing-5"' in sheet


def test_records_have_no_limit_that_pictures_have():
    lines = PIG.read_text() * 60
    assert len(done("render", "-", "--format", "ndjson", stdin=lines).stdout.splitlines()) == 60
    assert "showing the first 48 drawings" in done("render", "-", stdin=lines).stderr


def test_polyline_json_comes_out_too(tmp_path):
    done("render", PIG, "-o", tmp_path / "pig.json")
    (record,) = read_records(tmp_path / "pig.json")
    assert record.sketch == next(read_records(PIG)).sketch
    assert "ndjson" in run("render", PIG, PIG, "-o", tmp_path / "pigs.json").stderr


# looks


def test_options_of_the_look_reach_the_picture():
    svg = done(
        "render", PIG, "--style", "ink", "--page", "a5", "--landscape", "--background", "#fee", "--margin", "1cm"
    ).stdout
    root = ElementTree.fromstring(svg)
    assert (root.get("width"), root.get("height")) == ("210mm", "148mm")
    assert 'fill="#fee"' in svg
    assert "C" in root[-1][0].get("d")
    assert "the lifted pen travels" in done("render", PIG, "--optimize", "-v").stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ("--style", "crayon"),
        ("--page", "a11"),
        ("--margin", "wide"),
        ("--landscape",),
        ("--animate", "--format", "ndjson"),
        ("--size", "0"),
    ],
)
def test_wrong_looks_are_usage_errors(wrong):
    assert run("render", PIG, *wrong).exit_code == 2


def test_lengths_on_paper_need_paper():
    result = run("render", PIG, "--margin", "3mm")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "--page" in result.stderr


@pytest.mark.parametrize(("suffix", "magic"), [("gif", b"GIF89a"), ("png", b"\x89PNG"), ("apng", b"\x89PNG")])
def test_images_by_name(tmp_path, suffix, magic):
    pytest.importorskip("resvg_py")
    done("render", PIG, "-o", tmp_path / f"pig.{suffix}", "--size", 64, "--seconds", "0.2")
    content = (tmp_path / f"pig.{suffix}").read_bytes()
    assert content.startswith(magic)
    assert (b"acTL" in content) is (suffix == "apng")


def test_a_missing_extra_is_said(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    result = run("render", PIG, "-o", tmp_path / "a.png")
    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert "sketchrnn[image]" in result.stderr


def test_what_moves_has_prefix_and_completion_in_their_colors():
    svg = done("complete", CUP, *FAST, "--animate").stdout
    assert "prefers-reduced-motion" in svg
    groups = ElementTree.fromstring(svg).findall("{http://www.w3.org/2000/svg}g")
    assert [group.get("id") for group in groups] == ["prefix", "completion"]
    assert len({group.get("stroke") for group in groups}) == 2


def test_open_shows_the_result(tmp_path, monkeypatch):
    viewer = tmp_path / "xdg-open"
    viewer.write_text(f'#!/bin/sh\nhead -c 5 "$1" > {tmp_path}/shown\n')
    viewer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    result = done("render", PIG, "--open")
    shown = tmp_path / "shown"
    for _ in range(100):
        if shown.exists() and shown.read_text():
            break
        time.sleep(0.05)
    assert shown.read_text() == "<?xml"
    assert result.stdout == ""
    Path(result.stderr.split()[-1]).unlink()

"""Files that people have, and what each must give: every file of the folder ``cases`` beside the repository.

    python tests/test_cases.py

prints a table of all cases and ends with the exit code 1 if one fails. As a test, each case is a test.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from sketchrnn.cli import main
from sketchrnn.formats import Record, read_records

REPOSITORY = Path(__file__).resolve().parent.parent
CASES = REPOSITORY.parent / "shared" / "cases"
TOLERANCE = 0.1  # pixels: curves become lines

Check = Callable[[Path, Path], None]
"""Is given the case's file and an empty folder; raises AssertionError with what was found."""


class UnexpectedError(AssertionError):
    """What a case gave instead of what it must give."""


def require(condition: object, found: object) -> None:
    if not condition:
        raise UnexpectedError(str(found))


# --- reading


def records_of(path: Path) -> list[Record]:
    return list(read_records(path))


def strokes_of(path: Path) -> list[np.ndarray]:
    return [stroke for record in records_of(path) for stroke in record.sketch.strokes]


def run(*arguments: object) -> tuple[int, str, str]:
    """Run a command in this process; return exit code, stdout and stderr."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if isinstance(result.exception, Exception):
        return 99, result.stdout, repr(result.exception)
    return result.exit_code, result.stdout, result.stderr


def as_today(path: Path, folder: Path) -> None:
    """A result, or one clear line."""
    commands: list[tuple[Any, ...]] = [("render", path, "--format", "ndjson")]
    if path.suffix in (".svg", ".svgz"):
        commands.append(("complete", path, "--category", "cat", "--seed", 1, "-o", folder / "x.svg"))
    else:
        commands.append(("prepare", path, "-o", folder / "store"))
    for command in commands:
        code, _, messages = run(*command)
        errors = [line for line in messages.splitlines() if line.startswith("Error:")]
        clear = code == 0 or (code == 1 and len(errors) == 1 and messages.splitlines()[-1] == errors[0])
        require(clear and "Traceback" not in messages, f"{command[0]}: exit code {code}: {messages}")


def is_read(count: int, **fields: object) -> Check:
    def check(path: Path, folder: Path) -> None:
        records = records_of(path)
        found = [{name: getattr(record, name) for name in fields} for record in records]
        require(len(records) == count and all(one == fields for one in found), f"{len(records)} records: {found[:2]}")
        as_today(path, folder)

    return check


def either(check: Check, message: str) -> Check:
    """Accept one of two: what the check says, or an error with these words."""

    def both(path: Path, folder: Path) -> None:
        code, _, messages = run("render", path, "--format", "ndjson")
        if code == 1 and re.search(message, messages):
            return
        check(path, folder)

    return both


# --- SVG geometry


def distance(points: np.ndarray, polyline: np.ndarray) -> float:
    """Return the largest distance of points (n, 2) from a polyline (m, 2)."""
    start, step = polyline[:-1], np.diff(polyline, axis=0)
    length = np.maximum(np.square(step).sum(1), 1e-12)
    share = np.clip(((points[:, None] - start) * step).sum(2) / length, 0, 1)
    return float(np.hypot(*(points[:, None] - start - share[..., None] * step).transpose(2, 0, 1)).min(1).max())


def bezier(*control: tuple[float, float]) -> np.ndarray:
    """Return points on a quadratic or cubic curve, by de Casteljau."""
    t = np.linspace(0, 1, 200)[:, None]
    points = [np.array(point, float) + 0 * t for point in control]
    while len(points) > 1:
        points = [(1 - t) * one + t * other for one, other in itertools.pairwise(points)]
    return points[0]


def line(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, float)


def joined(*curves: np.ndarray) -> np.ndarray:
    return np.concatenate(curves)


def draws(*expected: np.ndarray, only: bool = True) -> Check:
    """Expect these strokes; in the order given if there are no others."""

    def check(path: Path, _: Path) -> None:
        strokes = strokes_of(path)
        found = "; ".join(np.round(stroke[[0, -1]], 1).tolist().__repr__() for stroke in strokes)
        require(len(strokes) == len(expected) or not only, f"{len(strokes)} strokes: {found}")
        for wanted in expected:
            # the ends too: a curve that is drawn only in part lies on the whole one
            off = min(max(distance(stroke, wanted), distance(wanted, stroke)) for stroke in strokes)
            require(off < TOLERANCE, f"{off:.2f} px off; strokes from and to {found}")

    return check


def white_background(path: Path, folder: Path) -> None:
    strokes = strokes_of(path)
    require(len(strokes) == 2, f"{len(strokes)} strokes")
    require(max(np.ptp(stroke, axis=0).max() for stroke in strokes) < 170, "the background is a stroke")
    code, _, messages = run("complete", path, "--category", "cat", "-o", folder / "x.svg")
    require(code == 0 and "outline" in messages and "fill" in messages, f"exit code {code}: {messages}")


def layer_in_plain_color(path: Path, folder: Path) -> None:
    code, _, messages = run("complete", path, "--category", "cat", "--seed", 1, "-o", folder / "x.svg")
    require(code == 0, messages)
    layer = next(one for one in ElementTree.parse(folder / "x.svg").iter() if one.get("id") == "sketchrnn-1")
    text = ElementTree.tostring(layer, encoding="unicode")
    colors = {color.replace(" ", "") for color in re.findall(r"stroke(?:=\"|:\s*)([^;\"]+)", text)}
    require(colors <= {"rgb(0,0,0)", "#000000", "#000", "black"} and colors, colors)


def one_way_language(path: Path, folder: Path) -> None:
    levels = [stroke[0, 1] for stroke in strokes_of(path) if len(stroke) == 2 and np.ptp(stroke[:, 1]) == 0]
    require(90 not in levels and 80 in levels, f"horizontal lines at y = {levels}")


def lines_are_read(count: int) -> Check:
    def check(path: Path, folder: Path) -> None:
        strokes = strokes_of(path)
        require(len(strokes) == count, f"{len(strokes)} strokes")
        as_today(path, folder)

    return check


# --- habits: scripts


def shell(script: str, folder: Path) -> str:
    """Run a script in a folder that has the samples and a command sketchrnn; return its output and errors."""
    environment = prepared(folder)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=600,
        check=False,
    )
    return done.stdout


def prepared(folder: Path) -> dict[str, str]:
    commands = folder / ".bin"
    commands.mkdir()
    command = commands / "sketchrnn"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sketchrnn "$@"\n')
    command.chmod(0o755)
    shutil.copytree(REPOSITORY / "samples", folder / "samples")
    search = f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    return os.environ | {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": search}


def output_pdf(path: Path, folder: Path) -> None:
    command, sample = re.search(r"sketchrnn (\S+) (\S+) -o x\.pdf;", path.read_text()).groups()
    for suffix in ("pdf", "jpg", "npz", "dxf"):
        output = folder / f"x.{suffix}"
        code, _, messages = run(command, REPOSITORY / sample, "-o", output)
        require(code in (1, 2), messages)
        require(not output.exists(), f"{output.name} was written")


def train_over_input(path: Path, folder: Path) -> None:
    output = shell(path.read_text(), folder)
    require(re.search(r"rc=[12]\b", output) and "Traceback" not in output, output)
    require((folder / "d.ndjson").read_bytes().startswith(b'{"'), "the drawings were overwritten")


def stdout_full(path: Path, folder: Path) -> None:
    lines = shell(path.read_text(), folder).splitlines()
    message = "Error: standard output: cannot be written: no space left on device"
    require([one for one in lines if "rc=" in one or "Error" in one] == [message, "rc=1"] * 2, lines)


def two_trainings(path: Path, folder: Path) -> None:
    """The second training starts while the first one runs; the first one does not notice it and is then interrupted."""
    environment = prepared(folder)
    shutil.copy(CASES / "x07_20_drawings_none_validates.ndjson", folder / "d.ndjson")
    command = re.search(r"do (.*?) &", path.read_text())[1].replace("--max-steps 400", "--max-steps 1000000").split()
    options: dict[str, Any] = {"cwd": folder, "env": environment, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, stdout=subprocess.PIPE, **options) as first:
        require(any(line.startswith("step 50:") for line in first.stdout or ()), "the first training takes no steps")
        second = subprocess.run(command, stdout=subprocess.PIPE, check=False, **options)
        first.send_signal(signal.SIGINT)
        rest, _ = first.communicate()
    require(second.returncode == 1 and "another process" in second.stdout, f"{second.returncode}: {second.stdout}")
    require(first.returncode == 130 and (folder / "same.last.safetensors").exists(), f"{first.returncode}: {rest}")


def symlinked_category(path: Path, folder: Path) -> None:
    output = shell(path.read_text(), folder)
    both = {"cup.safetensors", "pig.safetensors"} <= {one.name for one in (folder / "st").iterdir()}
    require(both or "mix/cup" in output, output)


def twenty_drawings(path: Path, folder: Path) -> None:
    shutil.copy(path, folder / "d.ndjson")
    train = "sketchrnn train d.ndjson -o m.safetensors --max-steps 1 --decoder-only --set decoder_units=16; echo rc=$?"
    output = shell(train, folder)
    require("rc=0" in output and (folder / "m.safetensors").exists(), output)


def pipe_as_input(path: Path, folder: Path) -> None:
    output = shell(f"{path.read_text()}\necho rc=$?", folder)
    if "rc=0" in output:
        require((folder / "st" / "pig.safetensors").exists(), output)
    else:
        require("rc=1" in output and "/dev/fd/" in output and "st: cannot" not in output, output)


# --- the table

QUICKDRAW = {"kind": "simplified", "word": "cat"}
EXPECTED: dict[str, tuple[str, Check]] = {
    "r03_freedraw_only.svg": ("2 outlines without the white background; said that fills were taken", white_background),
    "r04_drawio.svg": ("the added layer's stroke is rgb(0, 0, 0) or #000000", layer_in_plain_color),
    "r05_boxysvg.svg": (
        "rect x 90..110, y 40..160",
        draws(line((90, 40), (110, 40), (110, 160), (90, 160), (90, 40)), only=False),
    ),
    "s20_origin.svg": (
        "rect x 30..70, y 30..50; line (10,10)-(31.2,31.2)",
        draws(line((30, 30), (70, 30), (70, 50), (30, 50), (30, 30)), line((10, 10), (31.213, 31.213))),
    ),
    "s19_var.svg": ("1 line is read", lines_are_read(1)),
    "r10_d3path.svg": ("1 line is read", lines_are_read(1)),
    "s30_T_then_S.svg": (
        "S after T starts with the current point",
        draws(joined(line((30, 30), (40, 170)), bezier((40, 170), (40, 170), (170, 170), (170, 30)))),
    ),
    "s31_Q_then_S.svg": (
        "S after Q starts with the current point",
        draws(joined(bezier((20, 100), (60, 20), (100, 100)), bezier((100, 100), (100, 100), (160, 180), (180, 100)))),
    ),
    "s32_C_then_T.svg": (
        "T after C starts with the current point",
        draws(joined(bezier((20, 100), (40, 20), (80, 20), (100, 100)), line((100, 100), (180, 100)))),
    ),
    "s40_use_of_svg.svg": ("line (44,34)-(76,66)", draws(line((44, 34), (76, 66)))),
    "s41_ellipse_auto.svg": (
        "a circle of radius 30",
        draws(np.column_stack([50 + 30 * f(np.linspace(0, 2 * np.pi, 400)) for f in (np.cos, np.sin)])),
    ),
    "s03_use.svg": ("systemLanguage xx: not the line y=90, but y=80", one_way_language),
    "f06_utf16.ndjson": ("read, or UTF-16 in the error", either(is_read(1, **QUICKDRAW), "UTF-16")),
    "f07.ndjson.gz": ("read, or compressed in the error", either(is_read(1, **QUICKDRAW), "compressed: gunzip it")),
    "f08_numeric_key.ndjson": ("key_id 5891796615823360", is_read(1, key_id="5891796615823360", **QUICKDRAW)),
    "f10_array_of_records.json": ("2 records", is_read(2, **QUICKDRAW)),
    "f11_pretty_record.json": ("1 record", is_read(1, **QUICKDRAW)),
    "f12_bare_drawing.json": ("read as Quick, Draw!, or named", either(is_read(1, kind="simplified"), "Quick, Draw!")),
    "f28c_A1.bin": ("3 binary drawings", is_read(3, kind="binary", countrycode="A1")),
    "x01_output_pdf.sh": ("exit code 1 or 2, nothing written", output_pdf),
    "x03_train_over_input.sh": ("refused", train_over_input),
    "x04_stdout_full.sh": ("one line, exit code 1", stdout_full),
    "x05_two_trainings.sh": ("the second one ends with 1 and says why", two_trainings),
    "x06_symlinked_category.sh": ("both categories, or the link is named", symlinked_category),
    "x07_20_drawings_none_validates.ndjson": ("20 drawings train", twenty_drawings),
    "x09_fifo.sh": ("read, or the error names the input", pipe_as_input),
    "s45_segments_in_path.svg": (
        "one stroke",
        draws(line((10, 10), (50, 12), (90, 10), (88, 50), (90, 90), (10, 90), (10, 10))),
    ),
}
AS_TODAY = ("a result or one clear line", as_today)


def names() -> list[str]:
    if not CASES.is_dir():
        return []
    found = {path.name for path in CASES.iterdir() if path.name != "EXPECTED.md"}
    return [*EXPECTED, *sorted(found - set(EXPECTED))]


@pytest.mark.parametrize("name", names())
def test_case(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    EXPECTED.get(name, AS_TODAY)[1](CASES / name, tmp_path)


def test_every_row_has_a_check(shared):
    """Fails when the table of what is expected names a file for which there is no check here."""
    listed = re.findall(r"^(\S[^\n]*?)\s{2,}", (shared / "cases" / "EXPECTED.md").read_text(), re.MULTILINE)
    listed = [one for line in listed for one in re.split(r"[,/]\s*", line)]
    missing = [one for one in listed if not any(name.startswith(one.removesuffix(".svg")) for name in EXPECTED)]
    assert listed
    assert not missing


def print_table() -> int:
    failed = 0
    rows = [("file", "expected", "found", "ok")]
    for name in names():
        expected, check = EXPECTED.get(name, AS_TODAY)
        found = "as expected"
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(CASES / name, Path(folder))
            except Exception as error:  # any failure is a row of the table
                failed += 1
                prefix = "" if isinstance(error, UnexpectedError) else f"{type(error).__name__}: "
                found = " ".join(f"{prefix}{error}".split())[:100]
        rows.append((name, expected, found, "ok" if found == "as expected" else "FAILED"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)))
    print(f"{len(rows) - 1 - failed} of {len(rows) - 1} cases are as expected")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(print_table())

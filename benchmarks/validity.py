"""Is every kind of SVG that is written read, drawn and opened by other programs?

Takes vpype, rsvg-convert and chromium as it finds them: on the PATH, or named by --vpype and so on. Leaves pictures for
looking at in the folder that it is given.
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import numpy as np
import resvg_py
import svgelements
from PIL import Image
from results import machine, write_results

from sketchrnn.formats.svg.reading import parse_root

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted((ROOT / "tests" / "svg").glob("*.svg"))
QUICK = ["--best-of", "1", "--max-points", "40", "--force", "-q"]
MOMENTS = (0.4, 2.0, 5.0)
"""Seconds at which a picture that draws itself for four seconds is looked at."""
LIKENESS = 0.02
"""Share of the pixels that may differ much between two renderers: text and the edges of lines."""


def outputs(folder: Path) -> list[Path]:
    """Write SVG of every kind; return the files."""
    commands = []
    for style in ("pen", "ink", "brush", "order"):
        look = ["--style", style, "--background", "#fffdf5"]
        commands += [
            (f"picture-{style}", ["complete", "samples/pig.ndjson", *look]),
            (
                f"page-{style}",
                ["render", "samples/butterfly.ndjson", *look, "--page", "a5", "--landscape", "--optimize"],
            ),
            (f"sheet-{style}", ["complete", "samples/face.ndjson", "-n", "6", *look]),
            (f"moving-{style}", ["complete", "samples/pig.ndjson", *look, "--animate"]),
            (f"cup-{style}", ["complete", "samples/cup.svg", "--category", "cup", "-n", "2", "--style", style]),
        ]
    for path in DOCUMENTS:
        commands.append((f"document-{path.stem}", ["complete", str(path), "--category", "face"]))
    written = []
    for name, (command, *arguments) in commands:
        written.append(folder / f"{name}.svg")
        drawing = QUICK if command == "complete" else ["--force", "-q"]
        subprocess.run(
            [sys.executable, "-m", "sketchrnn", command, *arguments, *drawing, "-o", str(written[-1])],
            cwd=ROOT,
            check=True,
        )
    return written


def by_resvg(path: Path, width: int | None = 400) -> np.ndarray:
    text = ElementTree.tostring(parse_root(path.read_bytes()), encoding="unicode")
    return pixels(bytes(resvg_py.svg_to_bytes(svg_string=text, width=width, dpi=96, background="white")))


def by_rsvg(rsvg: str, path: Path) -> np.ndarray:
    return pixels(subprocess.run([rsvg, "-w", "400", "-b", "white", path], check=True, capture_output=True).stdout)


def by_chromium(chromium: str, path: Path, seconds: float, *, reduced: bool = False) -> np.ndarray:
    """Take a screenshot, by a clock that runs as fast as it can; the document in its own size, scaled by the page."""
    height, width = by_resvg(path, None).shape
    zoom = 400 / width
    style = f"border:0;width:{width}px;height:{height}px;transform-origin:0 0;transform:scale({zoom})"
    page = path.with_suffix(".html")
    page.write_text(
        f'<body style="margin:0;overflow:hidden"><iframe src="{path.name}" style="{style}"></iframe></body>'
    )
    shot = path.with_suffix(".shot.png")
    subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *(["--force-prefers-reduced-motion"] if reduced else []),
            *(f"--window-size=400,{round(zoom * height)}", f"--virtual-time-budget={round(1000 * seconds)}"),
            *(f"--screenshot={shot}", page.as_uri()),
        ],
        check=True,
        capture_output=True,
    )
    page.unlink()
    return pixels(shot.read_bytes())


def pixels(data: bytes) -> np.ndarray:
    """(height, width), how dark each pixel is on white, from 0 to 255."""
    image = Image.open(io.BytesIO(data)).convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    return 255 - np.asarray(paper.convert("L")).astype(int)


def unlike(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of pixels that differ by more than half of the range."""
    height, width = (min(sides) for sides in zip(one.shape, other.shape, strict=True))
    return float(np.mean(np.abs(one[:height, :width] - other[:height, :width]) > 128))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files and the pictures go")
    for program, name in (("vpype", "vpype"), ("rsvg-convert", "rsvg"), ("chromium", "chromium")):
        parser.add_argument(f"--{name}", default=shutil.which(program))
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    files = outputs(arguments.folder)
    failed: list[str] = []

    def count(question: str, check: Callable[[Path], bool], among: list[Path]) -> str:
        held = 0
        for path in among:
            try:
                good = check(path)
            except (OSError, ValueError, subprocess.CalledProcessError, ElementTree.ParseError) as error:
                good = False
                print(path.name, error, file=sys.stderr)
            held += good
            if not good:
                failed.append(f"{path.name}: {question}")
        return f"| {question} | {held} of {len(among)} |"

    lines = [f"{machine('cpu')}; `validity.py`.", "", "| question | holds for |", "| --- | --- |"]
    lines.append(
        count("parsed by expat, a strict XML parser", lambda path: parse_root(path.read_bytes()) is not None, files)
    )
    lines.append(
        count(
            "read by svgelements, some shapes found",
            lambda path: any(isinstance(one, svgelements.Shape) for one in svgelements.SVG.parse(str(path)).elements()),
            files,
        )
    )
    drawn = {path: by_resvg(path) for path in files}
    lines.append(count("drawn by resvg, some of it dark", lambda path: (drawn[path] > 60).sum() > 50, files))
    if arguments.rsvg:
        question = f"drawn by librsvg as by resvg (but for {LIKENESS:.0%} of the pixels)"
        lines.append(count(question, lambda path: unlike(by_rsvg(arguments.rsvg, path), drawn[path]) < LIKENESS, files))
    if arguments.vpype:

        def read_by_vpype(path: Path) -> bool:
            command = [arguments.vpype, "read", str(path), "stat"]
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            return int(re.findall(r"Path count: (\d+)", text)[-1]) > 0

        lines.append(count("`vpype read … stat` counts some paths", read_by_vpype, files))
    if arguments.chromium:
        still = [path for path in files if not path.name.startswith("moving")]
        question = f"opened in Chromium, as drawn by resvg (but for {LIKENESS:.0%})"
        lines.append(
            count(
                question, lambda path: unlike(by_chromium(arguments.chromium, path, 1), drawn[path]) < LIKENESS, still
            )
        )
        moving = [path for path in files if path.name.startswith("moving")]
        inks: dict[Path, list[int]] = {}
        for path in moving:
            shots = [by_chromium(arguments.chromium, path, seconds) for seconds in MOMENTS]
            Image.fromarray((255 - np.concatenate(shots, axis=1)).astype(np.uint8)).save(path.with_suffix(".png"))
            inks[path] = [int((shot > 60).sum()) for shot in shots]
        at = ", ".join(f"{seconds:g}" for seconds in MOMENTS)
        lines.append(
            count(
                f"draws itself in Chromium: more ink after each of {at} s",
                lambda path: inks[path] == sorted(set(inks[path])),
                moving,
            )
        )
        lines.append(
            count(
                "is whole at the end",
                lambda path: unlike(by_chromium(arguments.chromium, path, MOMENTS[-1]), drawn[path]) < LIKENESS,
                moving,
            )
        )
        lines.append(
            count(
                "is whole at once for who prefers reduced motion",
                lambda path: unlike(by_chromium(arguments.chromium, path, 0.1, reduced=True), drawn[path]) < LIKENESS,
                moving,
            )
        )
    if failed:
        lines += ["", "Does not hold: " + "; ".join(failed) + "."]
    write_results("validity", lines)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Extensions > Sketch-RNN > Complete: complete a partial sketch.

Inkscape runs this file with its own Python, which has inkex but not sketchrnn. So it collects the lines and passes them
to ``sketchrnn complete``, which the interpreter named in sketchrnn_complete.json runs. `sketchrnn
install-inkscape-extension` wrote both files. It runs in Inkscape 1.2 and later; some versions come with Python 3.7.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import inkex
from inkex import bezier

SHAPES = (
    inkex.PathElement,
    inkex.Rectangle,
    inkex.Circle,
    inkex.Ellipse,
    inkex.Line,
    inkex.Polyline,
    inkex.Polygon,
)
LAYER_ID = "sketchrnn-completion-"
SMOOTHNESS = 500
"""Largest side of the drawing, divided by the largest distance between a curve and its polyline."""
MOST_NESTED_CLONES = 20
LIBRARY_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "GI_TYPELIB_PATH", "GTK_PATH")
"""Variables that some Inkscape packages set for their own Python. Other Pythons fail with them."""


class Complete(inkex.EffectExtension):  # type: ignore[misc]  # inkex has no types
    """Adds a layer for each completion of the selected paths, or of the current layer."""

    def add_arguments(self, pars: argparse.ArgumentParser) -> None:
        """Declare the parameters of sketchrnn_complete.inx."""
        pars.add_argument("--category", default="auto")
        pars.add_argument("--count", type=int, default=1)
        pars.add_argument("--temperature", type=float, default=0.4)
        pars.add_argument("--seed", type=int, default=0)

    def effect(self) -> None:
        """Collect the lines, complete them, add the layers."""
        shapes = [shape for element in self.chosen() for shape in drawn_shapes(element, parent_transform(element))]
        curves = [curve for element, transform in shapes for curve in curves_of(element, transform)]
        if not curves:
            raise inkex.AbortExtension(
                "Sketch-RNN: expected visible paths or shapes in the selection or the current layer, found none. "
                "Select the lines to complete. Convert text with Path > Object to Path."
            )
        strokes = polylines(curves)
        to_root = -self.svg.transform
        strokes = [[tuple(to_root.apply_to_point(point)) for point in stroke] for stroke in strokes]
        is_closed = len(strokes[-1]) > 2 and strokes[-1][0] == strokes[-1][-1]
        records = self.complete(strokes, "up" if is_closed else "down")
        style = self.style_of(*shapes[-1])
        added = 0
        for number, record in enumerate(records):
            new = new_strokes(strokes, record["drawing"], continues=not is_closed)
            if new:
                label = f"{record.get('word') or 'completion'}, seed {self.options.seed + number}"
                self.add_layer(f"{self.next_layer_number()} {label}", new, style, hidden=added > 0)
                added += 1
        if not added:
            raise inkex.AbortExtension("Sketch-RNN: the model added nothing. Try another seed or category.")

    def chosen(self) -> list[Any]:
        """Return the selected elements from the lowest to the topmost; those of the current layer if there are none."""
        if self.svg.selection:
            selected = list(self.svg.selection.rendering_order())
            chosen = [one for one in selected if not any(other in selected for other in one.ancestors())]
        else:
            children = [one for one in self.svg.get_current_layer() if isinstance(one, inkex.BaseElement)]
            chosen = [one for one in children if not (one.get("id") or "").startswith(LAYER_ID)]
        return [one for one in chosen if not any(is_hidden(other) for other in one.ancestors())]

    def complete(self, strokes: list[Any], pen: str) -> list[dict[str, Any]]:
        """Return the drawings, each a record with all its strokes, those of the partial sketch first."""
        installation = Path(__file__).with_suffix(".json")
        again = "Run `sketchrnn install-inkscape-extension` again."
        try:
            python = json.loads(installation.read_text(encoding="utf-8"))["python"]
        except (OSError, ValueError, KeyError):
            raise inkex.AbortExtension(f"{installation}: expected the path of Python, found none. {again}") from None
        command = [python, "-m", "sketchrnn", "complete", "-", "--quiet", "--format", "ndjson", "--pen", pen]
        command += [f"--{name}={getattr(self.options, name)}" for name in ("count", "temperature", "seed")]
        if self.options.category != "auto":
            command.append(f"--category={self.options.category}")
        environment = {name: value for name, value in os.environ.items() if name not in LIBRARY_VARIABLES}
        try:
            result = subprocess.run(
                command,
                input=json.dumps({"strokes": strokes}).encode(),
                capture_output=True,
                cwd=Path(python).parent,  # Python would also import modules from its folder
                env=environment,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows only
                check=False,
            )
        except OSError as error:
            raise inkex.AbortExtension(f"{python}: {error.strerror or error}. {again}") from None
        if result.returncode:
            lines = result.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
            raise inkex.AbortExtension("Sketch-RNN: " + re.sub(r"^(Error: )?(-: )?", "", lines[-1]))
        return [json.loads(line) for line in result.stdout.splitlines()]

    def style_of(self, element: Any, transform: Any) -> dict[str, str]:
        """Return the style of a completion: color and width of the line that it continues."""
        style = element.specified_style()
        width = self.svg.unittouu("1px")
        if is_painted(style, "stroke"):
            color = str(style.get("stroke"))
            width = element.to_dimensionless(str(style.get("stroke-width", "1")))
            width *= math.sqrt(abs(determinant(transform)))
        else:  # a filled shape without a line
            color = "#000000"
        return {
            "fill": "none",
            "stroke": color,
            "stroke-width": f"{width:.6g}",
            "stroke-opacity": str(style.get("stroke-opacity", "1")),
            "stroke-linecap": "round",
            "stroke-linejoin": "round",
        }

    def next_layer_number(self) -> int:
        """Return an unused layer number for plotter programs: vpype and AxiDraw read it from the layer's name."""
        layers = [child for child in self.svg if isinstance(child, inkex.Group)]
        numbers = [len(layers)]
        for layer in layers:
            found = re.search(r"\d+", layer.get("inkscape:label") or "") or re.search(r"\d+", layer.get("id") or "")
            numbers.append(int(found.group()) if found else 0)
        return max(numbers) + 1

    def add_layer(self, label: str, strokes: list[Any], style: dict[str, str], hidden: bool) -> None:
        """Add a layer on top, with a path for each stroke."""
        layer = inkex.Layer()
        taken = set(self.svg.xpath("//@id"))
        layer.set("id", next(name for name in map(f"{LAYER_ID}{{}}".format, itertools.count(1)) if name not in taken))
        layer.set("inkscape:label", label)
        layer.style = inkex.Style({"display": "none" if hidden else "inline"})
        self.svg.append(layer)
        for stroke in strokes:
            points = stroke * 2 if len(stroke) == 1 else stroke
            path = inkex.PathElement()
            path.set("d", "M " + " L ".join(f"{x:.10g},{y:.10g}" for x, y in points))
            path.style = inkex.Style(style)
            layer.append(path)


def parent_transform(element: Any) -> Any:
    """Return the transform of an element's parent, down to the root's."""
    parent = element.getparent()
    return inkex.Transform() if parent is None else parent.composed_transform()


def is_hidden(element: Any) -> bool:
    """Return whether an element and all its children are hidden."""
    return "none" in (element.get("display"), element.style.get("display"))


def is_painted(style: Any, property_name: str) -> bool:
    """Return whether a style paints the fill or the stroke."""
    default = "none" if property_name == "stroke" else "black"
    return str(style.get(property_name, default)) not in ("none", "transparent")


def determinant(transform: Any) -> float:
    """Return the factor by which a transform changes areas."""
    (a, c, _), (b, d, _) = transform.matrix
    factor: float = a * d - b * c
    return factor


def drawn_shapes(element: Any, transform: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Yield the visible shapes in an element, lowest first, each with its transform to the root."""
    if not isinstance(element, inkex.BaseElement) or is_hidden(element) or depth > MOST_NESTED_CLONES:
        return
    transform = transform @ element.transform
    if isinstance(element, (inkex.Group, inkex.Anchor)):
        for child in element:
            yield from drawn_shapes(child, transform, depth)
    elif isinstance(element, inkex.Use):
        moved = inkex.Transform(translate=[element.to_dimensionless(element.get(axis, "0")) for axis in "xy"])
        if element.href is not None:
            yield from drawn_shapes(element.href, transform @ moved, depth + 1)
    elif isinstance(element, SHAPES):
        style = element.specified_style()
        is_visible = style.get("visibility", "visible") == "visible"
        if is_visible and (is_painted(style, "stroke") or is_painted(style, "fill")):
            yield element, transform


def curves_of(element: Any, transform: Any) -> list[Any]:
    """Return the subpaths of a shape as cubic curves in the root's coordinates; none for a shape without geometry."""
    try:
        return [curve for curve in element.path.transform(transform).to_superpath() if len(curve) > 1]
    except (TypeError, ValueError, IndexError, ZeroDivisionError):  # missing or malformed attributes: nothing is drawn
        return []


def polylines(curves: list[Any]) -> list[Any]:
    """Return cubic curves as lists of points (x, y)."""
    points = [point for curve in curves for knot in curve for point in knot]
    extent = max(max(axis) - min(axis) for axis in zip(*points))
    bezier.cspsubdiv(curves, max(extent, 1e-9) / SMOOTHNESS)
    return [[(float(x), float(y)) for _, (x, y), _ in curve] for curve in curves]


def new_strokes(given: list[Any], drawing: list[Any], continues: bool) -> list[Any]:
    """Return the strokes of a drawing that are not in the partial sketch, as lists of points (x, y).

    Args:
        given: strokes of the partial sketch, which are the first ones of the drawing.
        drawing: strokes in the layout of Quick, Draw!: a list of x and a list of y.
        continues: the drawing continues the last given stroke.
    """
    strokes = [list(zip(*axes[:2])) for axes in drawing]
    new = strokes[len(given) :]
    rest = strokes[len(given) - 1][len(given[-1]) - 1 :] if continues else []
    return [rest, *new] if len(rest) > 1 else new


if __name__ == "__main__":
    Complete().run()

"""Previews of a model in training: the same prefixes, completed at each evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sketchrnn.dataset.drawings import Drawings
from sketchrnn.model.checkpoint import Checkpoint
from sketchrnn.model.drawing import render
from sketchrnn.model.model import Model
from sketchrnn.sketch import Sketch

PICTURES = 12


@dataclass(frozen=True)
class Prefix:
    """The first half of a drawing.

    Attributes:
        sketch: in the unit of the drawings.
        category: name of its category.
    """

    sketch: Sketch
    category: str


def choose_prefixes(drawings: Drawings, count: int = PICTURES) -> list[Prefix]:
    """Return the first halves of up to ``count`` drawings, from as many categories as possible."""
    by_category = np.argsort(drawings.category, kind="stable")
    _, first, members = np.unique(drawings.category[by_category], return_index=True, return_counts=True)
    rank = np.empty(len(drawings), np.int64)  # of each drawing in its category
    rank[by_category] = np.arange(len(drawings)) - np.repeat(first, members)
    order = np.lexsort((drawings.category, rank))
    candidates = order[: max(count, len(first))]
    chosen = candidates[np.linspace(0, len(candidates) - 1, min(count, len(candidates))).round().astype(np.int64)]
    prefixes = []
    for index in chosen:
        rows = drawings.stroke3(index)
        prefixes.append(
            Prefix(Sketch.from_stroke3(rows[: -(-len(rows) // 2)]), drawings.categories[drawings.category[index]])
        )
    return prefixes


def completion_sheet(checkpoint: Checkpoint, prefixes: list[Prefix], title: str) -> str:
    """Return an SVG document with the model's completions of the prefixes, always with the same seeds."""
    model = Model(checkpoint)
    drawings = [
        model.complete(
            prefix.sketch,
            prefix.category,
            best_of=1,
            arrange=False,
            scale=1.0,
            max_points=checkpoint.max_length,
            seed=seed,
        )[0]
        for seed, prefix in enumerate(prefixes)
    ]
    return render(drawings, "svg", title=title).decode()

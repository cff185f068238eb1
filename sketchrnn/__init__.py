"""Complete, train and export drawings with Sketch-RNN.

>>> import sketchrnn
>>> model = sketchrnn.load()
>>> pig, = model.complete(sketchrnn.Sketch.from_polylines([[(0, 0), (90, 20)]]), "pig", max_points=3)
>>> pig.save("pig.svg")  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sketchrnn.formats import Record
    from sketchrnn.formats.page import Length, Page
    from sketchrnn.formats.svg.style import Animation, RenderStyle
    from sketchrnn.model.model import Drawing, Model, load, read
    from sketchrnn.sketch import Sketch

__version__ = "0.5.0"
__all__ = [
    "Animation",
    "Drawing",
    "Length",
    "Model",
    "Page",
    "Record",
    "RenderStyle",
    "Sketch",
    "__version__",
    "load",
    "read",
]

_HOMES = {
    **dict.fromkeys(("Drawing", "Model", "load", "read"), "sketchrnn.model.model"),
    "Record": "sketchrnn.formats",
    **dict.fromkeys(("Length", "Page"), "sketchrnn.formats.page"),
    "Animation": "sketchrnn.formats.svg.style",
    "RenderStyle": "sketchrnn.formats.svg.style",
    "Sketch": "sketchrnn.sketch",
}


def __getattr__(name: str) -> object:
    """Import what is asked for, only then: ``sketchrnn --help`` needs none of it."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

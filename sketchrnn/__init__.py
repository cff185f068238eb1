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
    from sketchrnn.formats.picture import PictureSettings
    from sketchrnn.formats.svg.style import Animation, Length, Page, RenderStyle
    from sketchrnn.hosts.notebook import Canvas as Canvas  # not in __all__: needs an extra
    from sketchrnn.model.drawing import Drawing, render, save
    from sketchrnn.model.guess import Guess
    from sketchrnn.model.model import Model, load, read
    from sketchrnn.model.sampling import Request, Sampling
    from sketchrnn.sketch import Sketch

__version__ = "1.0.0"
_HOMES = {
    **dict.fromkeys(("Model", "load", "read"), "sketchrnn.model.model"),
    **dict.fromkeys(("Drawing", "render", "save"), "sketchrnn.model.drawing"),
    **dict.fromkeys(("Request", "Sampling"), "sketchrnn.model.sampling"),
    **dict.fromkeys(("Animation", "RenderStyle"), "sketchrnn.formats.svg.style"),
    "Canvas": "sketchrnn.hosts.notebook",
    "Guess": "sketchrnn.model.guess",
    **dict.fromkeys(("Length", "Page"), "sketchrnn.formats.svg.style"),
    "PictureSettings": "sketchrnn.formats.picture",
    "Record": "sketchrnn.formats",
    "Sketch": "sketchrnn.sketch",
}
__all__ = [
    "Animation",
    "Drawing",
    "Guess",
    "Length",
    "Model",
    "Page",
    "PictureSettings",
    "Record",
    "RenderStyle",
    "Request",
    "Sampling",
    "Sketch",
    "__version__",
    "load",
    "read",
    "render",
    "save",
]


def __getattr__(name: str) -> object:
    """Import a public name at its first use, so that ``sketchrnn --help`` starts fast."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    import importlib.util

    return [*__all__, "Canvas"] if importlib.util.find_spec("anywidget") else __all__

"""Sketch-RNN in Python: load a model, read a sketch, have it finished, look at it, save it.

>>> import sketchrnn
>>> model = sketchrnn.load()
>>> len(model.categories)
345
>>> prefix = sketchrnn.Sketch.from_polylines([[(20, 130), (236, 124)]])
>>> drawing, = model.complete(prefix, "snake", seed=3, max_points=5)
>>> drawing.category, drawing.seed, drawing.sketch.point_count
('snake', 3, 7)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sketchrnn.errors import ConfigurationError
from sketchrnn.files import write_bytes
from sketchrnn.formats import Record, read_records
from sketchrnn.formats.image import IMAGE_KINDS, png
from sketchrnn.formats.image import moving_image as _moving_image
from sketchrnn.formats.quickdraw_ndjson import dumps_ndjson
from sketchrnn.formats.svg.animation import DEFAULT_SECONDS, Animation
from sketchrnn.formats.svg.style import Look
from sketchrnn.formats.svg.writing import COMPLETION_COLOUR, Layer, svg_drawing
from sketchrnn.model.choice import draw_best
from sketchrnn.model.completion import Completion
from sketchrnn.model.guess import Guess
from sketchrnn.model.guess import guess as guess_category
from sketchrnn.model.loading import load_model
from sketchrnn.model.network import NumpyNetwork
from sketchrnn.model.prefix import see_prefix
from sketchrnn.model.sampling import SamplingConfiguration
from sketchrnn.sketch import Sketch

CHOSEN_FROM = 4


def load(path: str | Path | None = None) -> Model:
    """Load a model.

    Args:
        path: a checkpoint, or a model as Google published it; ``hf://user/name`` for one on the Hugging Face Hub (needs
            the extra ``hub``); None for the model that comes with sketchrnn.

    Raises:
        CheckpointError: the file is missing, damaged or something else.
        DownloadError: a model on the Hub cannot be downloaded.
    """
    return Model(NumpyNetwork(load_model(path)))


def read(path: str | Path) -> list[Record]:
    """Read the drawings of a file: SVG, Quick, Draw! ndjson, Sketch-RNN npz or polyline JSON.

    Args:
        path: the file; ``-`` for standard input.

    Raises:
        FormatError: the file is damaged or of another format.
        SketchRNNError: the file cannot be read.
    """
    return list(read_records(path))


@dataclass(frozen=True)
class Drawing:
    """What a model drew.

    A notebook shows it as a picture: the prefix dark, the completion in colour.

    Attributes:
        prefix: what it was given; empty for a drawing from nothing.
        completion: what it added, its seed and how likely it holds that.
        category: what it was asked for; None for a model without names.
    """

    prefix: Sketch
    completion: Completion
    category: str | None

    @property
    def sketch(self) -> Sketch:
        """Prefix and completion as one drawing, in the prefix's coordinates."""
        return self.completion.joined(self.prefix)

    @property
    def seed(self) -> int:
        """What it was drawn with."""
        return self.completion.seed

    def svg(self, look: Look | None = None, *, animation: Animation | None = None) -> str:
        """Return the picture as an SVG document.

        Args:
            look: style, page, margin and so on.
            animation: lets it draw itself.
        """
        layers = [
            *([Layer(self.prefix, "prefix")] if self.prefix.strokes else []),
            Layer(self.completion.sketch, "completion", COMPLETION_COLOUR, self.completion.description),
        ]
        return svg_drawing(layers, title=self.category, description=self.completion.description, look=look,
                           animation=animation)  # fmt: skip

    def save(self, path: str | Path, look: Look | None = None, *, animation: Animation | None = None) -> None:
        """Write the picture, in the format that the name ends in: svg, ndjson, png, gif or apng.

        Args:
            path: is overwritten if it exists.
            look: style, page, margin and so on.
            animation: lets an SVG draw itself; gif and apng always do.

        Raises:
            ConfigurationError: the name ends otherwise, or the extra ``image`` is missing.
            SketchRNNError: the file cannot be written.
        """
        kind = Path(path).suffix.removeprefix(".").lower()
        if kind == "svg":
            content = self.svg(look, animation=animation).encode()
        elif kind == "ndjson":
            content = dumps_ndjson([Record(self.sketch, word=self.category)]).encode()
        elif kind == "png":
            content = png(self.svg(look))
        elif kind in IMAGE_KINDS:
            seconds = animation.seconds if animation else DEFAULT_SECONDS
            content = _moving_image(lambda at: self.svg(look, animation=at), kind, seconds)
        else:
            raise ConfigurationError(f"{path}: expected a name that ends in svg, ndjson, {', '.join(IMAGE_KINDS)}")
        write_bytes(path, content)

    def _repr_svg_(self) -> str:
        return self.svg()


class Model:
    """A trained model."""

    def __init__(self, network: NumpyNetwork) -> None:
        self.network = network

    @property
    def categories(self) -> tuple[str, ...]:
        """What it can draw, as Quick, Draw! spells it."""
        return self.network.configuration.categories

    def complete(
        self,
        prefix: Sketch | Record,
        category: str | None = None,
        *,
        count: int = 1,
        choose_from: int = CHOSEN_FROM,
        diverse: bool = False,
        scale: float | None = None,
        pen: str | None = None,
        **sampling: Any,
    ) -> list[Drawing]:
        """Finish a partial sketch.

        Args:
            prefix: in any unit, y down.
            category: what it is to become; by default the record's word, or what it most probably is.
            count: how many completions.
            choose_from: how many are begun for each that is asked for; the best are kept.
            diverse: keep those that differ most.
            scale: pixels of a finished drawing 255 wide in one unit of the prefix; None to find it.
            pen: "up" or "down" after the last point, "auto" for what is likelier, None for what the sketch says.
            sampling: fields of :class:`sketchrnn.model.sampling.SamplingConfiguration`: temperature, seed, ...

        Raises:
            CategoryError: the category is unknown.
            ConfigurationError: a setting is outside its range.
            FormatError: the prefix has too many points.
        """
        sketch, word = (prefix.sketch, prefix.word) if isinstance(prefix, Record) else (prefix, None)
        configuration = self.network.configuration
        wanted = category or word
        if wanted is None and configuration.conditional and sketch.strokes:
            wanted = self.guess(sketch, scale=scale)[0].category
        name = configuration.category_name(wanted)
        seen = see_prefix(self.network, sketch, configuration.category_index(name), scale=scale, pen=pen)
        drawn = draw_best(
            self.network, seen, name, count, SamplingConfiguration(**sampling), choose_from, diverse=diverse
        )
        return [Drawing(seen.sketch, one, name) for one in drawn]

    def generate(self, category: str | None = None, **options: Any) -> list[Drawing]:
        """Draw from nothing. Arguments as for :meth:`complete`."""
        return self.complete(Sketch(()), category, **options)

    def guess(self, prefix: Sketch | Record, *, scale: float | None = None) -> list[Guess]:
        """Say what a partial sketch is going to be: all categories, the most probable first.

        Args:
            prefix: in any unit, y down.
            scale: as for :meth:`complete`.
        """
        sketch = prefix.sketch if isinstance(prefix, Record) else prefix
        return guess_category(self.network, see_prefix(self.network, sketch, scale=scale))

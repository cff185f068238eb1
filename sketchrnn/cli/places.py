"""What a user names as a place in a model: a sketch of a file, or a category."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sketchrnn.cli.prefix import read_one
from sketchrnn.errors import CategoryError, ConfigurationError, FormatError, SketchRNNError
from sketchrnn.files import STANDARD_STREAM

if TYPE_CHECKING:
    from sketchrnn.model.network import Array, NumpyNetwork

PLACE_HELP = "FILE, FILE:INDEX (a record of many, counted from 0), or the name of a category"


@dataclass(frozen=True)
class Place:
    """A place that was named.

    Attributes:
        label: what a picture of it says.
        vector: what the decoder is told, (condition_units,).
    """

    label: str
    vector: Array


def read_place(network: NumpyNetwork, text: str, category: str | None, seed: int) -> Place:
    """Find a place.

    Args:
        network: the model.
        text: see PLACE_HELP; what is a file is read as one.
        category: what a sketch is, if not what its record says.
        seed: of the z of a category, for a model that does not draw without.

    Raises:
        SketchRNNError: the file cannot be read, or there is neither file nor category.
    """
    from sketchrnn.model.latent import place_of_category, place_of_sketch
    from sketchrnn.model.prefix import see_prefix

    path, colon, number = text.rpartition(":")
    index = int(number) if colon and number.isdecimal() and not Path(text).exists() else None
    path = text if index is None else path
    if not Path(path).exists() and path != STANDARD_STREAM:
        try:
            name = network.configuration.category_name(text)
            return Place(name or "drawing", place_of_category(network, text, seed))
        except CategoryError as error:
            raise CategoryError(f"{text}: no such file, and no category of the model: {error}") from error
    record = read_one(path, index, None)
    try:
        name = network.configuration.category_name(category or record.word)
        seen = see_prefix(network, record.sketch, network.configuration.category_index(name))
        return Place(name or Path(path).stem, place_of_sketch(network, seen, name))
    except (CategoryError, ConfigurationError, FormatError) as error:
        raise SketchRNNError(f"{text}: {error}") from error

"""The architecture: everything that fixes the shapes of the weights."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, fields
from typing import Any

from sketchrnn.errors import CategoryError, ConfigurationError

PEN_STATES = 3
MIXTURE_PARAMETERS = 6  # pi, mu_x, mu_y, sigma_x, sigma_y, rho
MAX_LOG_SIGMA = 7.0
"""Bound on |log sigma|: a deviation of a thousandth of an offset scale is below a hundredth of a pixel."""
MAX_RHO_LOGIT = 5.0
"""Bound on |atanh rho|, so that |rho| <= 0.9999."""
CELLS = ("lstm", "layer_norm", "hyper")
"""The paper's recurrent cells: LSTM, layer-norm LSTM, HyperLSTM."""
POSITION_INPUTS = 8
"""Numbers that say where the pen is: see :attr:`ModelConfiguration.position_inputs`."""
POSITION_FACTOR = 0.25
"""What positions, in offset scales, are multiplied by, so that most are between -2 and 2."""
LATER_FIELDS = frozenset(
    [
        "encoder_cell",
        "decoder_cell",
        "hyper_units",
        "hyper_embedding_units",
        "latent_tanh",
        "position_inputs",
        "clarity",
    ]
)
"""Fields that older checkpoints lack; such models have the defaults."""


@dataclass(frozen=True)
class ModelConfiguration:
    """Sizes of a network. Defaults are Magenta's published code (sketch_rnn/model.py, ``get_default_hparams``).

    Attributes:
        categories: what it draws, in the order of the embedding's rows. More than one makes it class-conditional.
        variational: an encoder and a latent vector z; False is the paper's decoder-only model.
        encoder_units: LSTM units of the encoder, per direction.
        decoder_units: LSTM units of the decoder.
        latent_units: size of z.
        mixtures: components of the mixture over offsets.
        category_units: size of the category embedding; our own choice, the paper has none.
        latent_dropout: probability of training a sketch with the learned "no z" instead of its z; above 0 the
            network can complete a prefix without a z. No value that benchmarks/latent_dropout.py tried completes
            better than the default.
        encoder_cell: recurrent cell of the encoder: "lstm", "layer_norm" or "hyper".
        decoder_cell: recurrent cell of the decoder, likewise.
        hyper_units: units of a HyperLSTM's small LSTM, which scales the weights of the large one.
        hyper_embedding_units: numbers through which it does so, for each of twelve scales and shifts.
        latent_tanh: the decoder's initial state is made from tanh(z); so in Magenta's files of before version 6.
        position_inputs: after each stroke-5 row the decoder is also given the pen's position: relative to the first
            point of the drawing (x, y), to the first point of the stroke (x, y), to the left and top edge of what is
            drawn so far (x, y), and from the pen to the right and bottom edge (x, y); in offset scales, times
            POSITION_FACTOR. An LSTM that sees offsets alone has to add them up to close a circle.
        clarity: the decoder can be conditioned on how clearly the category shows in the drawing: a learned vector,
            times a number from -1 to 1, is added to the category embedding. A model of one category has none.
    """

    categories: tuple[str, ...] = ()
    variational: bool = True
    encoder_units: int = 256
    decoder_units: int = 512
    latent_units: int = 128
    mixtures: int = 20
    category_units: int = 64
    latent_dropout: float = 0.5
    encoder_cell: str = "lstm"
    decoder_cell: str = "lstm"
    hyper_units: int = 256
    hyper_embedding_units: int = 32
    latent_tanh: bool = False
    position_inputs: bool = False
    clarity: bool = False

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigurationError: a field is outside its range.
        """
        for name in (
            *("encoder_units", "decoder_units", "latent_units", "mixtures", "category_units"),
            *("hyper_units", "hyper_embedding_units"),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= 1 << 16:
                raise ConfigurationError(f"{name}: expected a whole number from 1 to 65536, found {value!r}")
        for name in ("variational", "latent_tanh", "position_inputs", "clarity"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigurationError(f"{name}: expected true or false, found {getattr(self, name)!r}")
        for name in ("encoder_cell", "decoder_cell"):
            if getattr(self, name) not in CELLS:
                raise ConfigurationError(f"{name}: expected one of {', '.join(CELLS)}, found {getattr(self, name)!r}")
        if not isinstance(self.latent_dropout, int | float) or not 0.0 <= self.latent_dropout <= 1.0:
            raise ConfigurationError(f"latent_dropout: expected a probability, found {self.latent_dropout!r}")
        if not isinstance(self.categories, tuple) or not all(isinstance(name, str) for name in self.categories):
            raise ConfigurationError(f"categories: expected a tuple of names, found {self.categories!r}")
        if len(set(self.categories)) != len(self.categories):
            raise ConfigurationError("categories: a category is named twice")

    @property
    def conditional(self) -> bool:
        """The network is told the category."""
        return len(self.categories) > 1

    @property
    def can_draw_without_latent(self) -> bool:
        """The network draws without being given a z."""
        return not self.variational or self.latent_dropout > 0

    @property
    def condition_units(self) -> int:
        """How many numbers besides the stroke-5 row every decoder step is given: z, then the category embedding."""
        return self.latent_units * self.variational + self.category_units * self.conditional

    @property
    def row_units(self) -> int:
        """How many numbers a decoder step is given of the previous row: stroke-5, then the pen's position."""
        return 5 + POSITION_INPUTS * self.position_inputs

    @property
    def output_units(self) -> int:
        """How many numbers the decoder returns for a step."""
        return PEN_STATES + MIXTURE_PARAMETERS * self.mixtures

    def category_index(self, category: str | None) -> int:
        """Return the embedding row of a category; 0 for a network that knows but one.

        Raises:
            CategoryError: the category is unknown, or none is named and the network knows several.
        """
        if not self.conditional and (category is None or not self.categories):
            return 0
        if category is None:
            raise CategoryError(f"which category? the model knows {len(self.categories)}; name one with --category")
        if category in self.categories:
            return self.categories.index(category)
        known = {name.lower(): name for name in self.categories}
        folded = category.lower().replace("_", " ")
        if folded in known:
            return self.categories.index(known[folded])
        nearest = [known[name] for name in difflib.get_close_matches(folded, known, n=3, cutoff=0.5)]
        hint = f"; did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""
        raise CategoryError(f"unknown category {category!r}{hint} (sketchrnn info lists all {len(known)})")

    def category_name(self, category: str | None) -> str | None:
        """Return a category as the model spells it; None for a model that was told no names.

        Raises:
            CategoryError: as :meth:`category_index` does.
        """
        index = self.category_index(category)
        return self.categories[index] if self.categories else None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {**asdict(self), "categories": list(self.categories)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ModelConfiguration:
        """Make a configuration of :meth:`to_json`'s result.

        Raises:
            ConfigurationError: a field is missing, unknown or outside its range.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or not names - LATER_FIELDS <= set(values) <= names:
            found = sorted(values) if isinstance(values, dict) else repr(values)
            raise ConfigurationError(f"expected the model's fields {sorted(names)}, found {found}")
        categories = values["categories"]
        return cls(**{**values, "categories": tuple(categories) if isinstance(categories, list) else categories})

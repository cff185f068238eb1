"""The architecture: everything that fixes the shapes of the weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from sketchrnn.errors import CategoryError, ConfigurationError
from sketchrnn.model.categories import index_of_name
from sketchrnn.settings import NETWORK, Settings, setting

PEN_STATES = 3
MIXTURE_PARAMETERS = 6  # pi, mu_x, mu_y, sigma_x, sigma_y, rho
MAX_LOG_SIGMA = 7.0
"""Bound on |log sigma|: a deviation of a thousandth of an offset scale is below a hundredth of a pixel."""
MAX_RHO_LOGIT = 5.0
"""Bound on |atanh rho|, so that |rho| <= 0.9999."""
CELLS = ("lstm", "layer_norm", "hyper")
"""The paper's recurrent cells: LSTM, layer-norm LSTM, HyperLSTM."""
POSITION_INPUTS = 8
"""Number of inputs for the pen's position: see :attr:`ModelConfiguration.position_inputs`."""
POSITION_FACTOR = 0.25
"""Positions, in offset scales, are multiplied by this factor, so that most of them are between -2 and 2."""
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
_MOST_UNITS = 1 << 16


def _units(default: int, help: str, **description: Any) -> Any:
    return setting(default, help, minimum=1, maximum=_MOST_UNITS, panel=NETWORK, **description)


@dataclass(frozen=True)
class ModelConfiguration(Settings):
    """Sizes of a network. Defaults are those of Magenta's code (sketch_rnn/model.py, ``get_default_hparams``)."""

    categories: tuple[str, ...] = setting(
        (),
        "Names of the categories, in the order of the embedding's rows.",
        type=str,
        many=True,
        details="With more than one category, the network is conditioned on the category.",
        panel=NETWORK,
    )
    variational: bool = setting(
        True,
        "Use an encoder and a latent vector z; false = the paper's decoder-only model.",
        source="arXiv:1704.03477, section 3.2",
        panel=NETWORK,
    )
    encoder_units: int = _units(256, "LSTM units of the encoder, per direction.")
    decoder_units: int = _units(512, "LSTM units of the decoder.")
    latent_units: int = _units(128, "Size of z.")
    mixtures: int = _units(20, "Components of the mixture over offsets.")
    category_units: int = _units(64, "Size of the category embedding.", details="The paper has no such embedding.")
    latent_dropout: float = setting(
        0.5,
        "Share of sketches that are trained without their z.",
        minimum=0.0,
        maximum=1.0,
        details="These sketches get a learned vector instead. Above 0, the network can complete a prefix without a z. "
        "None of the values that were tried completes better than the default.",
        source="benchmarks/latent_dropout.py",
        panel=NETWORK,
    )
    encoder_cell: str = setting("lstm", "Recurrent cell of the encoder.", choices=CELLS, panel=NETWORK)
    decoder_cell: str = setting("lstm", "Recurrent cell of the decoder.", choices=CELLS, panel=NETWORK)
    hyper_units: int = _units(
        256,
        "Units of the small LSTM of a hyper cell.",
        details="It scales the weights of the large LSTM.",
        source="arXiv:1609.09106",
    )
    hyper_embedding_units: int = _units(
        32, "Size of each of the twelve embeddings of a hyper cell.", source="arXiv:1609.09106"
    )
    latent_tanh: bool = setting(
        False,
        "Make the decoder's initial state from tanh(z).",
        details="Magenta's files before version 6 need this.",
        panel=NETWORK,
    )
    position_inputs: bool = setting(
        False,
        "Give the decoder the position of the pen after each row, as eight more inputs.",
        details="The position is given relative to the first point of the drawing (x, y), to the first point of the "
        "stroke (x, y), to the left and top edge of the drawing so far (x, y), and from the pen to its right and "
        "bottom edge (x, y); in offset scales, times 0.25. Without these inputs, an LSTM has to add up offsets to "
        "close a circle.",
        panel=NETWORK,
    )
    clarity: bool = setting(
        False,
        "Condition the decoder on how clearly the category shows in the drawing.",
        details="A learned vector, times a number from -1 to 1, is added to the category embedding. A model of one "
        "category has none.",
        panel=NETWORK,
    )

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigurationError: a field is outside its range.
        """
        super().__post_init__()
        repeated = [name for index, name in enumerate(self.categories) if name in self.categories[:index]]
        if repeated:
            raise ConfigurationError(f"categories: expected different names, found {repeated[0]!r} twice")

    @property
    def conditional(self) -> bool:
        """Whether the network is conditioned on the category."""
        return len(self.categories) > 1

    @property
    def can_draw_without_latent(self) -> bool:
        """Whether the network can draw without a z."""
        return not self.variational or self.latent_dropout > 0

    @property
    def conditioning_units(self) -> int:
        """Size of the conditioning: z, then the category embedding. Each decoder step gets it besides the row."""
        return self.latent_units * self.variational + self.category_units * self.conditional

    @property
    def row_units(self) -> int:
        """Size of a decoder step's row: stroke-5, then the position of the pen."""
        return 5 + POSITION_INPUTS * self.position_inputs

    @property
    def output_units(self) -> int:
        """Size of the decoder's output for one step."""
        return PEN_STATES + MIXTURE_PARAMETERS * self.mixtures

    def category_index(self, category: str | None) -> int:
        """Return the embedding row of a category; 0 for a network with one category.

        Raises:
            CategoryError: the category is unknown, or it is None and the network has several.
        """
        if not self.conditional and (category is None or not self.categories):
            return 0
        if category is None:
            raise CategoryError(
                f"expected one of {len(self.categories)} categories, found none. Choose one with --category"
            )
        return index_of_name(category, self.categories)

    def category_name(self, category: str | None) -> str | None:
        """Return a category as the model spells it; None for a model whose categories have no names.

        Raises:
            CategoryError: see :meth:`category_index`.
        """
        index = self.category_index(category)
        return self.categories[index] if self.categories else None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {**asdict(self), "categories": list(self.categories)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ModelConfiguration:
        """Make a configuration from the result of :meth:`to_json`.

        Raises:
            ConfigurationError: a field is missing, unknown or outside its range.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or not names - LATER_FIELDS <= set(values) <= names:
            found = sorted(values) if isinstance(values, dict) else repr(values)
            raise ConfigurationError(f"expected the model's fields {sorted(names)}, found {found}")
        categories = values["categories"]
        return cls(**{**values, "categories": tuple(categories) if isinstance(categories, list) else categories})

"""What requests and answers of the HTTP API look like; the OpenAPI document is made of this."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sketchrnn.model.sampling import (
    LARGEST_GUIDANCE,
    LARGEST_SEED,
    LATENTS,
    LEAST_TEMPERATURE,
    PENS,
    SamplingConfiguration,
)
from sketchrnn.sketch import Sketch
from sketchrnn.web import limits

_DEFAULTS = SamplingConfiguration()


def _whole(value: object) -> object:
    """Take 3.0 for 3, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _not_tiny(value: float) -> float:
    """Take what is too small for float32 to divide by for 0."""
    return value if value >= LEAST_TEMPERATURE else 0.0


Temperature = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False, strict=True), AfterValidator(_not_tiny)]
Whole = Annotated[int, BeforeValidator(_whole), Field(strict=True)]
Coordinate = Annotated[float, Field(ge=-limits.COORDINATE, le=limits.COORDINATE, allow_inf_nan=False, strict=True)]
Point = tuple[Coordinate, Coordinate]
Stroke = Annotated[list[Point], Field(min_length=1, max_length=limits.POINTS)]


class Prefix(BaseModel):
    """A partial sketch, in any unit, y pointing down."""

    model_config = ConfigDict(extra="forbid")

    strokes: list[Stroke] = Field(
        max_length=limits.STROKES,
        description=f"Strokes, each a list of points [x, y]; at most {limits.POINTS} points in all. No stroke draws "
        "from nothing.",
        examples=[[[[20, 130], [84, 126], [150, 128], [236, 124]]]],
    )
    pen_down: bool = Field(
        False, strict=True, description="The last stroke is unfinished: the pen still rests on its last point."
    )
    scale: float | None = Field(
        None,
        ge=1 / limits.COORDINATE,
        le=limits.COORDINATE,
        allow_inf_nan=False,
        strict=True,
        description="Units of the model's training drawings (pixels of the 255 box) in one of the sketch's; null to "
        "find it by the likelihood.",
    )

    @model_validator(mode="after")
    def check_points(self) -> Prefix:
        """Refuse more points than all strokes may have together."""
        points = sum(len(stroke) for stroke in self.strokes)
        if points > limits.POINTS:
            raise ValueError(f"expected at most {limits.POINTS} points in all strokes together, found {points}")
        return self

    def sketch(self) -> Sketch:
        """Return it as a sketch."""
        return Sketch.from_polylines(self.strokes, pen_down=self.pen_down)


class GuessRequest(Prefix):
    """A partial sketch to be guessed."""

    count: Whole = Field(5, ge=1, le=1000, description="How many categories to name.")


class CompletionRequest(Prefix):
    """A partial sketch to be completed, and how."""

    category: str | None = Field(
        None, max_length=200, description="What to draw, as /api/model spells it; null for what it most probably is."
    )
    count: Whole = Field(1, ge=1, le=limits.COUNT, description="How many completions.")
    temperature: Temperature = Field(
        _DEFAULTS.temperature, description="0 takes the likeliest, low is careful, 1 as varied as training drawings."
    )
    pen_temperature: Temperature = Field(
        _DEFAULTS.pen_temperature, description="The same for the pen: when it lifts, and when the drawing ends."
    )
    top_p: float = Field(
        _DEFAULTS.top_p,
        gt=0,
        le=1,
        allow_inf_nan=False,
        strict=True,
        description="Only the likeliest components of the mixture that together have this weight are drawn from.",
    )
    guidance: float = Field(
        _DEFAULTS.guidance,
        ge=0,
        le=LARGEST_GUIDANCE,
        allow_inf_nan=False,
        strict=True,
        description="How clearly the category shows: 1 as in the training drawings, more than them, 0 that of none.",
    )
    seed: Whole = Field(
        _DEFAULTS.seed,
        ge=0,
        le=LARGEST_SEED,
        description="Completion i is drawn with seed + i; the same seed draws the same.",
    )
    max_points: Whole = Field(
        _DEFAULTS.max_points,
        ge=1,
        le=limits.MAX_POINTS,
        description="A completion that has not ended after so many new points is cut.",
    )
    latent: Literal[LATENTS] = Field(  # type: ignore[valid-type]  # one list of names, not two
        _DEFAULTS.latent, description="Where z comes from, for a model with an encoder."
    )

    pen: Literal[PENS] | None = Field(  # type: ignore[valid-type]
        None, description="Is the pen up or down after the last point? auto: what is likelier; null: as pen_down says."
    )

    def sampling(self) -> SamplingConfiguration:
        """Return how to sample."""
        return SamplingConfiguration(
            **{field.name: getattr(self, field.name) for field in fields(SamplingConfiguration)}
        )


class WholeCompletionRequest(CompletionRequest):
    """A partial sketch to be completed, which completions to choose, and in which format."""

    choose_from: Whole = Field(
        1, ge=1, le=limits.CHOOSE_FROM, description="How many are begun for each that is returned: the best of them."
    )
    diverse: bool = Field(
        False, strict=True, description="Of all that were drawn return those that differ most from one another."
    )

    format: Literal["json", "svg", "ndjson"] = Field(
        "json", description="JSON; a picture with the layers prefix and completion; or a Quick, Draw! record a line."
    )


class Category(BaseModel):
    """A category that a sketch may belong to."""

    category: str
    probability: float = Field(
        description="By the model, if a category is as likely, before the sketch is seen, as it was in training."
    )


class Guesses(BaseModel):
    """Categories, the most probable first."""

    guesses: list[Category]


class Completion(BaseModel):
    """What the model drew."""

    strokes: list[list[tuple[float, float]]] = Field(
        description="The new strokes. If the prefix left the pen down, the first begins at its last point."
    )
    ended: bool = Field(description="The model ended the drawing by itself; otherwise it was cut.")
    seed: int
    nats_per_point: float = Field(description="How unlikely the model, at temperature 1, holds what it drew.")


class Completions(BaseModel):
    """Completions of one prefix."""

    category: str | None = Field(description="What was drawn; null for a model without names.")
    completions: list[Completion]


class Started(BaseModel):
    """First line of a stream."""

    event: Literal["start"] = "start"
    category: str | None
    seeds: list[int]


class Drawn(BaseModel):
    """Points that a drawing goes on with."""

    event: Literal["points"] = "points"
    drawing: int = Field(description="Which completion, from 0.")
    points: list[tuple[float, float]] = Field(description="The next points of its stroke.")
    lift: bool = Field(description="The stroke ends with the last of them.")


class Ended(BaseModel):
    """A drawing is done."""

    event: Literal["end"] = "end"
    drawing: int
    ended: bool = Field(description="The model ended it; otherwise it was cut.")


class Failed(BaseModel):
    """The stream breaks off."""

    event: Literal["error"] = "error"
    detail: str


Event = Annotated[Started | Drawn | Ended | Failed, Field(discriminator="event")]


class Model(BaseModel):
    """The model that draws."""

    name: str
    categories: list[str] = Field(description="What it draws; empty for a model without names.")
    guesses: bool = Field(description="It can say what a sketch is going to be.")
    unit: Literal["box", "source"] = Field(description='"box": finished drawings are about 255 wide.')
    page_scale: float = Field(description="The scale with which the page, whose sheet is 300 units high, asks.")
    version: str = Field(description="Of sketchrnn.")


class Error(BaseModel):
    """Why a request was refused."""

    detail: str

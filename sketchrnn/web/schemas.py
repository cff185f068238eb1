"""What requests and answers of the HTTP API look like; the OpenAPI document is made of this."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sketchrnn.drawing.configuration import LARGEST_SEED, LATENTS, SamplingConfiguration
from sketchrnn.sketch import Sketch
from sketchrnn.web import limits

_DEFAULTS = SamplingConfiguration()


def _whole(value: object) -> object:
    """Take 3.0 for 3, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole), Field(strict=True)]
Coordinate = Annotated[float, Field(ge=-limits.COORDINATE, le=limits.COORDINATE, allow_inf_nan=False, strict=True)]
Point = tuple[Coordinate, Coordinate]
Stroke = Annotated[list[Point], Field(min_length=1, max_length=limits.POINTS)]


class Prefix(BaseModel):
    """A partial sketch, in the units that the model was trained in: about 255 wide when finished, y pointing down."""

    model_config = ConfigDict(extra="forbid")

    strokes: list[Stroke] = Field(
        max_length=limits.STROKES,
        description=f"Strokes, each a list of points [x, y]; at most {limits.POINTS} points in all. They should be "
        "simplified as Quick, Draw! drawings are (Ramer-Douglas-Peucker, epsilon 2). None draws from nothing.",
        examples=[[[[20, 130], [84, 126], [150, 128], [236, 124]]]],
    )
    pen_down: bool = Field(False, description="The last stroke is unfinished: the pen still rests on its last point.")

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
    temperature: float = Field(
        _DEFAULTS.temperature,
        ge=limits.LEAST_TEMPERATURE,
        le=10,
        allow_inf_nan=False,
        description="Low is careful, 1 as varied as the training drawings.",
        strict=True,
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

    def sampling(self) -> SamplingConfiguration:
        """Return how to sample."""
        return SamplingConfiguration(self.temperature, self.max_points, self.seed, self.latent)


class WholeCompletionRequest(CompletionRequest):
    """A partial sketch to be completed, and in which format."""

    format: Literal["json", "svg", "ndjson"] = Field(
        "json", description="JSON; a picture with the layers prefix and completion; or a Quick, Draw! record a line."
    )


class Category(BaseModel):
    """A category that a sketch may belong to."""

    category: str
    probability: float = Field(
        description="By the model, if every category is as likely as any other before the sketch is seen."
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
    version: str = Field(description="Of sketchrnn.")


class Error(BaseModel):
    """Why a request was refused."""

    detail: str

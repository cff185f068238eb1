"""A canvas to draw on in a notebook: :class:`Canvas`. Needs the extra ``notebook``.

The browser draws everything, with the same engine as the page. The script contains the engine. The weights of the model
are sent only when the browser asks for them, once per page, so that saved notebooks do not contain them.

Reference:
    https://anywidget.dev/en/afm/
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from sketchrnn.errors import CategoryError, ConfigurationError
from sketchrnn.formats import Record
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.model.drawing import Drawing
from sketchrnn.model.loading import load_model
from sketchrnn.model.sampling import Request, Sampling
from sketchrnn.settings import settings_of
from sketchrnn.sketch import Sketch
from sketchrnn.web.model_file import page_model
from sketchrnn.web.page_files import WORKER, bundled

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise ConfigurationError(f"{error}. Install it: pip install 'sketchrnn[notebook]'") from error

BOX_OF_A_SCALE = 30.0
"""Units of the sheet in an offset scale, for models with another unit than the sheet."""
MOST_COMPLETIONS = 100
"""Most completions that one canvas shows."""

_SETTINGS = {name: description for owner in (Request, Sampling) for name, _, description in settings_of(owner)}
_SETTINGS["count"] = replace(_SETTINGS["count"], maximum=MOST_COMPLETIONS)
_DEFAULTS = {name: default for owner in (Request, Sampling) for name, default, _ in settings_of(owner)}


def _script() -> str:
    """Return the module that the browser runs: the user interface, the engine, and the engine's worker as text."""
    text = (files("sketchrnn.hosts") / "notebook.js").read_text(encoding="utf-8")
    worker = f"const WORKER = {json.dumps(bundled(WORKER))};\n"
    return f"{worker}{bundled('notebook.js', text)}export default {{ render: module_notebook.render }};\n"


@dataclass(frozen=True)
class _BrowserModel:
    """A model for the browser.

    Attributes:
        file: what :func:`sketchrnn.web.model_file.page_model` returns.
        configuration: of the model.
        sheet_scale: pixels of a finished drawing 255 wide in one unit of the sheet.
    """

    file: bytes
    configuration: ModelConfiguration
    sheet_scale: float

    @classmethod
    def load(cls, path: str | Path | None) -> _BrowserModel:
        checkpoint = load_model(path)
        scale = 1.0 if checkpoint.unit == "box" else checkpoint.offset_scale / BOX_OF_A_SCALE
        return cls(page_model(checkpoint, "int8"), checkpoint.configuration, scale)

    @functools.cached_property
    def key(self) -> str:
        """Key of a loaded model that canvases can share: script and file, independent of the order in its header."""
        begin = 8 + int.from_bytes(self.file[:8], "little")
        header = json.dumps(json.loads(self.file[8:begin]), sort_keys=True)
        return hashlib.sha256(Canvas._esm.encode() + header.encode() + self.file[begin:]).hexdigest()


_shipped = functools.cache(functools.partial(_BrowserModel.load, None))


class Canvas(anywidget.AnyWidget):
    """A canvas in a notebook: you draw, and the model completes the drawing, in the browser.

    Python and the browser share the attributes: a drawing in the cell can be read in Python, and values that are set in
    Python are shown in the cell. ``canvas.observe(function, "sketch")`` calls a function after each stroke.

    Attributes:
        sketch: the partial sketch; a new one removes the completions. A record can be set too.
        completions: the drawings of the model, a tuple of :class:`sketchrnn.Drawing`. Completions of the sketch by
            :meth:`sketchrnn.Model.complete` can be set too.
        category: what to draw; None for the most probable category.
        seed: of the first completion.
        temperature: variety of the lines.
        count: number of completions.
    """

    _esm = _script()
    _css = (files("sketchrnn.hosts") / "notebook.css").read_text(encoding="utf-8")

    sketch = traitlets.Any()
    completions = traitlets.Any(())
    category = traitlets.Any(None).tag(sync=True)
    seed = traitlets.Any(_DEFAULTS["seed"]).tag(sync=True)
    temperature = traitlets.Any(_DEFAULTS["temperature"]).tag(sync=True)
    count = traitlets.Any(_DEFAULTS["count"]).tag(sync=True)

    _content = traitlets.Dict().tag(sync=True)  # sketch and completions in one value, so that they always fit together
    _model = traitlets.Dict().tag(sync=True)  # data for the browser before it has the file

    def __init__(self, model: str | Path | None = None, **settings: Any) -> None:
        """Load a model.

        Args:
            model: a checkpoint; None for the model that comes with sketchrnn. The browser gets weights in int8.
            settings: initial values of the attributes, and those of any notebook widget, such as ``layout``.

        Raises:
            CategoryError: the category is unknown.
            CheckpointError: the file is missing, damaged or something else.
            ConfigurationError: a setting is unknown or outside its range.
        """
        unknown = [name for name in settings if name.startswith("_") or not self.has_trait(name)]
        if unknown:
            expected = "sketch, completions, category, seed, temperature, count or layout"
            raise ConfigurationError(f"unknown setting {unknown[0]!r}; expected {expected}")
        self._browser_model = _shipped() if model is None else _BrowserModel.load(model)
        description = {
            "key": self._browser_model.key,
            "categories": list(self._browser_model.configuration.categories),
            "sheetScale": self._browser_model.sheet_scale,
        }
        super().__init__(_model=description, **settings)
        self.on_msg(self._answer)

    @property
    def scale(self) -> float | None:
        """Pixels of a finished drawing 255 wide in one unit of the sketch.

        It is None for a sketch that was set in Python: it is then estimated.
        """
        scale: float | None = self._content["sketch"]["scale"]
        return scale

    @traitlets.default("sketch")
    def _default_sketch(self) -> Sketch:
        return Sketch(())

    @traitlets.default("_content")
    def _default_content(self) -> dict[str, Any]:
        return _content_of(Sketch(()))

    @traitlets.validate("sketch")
    def _check_sketch(self, proposal: Any) -> Sketch:
        value = proposal.value
        if not isinstance(value, Sketch | Record):
            raise ConfigurationError(f"sketch: expected a Sketch or a Record, found {type(value).__name__}")
        return value.sketch if isinstance(value, Record) else value

    @traitlets.validate("completions")
    def _check_completions(self, proposal: Any) -> tuple[Drawing, ...]:
        value = proposal.value
        if not isinstance(value, tuple | list) or not all(isinstance(each, Drawing) for each in value):
            raise ConfigurationError("completions: expected a list of drawings, as Model.complete returns it")
        if not all(each.prefix == self.sketch for each in value):
            raise ConfigurationError(
                "completions: expected completions of the canvas's sketch, found those of another. Set the sketch first"
            )
        return tuple(value)

    @traitlets.validate("category")
    def _check_category(self, proposal: Any) -> str | None:
        value = proposal.value
        if value is None:
            return None
        if not isinstance(value, str):
            raise CategoryError(f"category: expected a name or None, found {value!r}")
        return self._browser_model.configuration.category_name(value)

    @traitlets.validate("seed", "temperature", "count")
    def _check_setting(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        if not _SETTINGS[name].accepts(value):
            raise ConfigurationError(f"{name}: expected {_SETTINGS[name].expected}, found {value!r}")
        return value

    @traitlets.observe("sketch")
    def _show_sketch(self, change: Any) -> None:
        if self.sketch != _sketch_of(self._content["sketch"]):
            self._content = _content_of(self.sketch)

    @traitlets.observe("completions")
    def _show_completions(self, change: Any) -> None:
        completions = [_plain(each) for each in self.completions]
        if completions != self._content["completions"]:
            self._content = {**self._content, "completions": completions}

    @traitlets.observe("_content")
    def _take_over(self, change: Any) -> None:
        """Apply a change from the browser."""
        sketch = _sketch_of(self._content["sketch"])
        with self.hold_trait_notifications():
            if sketch != self.sketch:
                self.sketch = sketch
            if self._content["completions"] != [_plain(each) for each in self.completions]:
                self.completions = tuple(_drawing_of(sketch, each) for each in self._content["completions"])

    def _answer(self, _: Any, message: dict[str, Any], buffers: Any) -> None:
        """Send the model's file to a page that does not have it."""
        if message.get("kind") == "model":
            self.send({"kind": "model"}, buffers=[self._browser_model.file])


def _content_of(sketch: Sketch) -> dict[str, Any]:
    return {"sketch": {**_strokes(sketch), "scale": None}, "completions": []}


def _strokes(sketch: Sketch) -> dict[str, Any]:
    return {"strokes": [stroke.tolist() for stroke in sketch.strokes], "penDown": sketch.pen_down}


def _sketch_of(plain: dict[str, Any]) -> Sketch:
    return Sketch.from_polylines(plain["strokes"], pen_down=plain["penDown"])


def _plain(drawing: Drawing) -> dict[str, Any]:
    """Return the new strokes of a drawing in the layout of the browser."""
    fields = ("category", "seed", "candidate", "ended", "score")
    return {**_strokes(drawing.completion), **{name: getattr(drawing, name) for name in fields}}


def _drawing_of(prefix: Sketch, plain: dict[str, Any]) -> Drawing:
    fields = {name: plain[name] for name in ("category", "seed", "candidate", "ended", "score")}
    return Drawing(prefix, _sketch_of(plain), **fields)

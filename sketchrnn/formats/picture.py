"""Pictures of drawings in every format that can be written: one drawing, a sheet, layers in a document, animations.

Images (PNG in any size, animated GIF and APNG) need the extra ``image``: resvg renders SVG like browsers, and its wheel
needs no system libraries. Pillow writes all three formats.
"""

from __future__ import annotations

import io
import logging
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sketchrnn.errors import ConfigurationError, import_extra
from sketchrnn.formats.json_drawings import dumps_polyline_json
from sketchrnn.formats.quickdraw import dumps_ndjson
from sketchrnn.formats.record import Record
from sketchrnn.formats.svg.style import (
    DEFAULT_SECONDS,
    LONGEST_SECONDS,
    Animation,
    RenderStyle,
    optimized,
    travel_length,
)
from sketchrnn.formats.svg.writing import Layer, add_layers, svg_drawing, svg_sheet
from sketchrnn.settings import LOOK, OUTPUT, Settings, setting

if TYPE_CHECKING:
    from PIL import Image

    from sketchrnn.formats.svg.reading import SvgDrawing

IMAGE_KINDS = ("png", "apng", "gif")
MOVING_KINDS = ("apng", "gif")
DEFAULT_SIZE = 512
LARGEST_SIZE = 16_384
FRAME_MILLISECONDS = 50  # frames a second that GIF viewers can show
HOLD_MILLISECONDS = 1_500  # seconds that the finished drawing is shown before the animation repeats
_DPI = 96  # CSS pixels in a millimeter
KINDS = ("svg", "ndjson", "json", *IMAGE_KINDS)
"""Formats that can be written."""
_USUAL_WIDTH = 0.01  # of the drawing's larger side: width of lines that are added to outlines

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PictureSettings(Settings):
    """What a picture looks like; ``look`` sets its lines and its page."""

    look: RenderStyle = field(default_factory=RenderStyle)
    line_color: str | None = setting(
        None,
        "Color of the lines that the model draws, as in CSS.",
        type=str,
        default_text="orange; in an SVG document, the color of the continued line",
        panel=LOOK,
        metavar="COLOR",
    )
    columns: int | None = setting(
        None,
        "Pictures in a row of a sheet.",
        type=int,
        minimum=1,
        maximum=1000,
        default_text="as many as rows",
        panel=LOOK,
    )
    cell_size: int = setting(
        160, "Size of a picture on a sheet, in pixels.", minimum=8, maximum=10_000, unit="pixels", panel=LOOK
    )
    animate: bool = setting(
        False, "Write an animated SVG, without a script; gif and apng are always animated.", panel=OUTPUT
    )
    seconds: float = setting(
        DEFAULT_SECONDS,
        "Length of the animation, in seconds.",
        above=0.0,
        maximum=LONGEST_SECONDS,
        unit="seconds",
        panel=OUTPUT,
    )
    size: int = setting(
        DEFAULT_SIZE,
        "Larger side of an image, in pixels.",
        minimum=1,
        maximum=LARGEST_SIZE,
        unit="pixels",
        panel=OUTPUT,
    )
    redraw: bool = setting(False, "Redraw the lines of an SVG document, instead of adding layers to it.", panel=OUTPUT)

    def keeps_documents(self, kind: str) -> bool:
        """Return whether an SVG document gets layers, instead of being redrawn."""
        return not self.redraw and not self.animate and kind in ("svg", "png")


def render_records(records: Sequence[Record], kind: str, title: str, settings: PictureSettings | None = None) -> bytes:
    """Return drawings as the content of one file.

    Args:
        records: one or more; SVG and images show several as a sheet.
        kind: one of :data:`KINDS`.
        title: of the picture.
        settings: by default plain lines.

    Raises:
        ConfigurationError: the drawings do not fit the kind, or an extra is missing.
    """
    pictures = [_with_layers(record) for record in records]
    settings = settings or PictureSettings()
    if kind not in KINDS:
        raise ConfigurationError(f"format: expected one of {', '.join(KINDS)}, found {kind!r}")
    if settings.animate and kind not in ("svg", *MOVING_KINDS):
        raise ConfigurationError(f"animate: expected the format svg, {' or '.join(MOVING_KINDS)}, found {kind}")
    if kind == "ndjson":
        return dumps_ndjson(pictures).encode()
    if kind == "json":
        if len(pictures) != 1:
            raise ConfigurationError(
                f"expected one drawing for polyline JSON, found {len(pictures)}. Write ndjson, or use %d in the name"
            )
        return dumps_polyline_json(pictures[0].sketch).encode()
    _log_travel(pictures, settings)
    if kind in MOVING_KINDS:
        return moving_image(
            lambda at: _svg(pictures, kind, title, settings, at), kind, settings.seconds, size=settings.size
        )
    document = _svg(pictures, kind, title, settings, Animation(settings.seconds) if settings.animate else None)
    return png(document, size=settings.size) if kind == "png" else document


def _with_layers(record: Record) -> Record:
    """Return a record with layers; one that had none does not continue a document."""
    if record.layers:
        return record
    return replace(record, label=record.word or "drawing", layers=(Layer(record.sketch, "drawing"),), source=None)


def _svg(
    pictures: Sequence[Record], kind: str, title: str, settings: PictureSettings, animation: Animation | None
) -> bytes:
    look = settings.look
    source = pictures[0].source if pictures else None
    if source is not None and settings.keeps_documents(kind):
        _check_page_is_kept(settings)
        layers = [_added(picture, source, settings, hidden=number > 0) for number, picture in enumerate(pictures)]
        before = len(source.lines)
        return add_layers(source.content, layers, style=look.style, optimize=look.optimize, strokes_before=before)
    cells = [(picture.label, _colored(picture.layers, settings.line_color)) for picture in pictures]
    if len(cells) == 1:
        text = svg_drawing(
            cells[0][1], title=title, description=pictures[0].description, render_style=look, animation=animation
        )
    else:
        text = svg_sheet(
            cells,
            columns=settings.columns,
            cell=settings.cell_size,
            title=title,
            render_style=look,
            animation=animation,
        )
    return text.encode()


def _check_page_is_kept(settings: PictureSettings) -> None:
    """Reject settings that change the page of a document that only gets layers."""
    look = settings.look
    given = {"page": look.page, "margin": look.margin, "background": look.background, "columns": settings.columns}
    for name, value in given.items():
        if value is not None:
            raise ConfigurationError(f"{name} needs redraw: the SVG document is kept and only gets layers")


def _colored(layers: Sequence[Layer], color: str | None) -> list[Layer]:
    return [*layers[:-1], replace(layers[-1], color=color or layers[-1].color)]


def _added(picture: Record, drawing: SvgDrawing, settings: PictureSettings, *, hidden: bool) -> Layer:
    """Return a drawing as a layer, in the color and width of the line that it continues."""
    layer, line = picture.layers[-1], drawing.lines[-1]
    extent = drawing.sketch.extent
    width = line.width or extent * _USUAL_WIDTH
    wanted = settings.look.stroke_width
    if wanted is not None and wanted.millimeters is None:
        width = wanted.in_drawing(extent)
    elif wanted is not None and wanted.millimeters is not None:
        if drawing.millimeters is None:
            raise ConfigurationError(
                f"line width: expected a number, because the SVG document has no unit of length, found {wanted}"
            )
        width = wanted.millimeters / drawing.millimeters
    _log_page(picture, drawing)
    color = settings.line_color or line.color
    return replace(layer, color=color, stroke_width=width, opacity=line.opacity, hidden=hidden)


def _log_page(picture: Record, drawing: SvgDrawing) -> None:
    page = drawing.page
    if page is None or not picture.layers[-1].sketch.strokes:
        return
    x_min, y_min, x_max, y_max = picture.layers[-1].sketch.bounds()
    if x_min < page[0] or y_min < page[1] or x_max > page[0] + page[2] or y_max > page[1] + page[3]:
        logger.info("%s: extends beyond the page; try another seed or a smaller scale", picture.label)


def _log_travel(pictures: Sequence[Record], settings: PictureSettings) -> None:
    if not settings.look.optimize:
        return
    sketches = [layer.sketch for picture in pictures for layer in picture.layers if layer.sketch.strokes]
    before, after = (
        sum(travel_length(one.strokes, one.first_point) for one in drawn)
        for drawn in (sketches, [optimized(sketch) for sketch in sketches])
    )
    logger.debug("the lifted pen travels %.4g instead of %.4g", after, before)


def check_available() -> None:
    """Check, before drawing, that images can be written.

    Raises:
        ConfigurationError: the extra ``image`` is not installed.
    """
    for module in ("resvg_py", "PIL.Image"):
        import_extra(module, "image")


def png(document: str | bytes, *, size: int = DEFAULT_SIZE) -> bytes:
    """Return an SVG document as PNG, its larger side ``size`` pixels; transparency is kept."""
    import resvg_py

    from sketchrnn.formats.svg.reading import parse_root

    root = parse_root(document.encode() if isinstance(document, str) else document)
    width, height = _aspect(root)
    text = ElementTree.tostring(root, encoding="unicode")
    data = resvg_py.svg_to_bytes(
        svg_string=text,
        dpi=_DPI,
        skip_system_fonts="text>" not in text,  # reading all of them takes long
        width=size if width >= height else None,
        height=None if width >= height else size,
    )
    return bytes(data)


def on_white(document: str | bytes, size: int) -> Image.Image:
    """Return an SVG document as a Pillow image on white paper, its larger side ``size`` pixels.

    Raises:
        ConfigurationError: the extra ``image`` is not installed.
    """
    check_available()
    from PIL import Image

    image = Image.open(io.BytesIO(png(document, size=size))).convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    return paper.convert("RGB")


def moving_image(
    frame: Callable[[Animation], str | bytes], kind: str, seconds: float, *, size: int = DEFAULT_SIZE
) -> bytes:
    """Return a GIF or an APNG of a drawing as it is drawn, in a loop.

    Args:
        frame: returns the SVG document at a time.
        kind: ``gif``, on white, or ``apng``.
        seconds: from the first point to the last.
        size: pixels of the larger side.
    """
    count = max(1, round(seconds * 1000 / FRAME_MILLISECONDS))
    moments = [Animation(seconds, at=seconds * (number + 1) / count) for number in range(count)]
    images = [_image(frame(moment), size, kind) for moment in moments]
    durations = [FRAME_MILLISECONDS] * (count - 1) + [HOLD_MILLISECONDS]
    output = io.BytesIO()
    images[0].save(
        output,
        format="GIF" if kind == "gif" else "PNG",
        save_all=True,
        append_images=images[1:],
        duration=durations,
        loop=0,
        optimize=False,
        **({"disposal": 1} if kind == "gif" else {}),
    )
    return output.getvalue()


def _image(document: str | bytes, size: int, kind: str) -> Image.Image:
    from PIL import Image

    if kind == "gif":
        return on_white(document, size).quantize(colors=64, dither=Image.Dither.NONE)
    return Image.open(io.BytesIO(png(document, size=size))).convert("RGBA")


def _aspect(root: ElementTree.Element) -> tuple[float, float]:
    """Return width and height, in the same unit."""
    numbers = [float(number) for number in root.get("viewBox", "").replace(",", " ").split()]
    if len(numbers) == 4:
        return numbers[2], numbers[3]
    return tuple(
        float("".join(filter("0123456789.".__contains__, root.get(side, "1")))) for side in ("width", "height")
    )  # type: ignore[return-value]

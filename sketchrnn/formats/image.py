"""Pixels: PNG at any size, and GIF or APNG of a picture that draws itself. Needs the extra ``image``.

resvg draws SVG as browsers do and comes as a wheel without system libraries; Pillow writes all three formats.
"""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import TYPE_CHECKING

from sketchrnn.errors import ConfigurationError
from sketchrnn.formats.svg.reading import parse_root
from sketchrnn.formats.svg.style import Animation

if TYPE_CHECKING:
    from PIL import Image

IMAGE_KINDS = ("png", "apng", "gif")
MOVING_KINDS = ("apng", "gif")
DEFAULT_SIZE = 512
LARGEST_SIZE = 16_384
FRAME_MILLISECONDS = 50  # what viewers of GIF show without slowing down
HOLD_MILLISECONDS = 1_500  # how long the finished drawing stands before it begins again
_DPI = 96  # of CSS: what a millimetre is in pixels, where the size is the document's own


def check_available() -> None:
    """Find out, before the work, whether images can be made.

    Raises:
        ConfigurationError: the extra ``image`` is not installed.
    """
    try:
        import PIL.Image  # noqa: F401
        import resvg_py  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(f"{error}. Install it: pip install 'sketchrnn[image]'") from error


def png(document: str | bytes, *, size: int = DEFAULT_SIZE) -> bytes:
    """Return an SVG document as PNG; what is transparent stays so.

    Args:
        document: SVG.
        size: pixels of the larger side.
    """
    return _png_by_resvg(document, size)


def moving_image(
    frame: Callable[[Animation], str | bytes], kind: str, seconds: float, *, size: int = DEFAULT_SIZE
) -> bytes:
    """Return a GIF or an APNG that shows a drawing as it is drawn, again and again.

    Args:
        frame: returns the SVG document of a moment.
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

    image = Image.open(io.BytesIO(_png_by_resvg(document, size))).convert("RGBA")
    if kind != "gif":
        return image
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    return paper.convert("RGB").quantize(colors=64, dither=Image.Dither.NONE)


def _png_by_resvg(document: str | bytes, size: int) -> bytes:
    import resvg_py

    root = parse_root(document.encode() if isinstance(document, str) else document)
    width, height = _aspect(root)
    wide = width >= height
    text = ElementTree.tostring(root, encoding="unicode")
    data = resvg_py.svg_to_bytes(
        svg_string=text,
        dpi=_DPI,
        skip_system_fonts="text>" not in text,  # to read them all takes a while
        width=size if wide else None,
        height=None if wide else size,
    )
    return bytes(data)


def _aspect(root: ElementTree.Element) -> tuple[float, float]:
    """Return width and height in a unit of their own."""
    numbers = [float(number) for number in root.get("viewBox", "").replace(",", " ").split()]
    if len(numbers) == 4:
        return numbers[2], numbers[3]
    return tuple(
        float("".join(filter("0123456789.".__contains__, root.get(side, "1")))) for side in ("width", "height")
    )  # type: ignore[return-value]

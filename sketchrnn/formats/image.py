"""Images: PNG in any size, and animated GIF or APNG. Needs the extra ``image``.

resvg renders SVG like browsers, and its wheel needs no system libraries. Pillow writes all three formats.
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
FRAME_MILLISECONDS = 50  # frames a second that GIF viewers can show
HOLD_MILLISECONDS = 1_500  # seconds that the finished drawing is shown before the animation repeats
_DPI = 96  # CSS pixels in a millimeter


def check_available() -> None:
    """Check, before drawing, that images can be written.

    Raises:
        ConfigurationError: the extra ``image`` is not installed.
    """
    try:
        import PIL.Image  # noqa: F401
        import resvg_py  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(f"{error}. Install it: pip install 'sketchrnn[image]'") from error


def png(document: str | bytes, *, size: int = DEFAULT_SIZE) -> bytes:
    """Return an SVG document as PNG; transparency is kept.

    Args:
        document: SVG.
        size: pixels of the larger side.
    """
    return _png_by_resvg(document, size)


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
        skip_system_fonts="text>" not in text,  # reading all of them takes long
        width=size if wide else None,
        height=None if wide else size,
    )
    return bytes(data)


def _aspect(root: ElementTree.Element) -> tuple[float, float]:
    """Return width and height, in the same unit."""
    numbers = [float(number) for number in root.get("viewBox", "").replace(",", " ").split()]
    if len(numbers) == 4:
        return numbers[2], numbers[3]
    return tuple(
        float("".join(filter("0123456789.".__contains__, root.get(side, "1")))) for side in ("width", "height")
    )  # type: ignore[return-value]

"""The files of the page: HTML, style and scripts, as the server sends them, and the scripts as one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

from sketchrnn.model.checkpoint import Checkpoint

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?P<name>[\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) )", re.MULTILINE)

MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
STYLE = "style.css"
INDEX = "index.html"
ICON = "icon.svg"
SERVED_SCRIPT = "main-server.js"
EXPORTED_SCRIPT = "main-export.js"
WORKER_SCRIPT = "worker.js"
PAGE_MODULES = (SERVED_SCRIPT, EXPORTED_SCRIPT, WORKER_SCRIPT)
"""The modules that the served page, the exported one, and its worker begin with."""


BOX_OF_A_SCALE = 30.0
"""Units of the page's sheet in an offset_scale: a finished drawing then takes most of the sheet."""


@dataclass(frozen=True)
class PageFile:
    """A file as it is sent.

    Attributes:
        content: its bytes.
        media_type: of the Content-Type header.
        etag: changes with the content.
    """

    content: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, name: str) -> PageFile:
        """Read a file of the package."""
        content = page_text(name).encode()
        return cls(content, MEDIA_TYPES[name.rpartition(".")[2]], f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def page_text(name: str) -> str:
    """Return a file of the page."""
    return (files("sketchrnn.web") / "page" / name).read_text(encoding="utf-8")


def page_files() -> dict[str, PageFile]:
    """Return the files that the served page consists of, by the path that they are asked for by."""
    names = [INDEX, STYLE, ICON, *modules(SERVED_SCRIPT)]
    return {"/" if name == INDEX else f"/{name}": PageFile.of(name) for name in names}


def modules(entry: str) -> list[str]:
    """Return the names of a module and of all that it imports, each after what it imports itself."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name not in ordered:
            for match in _IMPORT.finditer(page_text(name)):
                visit(match["name"])
            ordered.append(name)

    visit(entry)
    return ordered


def bundled(entry: str) -> str:
    """Return a module and all that it imports as one script, without imports and exports.

    For pages that are opened as a file, whose scripts browsers let import nothing. The modules' top-level names differ
    from one another, as a test makes sure, so that they can share one scope.
    """
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", page_text(name))) for name in modules(entry))


def page_scale(checkpoint: Checkpoint) -> float:
    """Return how many units of a model's training drawings one unit of the page's sheet is.

    The sheet is meant for drawings in the 255 box; models of other units get one that suits their offset_scale.
    """
    return 1.0 if checkpoint.unit == "box" else checkpoint.offset_scale / BOX_OF_A_SCALE

"""The page: its files for the server, and the page as one HTML file. Both have the same code."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from importlib.resources import files

from sketchrnn import __version__

_IMPORT = re.compile(r'^import \{(?P<names>[^}]*)\} from "\.{1,2}/(?:[\w-]+/)*(?P<module>[\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (?P<name>\w+))", re.MULTILINE)

INDEX, STYLE, ICON, SCRIPT = "index.html", "style.css", "icon.svg", "main.js"
WORKER, SERVICE_WORKER, MANIFEST = "worker.js", "service-worker.js", "manifest.webmanifest"
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "safetensors": "application/octet-stream",
    "webmanifest": "application/manifest+json",
}
_NOTICE = (
    f"Made with sketchrnn {__version__}, MIT License. The model that ships with sketchrnn was trained on the Quick, "
    "Draw! Dataset by Google, CC BY 4.0, https://github.com/googlecreativelab/quickdraw-dataset"
)


@dataclass(frozen=True)
class PageFile:
    """A file of the server.

    Attributes:
        content: its bytes.
        media_type: of the Content-Type header.
        immutable: its path changes with its content, so that a browser can cache it forever.
        etag: changes with the content.
    """

    content: bytes
    media_type: str
    immutable: bool
    etag: str = field(init=False)

    def __post_init__(self) -> None:
        """Derive the tag from the content."""
        object.__setattr__(self, "etag", f'"{hashlib.sha256(self.content).hexdigest()[:32]}"')


def served_page(model: bytes) -> dict[str, PageFile]:
    """Return the files of the served page by their URL path.

    The paths contain a hash of the content, except those of the page, its manifest and its service worker.

    Args:
        model: the file that :func:`sketchrnn.web.model_file.page_model` makes.
    """
    served: dict[str, PageFile] = {}

    def serve(name: str, content: bytes, *, immutable: bool = True) -> str:
        stem, _, ending = name.rpartition(".")
        path = f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}.{ending}" if immutable else name
        served[f"/{path}"] = PageFile(content, MEDIA_TYPES[ending], immutable=immutable)
        return path

    icon = serve(ICON, page_text(ICON).encode())
    description = {
        "source": serve("model.safetensors", model),
        "integrity": f"sha256-{_digest(model)}",
        "worker": serve(WORKER, bundled(WORKER).encode()),
        "serviceWorker": SERVICE_WORKER,
    }
    manifest = serve(MANIFEST, page_text(MANIFEST).replace(ICON, icon).encode(), immutable=False)
    page = _page(
        icon=icon,
        manifest=f'<link rel="manifest" href="{manifest}">\n',
        style=f'<link rel="stylesheet" href="{serve(STYLE, page_text(STYLE).encode())}">',
        script=f'<script type="module" src="{serve(SCRIPT, bundled(SCRIPT).encode())}"></script>\n',
        held=_held("model", json.dumps(description)),
    )
    served["/"] = PageFile(page.encode(), MEDIA_TYPES["html"], immutable=False)
    kept = json.dumps(["./", *(path.removeprefix("/") for path in served if path != "/")])
    serve(SERVICE_WORKER, f"const FILES = {kept};\n{page_text(SERVICE_WORKER)}".encode(), immutable=False)
    return served


def exported_page(model: bytes) -> str:
    """Return the page and a model as one HTML file that loads nothing else.

    Args:
        model: the file that :func:`sketchrnn.web.model_file.page_model` makes.
    """
    script, style = bundled(SCRIPT), page_text(STYLE)
    policy = (
        f"default-src 'none'; script-src 'sha256-{_digest(script.encode())}' blob: 'wasm-unsafe-eval'; "
        f"style-src 'sha256-{_digest(style.encode())}'; worker-src blob:; connect-src data:; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    return _page(
        icon=f"data:image/svg+xml;base64,{base64.b64encode(page_text(ICON).encode()).decode()}",
        manifest="",
        style=f"<style>{style}</style>",
        script="",
        held=_held("model", "{}")
        + _held("worker", bundled(WORKER))
        + _held("weights", base64.b64encode(model).decode())
        + f'<script type="module">{script}</script>\n',
        policy=f'\n<meta http-equiv="Content-Security-Policy" content="{policy}">',
    )


def _page(*, icon: str, manifest: str, style: str, script: str, held: str, policy: str = "") -> str:
    """Return the HTML with its parts inserted."""
    encoding = '<meta charset="utf-8">'
    replacements = {
        encoding: f'{encoding}{policy}\n<meta name="generator" content="sketchrnn {__version__}">',
        f'href="{ICON}"': f'href="{icon}"',
        f'<link rel="manifest" href="{MANIFEST}">\n': manifest,
        f'<link rel="stylesheet" href="{STYLE}">': style,
        f'<script type="module" src="{SCRIPT}"></script>\n': script,
        '<html lang="en">': f'<html lang="en">\n<!-- {_NOTICE} -->',
        "</body>": f"{held}</body>",
    }
    page = page_text(INDEX)
    for old, new in replacements.items():
        before, found, after = page.partition(old)
        if not found:
            raise AssertionError(f"{INDEX}: expected {old}, found none")
        page = before + new + after
    return page


def page_text(name: str) -> str:
    """Return a file of the page or of its engine."""
    web = files("sketchrnn.web")
    folder = "page" if (web / "page" / name).is_file() else "engine"
    return (web / folder / name).read_text(encoding="utf-8")


def bundled(entry: str, text: str | None = None) -> str:
    """Return a module and all its imports as one script.

    Scripts of a page that is opened as a file cannot import modules. The served page needs one request instead of
    twenty. Each module becomes a function that returns its exports.

    Args:
        entry: name of the module.
        text: its content, if it is not a file of the page or the engine.
    """
    parts: dict[str, str] = {}

    def add(name: str, text: str | None = None) -> str:
        if name not in parts:
            text = page_text(name) if text is None else text
            text = _IMPORT.sub(lambda match: f"const {{{match['names']}}} = {add(match['module'])};\n", text)
            exported = ", ".join(match["name"] for match in _EXPORT.finditer(text))
            parts[name] = (
                f"const {_identifier(name)} = (() => {{\n{_EXPORT.sub('', text)}return {{ {exported} }};\n}})();\n"
            )
        return _identifier(name)

    add(entry, text)
    return "".join(parts.values())


def _identifier(name: str) -> str:
    return "module_" + name.removesuffix(".js").replace("-", "_")


def _digest(content: bytes) -> str:
    """Return a SHA-256 hash in the format of integrity attributes and content security policies."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _held(identifier: str, text: str) -> str:
    """Return a script element with text that is not executed."""
    escaped = text.replace("</", "<\\/")  # the same in JavaScript and JSON, but it does not end the element
    return f'<script type="text/plain" id="{identifier}">{escaped}</script>\n'

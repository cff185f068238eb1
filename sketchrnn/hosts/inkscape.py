"""Installation of the Inkscape extension. The extension itself is in ``inkscape_extension/``.

Reference:
    https://inkscape.gitlab.io/extensions/documentation/
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from sketchrnn.errors import SketchRNNError
from sketchrnn.files import make_folder, reason, write_bytes

SCRIPT, INTERPRETER, DESCRIPTION = (f"sketchrnn_complete.{suffix}" for suffix in ("py", "json", "inx"))
OLDEST_VERSION = (1, 2)
_NAMESPACE = "http://www.inkscape.org/namespace/inkscape/extension"
_SECONDS = 60
_PROGRAMS = ("/Applications/Inkscape.app/Contents/MacOS/inkscape", r"C:\Program Files\Inkscape\bin\inkscape.com")


def install(categories: Sequence[str], folder: Path | None = None) -> Path:
    """Install the extension, or install it again, for the Python that runs this.

    Args:
        categories: the categories to choose from.
        folder: Inkscape's folder of user extensions; by default the one that Inkscape reports.

    Returns:
        The folder.

    Raises:
        SketchRNNError: no Inkscape is found, it is too old, or a file cannot be written.
    """
    folder = folder or find_extensions_folder()
    make_folder(folder)
    source = files("sketchrnn.hosts") / "inkscape_extension"
    write_bytes(folder / SCRIPT, (source / SCRIPT).read_bytes())
    write_bytes(folder / INTERPRETER, json.dumps({"python": sys.executable}).encode())
    write_bytes(folder / DESCRIPTION, _description((source / DESCRIPTION).read_bytes(), categories))
    return folder


def uninstall(folder: Path | None = None) -> tuple[Path, bool]:
    """Remove the extension.

    Args:
        folder: see :func:`install`.

    Returns:
        The folder, and whether the extension was there.

    Raises:
        SketchRNNError: no Inkscape is found, or a file cannot be removed.
    """
    folder = folder or find_extensions_folder()
    installed = [path for name in (DESCRIPTION, SCRIPT, INTERPRETER) if (path := folder / name).exists()]
    try:
        for path in installed:
            path.unlink()
    except OSError as error:
        raise SketchRNNError(f"{folder}: the extension cannot be removed: {reason(error)}") from error
    return folder, bool(installed)


def find_extensions_folder() -> Path:
    """Return Inkscape's folder of user extensions.

    Raises:
        SketchRNNError: no Inkscape is found, or it is too old.
    """
    for program in _programs():
        version = re.search(r"Inkscape (\d+)\.(\d+)", _output(program, "--version"))
        if version and (int(version[1]), int(version[2])) < OLDEST_VERSION:
            raise SketchRNNError(f"{program}: expected Inkscape 1.2 or later, found {version[1]}.{version[2]}")
        lines = _output(program, "--user-data-directory").strip().splitlines()
        if lines:
            return Path(lines[-1]) / "extensions"
    for path in _user_data_folders():
        if path.is_dir():
            return path / "extensions"
    raise SketchRNNError(
        "expected Inkscape on the PATH, found none. Install Inkscape, or name its folder of user extensions with "
        "--folder (in Inkscape: Edit > Preferences > System > User extensions)"
    )


def _programs() -> Iterator[str]:
    found = shutil.which("inkscape")
    if found:
        yield found
    yield from (program for program in _PROGRAMS if Path(program).is_file())


def _user_data_folders() -> list[Path]:
    """Return where Inkscape keeps its user data on this platform, if its program is not found."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  (Path.expanduser fails without a home)
    profile = [Path(folder)] if (folder := os.environ.get("INKSCAPE_PROFILE_DIR")) else []
    system = platform.system()
    if system == "Windows":
        return [*profile, Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming") / "inkscape"]
    if system == "Darwin":
        return [*profile, home / "Library" / "Application Support" / "org.inkscape.Inkscape" / "config" / "inkscape"]
    return [
        *profile,
        home / ".var/app/org.inkscape.Inkscape/config/inkscape",  # Flatpak: its program has another name
        home / "snap/inkscape/current/.config/inkscape",
        Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "inkscape",
    ]


def _output(program: str, option: str) -> str:
    """Return the output of Inkscape; empty if it fails."""
    try:
        result = subprocess.run([program, option], capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.decode(errors="replace") if result.returncode == 0 else ""


def _description(template: bytes, categories: Sequence[str]) -> bytes:
    """Return the extension's dialog with the categories to choose from."""
    ElementTree.register_namespace("", _NAMESPACE)
    root = ElementTree.fromstring(template)
    choice = root.find(f"{{{_NAMESPACE}}}param[@name='category']")
    if choice is not None:
        for category in categories:
            ElementTree.SubElement(choice, f"{{{_NAMESPACE}}}option", value=category).text = category
    ElementTree.indent(root, "    ")
    document: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return document

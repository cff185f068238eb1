"""A directive that runs commands or a program, and shows them with the picture that they write.

A fenced block ``{picture} pig.svg`` contains the commands; with the option ``:python:`` it contains a program.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parent.parent


class Picture(SphinxDirective):
    """Shows the commands and the picture that they wrote."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = False
    option_spec: ClassVar = {"python": directives.flag, "alt": directives.unchanged, "width": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Run the content in the folder of pictures, which has a copy of the samples."""
        folder = Path(self.env.srcdir) / "_build" / "pictures"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ROOT / "samples", folder / "samples", dirs_exist_ok=True)
        text = "\n".join(self.content)
        (folder / self.arguments[0]).unlink(missing_ok=True)
        python = "python" in self.options
        command = [sys.executable, "-c", text] if python else ["bash", "-euo", "pipefail", "-c", text]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{self._launcher(folder)}:{os.environ['PATH']}"}
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
        if result.returncode or not (folder / self.arguments[0]).exists():
            raise self.error(f"{text}\ndid not write {self.arguments[0]}: {result.stderr or result.stdout}")
        code = nodes.literal_block(text, text, language="python" if python else "sh")
        image = nodes.image(uri=f"/_build/pictures/{self.arguments[0]}", alt=self.options.get("alt", self.arguments[0]))
        image["width"] = self.options.get("width", "100%")
        return [code, image]

    def _launcher(self, folder: Path) -> Path:
        """Return a folder with a ``sketchrnn`` command that runs this source tree."""
        launcher = folder / "bin" / "sketchrnn"
        if not launcher.exists():
            launcher.parent.mkdir()
            launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sketchrnn "$@"\n')
            launcher.chmod(0o755)
        return launcher.parent


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": False}

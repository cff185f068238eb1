"""How the documentation is built: ``make docs``. The build makes its pictures, by the commands that stand there."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import sketchrnn

project = "sketchrnn"
author = "The sketchrnn authors"
version = release = sketchrnn.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "pictures"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"sketchrnn {release}"
html_copy_source = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["wrap.css"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
myst_enable_extensions = ["colon_fence"]

"""Configuration of the manual, which ``make docs`` builds.

The build makes the pictures by running the commands on each page, and the references from the program itself.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import sketchrnn

project = "sketchrnn"
author = "The sketchrnn authors"
version = release = sketchrnn.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "pictures",
    "reference",
]
exclude_patterns = ["_build"]
smartquotes = False  # it turns -- of options into a dash
html_theme = "furo"
html_title = f"sketchrnn {release}"
html_copy_source = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["wrap.css"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

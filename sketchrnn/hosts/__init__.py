"""Plug-ins for other programs: vpype, Inkscape and notebooks."""

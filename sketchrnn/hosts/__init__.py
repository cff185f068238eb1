"""Plug-ins for other programs: vpype and Inkscape."""

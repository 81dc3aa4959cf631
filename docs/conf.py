"""Sphinx: ``sphinx-build -W -b html docs docs/_build``."""

from fakeredis import __version__

project = "fakeredis"
author = "the fakeredis developers"
release = version = __version__
extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "A Redis inside your test process", "page_width": "60em"}
nitpicky = False
default_role = "code"

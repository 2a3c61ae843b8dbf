"""Settings of Sphinx, which makes a site of these pages: `python3 run.py nox -s site`."""  # noqa: INP001 - a script

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from openreplay_otel import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "openreplay-otel"
author = "the maintainers of openreplay-otel"
version = release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinxcontrib.mermaid",
]
exclude_patterns = ["_build", "images"]
myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]
suppress_warnings = ["myst.strikethrough"]

html_theme = "furo"
html_title = f"openreplay-otel {version}"
html_copy_source = False
html_show_sourcelink = False
copybutton_prompt_text = "$ "

# Pages say "Args:" and "Raises:", as Google's style has it; types stand in the signatures.
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False

_OUTSIDE = re.compile(r"\]\(\.\./([^)\s]+)\)")


def _name_files_outside(_app: Sphinx, _page: str, content: list[str]) -> None:
    """Show the paths of files outside of this folder, which a page of the repository links to."""
    content[0] = _OUTSIDE.sub(lambda found: "]" + f" (`{found[1]}` in the repository)", content[0])
    content[0] = re.sub(r"\[([^\][]+)\] \((`[^`]+` in the repository)\)", r"\1 (\2)", content[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the above."""
    app.connect("source-read", _name_files_outside)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

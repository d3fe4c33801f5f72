"""How Sphinx makes the site: `make docs`.

The site works without a network: equations become MathML when it is built, so that no script
draws them, and the theme brings its own fonts and scripts. A role in a docstring that names
something the package does not have is a warning, and warnings end the build.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Any

import detente

project = "detente"
author = "the detente authors"
release = version = detente.__version__
html_title = "detente"

extensions = ["sphinx.ext.autodoc", "myst_parser"]
exclude_patterns = ["screenshots"]
html_theme = "furo"
html_theme_options: dict[str, Any] = {"navigation_with_keys": True}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_math_renderer = "mathml"
nitpicky = True

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 80


# --- equations --------------------------------------------------------------------------------
def mathml(tex: str, display: str) -> str:
    """TeX as MathML.

    Raises
    ------
    ValueError
        A command that the converter does not know; it would be printed as it stands.
    """
    from latex2mathml.converter import convert

    found = convert(tex, display=display).replace("<mi>&#x02032;</mi>", "<mo>&#x02032;</mo>")
    if unknown := re.search(r">\\\w+<|>&<", found):
        raise ValueError(f"equation {tex!r}: no MathML for {unknown[0][1:-1]!r}")
    return found


def _inline(self: Any, node: Any) -> None:
    from docutils import nodes

    self.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def _block(self: Any, node: Any) -> None:
    from docutils import nodes

    tex, _, tag = node.astext().partition("\\tag{")
    number = f'<span class="eqno">({tag.strip()[:-1]})</span>' if tag else ""
    self.body.append(f'<div class="math">{mathml(tex, "block")}{number}</div>\n')
    raise nodes.SkipNode


# --- docstrings -------------------------------------------------------------------------------
_ENTRY = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*) : (.*)")
_LISTED = ("Parameters", "Attributes", "Raises")


def sections(lines: list[str]) -> list[str]:
    """Our docstrings (``name : what it is``, no types) as reStructuredText.

    An underlined heading becomes a rubric, an entry under one of ``_LISTED`` a definition.
    """
    found: list[str] = []
    under = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        if at + 1 < len(lines) and line.strip() and re.fullmatch("-{3,}", lines[at + 1].strip()):
            under = line.strip()
            found += ["", f".. rubric:: {under}", ""]
            at += 2
            continue
        entry = _ENTRY.fullmatch(line)
        if under in ("Parameters", "Attributes") and entry:
            names = ", ".join(f"``{n}``" for n in entry[1].split(", "))
            found += ["", names, f"    {entry[2]}"]
        elif under == "Raises" and re.fullmatch(r"\w+", line):
            found += ["", f"``{line}``"]
        elif under == "Returns" and re.fullmatch(r"[\w.]+", line):
            found += [f"``{line}``"]
        else:
            if under in _LISTED and not line.startswith(" ") and found and found[-1].strip():
                found.append("")
            found.append(line)
        at += 1
    return found


def _docstring(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = sections(lines)


# --- references -------------------------------------------------------------------------------
def lookup(target: str) -> Any:
    """What a dotted name of the package means.

    Raises
    ------
    LookupError
        Nothing has that name.
    """
    parts = target.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        try:
            for part in parts[cut:]:
                fields = getattr(found, "__dataclass_fields__", {})
                found = fields[part] if part in fields else getattr(found, part)
        except AttributeError:
            break
        return found
    raise LookupError(target)


def _known(target: str) -> bool:
    """Whether a name means something: dotted from the package, or of any module in use."""
    if target.split(".")[0] == "detente":
        names = [target]
    else:
        names = [f"{m}.{target}" for m in sorted(sys.modules) if m.split(".")[0] == "detente"]
    for name in names:
        try:
            lookup(name)
        except LookupError:
            continue
        return True
    return False


def _missing(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """A name that the reference does not list: to its public name, or as plain text; None, which is
    a warning, where a docstring names what does not exist."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    public = target.split(".")[-1]
    if public in detente.__all__ and target.startswith("detente."):
        link = env.get_domain("py").resolve_xref(
            env, node["refdoc"], app.builder, "obj", f"detente.{public}", node, contnode
        )
        if link is not None:
            return link
    written = "refexplicit" in node  # a role in a text, not the type in a signature
    return None if written and not _known(target) else contnode


def setup(app: Any) -> dict[str, Any]:
    """Register the above."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("autodoc-process-docstring", _docstring)
    app.connect("missing-reference", _missing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

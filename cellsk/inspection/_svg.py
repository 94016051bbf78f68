"""Figures as svg for a web page, which sets their colors and fonts."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CHART_COLORS", "figure_to_svg"]

# The colors of a figure, and the css variable that replaces each on a page. A page that does not
# set the variables shows the colors as drawn.
CHART_COLORS = {
    "#000000": "ink",
    "#595959": "muted",
    "#bfbfbf": "line",
    "#ffffff": "surface",
    "#0072b2": "chart-1",
    "#d55e00": "chart-2",
    "#007a5a": "chart-3",
    "#a06a00": "chart-4",
    "#a8497f": "chart-5",
    "#3d8fc6": "chart-6",
    "#6b6b2a": "chart-7",
}

_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_FONT = re.compile(r"(?:(\w+)\s+)?([\d.]+)px")
_FROM_PAGE = {"font-family", "font-style", "font-variant", "font-stretch", "stroke-miterlimit"}


def figure_to_svg(figure: Figure, *, title: str, description: str = "") -> str:
    """Return a figure as svg for a page.

    Text stays text, in the font of the page, so it can be searched, read aloud and
    enlarged. The colors of :data:`CHART_COLORS` become css variables, so that one chart
    suits light and dark pages. It has no style sheet and no style attribute, because a page
    with a strict content security policy would refuse them.

    Parameters
    ----------
    figure : matplotlib Figure
        It is drawn once and not changed.
    title : str
        Name of the chart, for readers who cannot see it.
    description : str, default=""
        Content of the chart, in one or two sentences.

    Returns
    -------
    svg : str
        One `svg` element. The same figure gives the same text, and two charts on one page
        have different ids.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from cellsk.inspection._svg import figure_to_svg
    >>> figure = Figure(figsize=(2, 1))
    >>> svg = figure_to_svg(figure, title="Low < high")
    >>> "<title" in svg, "Low &lt; high" in svg, "style=" in svg
    (True, True, False)
    """
    drawn = _draw(figure)
    root = ElementTree.fromstring(drawn)
    text = f"{title}\0{description}\0{drawn}"
    # Names may hold bytes that are not UTF-8.
    mark = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    for parent in root.iter():
        for child in [child for child in parent if _is_noise(child)]:
            parent.remove(child)
    for element in root.iter():
        _clean(element, f"c{mark}-")
    _set_root(root, f"c{mark}", title, description)
    return ElementTree.tostring(root, encoding="unicode")


def _draw(figure: Figure) -> str:
    import matplotlib

    stream = io.StringIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "cellsk"}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # The fonts of the page may have glyphs that matplotlib's font lacks.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return stream.getvalue()


def _is_noise(element: ElementTree.Element) -> bool:
    """Whether a page does not need it: metadata, or a style sheet that would affect the page."""
    return element.tag in (_SVG + "metadata", _SVG + "style")


def _clean(element: ElementTree.Element, prefix: str) -> None:
    """Remove namespaces, styles and blanks; make ids unique and colors variables."""
    element.tag = element.tag.removeprefix(_SVG)
    element.text, element.tail = (
        words if words and words.strip() else None for words in (element.text, element.tail)
    )
    attributes = {name.removeprefix(_XLINK): value for name, value in element.attrib.items()}
    attributes |= _read_style(attributes.pop("style", ""))
    named = attributes.pop("id", None)
    if named is not None and element.tag != "g":  # nothing refers to a group
        attributes["id"] = prefix + named
    for name, value in attributes.items():
        if name == "href":
            value = value.replace("#", f"#{prefix}", 1)
        value = _REFERENCE.sub(rf"url(#{prefix}\1)", value)
        attributes[name] = _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}", value)
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    if "d" in attributes:
        attributes["d"] = " ".join(attributes["d"].split())
    element.attrib.clear()
    element.attrib.update(attributes)


def _read_style(style: str) -> dict[str, str]:
    """Return css declarations as attributes, with colors as variables."""
    attributes = {}
    for declaration in filter(None, style.split(";")):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        found = _FONT.search(value) if name == "font" else None
        if found:
            attributes["font-size"] = found[2]
            if found[1] in ("bold", "700"):
                attributes["font-weight"] = "700"
        elif name not in _FROM_PAGE and name != "font":
            attributes[name] = _name_color(value.removesuffix("px"))
    return attributes


def _name_color(value: str) -> str:
    variable = CHART_COLORS.get(value.lower())
    return value if variable is None else f"var(--{variable}, {value})"


def _set_root(root: ElementTree.Element, mark: str, title: str, description: str) -> None:
    """Set the size of the root, and a title and description for screen readers."""
    _, _, width, height = root.attrib["viewBox"].split()
    root.attrib.clear()
    words = [ElementTree.Element("title", id=f"{mark}-title")]
    words[0].text = title
    if description:
        words.append(ElementTree.Element("desc", id=f"{mark}-desc"))
        words[1].text = description
    root.attrib.update(
        {
            "class": "chart",
            "viewBox": f"0 0 {width} {height}",
            "role": "img",
            "aria-labelledby": " ".join(word.attrib["id"] for word in words),
            "fill": _name_color("#000000"),
            "stroke-linejoin": "round",
        }
    )
    root[:0] = words

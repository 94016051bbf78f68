"""Figures as pieces of a web page: svg that takes its colours and letters from the page."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CHART_COLOURS", "figure_to_svg"]

# What a figure is drawn in, and the css variable that takes its place on a page. A page that
# sets none of the variables shows the colours as drawn.
CHART_COLOURS = {
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
    """Return a figure as svg to be written into a page.

    Letters stay letters, in the font of the page, so they can be searched, read aloud and
    enlarged. The colours of :data:`CHART_COLOURS` become css variables, so that one chart
    serves light and dark pages. There is no style sheet and no style attribute in it, which
    a page with a strict content security policy would refuse.

    Parameters
    ----------
    figure : matplotlib Figure
        It is drawn once and otherwise left as it is.
    title : str
        Name of the chart, for those who cannot see it.
    description : str, default=""
        What the chart shows, in a sentence or two.

    Returns
    -------
    svg : str
        One `svg` element. The same figure gives the same text, and two charts on one page
        share no id.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from cellsk.inspection._svg import figure_to_svg
    >>> figure = Figure(figsize=(2, 1))
    >>> svg = figure_to_svg(figure, title="Nothing < something")
    >>> "<title" in svg, "Nothing &lt; something" in svg, "style=" in svg
    (True, True, False)
    """
    drawn = _draw(figure)
    root = ElementTree.fromstring(drawn)
    mark = hashlib.sha256(f"{title}\0{description}\0{drawn}".encode()).hexdigest()[:8]
    for parent in root.iter():
        for child in [child for child in parent if _is_noise(child)]:
            parent.remove(child)
    for element in root.iter():
        _clean(element, f"c{mark}-")
    _introduce(root, f"c{mark}", title, description)
    return ElementTree.tostring(root, encoding="unicode")


def _draw(figure: Figure) -> str:
    import matplotlib

    stream = io.StringIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "cellsk"}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # The page's fonts may well have what the measuring font lacks.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return stream.getvalue()


def _is_noise(element: ElementTree.Element) -> bool:
    """Tell what a page has no use for: metadata, and a style sheet that would leak into it."""
    return element.tag in (_SVG + "metadata", _SVG + "style")


def _clean(element: ElementTree.Element, prefix: str) -> None:
    """Take away namespaces, styles and blanks; make ids and colours the page's own."""
    element.tag = element.tag.removeprefix(_SVG)
    element.text, element.tail = (
        words if words and words.strip() else None for words in (element.text, element.tail)
    )
    attributes = {name.removeprefix(_XLINK): value for name, value in element.attrib.items()}
    attributes |= _read_style(attributes.pop("style", ""))
    named = attributes.pop("id", None)
    if named is not None and element.tag != "g":  # nobody refers to a group
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
    """Return css declarations as attributes, colours as variables."""
    attributes = {}
    for declaration in filter(None, style.split(";")):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        found = _FONT.search(value) if name == "font" else None
        if found:
            attributes["font-size"] = found[2]
            if found[1] in ("bold", "700"):
                attributes["font-weight"] = "700"
        elif name not in _FROM_PAGE and name != "font":
            attributes[name] = _name_colour(value.removesuffix("px"))
    return attributes


def _name_colour(value: str) -> str:
    variable = CHART_COLOURS.get(value.lower())
    return value if variable is None else f"var(--{variable}, {value})"


def _introduce(root: ElementTree.Element, mark: str, title: str, description: str) -> None:
    """Set what the root needs: its size, and words for those who cannot see it."""
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
            "fill": _name_colour("#000000"),
            "stroke-linejoin": "round",
        }
    )
    root[:0] = words

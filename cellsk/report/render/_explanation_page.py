"""The page of explanations: images beside maps of the areas that support a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from cellsk.report.render._templates import render_template

__all__ = ["ExplainedImage", "render_explanations"]


class ExplainedImage(NamedTuple):
    """One image: its file, its prediction, and a picture of it beside its maps as a data URI."""

    file: str
    predicted: str
    confidence: float
    explained: str
    source: str


def render_explanations(
    images: Sequence[ExplainedImage],
    *,
    model: str,
    methods: Sequence[str],
    strongest: float | None,
    scale: str,
    n_listed: int,
) -> str:
    """Return one html page that needs no network.

    Parameters
    ----------
    images : sequence of ExplainedImage
        In the order of the page.
    model : str
        Name of the model file.
    methods : sequence of str
        Names of the methods, in the order of the maps in each picture.
    strongest : float or None
        Probability to which covering a place of the strongest color lowers 0.5. None without
        occlusion.
    scale : str
        Picture of the colors, from none to strong, as a data URI.
    n_listed : int
        Number of images from which these were chosen.
    """
    context: dict[str, Any] = {
        "images": images,
        "model": model,
        "methods": methods,
        "strongest": strongest,
        "scale": scale,
        "n_listed": n_listed,
    }
    return render_template("explanations.html.jinja", context, css=_CSS)


_CSS = """
.strips { list-style: none; padding: 0; display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
.strips li { min-width: 0; }
.strips img { display: block; width: 100%; border-radius: 6px; }
.strips .words { display: block; margin-top: .35rem; font-size: .875rem; }
.strips .file { display: block; color: var(--muted); font-size: .75rem; overflow-wrap: anywhere; }
.scale { display: block; width: min(100%, 24rem); height: .75rem; border: 1px solid var(--line); }
.scale-ends { display: flex; justify-content: space-between; width: min(100%, 24rem);
  font-size: .8125rem; margin-top: .25rem; }
"""

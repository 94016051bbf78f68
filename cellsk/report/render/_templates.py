"""Templates of pages: the environment, its filters, and the content security policy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellsk._checks import count_noun
from cellsk.report.words import (
    name_class,
    name_level,
    write_duration,
    write_interval,
    write_number,
    write_share,
)

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["as_markup", "read_asset", "render_fragment", "render_template"]


def render_template(name: str, context: Mapping[str, Any], *, css: str = "") -> str:
    """Return the page of a template that extends `base.html.jinja`.

    The page contains its style and script and loads nothing: its content security policy
    allows images that are part of it, and only the style and script with these hashes.
    Everything in the context is escaped, unless it is wrapped by :func:`as_markup`.

    Parameters
    ----------
    name : str
        A file in the folder `templates`.
    context : mapping of str to object
        Values for the names in the template. A missing name is an error.
    css : str, default=""
        Rules after those of `page.css`. Never from user input.

    Returns
    -------
    page : str
    """
    environment = _make_environment()
    style, script = read_asset("page.css") + css, read_asset("page.js")
    shared = {
        "css": as_markup(style),
        "script": as_markup(script),
        "policy": "; ".join(
            (
                "default-src 'none'",
                "img-src data:",
                f"style-src 'sha256-{_hash(style)}'",
                f"script-src 'sha256-{_hash(script)}'",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
    }
    return environment.get_template(name).render({**shared, **context})


def render_fragment(name: str, context: Mapping[str, Any]) -> str:
    """Return the html of a template for a part of a page."""
    return _make_environment().get_template(name).render(context)


def as_markup(text: str) -> Any:
    """Return html or svg made by cellsk, which a template must not escape."""
    from markupsafe import Markup

    return Markup(text)


@cache
def _make_environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": write_number,
        "interval": write_interval,
        "share": write_share,
        "count": count_noun,
        "duration": write_duration,
        "class_name": name_class,
        "level": name_level,
    }
    environment.globals["place"] = _place
    return environment


def _place(value: float, scale: tuple[float, float]) -> str:
    """Return the place of ``value`` on a scale as a percentage, at most at its ends."""
    low, high = scale
    share = (value - low) / (high - low)
    return f"{100 * min(max(share, 0.0), 1.0):.2f}%"


@cache
def read_asset(name: str) -> str:
    """Return the text of a file in the folder `templates`."""
    environment = _make_environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

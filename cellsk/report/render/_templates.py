"""The templates of pages: one environment, its filters, and a policy that lets nothing out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellsk.report.words._values import (
    name_class,
    write_count,
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

    The page brings its own style and script and fetches nothing: its content security policy
    lets in pictures that are part of it, and the one style and script whose hash it names.
    Everything in the context is escaped, unless it is wrapped by :func:`as_markup`.

    Parameters
    ----------
    name : str
        A file in the folder `templates`.
    context : mapping of str to object
        What the template names. A name that is missing is an error, not a blank.
    css : str, default=""
        Rules that follow those of `page.css`. Never text from outside.

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
    """Return what a template of a part of a page makes of ``context``."""
    return _make_environment().get_template(name).render(context)


def as_markup(text: str) -> Any:
    """Return html or svg of our own making, which a template is not to escape."""
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
        "count": write_count,
        "duration": write_duration,
        "class_name": name_class,
    }
    environment.globals["place"] = _place
    return environment


def _place(value: float, scale: tuple[float, float]) -> str:
    """Return where ``value`` stands on a scale, as a percentage; outside is at the end."""
    low, high = scale
    share = (value - low) / (high - low)
    return f"{100 * min(max(share, 0.0), 1.0):.2f}%"


@cache
def read_asset(name: str) -> str:
    """Return a file of the folder `templates` as it is."""
    environment = _make_environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

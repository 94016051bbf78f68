"""Commands that a user may run next, with the options that the user has given."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import typer

from cellsk._files import STANDARD_OUTPUT
from cellsk.cli._options import OUTPUT
from cellsk.cli._terminal import print_note
from cellsk.cli._values import parse_groups

__all__ = ["print_next", "suggest_uses", "write_command"]

NEW_IMAGES, NEW_LABELS = "FOLDER_OF_NEW_IMAGES", "LABELS_OF_NEW_IMAGES.csv"
_OF_ANY_FOLDER = ("skip_unreadable", "follow_links", "group_pattern", "groups")


def print_next(*commands: tuple[str, str]) -> None:
    """Print commands and what they do, as a shell would read them."""
    width = max(len(command) for command, _ in commands)
    lines = (f"  {command.ljust(width)}  # {what}" for command, what in commands)
    print_note("\n".join(["Next:", *lines]))


def write_command(context: typer.Context, name: str, *arguments: object, **options: object) -> str:
    """Return another command with the options that the user gave to this one, if it has them.

    Outputs are left out. So are csv files, columns and settings of images, if the other command
    is about a folder of new images.

    Parameters
    ----------
    context : typer.Context
        Of the command that runs.
    name : str
        Of the other command.
    *arguments : object
        Of the other command, such as the folder.
    **options : object
        Values that replace what the user gave, by the name of the parameter.
    """
    other = context.find_root().command.get_command(context, name)  # type: ignore[attr-defined]
    words = ["cellsk", name, *map(str, arguments)]
    for param in other.params:
        value = options.get(param.name, context.params.get(param.name))
        if param.name in options or (
            _is_given(context, param)
            and (NEW_IMAGES not in arguments or _is_of_any_folder(param.name, value))
        ):
            words += _write_option(param, value)
    return shlex.join(words)


def suggest_uses(context: typer.Context, model: Path | None) -> list[tuple[str, str]]:
    """Return commands that use a model file, if there is one."""
    if model is None or model == STANDARD_OUTPUT:
        return []
    given = context.params
    options: dict[str, Any] = {}
    if given.get("labels") is not None:  # the new images have another csv file
        options["labels"] = NEW_LABELS
        names = ("label_column", "image_column", "groups")
        options |= {name: given[name] for name in names if given.get(name) is not None}
    test = write_command(context, "test", model, NEW_IMAGES, **options)
    return [
        (test, "score it on labeled images"),
        (write_command(context, "predict", model, NEW_IMAGES), "predict images"),
    ]


def _is_given(context: typer.Context, param: Any) -> bool:
    source = context.get_parameter_source(param.name)
    is_option = param.param_type_name == "option" and param.rich_help_panel != OUTPUT
    return is_option and source is not None and source.name == "COMMANDLINE"


def _is_of_any_folder(name: str, value: Any) -> bool:
    """Return whether an option has a meaning for other images, unlike a column of a csv file."""
    is_column = name == "groups" and isinstance(parse_groups(value), str)
    return name in _OF_ANY_FOLDER and not is_column


def _write_option(param: Any, value: Any) -> list[str]:
    """Return the words of an option: a flag, or a name and a value."""
    if isinstance(value, bool):
        return [*(param.opts if value else param.secondary_opts)[:1]]
    values = value if isinstance(value, list) else [value]
    words = [
        [f"{param.opts[0]}={one}"] if str(one).startswith("-") else [param.opts[0], str(one)]
        for one in values
    ]
    return [word for pair in words for word in pair]

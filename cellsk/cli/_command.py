"""A command: its help in groups, and the option ``--json``, whose file may be left out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

from cellsk.exceptions import InputError

__all__ = ["CommandList", "GroupedCommand"]

JSON = "--json"
ARGUMENTS = "Arguments"
OTHERS = "General"
WIDEST = 26  # characters of a name; the text of a longer one is on the next line
_NO_BREAK = "\N{NO-BREAK SPACE}"


class CommandList(TyperGroup):
    """The commands, whose help lists them in front of the options."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, and then the options, which are few."""
        self.format_commands(ctx, formatter)
        TyperCommand.format_options(self, ctx, formatter)  # type: ignore[arg-type]


class GroupedCommand(TyperCommand):
    """A command whose help has a section for each group of options.

    The file of ``--json`` may be left out. The next word is then an argument or an option.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of a command line.

        Raises
        ------
        InputError
            When the word after ``--json`` is neither a file of JSON nor an argument.
        """
        taking = {name for param in self.params if _takes_value(param) for name in param.opts}
        if JSON in taking:
            lenient = ctx.resilient_parsing or set(ctx.help_option_names) & set(args)
            args = _complete_json(args, taking, strict=not lenient)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words after the name of the command in the first line of the help."""
        arguments = [param for param in self.params if param.param_type_name == "argument"]
        return ["[OPTIONS]", *map(_name, arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections, whose texts start at the same column."""
        room = formatter.width - WIDEST - 4
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            rows = sections.setdefault(_choose_section(param), [])
            rows.append((_name(param).ljust(WIDEST), _describe(param, room)))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows, col_max=WIDEST)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first line of the help, whole, for the list of commands."""
        return (self.help or "").partition("\n")[0]

    def get_help(self, ctx: Any) -> str:
        """Return the help. Its lines are not broken within a short default."""
        return super().get_help(ctx).replace(_NO_BREAK, " ")


def _complete_json(args: Sequence[str], taking: set[str], *, strict: bool) -> list[str]:
    """Return the words with ``-``, which is standard output, after a ``--json`` without a file."""
    words: list[str] = []
    for position, word in enumerate(args):
        if word == "--":
            return [*words, *args[position:]]
        is_option = word == JSON and (not words or words[-1] not in taking)
        words.append(word)
        if is_option and not _is_json_file(args[position + 1 :], strict=strict):
            words.append("-")
    return words


def _is_json_file(rest: Sequence[str], *, strict: bool) -> bool:
    """Return whether the first word is the file of ``--json``, and not an argument or option."""
    if not rest or (rest[0].startswith("-") and rest[0] != "-"):
        return False
    word = rest[0]
    if word == "-" or word.startswith("/dev/"):
        return True
    if word.lower().endswith(".json") and not os.path.isdir(word):
        return True
    if strict and not os.path.exists(word):
        raise InputError(
            "must be followed by a file that ends in .json, by an argument that exists, or by"
            " nothing",
            repr(word),
            "Pass --json results.json to write a file, or --json at the end to print the JSON.",
            parameter=JSON,
        )
    return False


def _takes_value(param: Any) -> bool:
    return param.param_type_name == "option" and not param.is_flag


def _choose_section(param: Any) -> str:
    if param.param_type_name == "argument":
        return ARGUMENTS
    return param.rich_help_panel or OTHERS


def _name(param: Any) -> str:
    """Return ``FOLDER``, ``--epochs N``, ``--force`` or ``--[no-]baselines``."""
    if param.param_type_name == "argument":
        return param.display_name_raw + ("..." if param.nargs != 1 else "")
    if param.secondary_opts:
        return param.opts[0].replace("--", "--[no-]")
    names = ", ".join(sorted(param.opts, key=len))
    return names if param.is_flag else f"{names} {param.metavar}"


def _describe(param: Any, room: int) -> str:
    """Return the help of a parameter, and its default in brackets, on one line if it fits."""
    default = _word_default(param)
    if not default:
        return param.help
    note = f"[default: {default}]"
    return f"{param.help} {note if len(note) > room else note.replace(' ', _NO_BREAK)}"


def _word_default(param: Any) -> str:
    if isinstance(param.show_default, str):
        return param.show_default
    if isinstance(param.default, bool):
        return param.opts[0] if param.default else ""
    return "" if param.default is None else str(param.default)

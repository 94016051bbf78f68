"""The help of a command: its options in groups, with every default in the same form."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

__all__ = ["GroupedCommand"]

ARGUMENTS = "Arguments"
OTHERS = "General"
WIDEST = 26  # characters of a name; the text of a longer one is on the next line
SHORT = 40  # characters of a default that is not broken into lines
_NO_BREAK = "\N{NO-BREAK SPACE}"


class GroupedCommand(TyperCommand):
    """A command whose help has a section for each group of options."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words after the name of the command in the first line of the help."""
        arguments = [param for param in self.params if param.param_type_name == "argument"]
        return ["[OPTIONS]", *map(_name, arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections, whose texts start at the same column."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            rows = sections.setdefault(_choose_section(param), [])
            rows.append((_name(param).ljust(WIDEST), _describe(param)))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows, col_max=WIDEST)

    def get_help(self, ctx: Any) -> str:
        """Return the help. Its lines are not broken within a short default."""
        return super().get_help(ctx).replace(_NO_BREAK, " ")


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


def _describe(param: Any) -> str:
    """Return the help of a parameter, and its default in brackets."""
    default = _word_default(param)
    if not default:
        return param.help
    note = f"[default: {default}]"
    return f"{param.help} {note if len(note) > SHORT else note.replace(' ', _NO_BREAK)}"


def _word_default(param: Any) -> str:
    if isinstance(param.show_default, str):
        return param.show_default
    if isinstance(param.default, bool):
        return param.opts[0] if param.default else ""
    return "" if param.default is None else str(param.default)

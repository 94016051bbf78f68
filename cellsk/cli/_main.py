"""The app, its commands, and the exit code when one of them fails."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer

import cellsk
from cellsk.cli._audit import audit
from cellsk.cli._command import CommandList, GroupedCommand
from cellsk.cli._demo import demo
from cellsk.cli._evaluate import evaluate
from cellsk.cli._explain import explain
from cellsk.cli._interrupt import (
    INTERRUPTED,
    Interrupted,
    forget_signals,
    handle_signals,
    is_interruption,
)
from cellsk.cli._messages import list_commands, word_error
from cellsk.cli._predict import predict
from cellsk.cli._search import search
from cellsk.cli._terminal import print_note
from cellsk.cli._test_model import run_test
from cellsk.cli._train import train

__all__ = ["app", "main"]

BAD_INPUT = 2

app = typer.Typer(
    cls=CommandList,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
)
for command in (demo, audit, evaluate, search, train):
    app.command(cls=GroupedCommand)(command)
app.command("test", cls=GroupedCommand)(run_test)
app.command(cls=GroupedCommand)(predict)
app.command(cls=GroupedCommand)(explain)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"cellsk {cellsk.__version__}")
        raise typer.Exit


@app.callback()
def _cellsk(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    """Classify microscope images of cells, and show how well this works on new patients.

    Not a medical device.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code: 0, 2 for bad input, 130 if interrupted."""
    # TensorFlow reads this variable when it is first imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    handle_signals()
    try:
        code = app(args=arguments, prog_name="cellsk", standalone_mode=False)
        # Typer returns this code for an interruption that reaches it.
        return _end(KeyboardInterrupt()) if code == INTERRUPTED else int(code or 0)
    except (Exception, KeyboardInterrupt) as error:
        return _end(error)
    finally:
        forget_signals()


def _end(error: BaseException) -> int:
    """Print why the command ended, and return its exit code; raise errors of cellsk itself."""
    if isinstance(error, typer.Abort | Interrupted) or is_interruption(error):
        files = error if isinstance(error, Interrupted) else "Nothing was written."
        print_note(f"cellsk: interrupted. {files}")
        return INTERRUPTED
    if isinstance(error, ValueError | TypeError | OSError | MemoryError):
        text = word_error(error)
        text = " ".join(text.split()) or "There is too little memory. Pass a smaller --image-size."
        print_note("\n  ".join([f"cellsk: {text}", *list_commands(error)]))
        return BAD_INPUT
    if not hasattr(error, "exit_code"):
        raise error
    error.show()  # type: ignore[attr-defined]
    return int(error.exit_code)

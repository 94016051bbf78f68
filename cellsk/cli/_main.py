"""The app, its commands, and what happens when one of them fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

import cellsk
from cellsk.cli._audit import audit
from cellsk.cli._cross_validate import cross_validate
from cellsk.cli._demo import demo
from cellsk.cli._evaluate import evaluate
from cellsk.cli._interrupt import INTERRUPTED, Interrupted, is_interruption, listen
from cellsk.cli._predict import predict
from cellsk.cli._search import search
from cellsk.cli._train import train
from cellsk.cli._wording import say_as_options

__all__ = ["app", "main"]

BAD_INPUT = 2

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.command()(demo)
app.command()(train)
app.command()(predict)
app.command()(audit)
app.command("cross-validate")(cross_validate)
app.command()(evaluate)
app.command()(search)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"cellsk {cellsk.__version__}")
        raise typer.Exit


@app.callback()
def _cellsk(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """How well can these images of cells be told apart? Not a medical device."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code: 0, 2 for bad input, 130 if interrupted."""
    # TensorFlow reads it when it is first imported, which is not yet.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    listen()
    try:
        code = app(args=arguments, prog_name="cellsk", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        return _end(error)
    # Typer makes a code of an interruption that reaches it.
    return _end(KeyboardInterrupt()) if code == INTERRUPTED else int(code or 0)


def _end(error: BaseException) -> int:
    """Say what ended the command, and return its exit code; raise what is a fault of ours."""
    if isinstance(error, typer.Abort | Interrupted) or is_interruption(error):
        known = isinstance(error, Interrupted)
        print(f"cellsk: interrupted. {error if known else 'Nothing was written.'}", file=sys.stderr)
        return INTERRUPTED
    if isinstance(error, ValueError | TypeError | OSError | MemoryError):
        text = " ".join(str(error).split()) or "too little memory. Pass a smaller --image-size."
        print(f"cellsk: {say_as_options(text)}", file=sys.stderr)
        return BAD_INPUT
    if not hasattr(error, "exit_code"):
        raise error
    error.show()  # type: ignore[attr-defined]
    return int(error.exit_code)

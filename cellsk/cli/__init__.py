"""The command line: ``cellsk``."""

from cellsk.cli._main import main

__all__ = ["main"]

"""How a model file is refused: rule, got, remedy."""

from __future__ import annotations

from cellsk.exceptions import ModelFileError

__all__ = ["refuse"]

FETCH_AGAIN = "Fetch the file again from where it came, or save the model again."


def refuse(rule: str, got: str, remedy: str = FETCH_AGAIN) -> ModelFileError:
    """Return the error for a file that breaks a rule."""
    return ModelFileError(rule.removesuffix("."), got, remedy)

"""Output files that are written completely or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["check_output", "whole_file"]


def check_output(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` if a file can be written there, or raise before hours of work begin.

    Raises
    ------
    FileNotFoundError
        If its folder does not exist.
    IsADirectoryError
        If it is a folder.
    OSError
        If no file can be created in its folder.
    """
    target = _check_place(path)
    draft = _name_draft(target)
    try:
        # Permissions are not enough: they may allow a file in /proc, which then fails.
        draft.open("xb").close()
        draft.unlink()
    except OSError as error:
        raise type(error)(
            f"The folder of an output file must be writable. Got {str(path)!r}"
            f" ({error.strerror}). Name another folder."
        ) from None
    return target


def _check_place(path: str | os.PathLike[str]) -> Path:
    target = Path(path)
    folder = target.absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The folder of an output file must exist. Got {str(path)!r}. Make the folder first."
        )
    if target.is_dir():
        raise IsADirectoryError(f"An output file must not be a folder. Got {str(path)!r}.")
    return target


def _name_draft(target: Path) -> Path:
    return target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a draft beside ``path`` to write to, and move it to ``path`` at the end.

    If the body raises, the draft is removed and a file at ``path`` stays as it was.

    Raises
    ------
    OSError
        As in ``check_output``, or if the file cannot be written. It names ``path``.
    """
    target = _check_place(path)
    draft = _name_draft(target)
    try:
        yield draft
        os.replace(draft, target)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (draft, str(draft)):
            raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
        raise

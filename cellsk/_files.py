"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["check_output", "whole_file"]


def check_output(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` if it can become a file, or raise: before hours of work, not after.

    Raises
    ------
    FileNotFoundError
        When its folder does not exist.
    IsADirectoryError
        When it is a folder.
    OSError
        When no file can be made in its folder.
    """
    target = _check_place(path)
    draft = _name_draft(target)
    try:
        # Permissions alone do not tell: no file can be made in /proc, whatever they say.
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
    """Yield a draft beside ``path``, to be written; move it there at the end.

    If the body raises, the draft is removed and what stood at ``path`` is untouched.

    Raises
    ------
    OSError
        As ``check_output``, and when the file cannot be written. It names ``path``.
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

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
    PermissionError
        When its folder may not be written to.
    """
    target = Path(path)
    folder = target.absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The folder of an output file must exist. Got {str(path)!r}. Make the folder first."
        )
    if target.is_dir():
        raise IsADirectoryError(f"An output file must not be a folder. Got {str(path)!r}.")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"The folder of an output file must be writable. Got {str(path)!r}.")
    return target


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a draft beside ``path``, to be written; move it there at the end.

    If the body raises, the draft is removed and what stood at ``path`` is untouched.

    Raises
    ------
    OSError
        As ``check_output``.
    """
    target = check_output(path)
    draft = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        yield draft
        os.replace(draft, target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise

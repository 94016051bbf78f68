"""Output files that are written completely or not at all."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["check_output", "whole_file"]

_DRAFT = re.compile(r"\.([0-9a-f]{8})-(\d+)\.[0-9a-f]{8}\.tmp", re.ASCII)
_LONGEST_WRITE_SECONDS = 86_400  # by a process of another machine, of which nothing is known


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
    owner = f"{_name_machine()}-{os.getpid()}"
    return target.with_name(f"{_stem_drafts(target)}.{owner}.{secrets.token_hex(4)}.tmp")


def _stem_drafts(target: Path) -> str:
    return f".{target.name[:100]}"


def _name_machine() -> str:
    """Return a name of this machine that does not show its own."""
    return hashlib.sha256(platform.node().encode("utf-8", "replace")).hexdigest()[:8]


def _remove_dead_drafts(target: Path) -> None:
    """Remove drafts of ``target`` whose process was killed. Those of others stay."""
    stem = _stem_drafts(target)
    try:
        names = os.listdir(target.absolute().parent)
    except OSError:
        return
    for name in names:
        owner = _DRAFT.fullmatch(name[len(stem) :]) if name.startswith(stem) else None
        draft = target.with_name(name)
        try:
            if owner and _is_dead(owner[1], int(owner[2]), draft):
                draft.unlink(missing_ok=True)
        except OSError:  # another user's, or already removed
            continue


def _is_dead(machine: str, pid: int, draft: Path) -> bool:
    if machine != _name_machine() or os.name != "posix":
        return time.time() - draft.stat().st_mtime > _LONGEST_WRITE_SECONDS
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    return False


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a draft beside ``path`` to write to, and move it to ``path`` at the end.

    If the body raises, the draft is removed and a file at ``path`` stays as it was. If the process
    is killed, the draft stays, and the next one that writes to ``path`` removes it.

    Raises
    ------
    OSError
        As in ``check_output``, or if the file cannot be written. It names ``path``.
    """
    target = _check_place(path)
    _remove_dead_drafts(target)
    draft = _name_draft(target)
    try:
        yield draft
        os.replace(draft, target)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (draft, str(draft)):
            raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
        raise

"""Output files that are written completely or not at all; pipes and devices are written into."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

from cellsk.exceptions import InputTypeError

__all__ = ["STANDARD_OUTPUT", "check_output", "is_stream", "make_private_folder", "whole_file"]

STANDARD_OUTPUT = Path("/dev/stdout")
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")
_MAX_LINKS = 40  # as in Linux


class _Place(NamedTuple):
    """Where an output is written: a file to replace, or a stream to write into."""

    target: Path
    is_stream: bool
    descriptor: int | None = None  # of this process, if the path names one


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
        If no file can be created in its folder, or it is neither a file, a pipe nor a character
        device.
    TypeError
        If it is not a path.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputTypeError(
            "must be a path",
            f"a {type(path).__name__}",
            "Pass a name such as 'report.html'.",
            parameter="path",
            code="output-not-a-path",
        )
    place = _find_place(path)
    if place.is_stream:
        if place.descriptor is None and not os.access(place.target, os.W_OK):
            raise PermissionError(f"An output file must be writable. Got {_name(path)}.")
        return Path(path)
    draft = _name_draft(place.target)
    try:
        # Permissions are not enough: they may allow a file in /proc, which then fails.
        draft.open("xb").close()
        draft.unlink()
    except OSError as error:
        raise type(error)(
            f"The folder of an output file must be writable. Got {_name(path)}"
            f" ({error.strerror}). Name another folder."
        ) from None
    return Path(path)


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Return whether ``path`` is written into, as a pipe or a device is, and not replaced.

    Raises
    ------
    OSError
        As in ``check_output``.
    """
    return _find_place(path).is_stream


def _name(path: str | os.PathLike[str]) -> str:
    return repr(os.fsdecode(path))


def _find_place(path: str | os.PathLike[str]) -> _Place:
    target = _follow_links(Path(path))
    descriptor = _find_descriptor(target)
    if descriptor is not None:
        os.fstat(descriptor)  # raises an error if it is not open
        return _Place(target, True, descriptor)
    if not target.absolute().parent.is_dir():
        raise FileNotFoundError(
            f"The folder of an output file must exist. Got {_name(path)}. Make the folder first."
        )
    if target.is_dir():
        raise IsADirectoryError(f"An output file must not be a folder. Got {_name(path)}.")
    if not target.exists() or target.is_file():
        return _Place(target, False)
    mode = target.stat().st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        raise OSError(
            f"An output must be a file, a pipe or a character device. Got {_name(path)},"
            f" {'a disk' if stat.S_ISBLK(mode) else 'a socket'}. Name a file."
        )
    return _Place(target, True)


def _follow_links(path: Path) -> Path:
    """Return what a link points to, which may not exist yet; other paths as they are."""
    target = path
    for _ in range(_MAX_LINKS):
        # The links that name a stream of this process point to nothing that can be opened.
        if _find_descriptor(target) is not None or not target.is_symlink():
            return target
        target = target.parent / os.readlink(target)
    raise OSError(f"An output file must not be a loop of links. Got {_name(path)}.")


def _find_descriptor(target: Path) -> int | None:
    text = os.path.normpath(target.absolute())
    found = _DESCRIPTOR.fullmatch(text)
    return int(found[1]) if found else _STREAMS.get(text)


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


def make_private_folder(folder: Path) -> None:
    """Create a folder for its owner only, with the tag that backup programs look for.

    Raises
    ------
    OSError
        If it cannot be created.
    """
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        return
    (folder / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a draft to write to, and move it to ``path`` at the end.

    A link stays a link: the file that it points to is replaced. A pipe or a character device
    stays what it is, and gets the content of the draft.

    If the body raises, the draft is removed and a file at ``path`` stays as it was. If the process
    is killed, the draft stays, and the next one that writes to ``path`` removes it.

    Raises
    ------
    OSError
        As in ``check_output``, or if the file cannot be written. It names ``path``.
    """
    place = _find_place(path)
    if place.is_stream:
        with tempfile.TemporaryDirectory(prefix="cellsk-") as folder:
            draft = Path(folder) / f"draft{Path(path).suffix}"
            yield draft
            _write_stream(draft, place, path)
        return
    _remove_dead_drafts(place.target)
    draft = _name_draft(place.target)
    try:
        yield draft
        if place.target.exists():  # who may read the file does not change
            draft.chmod(stat.S_IMODE(place.target.stat().st_mode))
        os.replace(draft, place.target)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (draft, str(draft)):
            raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
        raise


def _write_stream(draft: Path, place: _Place, path: str | os.PathLike[str]) -> None:
    try:
        with draft.open("rb") as source:
            own = {1: sys.stdout, 2: sys.stderr}.get(place.descriptor or 0)
            if own is not None:
                _write_own(own, source)
                return
            with _open_stream(place) as stream:
                shutil.copyfileobj(source, stream)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None


def _write_own(stream: TextIO, source: BinaryIO) -> None:
    """Write to standard output after what was printed. In a notebook it takes text only."""
    stream.flush()
    if hasattr(stream, "buffer"):
        shutil.copyfileobj(source, stream.buffer)
    else:
        stream.write(source.read().decode("utf-8", "backslashreplace"))
    stream.flush()


def _open_stream(place: _Place) -> BinaryIO:
    if place.descriptor is not None:
        return os.fdopen(os.dup(place.descriptor), "wb")
    # Without O_CREAT: what is no longer there is not made as a file.
    return os.fdopen(os.open(place.target, os.O_WRONLY), "wb")

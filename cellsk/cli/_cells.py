"""From the options of a command to images, labels and patients."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from cellsk.cli._listing import describe_cells, list_cells, say
from cellsk.cli._options import parse_size
from cellsk.cli._quiet import start_tensorflow
from cellsk.cli._wording import say_as_options
from cellsk.exceptions import (
    ImageReadWarning,
    PatientsUnknownWarning,
    SmallHoldOutWarning,
    SplitWarning,
)

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Cells", "Told", "read_cells", "say", "show_warnings"]


class Cells(NamedTuple):
    """Images of a folder, decoded, with their class names and patients."""

    images: NDArray[np.uint8]
    labels: NDArray[np.str_]
    groups: NDArray[np.str_] | None
    reader: Any

    def describe(self) -> str:
        """Return the counts in a sentence."""
        return describe_cells(self.labels, self.groups)


def read_cells(
    folder: Path,
    *,
    labels: Path | None = None,
    group_pattern: str | None = None,
    groups: str | None = None,
    groups_csv: Path | None = None,
    image_size: str | None = None,
    skip_unreadable: bool = False,
) -> Cells:
    """List and read a labelled folder.

    Raises
    ------
    ValueError, OSError
        When the folder is not as it should be, or an image cannot be read.
    """
    from cellsk.preprocessing import ImageReader

    listed = list_cells(
        folder,
        labels=labels,
        group_pattern=group_pattern,
        groups=groups,
        groups_csv=groups_csv,
        skip_unreadable=skip_unreadable,
    )
    reader = ImageReader(image_size=parse_size(image_size), verbose=int(sys.stderr.isatty()))
    images = reader.transform(listed.paths)
    start_tensorflow()
    return Cells(images, listed.labels, listed.groups, reader)


def show_warnings() -> Told:
    """Show warnings as one plain line each, the same one once; return what was told."""
    told = Told()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if told.is_new(str(message)):
            say(f"cellsk: warning: {say_as_options(str(message))}")

    warnings.simplefilter("ignore")
    warnings.filterwarnings("once", module=r"cellsk\.")
    # Those of a fold are told again where its module is no longer known.
    for category in (PatientsUnknownWarning, SplitWarning, SmallHoldOutWarning, ImageReadWarning):
        warnings.filterwarnings("once", category=category)
    warnings.filterwarnings("once", category=UserWarning, message="(Early stopping|.*decoded)")
    warnings.showwarning = show
    return told


class Told:
    """The warnings that the user has read on stderr."""

    def __init__(self) -> None:
        self._rules: set[str] = set()

    def is_new(self, sentence: str) -> bool:
        """Return whether the like was not told yet, and take it as told."""
        rule = sentence.split(". ")[0]  # of one rule, each fold would have its own counts
        known = rule in self._rules
        self._rules.add(rule)
        return not known

"""From the options of a command to images, labels and patients."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from cellsk._checks import count_noun
from cellsk.cli._options import parse_groups, parse_size
from cellsk.cli._quiet import start_tensorflow

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Cells", "read_cells", "say", "show_warnings"]


class Cells(NamedTuple):
    """Images of a folder, decoded, with their class names and patients."""

    images: NDArray[np.uint8]
    labels: NDArray[np.str_]
    groups: NDArray[np.str_] | None
    reader: Any

    def describe(self) -> str:
        """Return the counts in a sentence."""
        import numpy as np

        names, counts = np.unique(self.labels, return_counts=True)
        classes = ", ".join(f"{count:,} {name}" for name, count in zip(names, counts, strict=True))
        patients = (
            "patients unknown"
            if self.groups is None
            else count_noun(len(np.unique(self.groups)), "patient")
        )
        return f"{count_noun(len(self.labels), 'image')}: {classes}; {patients}."


def read_cells(
    folder: Path,
    *,
    labels: Path | None,
    group_pattern: str | None,
    groups: str | None,
    image_size: str | None,
    skip_unreadable: bool,
) -> Cells:
    """List and read a labelled folder.

    Raises
    ------
    ValueError, OSError
        When the folder is not as it should be, or an image cannot be read.
    """
    import numpy as np

    from cellsk.datasets import list_images
    from cellsk.preprocessing import ImageReader

    listed = list_images(
        folder,
        labels=labels,
        group_pattern=group_pattern,
        groups=groups if labels is not None else parse_groups(groups),
        verify=skip_unreadable,
    )
    if listed.y is None:
        raise ValueError(
            "The folder must contain one sub-folder per class, such as 'benign' and 'malignant'. "
            f"Got {str(folder)!r}, with {count_noun(len(listed.paths), 'image')} and no "
            "sub-folder. Pass --labels labels.csv, or the folder above."
        )
    reader = ImageReader(image_size=parse_size(image_size), verbose=int(sys.stderr.isatty()))
    images = reader.transform(listed.paths)
    start_tensorflow()
    return Cells(images, np.array(listed.target_names)[listed.y], listed.groups, reader)


def say(text: str) -> None:
    """Print a line for the reader on stderr; stdout is for results."""
    print(text, file=sys.stderr)


def show_warnings() -> None:
    """Show warnings as one plain line each, the same one once."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        say(f"cellsk: warning: {message}")

    warnings.simplefilter("ignore")
    warnings.filterwarnings("once", module=r"cellsk\.")
    warnings.filterwarnings("once", category=UserWarning, message="(Early stopping|.*decoded)")
    warnings.showwarning = show

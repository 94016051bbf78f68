"""Checks of the options of ``cellsk evaluate``, before anything is read or trained."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, NamedTuple

from cellsk._checks import check_option, count_noun
from cellsk._class_words import guess_positive
from cellsk._text import escape_text
from cellsk.cli._images import LabeledImages
from cellsk.cli._options import N_FOLDS
from cellsk.cli._outputs import FORMATS, check_files
from cellsk.cli._terminal import print_note
from cellsk.exceptions import InputError

__all__ = [
    "Outputs",
    "check_outputs",
    "check_quick",
    "check_wanted",
    "choose_positive",
    "count_folds",
]


class Outputs(NamedTuple):
    """Files to write, each of which may be None."""

    html: Path | None
    json: Path | None
    markdown: Path | None
    folds: Path | None
    max_pictures: int


def check_outputs(outputs: Outputs, *, force: bool) -> Outputs:
    """Return the files, or refuse those that cannot be written before hours of work.

    Raises
    ------
    InputError, OSError
        As in `check_files`.
    """
    check_files(dict(zip((*FORMATS, "folds"), outputs[:4], strict=True)), force=force)
    return outputs


def check_quick(outputs: Outputs, options: dict[str, Any]) -> None:
    """Refuse files and options that have no effect on the table of the folds.

    Raises
    ------
    InputError
        When one of them was given.
    """
    files = {"html": outputs.html, "markdown": outputs.markdown, "save_folds": outputs.folds}
    for name, value in {**files, **options}.items():
        if value not in (None, False, [], "mean"):
            raise InputError(
                "only shows a table of the folds",
                f"--{name.replace('_', '-')} too",
                "Leave one of them out.",
                parameter="--quick",
            )


def count_folds(cv: Path | None, folds: int | None, *, leakage: bool = False) -> int:
    """Return the number of folds: that of the manifest, or the given one.

    Raises
    ------
    ValueError, OSError
        When both are given and differ, the manifest cannot be read, or it does not test each image
        and ``leakage`` needs it.
    """
    if cv is None:
        return N_FOLDS if folds is None else folds
    from cellsk.model_selection import read_manifest

    tested = [row["fold"] for row in read_manifest(cv)]
    if leakage and None in tested:
        raise InputError(
            "compares two cross-validations that test every image",
            f"{cv.name}, with {count_noun(tested.count(None), 'image')} that no fold tests",
            "Leave one of them out.",
            parameter="--leakage",
        )
    n_folds = len(set(tested) - {None})
    if folds not in (None, n_folds):
        raise InputError(
            "--folds must be the number of folds of --cv",
            f"{cv.name} with {count_noun(n_folds, 'fold')}, and --folds {folds}",
            "Leave one of them out.",
        )
    found = (
        f"Folds: the {n_folds} folds" if n_folds > 1 else "One split into training and test: that"
    )
    print_note(f"{found} of {cv.name}.")
    return n_folds


def check_wanted(images: LabeledImages, wanted: dict[str, Any], *, leakage: bool) -> None:
    """Refuse options that these images do not allow.

    Raises
    ------
    InputError
        When options exclude each other, or need two classes or known patients.
    """
    if wanted["sensitivity"] is not None and wanted["specificity"] is not None:
        raise InputError(
            "The threshold is chosen for --sensitivity or for --specificity",
            "both",
            "Leave one of them out.",
        )
    if len(images.class_names) > 2:
        given = [f"--{name}" for name in ("sensitivity", "specificity", "prevalence")
                 if wanted[name] is not None]  # fmt: skip
        given += ["--aggregation max"] * (wanted["aggregation"] == "max")
        if given:
            raise InputError(
                "needs exactly two classes",
                f"{len(images.class_names)} classes",
                "Leave it out.",
                parameter=given[0],
            )
    if leakage and images.groups is None:
        raise InputError(
            "compares folds by patient with folds by image",
            "no patients",
            "Name them with --group-pattern, --groups or --groups-csv.",
            parameter="--leakage",
        )


def choose_positive(names: list[str], positive: str | None) -> str | None:
    """Return the positive class, and print it: the given one, or that of the names.

    Raises
    ------
    InputError
        When there is no such class, or there are more than two classes.
    """
    if len(names) > 2:
        if positive is not None:
            raise InputError(
                "needs exactly two classes",
                f"{len(names)} classes",
                "Leave it out: each class is then compared with all others.",
                parameter="--positive",
            )
        return None
    if positive is not None:
        printed = {escape_text(name): name for name in names}  # names may hold control characters
        chosen = check_option("--positive", printed.get(positive, positive), names)
        print_note(f"Positive class: {chosen}.")
        return str(chosen)
    chosen = guess_positive(names) or names[1]
    other = names[1 - names.index(chosen)]
    print_note(f"Positive class: {chosen}. Pass --positive {shlex.quote(other)} to change it.")
    return chosen

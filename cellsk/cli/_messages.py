"""Messages of errors, warnings and findings, in the words of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cellsk.cli._wording import say_as_options
from cellsk.exceptions import Explained

__all__ = ["OPTIONS", "word_error", "word_findings"]

# Parameters of Python functions, and the options that set them.
OPTIONS = {
    "aggregation": "--aggregation",
    "batch_size": "--batch-size",
    "calibrate": "--calibrate",
    "cv": "--cv",
    "epochs": "--epochs",
    "filters": "--filters",
    "group_pattern": "--group-pattern",
    "groups": "--groups",
    "groups_csv": "--groups-csv",
    "image_size": "--image-size",
    "labels": "--labels",
    "max_uncertainty": "--max-uncertainty",
    "n_jobs": "--jobs",
    "n_splits": "--folds",
    "pos_label": "--positive",
    "prevalence": "--prevalence",
    "random_state": "--seed",
    "sensitivity": "--sensitivity",
    "sites": "--site",
    "specificity": "--specificity",
    "store": "--store",
    "subgroups": "--subgroup",
}


def word_error(error: BaseException | str) -> str:
    """Return the text of an error or a warning with options instead of parameters."""
    if not isinstance(error, Explained):
        return say_as_options(str(error))
    return say_as_options(error.explain(parameter=OPTIONS.get(error.parameter or "")))


def word_findings(findings: Sequence[Any]) -> list[Any]:
    """Return findings of an audit with the remedies of the command line."""
    return [replace(found, message=say_as_options(found.message)) for found in findings]

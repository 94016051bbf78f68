"""Steps to try if a model is not better than a simple classifier or guessing, in order."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["NEXT_STEPS", "Step", "write_steps"]


class Step(NamedTuple):
    """Something to try."""

    code: str
    text: str  # an imperative that can follow another one
    command: str = ""  # what does it, without the other options of the reader


_EPOCHS = Step("epochs", "train for more epochs", "cellsk evaluate FOLDER --epochs 60")
_PATIENTS = Step("patients", "add images of more patients")
# Codes of warnings, and the steps. A new option that may help is one line here.
NEXT_STEPS = {
    "not-better-than-baseline": (
        _EPOCHS,
        Step("image-size", "use larger images", "cellsk evaluate FOLDER --image-size 128"),
        Step("filters", "compare smaller and larger networks", "cellsk search FOLDER"),
        Step(
            "pretrained", "classify features of a pretrained network, with ImageEmbedder in Python"
        ),
        _PATIENTS,
        Step("baseline", "use the simple classifier instead"),
    ),
    "not-better-than-guessing": (
        Step(
            "labels",
            "check the labels, and whether the images show what the labels are about",
            "cellsk audit FOLDER",
        ),
        _EPOCHS,
        _PATIENTS,
    ),
}


def write_steps(code: str, *, commands: bool = True) -> str:
    """Return what to try after a warning with this code, in one sentence.

    Examples
    --------
    >>> from cellsk.report.words._next_steps import write_steps
    >>> write_steps("not-better-than-guessing", commands=False)[:60]
    'Next: check the labels, and whether the images show what the'
    """
    parts = [
        f"{step.text} ({step.command})" if commands and step.command else step.text
        for step in NEXT_STEPS[code]
    ]
    return f"Next: {'; then '.join(parts)}."

"""What stands above the errors and the doubted labels: no more than the numbers bear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cellsk.report.words._values import write_number
from cellsk.report.words._verdict import is_better_than_guessing

__all__ = ["ErrorWords", "describe_errors"]

Document = Mapping[str, Any]
SURE = 0.8  # from here on the class that was called is at least four times as likely as the rest
_LOOK = "Look for what they share: a stain, a fold in the tissue, a patient, a wrong label."


class ErrorWords(NamedTuple):
    """A heading and a sentence for each of the two lists, and whether labels can be doubted."""

    title: str
    caption: str
    doubts_title: str
    doubts_caption: str
    doubts_shown: bool


def describe_errors(document: Document) -> ErrorWords:
    """Return the words for the errors and for the labels that the predictions contradict."""
    shown = is_better_than_guessing(document)
    doubts = (
        "Images whose label was doubted most by models that had not seen them. Each needs a human"
        " look; none was changed."
        if shown
        else "Not shown: this model is not shown to be better than guessing, so what it doubts says"
        " little about the labels. The JSON file lists them."
    )
    title = "Probable label errors" if shown else "Labels in doubt"
    return ErrorWords(*_describe_confident(document), title, doubts, shown)


def _describe_confident(document: Document) -> tuple[str, str]:
    found = document["predictions"]
    stated = [found["proba"][row][found["predicted"][row]] for row in document["confident_errors"]]
    if not stated:
        return "Errors", "There are none."
    highest, lowest = (write_number(pick(stated), 2) for pick in (max, min))
    ranged = highest if highest == lowest else f"{lowest} to {highest}"
    spoken = f"the probability of the class they were called is {ranged}"
    if min(stated) >= SURE:
        return "Most confident errors", f"Wrong, and sure of it: {spoken}. {_LOOK}"
    if max(stated) >= SURE:
        return "Most confident errors", f"Wrong, and the first of them surely: {spoken}. {_LOOK}"
    return (
        "Errors with the highest probability",
        f"Wrong, but none of them surely: {spoken}. {_LOOK}",
    )

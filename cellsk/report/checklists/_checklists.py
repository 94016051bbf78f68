"""answer_checklists: the items of TRIPOD+AI and CLAIM, with the answers that a run can give."""

from __future__ import annotations

from collections.abc import Sequence

from cellsk.report.checklists._items import CLAIM, TRIPOD_AI, Answer, Answers, Item
from cellsk.report.checklists._methods import CLAIM_METHODS, TRIPOD_METHODS
from cellsk.report.checklists._model import CLAIM_MODEL, TRIPOD_MODEL
from cellsk.report.checklists._results import CLAIM_RESULTS, TRIPOD_RESULTS
from cellsk.report.document import ChecklistItem, EvaluationDocument
from cellsk.report.words import add_exact_intervals

__all__ = ["FOR_THE_AUTHORS", "answer_checklists", "count_statuses"]

FOR_THE_AUTHORS = "For the authors."
STATUSES = ("answered", "in part", "for the authors")
_LISTS: dict[str, tuple[tuple[Item, ...], Answers]] = {
    "TRIPOD+AI": (TRIPOD_AI, TRIPOD_METHODS | TRIPOD_MODEL | TRIPOD_RESULTS),
    "CLAIM": (CLAIM, CLAIM_METHODS | CLAIM_MODEL | CLAIM_RESULTS),
}


def answer_checklists(document: EvaluationDocument) -> dict[str, list[ChecklistItem]]:
    """Answer the items of TRIPOD+AI and of CLAIM that a run can answer.

    A checklist asks about a study, and a run is only one part of it. So an item is answered, or
    answered in part with a note on what is missing, or left to the authors. The questions
    are in cellsk's words: read the checklists themselves before you submit one.

    Parameters
    ----------
    document : dict
        The document of an evaluation. Its own `checklists` are ignored.

    Returns
    -------
    checklists : dict of str to list of dict
        "TRIPOD+AI" [1]_ with its 27 items in 52 parts, and "CLAIM" [2]_, in the update of 2024,
        with its 44. Each item has `item` (its number, such as "12e"), `topic`, `question`,
        `answer`, and `status`: "answered", "in part" or "for the authors".

    References
    ----------
    .. [1] G. S. Collins et al., "TRIPOD+AI statement: updated guidance for reporting clinical
       prediction models that use regression or machine learning methods", BMJ 385, e078378,
       2024.
    .. [2] A. S. Tejani et al., "Checklist for Artificial Intelligence in Medical Imaging
       (CLAIM): 2024 update", Radiology: Artificial Intelligence 6(4), e240300, 2024.
    """
    document = add_exact_intervals(document)
    return {
        name: [_answer_item(item, answers, document) for item in items]
        for name, (items, answers) in _LISTS.items()
    }


def count_statuses(items: Sequence[ChecklistItem]) -> str:
    """Return the items of a checklist by status: ``"6 answered, 21 in part, 25 for ..."``."""
    statuses: list[str] = [item["status"] for item in items]
    counts = [f"{statuses.count(name)} {name}" for name in STATUSES]
    return ", ".join(counts)


def _answer_item(item: Item, answers: Answers, document: EvaluationDocument) -> ChecklistItem:
    find_answer = answers.get(item.number)
    answer = None if find_answer is None else find_answer(document)
    return {
        "item": item.number,
        "topic": item.topic,
        "question": item.question,
        "answer": _write_answer(answer),
        "status": "for the authors"
        if answer is None
        else ("in part" if answer.rest else "answered"),
    }


def _write_answer(answer: Answer | None) -> str:
    if answer is None:
        return FOR_THE_AUTHORS
    if not answer.rest:
        return answer.text
    return f"{answer.text} {FOR_THE_AUTHORS[:-1]}: {answer.rest}"

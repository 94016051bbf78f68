"""answer_checklists: what TRIPOD+AI and CLAIM ask, and what the run itself can answer."""

from __future__ import annotations

from cellsk.report.checklists._answers_on_methods import CLAIM_METHODS, TRIPOD_METHODS
from cellsk.report.checklists._answers_on_model import CLAIM_MODEL, TRIPOD_MODEL
from cellsk.report.checklists._answers_on_results import CLAIM_RESULTS, TRIPOD_RESULTS
from cellsk.report.checklists._items import CLAIM, TRIPOD_AI, Answer, Document, Item, Tellers
from cellsk.report.document._shown import prepare

__all__ = ["FOR_THE_AUTHORS", "answer_checklists"]

FOR_THE_AUTHORS = "For the authors."
_LISTS: dict[str, tuple[tuple[Item, ...], Tellers]] = {
    "TRIPOD+AI": (TRIPOD_AI, TRIPOD_METHODS | TRIPOD_MODEL | TRIPOD_RESULTS),
    "CLAIM": (CLAIM, CLAIM_METHODS | CLAIM_MODEL | CLAIM_RESULTS),
}


def answer_checklists(document: Document) -> dict[str, list[dict[str, str]]]:
    """Answer the items of TRIPOD+AI and of CLAIM that a run can answer by itself.

    A checklist asks about a study, and a run is only part of one. So an item is answered, or
    answered in part with a word on what is missing, or left to the authors. The questions
    are in cellsk's words: read the checklists themselves before handing one in.

    Parameters
    ----------
    document : mapping
        The document of an evaluation; its own `checklists` are not looked at.

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
    document = prepare(document)
    return {
        name: [_answer_item(item, tellers, document) for item in items]
        for name, (items, tellers) in _LISTS.items()
    }


def _answer_item(item: Item, tellers: Tellers, document: Document) -> dict[str, str]:
    tell = tellers.get(item.number)
    status, text = _write_answer(None if tell is None else tell(document))
    return {
        "item": item.number,
        "topic": item.topic,
        "question": item.question,
        "answer": text,
        "status": status,
    }


def _write_answer(answer: Answer | None) -> tuple[str, str]:
    if answer is None:
        return "for the authors", FOR_THE_AUTHORS
    if not answer.rest:
        return "answered", answer.text
    return "in part", f"{answer.text} {FOR_THE_AUTHORS[:-1]}: {answer.rest}"

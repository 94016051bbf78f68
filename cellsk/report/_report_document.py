"""The document of a report: facts with prose and checklists, joined with the test of a model."""

from __future__ import annotations

from cellsk.report.checklists import answer_checklists
from cellsk.report.document import EvaluationDocument, EvaluationFacts, Numbers
from cellsk.report.words import list_limits, write_headline, write_intended_use, write_title

__all__ = ["complete_document", "join_test"]


def complete_document(facts: EvaluationFacts) -> EvaluationDocument:
    """Return the document: the facts, with title, intended use, limits and checklists."""
    document: EvaluationDocument = {
        **facts,
        "title": write_title(facts),
        "headline": write_headline(facts),
        "intended_use": write_intended_use(facts),
        "limits": list_limits(facts),
        "checklists": {},
        "test": None,
    }
    document["checklists"] = answer_checklists(document)
    return document


def join_test(
    document: EvaluationDocument, tested: EvaluationDocument, difference: Numbers
) -> None:
    """Add the test of a model to the document of its cross-validation, and answer again."""
    document["test"] = {"report": tested, "difference": difference}
    document["checklists"] = answer_checklists(document)

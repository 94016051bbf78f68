"""Reports of evaluations and searches: documents, and how they are shown. See README.md."""

from cellsk.report._evaluate import evaluate
from cellsk.report._evaluate_model import evaluate_model
from cellsk.report._evaluation_report import EvaluationReport
from cellsk.report._search_report import SearchReport
from cellsk.report.render import ExplainedImage as ExplainedImage
from cellsk.report.render import render_explanations as render_explanations
from cellsk.report.render import render_terminal as render_terminal
from cellsk.report.render import render_test as render_test

__all__ = [
    "EvaluationReport",
    "SearchReport",
    "evaluate",
    "evaluate_model",
]

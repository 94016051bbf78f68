"""Reports: evaluate an estimator, and show what was found as text, page, JSON and model card."""

from cellsk.report._evaluate import evaluate
from cellsk.report._evaluation_report import EvaluationReport
from cellsk.report._search_report import SearchReport
from cellsk.report.render._terminal import render_terminal as render_terminal
from cellsk.report.words._search import describe_nested as describe_nested
from cellsk.report.words._search import describe_search as describe_search
from cellsk.report.words._search import mark_candidate as mark_candidate

__all__ = [
    "EvaluationReport",
    "SearchReport",
    "evaluate",
]

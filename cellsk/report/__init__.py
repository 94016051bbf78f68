"""Reports: evaluate an estimator, and show what was found as text, page, JSON and model card."""

from cellsk.report._evaluate import evaluate
from cellsk.report._evaluation_report import EvaluationReport
from cellsk.report._search import SearchReport

__all__ = ["EvaluationReport", "SearchReport", "evaluate"]

"""Scores for people: their names, meanings, scales, and chance levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from cellsk.metrics import SCORE_NAMES
from cellsk.report.document import Data, Fold, ImageClass, Numbers
from cellsk.report.words._formats import name_class, write_range

__all__ = [
    "ScoreWords",
    "count_defined",
    "describe_score",
    "list_scores",
    "name_score",
    "name_two_classes",
]


class ScoreWords(NamedTuple):
    """Name, meaning, family, scale and chance level of a score."""

    label: str
    meaning: str
    family: str
    scale: tuple[float, float]
    chance: float | None = None


_MEANINGS = {
    "accuracy": "share of images classified correctly",
    "balanced_accuracy": "share classified correctly, with equal weight for each class",
    "sensitivity": "share of {positive} images that are predicted {positive}",
    "specificity": "share of {negative} images that are predicted {negative}",
    "ppv": "share of images predicted {positive} that are {positive}, at the prevalence here",
    "npv": "share of images predicted {negative} that are {negative}, at the prevalence here",
    "f1": "harmonic mean of sensitivity and positive predictive value",
    "mcc": "correlation of label and prediction, from \N{MINUS SIGN}1 to 1",
    "roc_auc": "how often a {positive} image gets a higher probability than a {negative} one",
    "average_precision": "mean positive predictive value over all levels of sensitivity",
    "brier_score": "mean squared difference between probability and outcome; 0 is best",
    "log_loss": "penalty for a low probability of the true class; 0 is best",
    "calibration_error": "mean difference between probability and observed share; 0 is best",
}
_MEANINGS_OF_MANY = {
    "roc_auc": "each class against the rest, averaged over the classes",
    "average_precision": "each class against the rest, averaged over the classes",
    "f1": "harmonic mean of sensitivity and positive predictive value, averaged over the classes",
}
_RANKING = {"roc_auc", "average_precision"}
_PROBABILITIES = {"brier_score", "log_loss", "calibration_error"}


def name_score(name: str) -> str:
    """Return the name of a score for people: ``"ROC AUC"`` for ``"roc_auc"``."""
    known = SCORE_NAMES.get(name)
    return name.replace("_", " ") if known is None else known.words


def list_scores(numbers: Numbers, names: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """Return name and value with interval of scores, or of those with these names."""
    present = list(numbers) if names is None else [name for name in names if name in numbers]
    return [(name_score(name), write_range(numbers[name])) for name in present]


def describe_score(name: str, data: Data, highest: float | None = None) -> ScoreWords:
    """Return the words for a score, with the names of the classes in them.

    Parameters
    ----------
    name : str
        A key of `numbers` in an evaluation document. Unknown names are kept.
    data : dict
        The part `data` of the document.
    highest : float, default=None
        The highest value to draw, if the score has no upper limit.

    Returns
    -------
    words : ScoreWords
    """
    known = SCORE_NAMES.get(name)
    low, high = (0.0, 1.0) if known is None else known.range
    chance = _find_chance(name, data)
    return ScoreWords(
        name_score(name),
        _write_meaning(name, data),
        _find_family(name),
        (low, max(1.0, highest or 0.0, chance or 0.0) if math.isinf(high) else min(high, 1.0)),
        chance,
    )


def name_two_classes(data: Data) -> tuple[str, str]:
    """Return the names of the positive and of the negative class, for a sentence."""
    positive = data["positive"] or "positive"
    return name_class(positive), name_class(_name_other(data["classes"], positive))


def _name_other(classes: Sequence[ImageClass], positive: str) -> str:
    return next((one["name"] for one in classes if one["name"] != positive), "other")


def count_defined(name: str, folds: Sequence[Fold]) -> str:
    """Return in how many folds a score is defined, if not in all: ``"over 4 of 5 folds"``."""
    n_defined = sum(fold["scores"].get(name) is not None for fold in folds)
    return f"over {n_defined} of {len(folds)} folds" if 0 < n_defined < len(folds) else ""


def _write_meaning(name: str, data: Data) -> str:
    if data["positive"] is None:
        return _MEANINGS_OF_MANY.get(name, _MEANINGS.get(name, ""))
    positive, negative = name_two_classes(data)
    # Not str.format: the names of classes may contain braces.
    around = _MEANINGS.get(name, "").split("{positive}")
    return positive.join(text.replace("{negative}", negative) for text in around)


def _find_family(name: str) -> str:
    if name in _RANKING:
        return "Ranking"
    return "Probabilities" if name in _PROBABILITIES else "Decisions"


def _find_chance(name: str, data: Data) -> float | None:
    """Return the chance level of a score, if it is one number.

    It is the score of a classifier that knows the share of each class, but not the image: it
    predicts the most frequent class, or gives each class its share as the probability.
    """
    counts = [entry["n_images"] for entry in data["classes"]]
    shares = [count / max(sum(counts), 1) for count in counts]
    prevalence = data["prevalence"]
    levels = {
        "roc_auc": 0.5,
        "mcc": 0.0,
        "balanced_accuracy": 1 / max(len(counts), 1),
        "accuracy": max(shares, default=0.0),
        "log_loss": -sum(share * math.log(share) for share in shares if share),
        "average_precision": prevalence,
        "brier_score": None if prevalence is None else prevalence * (1 - prevalence),
    }
    return levels.get(name)

"""Numbers in words: how pages write a value, an interval, a count, and what a score means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from cellsk.metrics import SCORE_NAMES

__all__ = [
    "describe_score",
    "name_class",
    "write_count",
    "write_duration",
    "write_interval",
    "write_number",
    "write_share",
]

UNDEFINED = "not defined"


class ScoreWords(NamedTuple):
    """What people call a score, what it says, and where it lies."""

    label: str
    meaning: str
    family: str
    scale: tuple[float, float]
    chance: float | None = None


_MEANINGS = {
    "accuracy": "share of images classified right",
    "balanced_accuracy": "share classified right when every class counts the same",
    "sensitivity": "share of {positive} images that are found",
    "specificity": "share of {negative} images that are called {negative}",
    "ppv": "share of {positive} calls that are right, with as many {positive} images as here",
    "npv": "share of {negative} calls that are right, with as many {positive} images as here",
    "f1": "harmonic mean of sensitivity and positive predictive value",
    "mcc": "correlation of label and decision, from \N{MINUS SIGN}1 to 1",
    "roc_auc": "chance that a {positive} image scores higher than a {negative} one",
    "average_precision": "area under the precision-recall curve",
    "brier_score": "mean squared distance of probability and truth; 0 is best",
    "log_loss": "penalty for probability given to the wrong class; 0 is best",
    "calibration_error": "mean distance of probability and share that came true; 0 is best",
}
_MEANINGS_OF_MANY = {
    "roc_auc": "each class against the rest, then the mean",
    "average_precision": "each class against the rest, then the mean",
    "f1": "sensitivity and positive predictive value of each class in one, then the mean",
}
_RANKING = {"roc_auc", "average_precision"}
_PROBABILITIES = {"brier_score", "log_loss", "calibration_error"}


def describe_score(name: str, data: Mapping[str, Any], highest: float | None = None) -> ScoreWords:
    """Return the words for a score, with the names of the classes in them.

    Parameters
    ----------
    name : str
        A key of `numbers` in an evaluation document. Unknown ones are written as they are.
    data : mapping
        The part `data` of the document.
    highest : float, default=None
        The highest value to be drawn, where a score has no upper end.

    Returns
    -------
    words : ScoreWords
    """
    known = SCORE_NAMES.get(name)
    label = name.replace("_", " ") if known is None else known.words
    low, high = (0.0, 1.0) if known is None else known.range
    chance = _find_chance(name, data)
    return ScoreWords(
        label,
        _say_meaning(name, data),
        _find_family(name),
        (low, max(1.0, highest or 0.0, chance or 0.0) if math.isinf(high) else min(high, 1.0)),
        chance,
    )


def _say_meaning(name: str, data: Mapping[str, Any]) -> str:
    positive = data["positive"]
    if positive is None:
        return _MEANINGS_OF_MANY.get(name, _MEANINGS.get(name, ""))
    negative = next((one["name"] for one in data["classes"] if one["name"] != positive), "others")
    meaning = _MEANINGS.get(name, "").split("{positive}")
    parts = (part.replace("{negative}", name_class(negative)) for part in meaning)
    return name_class(positive).join(parts)


def _find_family(name: str) -> str:
    if name in _RANKING:
        return "Ranking"
    return "Probabilities" if name in _PROBABILITIES else "Decisions"


def _find_chance(name: str, data: Mapping[str, Any]) -> float | None:
    """Return what guessing reaches, where that is one number.

    Guessing knows the share of each class and nothing of the image: it names the most frequent
    class, or gives each class its share as the probability.
    """
    counts = [entry["n_images"] for entry in data["classes"]]
    shares = [count / max(sum(counts), 1) for count in counts]
    reached = {
        "roc_auc": 0.5,
        "mcc": 0.0,
        "balanced_accuracy": 1 / max(len(counts), 1),
        "accuracy": max(shares, default=0.0),
        "log_loss": -sum(share * math.log(share) for share in shares if share),
        "average_precision": data["prevalence"],
    }
    if data["prevalence"] is not None:
        reached["brier_score"] = data["prevalence"] * (1 - data["prevalence"])
    return reached.get(name)


def name_class(name: str) -> str:
    """Return the name of a class for a sentence, where a bare number would be misread.

    Examples
    --------
    >>> from cellsk.report.words._values import name_class
    >>> name_class("benign"), name_class("1")
    ('benign', 'class 1')
    """
    return name if any(letter.isalpha() for letter in name) else f"class {name}"


def write_number(value: float | None, digits: int = 3) -> str:
    """Return a value as people read it: ``"0.871"``, ``"not defined"``.

    Examples
    --------
    >>> from cellsk.report.words._values import write_number
    >>> write_number(0.8714), write_number(0.8714, 2), write_number(None)
    ('0.871', '0.87', 'not defined')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")  # no minus before what is 0 as far as it is shown
    return text.replace("-", "\N{MINUS SIGN}")


def write_interval(entry: Mapping[str, Any], digits: int = 3) -> str:
    """Return the interval of a number: ``"0.80 to 0.92"``, or that there is none."""
    low, high = entry["low"], entry["high"]
    if low is None or high is None:
        return "no interval"
    return f"{write_number(low, digits)} to {write_number(high, digits)}"


def write_share(value: float | None) -> str:
    """Return a share in whole per cent; what is not quite all or nothing stays so.

    Examples
    --------
    >>> from cellsk.report.words._values import write_share
    >>> write_share(0.256), write_share(0.9996), write_share(0.0), write_share(None)
    ('26 %', '> 99 %', '0 %', 'not defined')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if 0 < value < 0.01:
        return "< 1 %"
    if 0.99 < value < 1:
        return "> 99 %"
    return f"{100 * value:.0f} %"


def write_count(count: int, noun: str, plural: str = "") -> str:
    """Return count and noun: ``"1 image"``, ``"1,200 images"``, ``"2 classes"``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def write_duration(seconds: float | None) -> str:
    """Return a duration: ``"0.4 s"``, ``"12 s"``, ``"3 min 20 s"``, ``"2 h 5 min"``.

    Examples
    --------
    >>> from cellsk.report.words._values import write_duration
    >>> write_duration(0.42), write_duration(200), write_duration(7500)
    ('0.4 s', '3 min 20 s', '2 h 5 min')
    """
    if seconds is None:
        return "not measured"
    if seconds < 0.1:
        return "< 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"

"""Comparison with simple classifiers, in sentences and as table rows."""

from __future__ import annotations

from typing import NamedTuple

from cellsk.report.document import Baseline, EvaluationFacts, Number
from cellsk.report.words._formats import write_interval, write_number
from cellsk.report.words._next_steps import write_steps
from cellsk.report.words._scores import name_score
from cellsk.report.words._verdict import is_better_than_chance

__all__ = [
    "BaselineRow",
    "compare_with_baselines",
    "describe_baselines",
    "explain_left_out_baselines",
    "is_baseline_as_good",
    "list_baseline_rows",
    "list_compared_scores",
    "suggest_next",
    "warn_of_baselines",
]

_LABELS = {
    "guessing": "Guessing",
    "mean_color": "Mean color",
    "texture_forest": "Color and texture",
}
_MEANINGS = {
    "guessing": "the shares of the classes, without looking at the image",
    "mean_color": "logistic regression on the mean of each color",
    "texture_forest": "random forest on histograms of color, gradients and local patterns",
}
_CLASSIFIERS = {
    "mean_color": "logistic regression on the mean color",
    "texture_forest": "random forest on color and texture",
}
_CHECK_COLOR = (
    " If color alone classifies the images, check whether stain or scanner differ between the"
    " classes."
)


class BaselineRow(NamedTuple):
    """A classifier with its scores, and the differences from the model."""

    label: str
    meaning: str
    numbers: list[Number]
    difference: Number | None


def list_compared_scores(facts: EvaluationFacts) -> tuple[str, str]:
    """Return the score that decides, and a second one."""
    if facts["data"]["positive"] is None:
        return "balanced_accuracy", "roc_auc"
    return "roc_auc", "balanced_accuracy"


def list_baseline_rows(facts: EvaluationFacts) -> list[BaselineRow]:
    """Return the model and the baselines, the strongest first."""
    found = facts["baselines"]
    if found is None:
        return []
    scores = list_compared_scores(facts)
    model = [facts["numbers"][name] for name in scores]
    rows = [BaselineRow("This model", facts["estimator"]["name"], model, None)]
    for one in sorted(found["compared"], key=lambda one: -_read_value(one, scores[0])):
        numbers = [one["numbers"][name] for name in scores]
        label, meaning = _LABELS[one["name"]], _MEANINGS[one["name"]]
        rows.append(BaselineRow(label, meaning, numbers, one["difference"][scores[0]]))
    return rows


def explain_left_out_baselines(facts: EvaluationFacts) -> list[str]:
    """Return which baselines are missing, and why."""
    found = facts["baselines"]
    left_out = [] if found is None else found["left_out"]
    reasons = dict.fromkeys(one["reason"].rstrip(".") for one in left_out)
    return [
        " and ".join(
            _LABELS[one["name"]] for one in left_out if one["reason"].rstrip(".") == reason
        )
        + f" left out: {reason}."
        for reason in reasons
    ]


def describe_baselines() -> str:
    """Return what the table of baselines shows."""
    return (
        "Simple classifiers, trained and tested on the same images. A network is worth its effort"
        " only if it is better than they are. Each interval of a difference comes from the same"
        " resamples for both."
    )


def compare_with_baselines(facts: EvaluationFacts) -> str:
    """Return whether the model is better than the best simple classifier, or ""."""
    best = _find_best(facts)
    if best is None or best["name"] == "guessing":
        return ""
    score = list_compared_scores(facts)[0]
    gap, own = best["difference"][score], best["numbers"][score]
    label = "ROC AUC" if score == "roc_auc" else name_score(score).lower()
    if gap["value"] is None:
        return ""
    value, other = write_number(facts["numbers"][score]["value"]), write_number(own["value"])
    pair = f"{label} is {value}, and that of a {_CLASSIFIERS[best['name']]} {other}"
    if gap["low"] is None or gap["high"] is None:
        more = "higher" if gap["value"] > 0 else "not higher"
        return f"Compared with simple baselines: {pair}. It is {more}; there is no interval here."
    interval = f"difference {write_number(gap['value'])}, {write_interval(gap)}"
    if gap["low"] > 0:
        return f"Better than simple baselines: {pair} ({interval})."
    if gap["high"] >= 0 and gap["value"] > 0:
        return f"Not shown to be better than simple baselines: {pair} ({interval})."
    how = "higher" if gap["high"] < 0 else "as well"
    return (
        f"A {_CLASSIFIERS[best['name']]} scores {how}: its {label} is {other}, and that of this"
        f" model {value} ({interval})."
    )


def is_baseline_as_good(facts: EvaluationFacts) -> bool:
    """Return whether the best simple classifier is not shown to be worse than the model."""
    best = _find_best(facts)
    if best is None or best["name"] == "guessing":
        return False
    low = best["difference"][list_compared_scores(facts)[0]]["low"]
    return low is not None and low <= 0


def warn_of_baselines(facts: EvaluationFacts) -> str:
    """Return the comparison if a simple classifier is as good, or if guessing may be."""
    if is_baseline_as_good(facts):
        return compare_with_baselines(facts)
    if not _may_be_guessing(facts):
        return ""
    return "This model is not shown to be better than guessing."


def suggest_next(facts: EvaluationFacts) -> str:
    """Return what to try if a simple classifier is as good, or after guessing. Else ""."""
    best = _find_best(facts)
    if best is not None and is_baseline_as_good(facts):
        check = _CHECK_COLOR if best["name"] == "mean_color" else ""
        return f"{write_steps('not-better-than-baseline')}{check}"
    return write_steps("not-better-than-guessing") if _may_be_guessing(facts) else ""


def _may_be_guessing(facts: EvaluationFacts) -> bool:
    number = facts["numbers"][list_compared_scores(facts)[0]]
    known = facts["baselines"] is not None and number["low"] is not None
    return known and not is_better_than_chance(facts)


def _find_best(facts: EvaluationFacts) -> Baseline | None:
    """Return the baseline with the highest deciding score, or None."""
    found, score = facts["baselines"], list_compared_scores(facts)[0]
    known = [] if found is None else found["compared"]
    known = [one for one in known if one["numbers"][score]["value"] is not None]
    return max(known, key=lambda one: _read_value(one, score), default=None)


def _read_value(one: Baseline, score: str) -> float:
    value = one["numbers"][score]["value"]
    return float("-inf") if value is None else value

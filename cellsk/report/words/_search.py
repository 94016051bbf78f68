"""A search in words: for the terminal, the page and Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellsk.report.words._values import write_count, write_duration, write_interval, write_number

__all__ = [
    "describe_choice",
    "describe_nested",
    "describe_search",
    "explain_no_interval",
    "mark_candidate",
    "name_candidate",
    "name_resource",
    "name_score",
    "tabulate",
    "write_size",
    "write_value",
]

Document = Mapping[str, Any]
EVALUATE = "Run evaluate on the search itself for one that is not."
_NAMES = {"roc_auc": "ROC AUC", "matthews_corrcoef": "MCC", "f1": "F1"}


def name_score(document: Document) -> str:
    """Return the score's name for people: ``"balanced accuracy"`` for ``"balanced_accuracy"``."""
    score = document["search"]["score"]
    return _NAMES.get(score, score.replace("_", " "))


def write_value(value: Any) -> str:
    """Return a parameter's value as people write it: ``"16, 32"`` for filter counts.

    Examples
    --------
    >>> from cellsk.report.words._search import write_value
    >>> write_value([16, 32]), write_value(0.001), write_value(True), write_value(None)
    ('16, 32', '0.001', 'True', 'None')
    """
    if isinstance(value, list):
        return ", ".join(write_value(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def name_candidate(document: Document, candidate: Mapping[str, Any]) -> str:
    """Return what sets a candidate apart: ``"filters 16, 32; dropout 0.2"``."""
    parts = [
        f"{parameter['short']} {write_value(candidate['params'][parameter['name']])}"
        for parameter in document["parameters"]
        if parameter["name"] in candidate["params"] and len(parameter["values"]) > 1
    ]
    return "; ".join(parts) or "the only candidate"


def describe_search(document: Document, remedy: str = EVALUATE) -> list[str]:
    """Return what the search found, and what its best number is worth, in sentences.

    `remedy` says how to come by a better number, where there is none yet.
    """
    return [
        *_describe_best(document),
        *describe_choice(document),
        *describe_nested(document, remedy),
        *_describe_doubts(document),
    ]


def _describe_best(document: Document) -> list[str]:
    best = document["candidates"][document["best"]]
    interval = ""
    if best["low"] is not None:
        level = f"{100 * document['interval']['level']:g} %"
        interval = f" ({level} interval {write_interval(best)}, approximate)"
    return [
        f"Best of {write_count(_count_compared(document), 'candidate')}:"
        f" {name_candidate(document, best)}, with {_with_article(name_score(document))} of"
        f" {write_number(best['mean'])}{interval}."
    ]


def describe_choice(document: Document) -> list[str]:
    """Return what the one-standard-error rule chooses, beside the best."""
    best = document["candidates"][document["best"]]
    choice = document["candidates"][document["one_standard_error"]]
    if len(document["candidates"]) == 1:
        return []
    others = sum(one["within_one_standard_error"] for one in document["candidates"]) - 1
    if not others:
        return ["No other candidate is within one standard error of it."]
    are = "is" if others == 1 else "are"
    near = f"{others:,} other{'' if others == 1 else 's'} {are} as good, within one standard error"
    if choice["row"] == best["row"] and document["search"]["size_unit"] != "weights":
        return [f"{near}; none of them was clearly faster to fit."]
    if choice["row"] == best["row"]:
        return [f"{near}; the best is the smallest of them."]
    return [
        f"{near}. The smallest is {name_candidate(document, choice)}"
        f" ({write_size(document, choice)} against {write_size(document, best)}), with"
        f" {write_number(choice['mean'])}: the one-standard-error rule prefers it."
    ]


def write_size(document: Document, candidate: Mapping[str, Any]) -> str:
    """Return how large a candidate is: ``"2,001,985 weights"``, or ``"3.2 s to fit"``."""
    if document["search"]["size_unit"] == "weights":
        return f"{candidate['size']:,} weights"
    return f"{write_duration(candidate['size'])} to fit"


def describe_nested(document: Document, remedy: str = EVALUATE) -> list[str]:
    """Return the number to report, or why the best one is not."""
    nested = document["nested"]
    if nested is None:
        return [
            "The best of several is chosen by luck too: its score is somewhat too good to report."
            f" {remedy}"
        ]
    number, units = nested["number"], f"{nested['interval']['unit']}s"
    if number is None or number["value"] is None:
        return [f"The nested evaluation knows no {name_score(document)}; its scores are below."]
    best = document["candidates"][document["best"]]["mean"]
    return [
        f"To report: {write_number(number['value'])} ({write_interval(number)}), on {units} that"
        f" the search did not see, in {write_count(nested['n_folds'], 'fold')} around it. The best"
        f" candidate, chosen on the {units} that score it, claims {write_number(best)}."
    ]


def _describe_doubts(document: Document) -> list[str]:
    found = [f"No intervals: {reason}" for reason in [explain_no_interval(document)] if reason]
    if document["n_failed"]:
        found.append(f"{write_count(document['n_failed'], 'candidate')} failed in a fold.")
    if document["iterations"] is not None:
        last = document["iterations"][-1]
        found.append(
            f"Only the {write_count(last['n_candidates'], 'candidate')} of the last iteration"
            f" ({last['n_resources']:,} {name_resource(document)}) can be compared with each other."
        )
    return found


def explain_no_interval(document: Document) -> str:
    """Return why the candidates have no interval; nothing where they have one."""
    if document["search"]["n_folds"] < 2:
        return "one fold has no spread."
    if document["interval"]["test_fraction"] is None:
        cv = (document["search"]["cv"] or "cv").split("(")[0]
        return (
            f"{cv} does not tell the share of the images in each test side. Pass test_fraction to"
            " SearchReport."
        )
    return ""


def _count_compared(document: Document) -> int:
    last = document["candidates"][0]["iteration"]
    return sum(candidate["iteration"] == last for candidate in document["candidates"])


def name_resource(document: Document) -> str:
    """Return what a halving search gives more of to fewer candidates: images, most often."""
    resource = document["search"]["resource"]
    return "images" if resource == "n_samples" else str(resource).split("__")[-1]


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def tabulate(document: Document, limit: int | None = None) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the candidates as text, the best first."""
    level = f"{100 * document['interval']['level']:g} % interval"
    halving = document["iterations"] is not None
    header = ["rank", *(one["short"] for one in document["parameters"])]
    header += [
        name_score(document),
        level,
        "fit seconds",
        *([name_resource(document)] if halving else []),
        "",
    ]
    rows = []
    for place, candidate in enumerate(document["candidates"][:limit]):
        values = (
            write_value(candidate["params"][one["name"]])
            if one["name"] in candidate["params"]
            else ""
            for one in document["parameters"]
        )
        number = {"value": candidate["mean"], "low": candidate["low"], "high": candidate["high"]}
        failed = candidate["mean"] is None
        row = [str(candidate["rank"]), *values]
        row += ["failed" if failed else write_number(candidate["mean"])]
        row += ["" if failed else write_interval(number), write_number(candidate["fit_seconds"], 1)]
        row += [f"{candidate['n_resources']:,}"] if halving else []
        rows.append([*row, mark_candidate(document, place)])
    return header, rows


def mark_candidate(document: Document, place: int) -> str:
    """Return what is to be said of a candidate: best, as good as it, the smallest of these."""
    if place == document["best"]:
        return "best"
    if place == document["one_standard_error"]:
        return "smallest as good"
    return "as good" if document["candidates"][place]["within_one_standard_error"] else ""

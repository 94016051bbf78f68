"""The findings of a search in sentences, and its candidates as table rows."""

from __future__ import annotations

from typing import Any

from cellsk._checks import count_noun, join_words, pick_form
from cellsk.report.document import Candidate, Number, PlainValue, SearchDocument
from cellsk.report.words._formats import (
    name_level,
    write_duration,
    write_interval,
    write_number,
    write_range,
)

__all__ = [
    "describe_choice",
    "describe_interval",
    "describe_nested",
    "describe_search",
    "explain_no_interval",
    "list_short_names",
    "mark_candidate",
    "name_candidate",
    "name_resource",
    "name_search_score",
    "pick_best",
    "pick_choice",
    "read_number",
    "summarize_search",
    "tabulate_candidates",
    "write_params",
    "write_search_origin",
    "write_search_title",
    "write_size",
    "write_value",
]

EVALUATE = "Pass the search itself to evaluate to get a score to report."
_NAMES = {"roc_auc": "ROC AUC", "matthews_corrcoef": "MCC", "f1": "F1"}


def name_search_score(document: SearchDocument) -> str:
    """Return the name of the score for people: ``"balanced accuracy"``, ``"ROC AUC"``."""
    score = document["search"]["score"]
    return _NAMES.get(score, score.replace("_", " "))


def write_value(value: PlainValue) -> str:
    """Return a parameter's value: ``"16, 32"`` for filter counts.

    Examples
    --------
    >>> from cellsk.report.words import write_value
    >>> write_value([16, 32]), write_value(0.001), write_value(True), write_value(None)
    ('16, 32', '0.001', 'True', 'None')
    """
    if isinstance(value, list):
        return ", ".join(write_value(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def list_short_names(document: SearchDocument) -> list[str]:
    """Return the short names of the parameters."""
    return [parameter["short"] for parameter in document["parameters"]]


def write_params(document: SearchDocument, candidate: Candidate) -> list[str]:
    """Return the value of each parameter, or "" where a candidate does not have it."""
    params = candidate["params"]
    names = [parameter["name"] for parameter in document["parameters"]]
    return [write_value(params[name]) if name in params else "" for name in names]


def read_number(candidate: Candidate) -> Number:
    """Return the mean score of a candidate with its interval."""
    return {"value": candidate["mean"], "low": candidate["low"], "high": candidate["high"]}


def name_candidate(document: SearchDocument, candidate: Candidate) -> str:
    """Return the parameters of a candidate: ``"filters 16, 32; dropout 0.2"``."""
    params = candidate["params"]
    named = [
        f"{parameter['short']} {write_value(params[parameter['name']])}"
        for parameter in document["parameters"]
        if parameter["name"] in params and len(parameter["values"]) > 1
    ]
    return "; ".join(named) or "the only candidate"


def write_search_title(document: SearchDocument) -> str:
    """Return the title of the report."""
    names = [one["short"] for one in document["parameters"] if len(one["values"]) > 1]
    return f"Search over {join_words(names)}" if names else "Search"


def write_search_origin(document: SearchDocument) -> str:
    """Return a sentence on what was searched, and how it was scored."""
    search = document["search"]
    n = len({str(one["params"]) for one in document["candidates"]})
    splitter = f" of {search['cv']}" if search["cv"] else ""
    folds = count_noun(search["n_folds"], "fold")
    return f"{search['name']}: {count_noun(n, 'candidate')}, each scored on {folds}{splitter}."


def describe_search(document: SearchDocument, remedy: str | None = None) -> list[str]:
    """Return what the search found, and how far to trust its best score, in sentences.

    ``remedy`` is how to get an unbiased score. None describes it for Python.
    """
    return [
        _describe_best(document),
        *_describe_guessing(document),
        *describe_choice(document),
        *describe_nested(document, remedy),
        *_describe_problems(document),
    ]


def pick_best(document: SearchDocument) -> Candidate:
    """Return the candidate with the highest mean score."""
    return document["candidates"][document["best"]]


def pick_choice(document: SearchDocument) -> Candidate:
    """Return the smallest candidate within one standard error of the best."""
    return document["candidates"][document["one_standard_error"]]


def _describe_best(document: SearchDocument) -> str:
    best, score = pick_best(document), name_search_score(document)
    number = read_number(best)
    interval = ""
    if best["low"] is not None:
        level = name_level(document["interval"])
        interval = f" ({level} {write_interval(number)}, approximate)"
    article = "an" if score[0].lower() in "aeiou" else "a"
    return (
        f"Best of {count_noun(_count_compared(document), 'candidate')}:"
        f" {name_candidate(document, best)}, with {article} {score} of"
        f" {write_number(number['value'])}{interval}."
    )


def _describe_guessing(document: SearchDocument) -> list[str]:
    """Return what guessing reaches, and whether the best candidate is better."""
    guessing, score = document["guessing"], name_search_score(document)
    folds = document["search"]["n_folds"]
    if guessing is None:
        found = [f"Pass y to SearchReport to compare with the {score} of guessing."]
    else:
        level = (
            f"Guessing, by the shares of the classes alone, has {write_number(guessing['value'])}"
        )
        found = [
            f"{level}: the best candidate is better."
            if guessing["best_is_better"]
            else f"{level}: the best candidate is not shown to be better. Do not use it as it is."
        ]
    if count := pick_best(document)["one_class_folds"]:
        found.append(
            f"In {count} of {count_noun(folds, 'fold')} the best candidate predicted the same class"
            " for all test images."
        )
    return found


def describe_choice(document: SearchDocument) -> list[str]:
    """Return which candidate the one-standard-error rule chooses."""
    candidates = document["candidates"]
    best, choice = pick_best(document), pick_choice(document)
    if len(candidates) == 1:
        return []
    others = sum(one["within_one_standard_error"] for one in candidates) - 1
    if not others:
        return ["No other candidate is within one standard error of it."]
    are = pick_form(others, "is", "are")
    near = f"{count_noun(others, 'other candidate')} {are} within one standard error of it"
    if choice is best:
        if document["search"]["size_unit"] == "weights":
            return [f"{near}; the best is the smallest of them."]
        return [f"{near}; none of them was clearly faster to fit."]
    return [
        f"{near}. The smallest is {name_candidate(document, choice)}"
        f" ({write_size(document, choice)}; the best has {write_size(document, best)}), with a"
        f" score of {write_number(choice['mean'])}: the one-standard-error rule chooses it."
    ]


def write_size(document: SearchDocument, candidate: Candidate) -> str:
    """Return the size of a candidate: ``"2,001,985 weights"``, or ``"3.2 s to fit"``."""
    if document["search"]["size_unit"] == "weights":
        return f"{candidate['size']:,} weights"
    return f"a fit time of {write_duration(candidate['size'])}"


def _describe_score(document: SearchDocument, remedy: str | None = None) -> list[str]:
    """Return the sentences that do not depend on fit times."""
    return [*_describe_guessing(document), *describe_nested(document, remedy)]


def describe_nested(document: SearchDocument, remedy: str | None = None) -> list[str]:
    """Return the score to report, or why the best score is not one."""
    nested = document["nested"]
    if nested is None:
        return [
            "The best of several candidates is partly chosen by chance: its score is too high to"
            f" report. {EVALUATE if remedy is None else remedy}"
        ]
    number, units = nested["number"], f"{nested['interval']['unit']}s"
    if number is None or number["value"] is None:
        score = name_search_score(document)
        return [f"The nested evaluation has no {score}; its scores are listed below."]
    best = pick_best(document)["mean"]
    n_folds = nested["n_folds"]
    where = f"each of {n_folds} folds" if n_folds > 1 else "the training side of one split"
    return [
        f"To report: {write_range(number)}, on {units} that"
        f" the search did not use: it ran again within {where}. The score"
        f" of the best candidate, chosen and scored on the same {units}, is {write_number(best)}."
    ]


def _describe_problems(document: SearchDocument) -> list[str]:
    found = [f"No intervals: {reason}" for reason in [explain_no_interval(document)] if reason]
    if document["n_failed"]:
        found.append(f"{count_noun(document['n_failed'], 'candidate')} failed in a fold.")
    if document["iterations"] is not None:
        last = document["iterations"][-1]
        found.append(
            f"Only the {count_noun(last['n_candidates'], 'candidate')} of the last iteration"
            f" ({last['n_resources']:,} {name_resource(document)}) can be compared with each other."
        )
    return found


def explain_no_interval(document: SearchDocument) -> str:
    """Return why the candidates have no intervals, or "" if they have."""
    search = document["search"]
    if search["n_folds"] < 2:
        return "one fold has no spread."
    if document["interval"]["test_fraction"] is None:
        cv = (search["cv"] or "cv").split("(")[0]
        return (
            f"the share of test images in each split is not known from {cv}. Pass test_fraction to"
            " SearchReport."
        )
    return ""


def describe_interval(document: SearchDocument) -> str:
    """Return how the intervals were computed, or why there are none."""
    if reason := explain_no_interval(document):
        return f"No intervals: {reason}"
    interval = document["interval"]
    return f"{name_level(interval)}s: {interval['method']}. They are approximate."


def _count_compared(document: SearchDocument) -> int:
    last = document["candidates"][0]["iteration"]
    return sum(candidate["iteration"] == last for candidate in document["candidates"])


def name_resource(document: SearchDocument) -> str:
    """Return the resource that a halving search increases, mostly images."""
    resource = document["search"]["resource"]
    return "images" if resource == "n_samples" else str(resource).split("__")[-1]


def mark_candidate(document: SearchDocument, place: int) -> str:
    """Return the remark on a candidate: the best, the smallest as good, or as good."""
    if place == document["best"]:
        return "best"
    if place == document["one_standard_error"]:
        return "smallest as good"
    return "as good" if document["candidates"][place]["within_one_standard_error"] else ""


def tabulate_candidates(
    document: SearchDocument, limit: int | None = None
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the candidates as text, the best first."""
    halving = document["iterations"] is not None
    header = ["rank", *list_short_names(document)]
    header += [name_search_score(document), name_level(document["interval"])]
    header += ["fit seconds", *([name_resource(document)] if halving else []), ""]
    rows = []
    for place, candidate in enumerate(document["candidates"][:limit]):
        number = read_number(candidate)
        failed = number["value"] is None
        row = [str(candidate["rank"]), *write_params(document, candidate)]
        row += ["failed", ""] if failed else [write_number(number["value"]), write_interval(number)]
        row += [write_number(candidate["fit_seconds"], 1)]
        row += [f"{candidate['n_resources']:,}"] if halving else []
        rows.append([*row, mark_candidate(document, place)])
    if guessing := document["guessing"]:
        row = ["", *[""] * len(document["parameters"]), write_number(guessing["value"])]
        rows.append([*row, *[""] * (len(header) - len(row) - 1), "guessing"])
    return header, rows


def summarize_search(document: SearchDocument, remedy: str | None = None) -> dict[str, Any]:
    """Return the candidates with their remarks, the choice, and sentences, as plain values.

    The keys are described at `SearchReport.summary`.
    """
    # Fit times differ from run to run, and so would a choice that depends on them.
    search, choice, guessing = document["search"], pick_choice(document), document["guessing"]
    counted, score = search["size_unit"] == "weights", search["score"]
    nested, sentences = document["nested"], describe_search if counted else _describe_score
    return {
        "n_folds": search["n_folds"],
        "scoring": score,
        "guessing": None if guessing is None else guessing["value"],
        "better_than_guessing": None if guessing is None else guessing["best_is_better"],
        "candidates": [
            {
                **_name_params(document, candidate),
                "rank": candidate["rank"],
                f"mean_{score}": candidate["mean"],
                "low": candidate["low"],
                "high": candidate["high"],
                "standard_deviation": candidate["sd"],
                "mean_fit_seconds": candidate["fit_seconds"],
                "n_weights": candidate["size"] if counted else None,
                "one_class_folds": candidate["one_class_folds"],
                "remark": mark_candidate(document, place) if counted else "",
            }
            for place, candidate in enumerate(document["candidates"])
        ],
        "one_standard_error": _pick_single(_name_params(document, choice)) if counted else None,
        "nested": None if nested is None else nested["number"],
        "summary": sentences(document, remedy),
    }


def _name_params(document: SearchDocument, candidate: Candidate) -> dict[str, PlainValue]:
    """Return the parameters of a candidate by their short names."""
    shorts = {one["name"]: one["short"] for one in document["parameters"]}
    return {shorts[name]: value for name, value in candidate["params"].items()}


def _pick_single(params: dict[str, PlainValue]) -> PlainValue | dict[str, PlainValue]:
    """Return the value of a single parameter, or all parameters by name."""
    return next(iter(params.values())) if len(params) == 1 else params

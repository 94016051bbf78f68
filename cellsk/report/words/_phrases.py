"""Parts of a document as phrases, the same in the checklists and on the model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellsk._checks import count_noun
from cellsk.report.words._values import describe_score, name_class, write_interval, write_number

__all__ = [
    "ONE_CLASS",
    "count_defined",
    "count_images",
    "count_statuses",
    "count_units",
    "join_words",
    "list_classes",
    "list_kept",
    "list_left_out",
    "name_level",
    "name_score",
    "name_source",
    "say_left_out",
    "say_patient_threshold",
    "say_splits",
    "write_range",
]

Document = Mapping[str, Any]
STATUSES = ("answered", "in part", "for the authors")
ONE_CLASS = "All of them are of one class: by patient there is nothing to tell apart."
_SOURCES = {
    "chosen": "chosen by cellsk",
    "given": "given by whoever ran it",
    "manifest": "read from a fold manifest",
}


def name_score(name: str, document: Document) -> str:
    """Return the name of a score for people: ``"ROC AUC"`` for ``"roc_auc"``."""
    return describe_score(name, document["data"]).label


def name_level(document: Document) -> str:
    """Return what the intervals are: ``"95 % interval"``."""
    return f"{100 * document['interval']['level']:g} % interval"


def name_source(document: Document) -> str:
    """Return who chose the folds: ``"chosen by cellsk"``."""
    return _SOURCES[document["cv"]["source"]]


def write_range(number: Mapping[str, Any]) -> str:
    """Return a value with its interval, if it has one: ``"0.871 (0.802 to 0.921)"``."""
    if number["low"] is None or number["high"] is None:
        return write_number(number["value"])
    note = f", {number['note']}" if "note" in number else ""
    return f"{write_number(number['value'])} ({write_interval(number)}{note})"


def list_left_out(document: Document) -> list[tuple[str, str]]:
    """Return name and reason of each file that was left out before the run."""
    return [(str(name), str(reason)) for name, reason in document.get("left_out") or ()]


def say_left_out(document: Document, most: int = 10) -> str:
    """Return the files that were left out beforehand in one sentence; nothing if none were."""
    left = list_left_out(document)
    if not left:
        return ""
    named = [f"{name} ({reason.rstrip('.')})" for name, reason in left[:most]]
    if len(left) > most:
        named.append(f"{len(left) - most:,} more")
    return f"{count_noun(len(left), 'file')} left out beforehand: {join_words(named)}."


def list_kept(document: Document) -> str:
    """Return whose images no two folds share: "a patient and of a site", or ""."""
    cv = document["cv"]
    known = {"patient": cv["groups_kept_together"], "site": cv["sites_kept_together"]}
    return " and of ".join(f"a {noun}" for noun, together in known.items() if together)


def say_splits(document: Document) -> str:
    """Return how the images were parted into folds, before the splitter says it in Python."""
    cv = document["cv"]
    kept = list_kept(document)
    text = f"{count_noun(cv['n_folds'], 'fold')}, {name_source(document)}"
    if kept:
        text += f"; all images of {kept} are in one fold"
    if cv["description"].startswith("Stratified"):
        text += "; classes spread over the folds as evenly as that allows"
    return f"{text}."


def say_patient_threshold(document: Document) -> str:
    """Return that tuned thresholds are not those of patients, where that could be mistaken."""
    found, positive = document["patients"], document["data"]["positive"]
    if found is None or found["aggregation"] == "vote":
        return ""
    if document["operating_point"] is None or positive is None:
        return ""
    called = f"Patients are called {name_class(positive)} from 0.5 on"
    return f"{called}; the thresholds are those of images."


def count_defined(name: str, document: Document) -> str:
    """Return over how many folds a mean is, if not all: ``"over 4 of 5 folds"``."""
    folds = document["folds"]
    n_defined = sum(fold["scores"].get(name) is not None for fold in folds)
    return f"over {n_defined} of {len(folds)} folds" if 0 < n_defined < len(folds) else ""


def count_statuses(items: Sequence[Mapping[str, str]]) -> str:
    """Return the items of a checklist by status: ``"6 answered, 21 in part, 25 for ..."``."""
    statuses = [item["status"] for item in items]
    counts = [f"{statuses.count(name)} {name}" for name in STATUSES]
    return ", ".join(counts)


def join_words(words: Sequence[str]) -> str:
    """Return words for a sentence: ``"a, b and c"``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def count_images(n_images: int, n_groups: int | None) -> str:
    """Return images and patients, if these are known: ``"214 images of 12 patients"``."""
    images = count_noun(n_images, "image")
    return images if n_groups is None else f"{images} of {count_noun(n_groups, 'patient')}"


def count_units(document: Document) -> str:
    """Return how many images, and of how many patients, a run is about."""
    return count_images(document["data"]["n_images"], document["data"]["n_groups"])


def list_classes(document: Document) -> str:
    """Return each class with its images: ``"'benign' (104 images of 6 patients) and ..."``."""
    classes = document["data"]["classes"]
    return join_words(
        [f"'{one['name']}' ({count_images(one['n_images'], one['n_groups'])})" for one in classes]
    )

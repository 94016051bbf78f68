"""What a run itself can say of its model, as answers to the items of a checklist."""

from __future__ import annotations

from collections.abc import Mapping

from cellsk.report.checklists._items import Answer, Document, Tellers
from cellsk.report.words._phrases import join_words, list_classes, write_range
from cellsk.report.words._values import write_duration, write_number

__all__ = ["CLAIM_MODEL", "TRIPOD_MODEL"]


def _pick(document: Document, ending: str) -> dict[str, str]:
    """Return the estimator's parameters whose name ends so, at any depth."""
    parameters = document["estimator"]["parameters"]
    return {name: str(value) for name, value in parameters.items() if name.endswith(ending)}


def _assignments(parameters: Mapping[str, str]) -> str:
    return join_words([f"{name}={value}" for name, value in parameters.items()])


def _tell_model(document: Document) -> Answer:
    """Which estimator, and what was chosen inside it."""
    text = f"{document['estimator']['name']}, with the parameters listed in the report. "
    best = [fold["best_params"] for fold in document["folds"] if fold["best_params"]]
    if best:
        names = join_words(sorted({name for one in best for name in one}))
        text += f"A search within the training side of each fold chose {names}. "
    if document["calibration"]:
        text += f"Probabilities were calibrated there ({document['calibration']['method']}). "
    if document["operating_point"]:
        text += "The threshold was chosen there too. "
    return Answer(text + "Validated by cross-validation.", "why this model.")


def _tell_combination(document: Document) -> Answer:
    """That only calibration combines models."""
    text = "The evaluation itself combined no models: one estimator was fitted for each fold."
    if document["calibration"]:
        text = (
            "Within each fold, calibration fitted the estimator on several inner folds, and the "
            "probability is the mean of theirs."
        )
    return Answer(text, f"whether {document['estimator']['name']} is itself an ensemble.")


def _tell_start(document: Document) -> Answer:
    """Seeds."""
    seeds = _pick(document, "random_state")
    own = f" The estimator's own: {_assignments(seeds)}." if seeds else ""
    run = "none was set" if document["seed"] is None else document["seed"]
    return Answer(f"Seed of the run: {run}.{own}", "how weights start, if not at random.")


def _tell_training(document: Document) -> Answer:
    """Epochs and time."""
    epochs = [len(fold["history"]["loss"]) for fold in document["folds"] if fold["history"]]
    text = "All training parameters are listed in the report. "
    if epochs:
        of_first = " (by the first of several networks)" if document["calibration"] else ""
        text += f"Epochs run in each fold{of_first}: {', '.join(map(str, epochs))}. "
    took = write_duration(sum(fold["fit_seconds"] for fold in document["folds"]))
    return Answer(f"{text}Fitting all folds took {took}.", "the machine, and why so.")


def _tell_selection(document: Document) -> Answer:
    """How epoch and parameters were chosen."""
    folds = document["folds"]
    kept = [str(fold["best_epoch"]) for fold in folds if fold["best_epoch"] is not None]
    best = [fold["best_params"] for fold in folds if fold["best_params"]]
    told = []
    if kept:
        told.append(f"Epoch kept in each fold: {', '.join(kept)}.")
    if best:
        told.append("The parameters were chosen in each fold by a search on its training side.")
    else:
        told.append("No search: the parameters were set beforehand.")
    told.append("The report judges the procedure; the model to be used is trained after it.")
    return Answer(" ".join(told), "which models were tried before this run.")


def _tell_software(document: Document) -> Answer:
    """Packages and versions."""
    return Answer(", ".join(f"{name} {text}" for name, text in document["versions"].items()) + ".")


def _tell_balance(document: Document) -> Answer:
    """Whether classes were weighted."""
    weights = _pick(document, "class_weight")
    used = {name: value for name, value in weights.items() if value != "None"}
    if used:
        how = f"Classes were weighted in training: {_assignments(used)}. "
    else:
        how = "No parameter class_weight was set. "
    after = document["calibration"]
    how += f"Calibrated afterwards: {after['method']}." if after else "Not recalibrated afterwards."
    return Answer(f"{how} The images: {list_classes(document)}.", "any other balancing, and why.")


def _tell_output(document: Document) -> Answer:
    """Probabilities, and how they become a class."""
    text = "A probability for each class, and a class. "
    point = document["operating_point"]
    if point is None:
        text += "The class is what predict says; the run tuned no threshold."
        return Answer(text, "why this suits the use.")
    thresholds = [value for value in point["thresholds"] if value is not None]
    ranged = (
        f", from {write_number(min(thresholds))} to {write_number(max(thresholds))} over the folds"
        if thresholds
        else ""
    )
    text += (
        f"The threshold was chosen on the training side of each fold for a {point['wanted']} of "
        f"{point['target']:g}{ranged}. Held-out {point['wanted']}: "
        f"{write_range(point['achieved'][point['wanted']])}."
    )
    return Answer(text, f"why a {point['wanted']} of {point['target']:g} is wanted.")


def _tell_predictions(document: Document) -> Answer:
    """How predictions were computed."""
    version = document["versions"].get("cellsk", "version unknown")
    return Answer(
        f"By predict_proba and predict of {document['estimator']['name']}, fitted on the "
        f"training side of each fold, with cellsk {version}. Every prediction is in the report's "
        "JSON file."
    )


def _tell_updating(document: Document) -> Answer:
    """Whether the evaluation changed the model."""
    if document["calibration"]:
        method = document["calibration"]["method"]
        return Answer(
            f"None after the evaluation. Calibration ({method}) is part of the model, fitted in "
            "the training side of each fold."
        )
    return Answer("None. The evaluation changed no model.")


def _tell_specification(document: Document) -> Answer:
    """What another person would need."""
    return Answer(
        "Parameters, versions and seed are in the report. The run kept no model: each fold had "
        "its own. A model for use is fitted on all images afterwards, and save_model writes it.",
        "where the fitted model can be had, and who may use it.",
    )


TRIPOD_MODEL: Tellers = {
    "12c": _tell_model,
    "12f": _tell_updating,
    "12g": _tell_predictions,
    "13": _tell_balance,
    "15": _tell_output,
    "22": _tell_specification,
    "24": _tell_updating,
}
CLAIM_MODEL: Tellers = {
    "22": _tell_model,
    "23": _tell_software,
    "24": _tell_start,
    "25": _tell_training,
    "26": _tell_selection,
    "27": _tell_combination,
}

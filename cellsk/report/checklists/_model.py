"""Answers to checklist items on the model: estimator, training, selection and output."""

from __future__ import annotations

from collections.abc import Mapping

from cellsk._checks import join_words
from cellsk.neural_network import describe_backbone
from cellsk.report.checklists._items import Answer, Answers
from cellsk.report.document import EvaluationDocument
from cellsk.report.words import (
    is_one_split,
    list_classes,
    name_training,
    write_duration,
    write_number,
    write_range,
)

__all__ = ["CLAIM_MODEL", "TRIPOD_MODEL"]


def _pick_parameters(document: EvaluationDocument, ending: str) -> dict[str, str]:
    """Return the estimator's parameters whose names end so, at any depth."""
    parameters = document["estimator"]["parameters"]
    return {name: value for name, value in parameters.items() if name.endswith(ending)}


def _write_parameters(parameters: Mapping[str, str]) -> str:
    return join_words([f"{name}={value}" for name, value in parameters.items()])


def _list_best_params(document: EvaluationDocument) -> list[dict[str, str]]:
    """Return the parameters that a search chose in each fold, if any."""
    return [fold["best_params"] for fold in document["folds"] if fold["best_params"]]


def _answer_model(document: EvaluationDocument) -> Answer:
    text = f"{document['estimator']['name']}, with the parameters listed in the report. "
    if document["cv"] is None:
        return Answer(f"{text}It was trained before this run, and is tested as it is.", "why it.")
    best = _list_best_params(document)
    if best:
        names = join_words(sorted({name for one in best for name in one}))
        text += f"A search within {name_training(document)} chose {names}. "
    if document["calibration"]:
        method = document["calibration"]["method"]
        text += f"Probabilities were calibrated on {name_training(document)} ({method}). "
    if document["operating_point"]:
        text += f"The threshold was chosen on {name_training(document)}. "
    how = "one split into training and test" if is_one_split(document) else "cross-validation"
    return Answer(f"{text}The model was validated by {how}.", "why this model.")


def _answer_combination(document: EvaluationDocument) -> Answer:
    if document["cv"] is None:
        text = "The test itself combined no models."
        return Answer(text, f"whether {document['estimator']['name']} is itself an ensemble.")
    one = is_one_split(document)
    fitted = "one estimator was fitted" if one else "one estimator was fitted for each fold"
    text = f"The evaluation itself combined no models: {fitted}."
    if document["calibration"]:
        text = (
            f"Within {name_training(document)}, calibration fitted the estimator on several inner"
            " folds and took the mean of their probabilities."
        )
    return Answer(text, f"whether {document['estimator']['name']} is itself an ensemble.")


def _answer_start(document: EvaluationDocument) -> Answer:
    seeds = _pick_parameters(document, "random_state")
    of_estimator = f" Seed of the estimator: {_write_parameters(seeds)}." if seeds else ""
    of_run = "none was set" if document["seed"] is None else document["seed"]
    text = f"Seed of the run: {of_run}.{of_estimator}"
    backbones = sorted(set(_pick_parameters(document, "backbone").values()))
    if backbones:
        sources = join_words([describe_backbone(name.strip("'")) for name in backbones])
        return Answer(f"{text} Pretrained network, which is not trained further: {sources}.", "")
    return Answer(text, "how weights start, if not at random.")


def _answer_training(document: EvaluationDocument) -> Answer:
    if document["cv"] is None:
        return Answer(
            "All training parameters that the model keeps are listed in the report. "
            f"{_describe_augmentation(document)}".strip(),
            "the machine, the epochs, and why these parameters.",
        )
    epochs = [len(fold["history"]["loss"]) for fold in document["folds"] if fold["history"]]
    text = "All training parameters are listed in the report. "
    if epochs:
        of_first = " (of the first of several networks)" if document["calibration"] else ""
        where = "" if is_one_split(document) else " in each fold"
        text += f"Epochs trained{where}{of_first}: {', '.join(map(str, epochs))}. "
    text += _describe_augmentation(document)
    took = write_duration(sum(fold["fit_seconds"] for fold in document["folds"]))
    fitting = "The fit" if is_one_split(document) else "Fitting all folds"
    return Answer(f"{text}{fitting} took {took}.", "the machine, and why these parameters.")


def _describe_augmentation(document: EvaluationDocument) -> str:
    if any(name.endswith("augmentation") for one in _list_best_params(document) for name in one):
        return "A search chose the augmentation. "
    found = _pick_parameters(document, "augmentation")
    used = {name: value for name, value in found.items() if value != "None"}
    if used:
        return f"Training images were changed at random: {_write_parameters(used)}. "
    return "Training images were not augmented. " if found else ""


def _answer_selection(document: EvaluationDocument) -> Answer:
    if document["cv"] is None:
        return Answer(
            "The model was chosen before this run, which tested no other one.",
            "how it was chosen, and that the test set had no influence on it.",
        )
    where = "" if is_one_split(document) else " in each fold"
    epochs = [fold["best_epoch"] for fold in document["folds"] if fold["best_epoch"] is not None]
    sentences = []
    if epochs:
        sentences.append(f"Epoch kept{where}: {', '.join(map(str, epochs))}.")
    if _list_best_params(document):
        sentences.append(f"A search on {name_training(document)} chose the parameters.")
    else:
        sentences.append("There was no search: the parameters were set before the run.")
    sentences.append(
        "The report is about models that are trained in this way; the model for use is trained"
        " afterwards on all images."
    )
    return Answer(" ".join(sentences), "which models were tried before this run.")


def _answer_software(document: EvaluationDocument) -> Answer:
    return Answer(", ".join(f"{name} {text}" for name, text in document["versions"].items()) + ".")


def _answer_balance(document: EvaluationDocument) -> Answer:
    weights = _pick_parameters(document, "class_weight")
    used = {name: value for name, value in weights.items() if value != "None"}
    if used:
        how = f"Classes were weighted in training: {_write_parameters(used)}. "
    else:
        how = "The classes were not weighted in training: no class_weight was set. "
    after = document["calibration"]
    how += (
        f"The probabilities were calibrated afterwards ({after['method']})."
        if after
        else "The probabilities were not recalibrated afterwards."
    )
    images = list_classes(document["data"])
    return Answer(f"{how} The images: {images}.", "any other balancing, and why.")


def _answer_output(document: EvaluationDocument) -> Answer:
    text = "The output is a probability for each class, and a predicted class. "
    point = document["operating_point"]
    if point is None:
        text += "The predicted class is the result of predict: the run chose no threshold."
        return Answer(text, "why this suits the use.")
    thresholds = [value for value in point["thresholds"] if value is not None]
    wanted = point["wanted"]
    text += (
        f"The threshold was chosen on {name_training(document)} for a {wanted} of "
        f"{point['target']:g}{_write_thresholds(thresholds)}. The {wanted} on the images that were "
        f"tested is {write_range(point['achieved'][wanted])}."
    )
    return Answer(text, f"why a {wanted} of {point['target']:g} is needed.")


def _write_thresholds(thresholds: list[float]) -> str:
    if not thresholds:
        return ""
    if len(thresholds) == 1:
        return f", at {write_number(thresholds[0])}"
    low, high = write_number(min(thresholds)), write_number(max(thresholds))
    return f", from {low} to {high} over the folds"


def _answer_predictions(document: EvaluationDocument) -> Answer:
    version = document["versions"].get("cellsk", "version unknown")
    return Answer(
        f"They were computed by predict_proba and predict of {document['estimator']['name']}, "
        f"fitted on {name_training(document)}, with cellsk {version}. Every prediction is in "
        "the report's JSON file."
    )


def _answer_updating(document: EvaluationDocument) -> Answer:
    if document["calibration"]:
        method = document["calibration"]["method"]
        return Answer(
            f"The model was not updated after its evaluation. Calibration ({method}) belongs to "
            f"the model, and was fitted on {name_training(document)}."
        )
    return Answer("The model was not updated after its evaluation.")


def _answer_specification(document: EvaluationDocument) -> Answer:
    if document["cv"] is None:
        return Answer(
            "Parameters and versions are in the report. save_model writes the model as a file.",
            "where the model can be obtained.",
        )
    kept = "The run kept no model, as each fold has another one."
    if is_one_split(document):
        kept = "The run kept no model."
    return Answer(
        f"Parameters, versions and seed are in the report. {kept} A model for use is fitted"
        " afterwards on all images, and written by save_model.",
        "where the fitted model is available, and who may use it.",
    )


TRIPOD_MODEL: Answers = {
    "12c": _answer_model,
    "12f": _answer_updating,
    "12g": _answer_predictions,
    "13": _answer_balance,
    "15": _answer_output,
    "22": _answer_specification,
    "24": _answer_updating,
}
CLAIM_MODEL: Answers = {
    "22": _answer_model,
    "23": _answer_software,
    "24": _answer_start,
    "25": _answer_training,
    "26": _answer_selection,
    "27": _answer_combination,
}

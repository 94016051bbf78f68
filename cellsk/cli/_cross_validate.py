"""``cellsk cross-validate``: how well the classes of a folder can be told apart."""

from __future__ import annotations

from typing import Any

from cellsk.cli._cells import Cells, read_cells, say, show_warnings
from cellsk.cli._options import (
    BatchSize,
    Epochs,
    Filters,
    Folder,
    Folds,
    GroupPattern,
    Groups,
    GroupsCsv,
    ImageSize,
    Json,
    Labels,
    Seed,
    SkipUnreadable,
    parse_filters,
)
from cellsk.cli._progress import show_progress
from cellsk.cli._tables import format_table, print_json

__all__ = [
    "PATIENTS_UNKNOWN",
    "cross_validate",
    "describe_scores",
    "make_splits",
    "score_folds",
]

PATIENTS_UNKNOWN = (
    "Patients unknown: images of one patient may be in training and test, which makes numbers "
    "too good. Name the patients with --group-pattern, --groups or --groups-csv."
)


def cross_validate(
    folder: Folder,
    folds: Folds = 5,
    labels: Labels = None,
    group_pattern: GroupPattern = None,
    groups: Groups = None,
    groups_csv: GroupsCsv = None,
    image_size: ImageSize = None,
    filters: Filters = "32,64",
    epochs: Epochs = 30,
    batch_size: BatchSize = 32,
    seed: Seed = 0,
    skip_unreadable: SkipUnreadable = False,
    as_json: Json = False,
) -> None:
    """Take a quick look, without intervals; evaluate is to report."""
    from cellsk.neural_network import CellClassifier

    show_warnings()
    counts = parse_filters(filters)
    cells = read_cells(
        folder,
        labels=labels,
        group_pattern=group_pattern,
        groups=groups,
        groups_csv=groups_csv,
        image_size=image_size,
        skip_unreadable=skip_unreadable,
    )
    say(cells.describe())
    classifier = CellClassifier(
        filters=counts, epochs=epochs, batch_size=batch_size, random_state=seed
    )
    result = score_folds(cells, classifier, folds, seed)
    if as_json:
        print_json(result)
    else:
        print(describe_scores(result))
    if any(fold["roc_auc"] is None for fold in result["folds"]):
        say("ROC AUC: left out of folds without images of every class.")
    if cells.groups is None:
        say(PATIENTS_UNKNOWN)


def make_splits(cells: Cells, folds: int, seed: int) -> list[Any]:
    """Return stratified folds, which keep patients together where they are known.

    Raises
    ------
    ValueError
        When a training side would lack a class, or there are too few images or patients.
    """
    from cellsk.model_selection import resolve_cv

    return resolve_cv(folds, cells.labels, cells.labels, cells.groups, random_state=seed).splits


def score_folds(cells: Cells, classifier: Any, folds: int, seed: int) -> dict[str, Any]:
    """Cross-validate, early stopping inside each fold included; return plain values."""
    from sklearn import config_context
    from sklearn import model_selection as selection

    splits = make_splits(cells, folds, seed)
    with config_context(enable_metadata_routing=True), show_progress(classifier, folds):
        scores = selection.cross_validate(
            classifier.set_fit_request(groups=True),
            cells.images,
            cells.labels,
            cv=splits,
            scoring=_score,
            params=None if cells.groups is None else {"groups": cells.groups},
            return_estimator=True,
            error_score="raise",
        )
    return _collect(scores, splits, grouped=cells.groups is not None)


def _score(classifier: Any, images: Any, labels: Any) -> dict[str, float]:
    """Scores of one fold; the area is NaN where a class is missing in it."""
    from sklearn import metrics

    predicted, proba = classifier.predict(images), classifier.predict_proba(images)
    known = set(labels) == set(classifier.classes_)
    binary = proba.shape[1] == 2
    return {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": _mean_recall(labels, predicted),
        "roc_auc": metrics.roc_auc_score(
            labels, proba[:, 1] if binary else proba, multi_class="ovr"
        )
        if known
        else float("nan"),
    }


def _mean_recall(labels: Any, predicted: Any) -> float:
    """Balanced accuracy over the classes that the fold has."""
    from sklearn.metrics import recall_score

    return float(recall_score(labels, predicted, labels=sorted(set(labels)), average="macro"))


def _collect(scores: dict[str, Any], splits: list[Any], *, grouped: bool) -> dict[str, Any]:
    measures = {
        name.removeprefix("test_"): values
        for name, values in scores.items()
        if name.startswith("test_")
    }
    folds = [
        {
            "fold": number + 1,
            "n_test": len(splits[number][1]),
            **{name: _plain(values[number]) for name, values in measures.items()},
            "best_epoch": scores["estimator"][number].best_epoch_,
        }
        for number in range(len(splits))
    ]
    known = {name: values[values == values] for name, values in measures.items()}
    return {
        "patients_kept_together": grouped,
        "folds": folds,
        "mean": {name: float(values.mean()) for name, values in known.items() if len(values)},
        "standard_deviation": {
            name: float(values.std()) for name, values in known.items() if len(values)
        },
    }


def _plain(value: float) -> float | None:
    """A number that JSON knows: None for NaN."""
    return float(value) if value == value else None


def describe_scores(result: dict[str, Any]) -> str:
    """Return the folds, their mean and their spread as a table."""
    names = ["accuracy", "balanced_accuracy", "roc_auc"]
    rows = [
        [fold["fold"], fold["n_test"], *(fold[name] for name in names), fold["best_epoch"]]
        for fold in result["folds"]
    ]
    rows += [
        ["mean", "", *(result["mean"].get(name) for name in names), ""],
        ["sd", "", *(result["standard_deviation"].get(name) for name in names), ""],
    ]
    header = ["fold", "images", "accuracy", "balanced accuracy", "ROC AUC", "epoch kept"]
    return format_table(header, rows)

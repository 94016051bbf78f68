"""``cellsk cross-validate``: how well the classes of a folder can be told apart."""

from __future__ import annotations

from typing import Any

from cellsk._checks import check_count
from cellsk.cli._cells import Cells, read_cells, say, show_warnings
from cellsk.cli._options import (
    BatchSize,
    Classes,
    Epochs,
    Filters,
    Folder,
    Folds,
    GroupPattern,
    Groups,
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
    "make_splitter",
    "score_folds",
]

PATIENTS_UNKNOWN = (
    "Patients unknown: images of one patient may be in training and test, which makes numbers "
    "too good. Name the patients with --group-pattern or --groups."
)


def cross_validate(
    folder: Folder,
    folds: Folds = 5,
    labels: Labels = None,
    classes: Classes = None,
    group_pattern: GroupPattern = None,
    groups: Groups = None,
    image_size: ImageSize = None,
    filters: Filters = "32,64",
    epochs: Epochs = 30,
    batch_size: BatchSize = 32,
    seed: Seed = 0,
    skip_unreadable: SkipUnreadable = False,
    as_json: Json = False,
) -> None:
    """Say how well the classes of a folder can be told apart."""
    from cellsk.neural_network import CellClassifier

    show_warnings()
    check_count("--folds", folds, minimum=2)
    counts = parse_filters(filters)
    cells = read_cells(
        folder,
        labels=labels,
        classes=classes,
        group_pattern=group_pattern,
        groups=groups,
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
    if cells.groups is None:
        say(PATIENTS_UNKNOWN)


def make_splitter(cells: Cells, folds: int, seed: int) -> Any:
    """Return stratified folds, which keep patients together where they are known."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedKFold if cells.groups is None else StratifiedGroupKFold
    return kind(folds, shuffle=True, random_state=seed)


def score_folds(cells: Cells, classifier: Any, folds: int, seed: int) -> dict[str, Any]:
    """Cross-validate, early stopping inside each fold included; return plain values."""
    from sklearn import config_context
    from sklearn import model_selection as selection

    splits = list(make_splitter(cells, folds, seed).split(cells.images, cells.labels, cells.groups))
    with config_context(enable_metadata_routing=True), show_progress(classifier, folds):
        scores = selection.cross_validate(
            classifier.set_fit_request(groups=True),
            cells.images,
            cells.labels,
            cv=splits,
            scoring=_make_scoring(cells),
            params=None if cells.groups is None else {"groups": cells.groups},
            return_estimator=True,
            error_score="raise",
        )
    return _collect(scores, splits, grouped=cells.groups is not None)


def _make_scoring(cells: Cells) -> dict[str, str]:
    area = "roc_auc" if len(set(cells.labels)) == 2 else "roc_auc_ovr"
    return {"accuracy": "accuracy", "balanced_accuracy": "balanced_accuracy", "roc_auc": area}


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
            **{name: float(values[number]) for name, values in measures.items()},
            "best_epoch": scores["estimator"][number].best_epoch_,
        }
        for number in range(len(splits))
    ]
    return {
        "patients_kept_together": grouped,
        "folds": folds,
        "mean": {name: float(values.mean()) for name, values in measures.items()},
        "standard_deviation": {name: float(values.std()) for name, values in measures.items()},
    }


def describe_scores(result: dict[str, Any]) -> str:
    """Return the folds, their mean and their spread as a table."""
    names = list(result["mean"])
    rows = [
        [fold["fold"], fold["n_test"], *(fold[name] for name in names), fold["best_epoch"]]
        for fold in result["folds"]
    ]
    rows += [
        ["mean", "", *(result["mean"][name] for name in names), ""],
        ["sd", "", *(result["standard_deviation"][name] for name in names), ""],
    ]
    header = ["fold", "images", "accuracy", "balanced accuracy", "ROC AUC", "epoch kept"]
    return format_table(header, rows)

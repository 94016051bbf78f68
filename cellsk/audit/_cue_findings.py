"""Cues such as file format or mean color that predict the label without the cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.preprocessing import OneHotEncoder

from cellsk.audit._data import AuditData
from cellsk.audit._findings import Finding, make_finding
from cellsk.audit._fingerprints import Fingerprints

__all__ = ["CueScore", "audit_cues", "score_cue"]

# Properties of a file should not predict the label: 0.6 is more than a chance difference in
# the export of a hospital, and the p-value protects small data. File size depends on texture
# and color on tissue; both can reach 0.7 without a fault, so only a strong relation counts.
MIN_AUC_OF_FILE, MIN_AUC_OF_PICTURE = 0.6, 0.75

# With six cues in one audit, at most three of a hundred audits have a false alarm. Five
# patients against five, all separated, are just enough (1 in 252).
MAX_P_VALUE = 0.005
_N_FOLDS, _N_TREES, _MAX_VALUES = 5, 12, 20
_MAX_ROWS = 5000  # the standard error of an AUC then is below 0.01

_CUES = {
    "image size": ("1", MIN_AUC_OF_FILE, "",
                   "Resize or crop all images to one size before they are labeled, and check that"
                   " the classes come from the same source."),
    "file format or mode": ("2", MIN_AUC_OF_FILE, "Converting the files does not remove the"
                            " traces of lossy formats.", "Check that the classes come from the same"
                            " source."),
    "compression": ("3", MIN_AUC_OF_FILE, "A network can use the traces of compression.",
                    "Export all images again from the originals in one way."),
    "camera or software": ("4", MIN_AUC_OF_FILE, "The classes come from different devices or"
                           " programs.", "Split by device (sites=), or add images of each class"
                           " from each device."),
    "file size": ("5", MIN_AUC_OF_PICTURE, "The size depends on texture and compression.",
                  "If the classes were exported in different ways, export them again in one way. A"
                  " model is only useful if its ROC AUC is higher than that of the file size."),
    "mean color": ("6", MIN_AUC_OF_PICTURE, "The reason may be stain or scanner, or the tissue"
                   " itself.", "A model is only useful if its ROC AUC is higher than that of the"
                   " mean color."),
}  # fmt: skip


class CueScore(NamedTuple):
    """How well a cue alone predicts the label, on images of other groups.

    Attributes
    ----------
    roc_auc : float
        Out-of-fold; macro average of one-vs-rest for more than two classes.
    balanced_accuracy : float
    p_value : float
        One-sided Mann-Whitney test over the means of groups, or over images without groups.
        Multiplied by the number of classes if there are more than two.
    """

    roc_auc: float
    balanced_accuracy: float
    p_value: float


def audit_cues(data: AuditData, units: NDArray[np.str_]) -> Iterator[Finding]:
    """Yield the cues that predict the label, and those that differ between train and test.

    ``units`` are the groups of all rows with duplicates joined. Each is one observation.
    """
    usable = data.prints.readable.copy()
    if not data.grouped:  # copies add no information, and ungrouped folds are faster
        _, first = np.unique(units, return_index=True)
        usable &= np.isin(np.arange(len(usable)), first)
    train = _draw_rows(usable & ~data.in_test)
    if data.labeled and len(np.unique(data.y[train])) > 1:
        yield from _audit_target(data, units, train, data.y[train], "A50", "predicts the label")
    both = _draw_rows(usable)
    side = data.in_test[both].astype(np.int64)
    if 0 < side.sum() < len(side):
        yield from _audit_target(data, units, both, side, "A51", "separates train from test")


def _draw_rows(usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the rows to use: all, or a seeded sample of a large set."""
    rows = np.flatnonzero(usable)
    if len(rows) <= _MAX_ROWS:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, _MAX_ROWS, replace=False))


def _audit_target(
    data: AuditData,
    units: NDArray[np.str_],
    rows: NDArray[np.int64],
    target: NDArray[np.int64],
    prefix: str,
    what: str,
) -> Iterator[Finding]:
    cues = _list_cues(data.prints, rows)
    splits = _split_rows(target, units[rows]) if cues else None
    if splits is None:
        return
    for name, features in cues.items():
        digit, limit, consequence, remedy = _CUES[name]
        score = score_cue(features, target, units[rows], splits)
        if not (score.roc_auc >= limit and score.p_value <= MAX_P_VALUE):
            continue
        if prefix == "A51":
            consequence = ""
            remedy = "If scores on the test set are lower, this difference may be the reason."
        text = (
            f"{name.capitalize()} alone {what} with ROC AUC {score.roc_auc:.2f} (balanced"
            f" accuracy {score.balanced_accuracy:.2f}, cross-validated,"
            f" {_format_p(score.p_value)}). {consequence}"
        )
        details = score._asdict()
        yield make_finding(prefix + digit, text.strip(), remedy, data.n_images, **details)


def _format_p(p_value: float) -> str:
    return "p < 0.0001" if p_value < 1e-4 else f"p = {p_value:.4f}"


def _list_cues(prints: Fingerprints, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Return the features of each cue that is not the same in all images."""
    size = np.stack([prints.height, prints.width], axis=1)[rows].astype(np.float64)
    kinds = np.char.add(np.char.add(prints.format, "/"), prints.mode)[rows]
    cues: dict[str, Any] = {
        "image size": size,
        "file format or mode": _encode(kinds),
        "compression": _encode(prints.encoding[rows]),
        "camera or software": _encode(prints.origin[rows]),
        "file size": prints.n_bytes[rows, np.newaxis].astype(np.float64),
        "mean color": prints.mean_colour[rows],
    }
    return {name: table for name, table in cues.items() if (table != table[0]).any()}


def _encode(values: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return the common values as columns of 0 and 1."""
    encoder = OneHotEncoder(max_categories=_MAX_VALUES, sparse_output=False)
    return encoder.fit_transform(values[:, np.newaxis])


def _split_rows(
    target: NDArray[np.int64], units: NDArray[np.str_]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]] | None:
    """Return folds that keep units together, or None if there are too few units."""
    per_class = [len(np.unique(units[target == code])) for code in np.unique(target)]
    n_folds = min(_N_FOLDS, *per_class)
    if n_folds < 2:
        return None
    if len(np.unique(units)) == len(units):
        plain = StratifiedKFold(n_folds, shuffle=True, random_state=0)
        return list(plain.split(target, target))
    grouped = StratifiedGroupKFold(n_folds, shuffle=True, random_state=0)
    return list(grouped.split(target, target, units))


def score_cue(
    features: NDArray[np.float64],
    target: NDArray[np.int64],
    units: NDArray[np.str_],
    splits: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> CueScore:
    """Return how well a small forest on the features predicts the target."""
    classes, codes = np.unique(target, return_inverse=True)
    proba = np.zeros((len(codes), len(classes)))
    for train, test in splits:
        forest = RandomForestClassifier(
            _N_TREES,
            max_depth=5,
            min_samples_leaf=max(1, min(20, len(train) // 20)),
            class_weight="balanced",
            random_state=0,
        ).fit(features[train], codes[train])
        proba[np.ix_(test, forest.classes_)] = forest.predict_proba(features[test])
    if len(classes) == 2:
        auc = roc_auc_score(codes, proba[:, 1])
    else:
        auc = np.mean([roc_auc_score(codes == c, proba[:, c]) for c in range(len(classes))])
    accuracy = balanced_accuracy_score(codes, proba.argmax(axis=1))
    return CueScore(float(auc), float(accuracy), _test_units(codes, proba, units))


def _test_units(
    codes: NDArray[np.int64], proba: NDArray[np.float64], units: NDArray[np.str_]
) -> float:
    """Return the p-value over units, as images of one patient are one observation."""
    _, unit = np.unique(units, return_inverse=True)
    cells, cell = np.unique(np.stack([unit, codes], axis=1), axis=0, return_inverse=True)
    cell = cell.ravel()
    sizes = np.bincount(cell)
    p_values = []
    columns = [1] if proba.shape[1] == 2 else range(proba.shape[1])
    for column in columns:
        mean = np.bincount(cell, weights=proba[:, column]) / sizes
        of_class = cells[:, 1] == column
        test = mannwhitneyu(mean[of_class], mean[~of_class], alternative="greater")
        p_values.append(float(test.pvalue))
    return min(1.0, min(p_values) * len(p_values))

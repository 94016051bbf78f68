"""What ignoring patients would have claimed."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np

from cellsk._checks import count_noun
from cellsk.metrics import compute_scores
from cellsk.model_selection import OutOfFold, choose_cv, predict_out_of_fold, requires_groups
from cellsk.report._reading import read_images
from cellsk.report._settings import Cells, Settings, make_estimator
from cellsk.report.document._evaluation import judge, resampling_of
from cellsk.report.document._numbers import number, numbers_of
from cellsk.report.words._values import write_interval, write_number

__all__ = ["measure_leakage"]


def measure_leakage(
    cells: Cells, settings: Settings, grouped: OutOfFold, n_splits: int
) -> dict[str, Any]:
    """Evaluate again with folds that ignore patients, and compare on the same images.

    The second evaluation ignores patients everywhere: in the folds, in early stopping, in a
    search. The interval of the gap is of a bootstrap over patients that draws the same ones
    for both.

    Raises
    ------
    ValueError
        When patients are unknown.
    """
    if cells.groups is None:
        raise ValueError(
            "leakage_gap compares folds by patient with folds by image. Got no groups. "
            "Pass groups=... to evaluate."
        )
    n_splits = min(n_splits, int(np.bincount(cells.codes).min()))
    splitter = choose_cv(cells.y, None, n_splits, random_state=settings.random_state)
    # Splitters within that cannot do without groups get one for each image: patients are parted.
    each_alone = np.arange(len(cells.y)) if requires_groups(settings.estimator) else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # they were given the first time
        with read_images(cells, settings) as reading:
            random = predict_out_of_fold(
                partial(make_estimator, reading, cells.pos_label),
                cells.X,
                cells.y,
                list(splitter.split(cells.y, cells.y)),
                groups=each_alone,
                n_jobs=settings.n_jobs,
            )
    return _compare(cells, settings, grouped, random)


def _compare(
    cells: Cells, settings: Settings, grouped: OutOfFold, random: OutOfFold
) -> dict[str, Any]:
    resampling = resampling_of(settings)
    honest, naive = judge(cells, grouped), judge(cells, random)
    scores = [
        compute_scores(side.y, side.proba, side.predicted, positive=side.positive)
        for side in (honest, naive)
    ]
    samples = [resampling.samples(side) for side in (honest, naive)]
    gap = {
        name: number(
            scores[1][name] - scores[0][name],
            resampling.interval(samples[1][name] - samples[0][name]),
        )
        for name in scores[0]
    }
    found: dict[str, Any] = {
        "grouped": numbers_of(honest, resampling),
        # Its own interval is what ignoring patients would have claimed: over images.
        "random": numbers_of(naive._replace(clusters=None), resampling),
        "gap": gap,
    }
    found["sentence"] = _say(found, honest.n_units)
    return found


def _say(found: dict[str, Any], n_patients: int) -> str:
    """The comparison in words, by AUC where there is one."""
    name = "roc_auc" if found["gap"]["roc_auc"]["value"] is not None else "accuracy"
    words = {"roc_auc": "an AUC", "accuracy": "an accuracy"}[name]
    claimed, honest, gap = (found[side][name] for side in ("random", "grouped", "gap"))
    patients = count_noun(n_patients, "patient")
    sentence = (
        f"Ignoring patients would have claimed {words} of {write_number(claimed['value'])}, with "
        f"folds by image. With folds by patient it is {write_number(honest['value'])}, scored by "
        f"image too, over {patients}."
    )
    if gap["low"] is None or gap["high"] is None:
        return f"{sentence} The gap of {write_number(gap['value'])} has no interval."
    gap_words = f"{write_number(gap['value'])} ({write_interval(gap)})"
    if gap["low"] <= 0 <= gap["high"]:
        return (
            f"{sentence} The interval of the gap, {write_interval(gap)}, includes 0: no difference "
            f"could be shown with {patients}."
        )
    if gap["low"] > 0:
        return f"{sentence} The gap is {gap_words}, more than chance among patients explains."
    return (
        f"{sentence} The gap is {gap_words}, so here ignoring patients claims no more; the luck "
        "of training is in it too."
    )

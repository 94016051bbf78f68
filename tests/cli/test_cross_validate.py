"""What cellsk cross-validate says of its folds."""

from types import SimpleNamespace

import numpy as np
import pytest

from cellsk.cli._cross_validate import _collect, describe_scores


def test_scores_of_a_fold_without_a_class_leave_its_area_out():
    """No area in that fold; the mean is of the others, the rest stands."""
    scores = {
        "test_accuracy": np.array([0.5, 0.7, 0.9]),
        "test_balanced_accuracy": np.array([0.5, 0.7, 0.9]),
        "test_roc_auc": np.array([0.6, np.nan, 0.8]),
        "estimator": [SimpleNamespace(best_epoch_=epoch) for epoch in (1, 2, 3)],
    }
    splits = [(np.arange(4), np.arange(2))] * 3
    result = _collect(scores, splits, grouped=True)
    assert [fold["roc_auc"] for fold in result["folds"]] == [0.6, None, 0.8]
    assert result["mean"]["roc_auc"] == pytest.approx(0.7)
    assert result["mean"]["accuracy"] == pytest.approx(0.7)
    assert "0.700" in describe_scores(result)

"""The nested number of a search: the same score of the same class, or none."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV

from cellsk.exceptions import WeakModelWarning
from cellsk.report import SearchReport, evaluate

POSITIVE_SCORES = {
    "recall": "sensitivity",
    "precision": "ppv",
    "f1": "f1",
    "average_precision": "average_precision",
}


def make_rows(n_classes=2, labels=None):
    """Rows of classes that overlap; with two classes, a quarter is of the second."""
    weights = [0.75, 0.25] if n_classes == 2 else None
    X, y = make_classification(
        150,
        n_classes=n_classes,
        weights=weights,
        n_informative=4,
        flip_y=0.2,
        random_state=1,
    )
    return X, y if labels is None else np.asarray(labels)[y]


def search(rows, scoring, refit=True):
    """Return a fitted search over two strengths."""
    grid = {"C": [1.0, 10.0]}
    return GridSearchCV(LogisticRegression(), grid, scoring=scoring, cv=3, refit=refit).fit(*rows)


def evaluate_rows(rows, pos_label=None):
    """Return an evaluation of a classifier on the same rows."""
    return evaluate(
        LogisticRegression(),
        *rows,
        groups=np.arange(len(rows[1])),  # each image of another patient
        pos_label=pos_label,
        n_splits=3,
        n_resamples=100,
        baselines=False,
        audit=False,
    )


@pytest.fixture(scope="module")
def evaluations():
    """Evaluations of the labels 0 and 1, by the positive class."""
    return {label: evaluate_rows(make_rows(), label) for label in (0, 1)}


@pytest.mark.parametrize("scoring", POSITIVE_SCORES)
def test_nested_score_of_label_one_is_used_if_it_is_positive(evaluations, scoring):
    """scikit-learn scores the label 1, the evaluation its positive class."""
    fitted = search(make_rows(), scoring)
    found = SearchReport(fitted, nested=evaluations[1]).document["nested"]
    assert found["number"] == evaluations[1].document["numbers"][POSITIVE_SCORES[scoring]]
    other = SearchReport(fitted, nested=evaluations[0])
    assert other.document["nested"]["number"] is None
    words = scoring.replace("_", " ").replace("f1", "F1")
    assert f"The nested evaluation has no {words}; its scores are listed below." in repr(other)
    assert "To report" not in repr(other)


@pytest.mark.parametrize("scoring", ["accuracy", "balanced_accuracy", "roc_auc", "neg_log_loss"])
def test_nested_score_of_both_classes_does_not_depend_on_the_positive_one(evaluations, scoring):
    """These scores treat both classes alike."""
    fitted = search(make_rows(), scoring)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeakModelWarning)
        values = [
            SearchReport(fitted, nested=evaluations[label]).document["nested"]["number"]["value"]
            for label in (0, 1)
        ]
    assert values[0] == pytest.approx(values[1])


@pytest.mark.parametrize(("pos_label", "known"), [(1, True), (2, False)])
def test_nested_score_of_labels_one_and_two_looks_at_the_label(pos_label, known):
    """Of the labels 1 and 2, the label 1 comes first, and scikit-learn scores it."""
    rows = make_rows(labels=[1, 2])
    fitted = search(rows, "recall")
    evaluation = evaluate_rows(rows, pos_label)
    number = SearchReport(fitted, nested=evaluation).document["nested"]["number"]
    assert (number is not None) == known
    if known:
        assert number["value"] == pytest.approx(
            score_predictions(rows, "recall", evaluation), abs=1e-9
        )


def score_predictions(rows, scoring, evaluation):
    """Score the predictions of the evaluation with scikit-learn, all folds together."""
    predicted = np.unique(rows[1])[evaluation.document["predictions"]["predicted"]]
    scorer = get_scorer(scoring)
    return scorer._score_func(rows[1], predicted, **scorer._kwargs)


def test_nested_macro_f1_of_two_classes_has_no_equal(evaluations):
    """An evaluation of two classes has the F1 of the positive class, another number."""
    found = SearchReport(search(make_rows(), "f1_macro"), nested=evaluations[1])
    assert found.document["nested"]["number"] is None
    assert "has no f1 macro" in repr(found)


def test_nested_macro_f1_of_three_classes_is_the_same():
    """With more classes the evaluation's F1 is the mean over the classes."""
    rows = make_rows(n_classes=3)
    evaluation = evaluate_rows(rows)
    for scoring, name in (("f1_macro", "f1"), ("average_precision", "average_precision")):
        found = SearchReport(search(rows, scoring), nested=evaluation).document["nested"]
        assert found["number"] == evaluation.document["numbers"][name]
    value = score_predictions(rows, "f1_macro", evaluation)
    assert evaluation.document["numbers"]["f1"]["value"] == pytest.approx(value)


def test_nested_evaluation_of_a_loss_keeps_the_sign(evaluations):
    """scikit-learn negates losses so that greater is better, and so does the nested number."""
    fitted = search(make_rows(), "neg_brier_score")
    number = SearchReport(fitted, nested=evaluations[1]).document["nested"]["number"]
    own = evaluations[1].document["numbers"]["brier_score"]
    assert number == {"value": -own["value"], "low": -own["high"], "high": -own["low"]}
    assert number["low"] < number["value"] < number["high"] < 0


def test_nested_score_of_a_search_without_refit_assumes_labels_zero_and_one(evaluations):
    """Without a fitted classifier the labels are unknown."""
    fitted = search(make_rows(), "recall", refit=False)
    found = SearchReport(fitted, nested=evaluations[1]).document["nested"]
    assert found["score"] == "sensitivity"


def test_nested_of_another_kind_raises():
    """Only results of evaluate are accepted."""
    with pytest.raises(TypeError, match=r"nested must be the result of evaluate.*Got float"):
        SearchReport(search(make_rows(), "accuracy"), nested=0.7)

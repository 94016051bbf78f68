"""SearchReport.from_results, summary, describe and with_nested: for any search."""

import json
import re

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from cellsk import SearchReport

NESTED = {
    "data": {"classes": [{"name": "a", "positive": False}, {"name": "b", "positive": True}]},
    "numbers": {"accuracy": {"value": 0.7, "low": 0.6, "high": 0.8}},
    "interval": {"method": "bootstrap over patients", "unit": "patient"},
    "cv": {"n_folds": 2},
    "folds": [{"best_params": {"filters": [16, 32]}}, {"best_params": None}],
}

TRIAL = {"params": {"dropout": 0.5}, "scores": [0.8, 0.7], "fit_seconds": 1.0}


def make_trials(**sizes):
    """Results as a study of Optuna or a search that was resumed has them."""
    trials = [
        {"params": {"filters": (8, 16)}, "scores": [0.80, 0.83, 0.81], "fit_seconds": 3.1},
        {"params": {"filters": (16, 32)}, "scores": [0.82, 0.84, 0.80], "fit_seconds": 5.2},
        {"params": {"filters": (32, 64)}, "scores": [0.60], "fit_seconds": 9.9},  # pruned
    ]
    for trial, n_weights in zip(trials, sizes.get("n_weights", ()), strict=False):
        trial["n_weights"] = n_weights
    return trials


@pytest.fixture
def report():
    """A report of such results, with the sizes of the networks."""
    return SearchReport.from_results(
        make_trials(n_weights=[1000, 4000, 16000]),
        scoring="accuracy",
        test_fraction=1 / 3,
        name="Study",
        cv="GroupKFold(n_splits=3)",
    )


def test_report_of_plain_results_has_candidates_choice_and_page(report, tmp_path):
    """The best, the smallest as good, a pruned candidate, and all renderings."""
    assert report.best["params"] == {"filters": [16, 32]}
    assert report.one_standard_error["params"] == {"filters": [8, 16]}
    assert report.best["low"] < report.best["mean"] < report.best["high"]
    assert report.document["n_failed"] == 1
    assert report.document["candidates"][-1]["folds"] == [0.6, None, None]
    assert repr(report).splitlines()[1] == (
        "Study: 3 candidates, each scored on 3 folds of GroupKFold(n_splits=3)."
    )
    for ending in ("html", "md"):
        report.save(tmp_path / f"search.{ending}")
        assert "16, 32" in (tmp_path / f"search.{ending}").read_text()
    assert report.plot().axes_.shape == (1, 2)


def test_report_of_plain_results_equals_that_of_the_search():
    """The same numbers from a fitted search and from its plain results."""
    X, y = make_classification(120, random_state=0)
    search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1.0]}, cv=4).fit(X, y)
    results = search.cv_results_
    trials = [
        {
            "params": params,
            "scores": [results[f"split{fold}_test_score"][row] for fold in range(4)],
            "fit_seconds": results["mean_fit_time"][row],
            "score_seconds": results["mean_score_time"][row],
        }
        for row, params in enumerate(results["params"])
    ]
    found = SearchReport.from_results(trials, scoring="accuracy", test_fraction=0.25).document
    assert found["candidates"] == SearchReport(search).document["candidates"]


@pytest.mark.parametrize(
    ("candidates", "words"),
    [
        ([{"params": {}}], "list of mappings with params, scores and fit_seconds. Got one with pa"),
        (["a"], "Got one with str"),
        (None, "candidates must be a list of mappings. Got None"),
        ([], "at least one candidate with a score. Got 0 candidates without any"),
        ([TRIAL | {"scores": []}], "with a score. Got 1 candidate without any"),
        (
            [TRIAL, TRIAL | {"scores": "ab"}],
            r"candidates\[1\]\['scores'\] must be one number .*'ab'",
        ),
        ([TRIAL | {"scores": [[0.1]]}], r"one number for each fold.*Got \[\[0.1\]\]"),
        ([TRIAL | {"scores": [True]}], r"one number for each fold.*Got \[True\]"),
        ([TRIAL | {"scores": [np.inf]}], r"one number for each fold.*Got \[inf\]"),
        ([TRIAL | {"fit_seconds": np.nan}], r"\['fit_seconds'\] must be a number in .*Got nan"),
        ([TRIAL | {"fit_seconds": None}], r"\['fit_seconds'\] must be a number in .*Got None"),
        ([TRIAL | {"score_seconds": "1"}], r"\['score_seconds'\] must be a number in .*Got '1'"),
        ([TRIAL | {"n_weights": np.nan}], r"\['n_weights'\] must be a whole number .*Got nan"),
        ([TRIAL | {"params": {1: 2}}], r"\['params'\] must be a mapping of names.*Got \{1: 2\}"),
        ([{"params": {}, "scores": [np.nan], "fit_seconds": 1.0}], "NaN for 1 of its 1"),
    ],
)
def test_plain_results_without_scores_are_refused(candidates, words):
    """With the keys that are needed."""
    with pytest.raises((TypeError, ValueError), match=words):
        SearchReport.from_results(candidates, scoring="accuracy")


def test_plain_results_need_the_name_of_the_score():
    """A function has no name to show."""
    with pytest.raises(TypeError, match=r"scoring must be the name of a score\. Got None"):
        SearchReport.from_results(make_trials(), scoring=None)


def test_score_none_is_a_failed_fold():
    """As JSON has it."""
    found = SearchReport.from_results([TRIAL, TRIAL | {"scores": [0.9, None]}], scoring="accuracy")
    assert found.document["candidates"][1]["folds"] == [0.9, None]


def test_summary_has_plain_values_by_short_names(report):
    """Parameters, scores and remarks of each candidate, and the choice."""
    summary = report.summary(remedy="Use --nested.")
    json.dumps(summary, allow_nan=False)
    assert set(summary) == {
        *["n_folds", "scoring", "guessing", "better_than_guessing", "candidates"],
        *["one_standard_error", "nested", "summary"],
    }
    assert summary["candidates"][0] | {"low": 0, "high": 0, "standard_deviation": 0} == {
        "filters": [16, 32],
        "rank": 1,
        "mean_accuracy": pytest.approx(0.82),
        "low": 0,
        "high": 0,
        "standard_deviation": 0,
        "mean_fit_seconds": 5.2,
        "n_weights": 4000,
        "one_class_folds": None,
        "remark": "best",
    }
    assert summary["candidates"][1]["remark"] == "smallest as good"
    assert (summary["one_standard_error"], summary["nested"]) == ([8, 16], None)
    assert any(sentence.endswith("Use --nested.") for sentence in summary["summary"])


def test_summary_without_weights_chooses_nothing_by_time():
    """Fit times differ from run to run."""
    report = SearchReport.from_results(make_trials(), scoring="accuracy")
    summary = report.summary()
    assert {candidate["remark"] for candidate in summary["candidates"]} == {""}
    assert summary["one_standard_error"] is None
    assert "remark" not in report.describe()


def test_describe_is_a_table_with_the_sentences(report):
    """All candidates, and the same sentences as in the summary."""
    lines = report.describe("Use --nested.").splitlines()
    names = ["rank", "filters", "accuracy", "CI low", "CI high", "SD", "fit seconds", "remark"]
    assert re.split(r"  +", lines[0]) == names
    assert lines[1].split()[:4] == ["1", "16,", "32", "0.820"]
    assert lines[3].split() == ["3", "32,", "64", *["-"] * 4, "9.900"]
    assert lines[4] == (
        "CI: 95% confidence interval, approximate. SD: standard deviation of the folds."
    )
    assert lines[5:] == report.summary("Use --nested.")["summary"]


def test_with_nested_adds_the_score_to_report_and_computes_nothing_else(report):
    """The first report does not change, and the candidates are the same objects."""
    nested = report.with_nested(NESTED)
    assert report.nested is None
    assert nested.nested == NESTED["numbers"]
    assert nested.document["candidates"] is report.document["candidates"]
    assert nested.nested_sentences()[0].startswith("To report: 0.700 (0.600 to 0.800), on patients")
    assert nested.summary()["nested"] == NESTED["numbers"]["accuracy"]
    assert report.nested_sentences("Use --nested.")[0].endswith("Use --nested.")
    with pytest.raises(TypeError, match="nested must be the result of evaluate"):
        report.with_nested(0.7)

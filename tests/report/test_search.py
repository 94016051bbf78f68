"""SearchReport: intervals, the one-standard-error rule, sizes, and renderings."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from cellsk.report import SearchReport
from cellsk.report.document import read_candidates
from cellsk.report.document._candidates import (
    list_candidates,
    mark_choices,
    order_parameters,
    plain_value,
)
from cellsk.report.document._sizes import measure_sizes

UNNAMED = [lambda X, folder: X, lambda X, folder: 2 * X]
DEPTHS = {"max_depth": [1, 2, 3, 6], "criterion": ["gini", "entropy"]}


@pytest.fixture(scope="module")
def rows():
    """240 rows of two classes."""
    return make_classification(240, flip_y=0.2, random_state=0)


@pytest.fixture(scope="module")
def grid(rows):
    """A fitted search over eight small trees in four folds."""
    return GridSearchCV(DecisionTreeClassifier(random_state=0), DEPTHS, cv=4).fit(*rows)


@pytest.fixture(scope="module")
def report(grid):
    """Its report."""
    return SearchReport(grid)


@pytest.fixture
def nested():
    """The parts of an evaluation document that a SearchReport reads."""
    names = ("benign", "malignant")
    return {
        "data": {"classes": [{"name": name, "positive": name == names[1]} for name in names]},
        "numbers": {
            "accuracy": {"value": 0.7, "low": 0.6, "high": 0.8},
        },
        "interval": {"method": "bootstrap over patients", "unit": "patient"},
        "cv": {"n_folds": 2},
        "folds": [{"best_params": {"max_depth": 2}}, {"best_params": None}],
    }


def make_results(folds, sizes=None, test_fraction=None, params=None, **halving):
    """Return plain results of candidates with these scores in their folds."""
    rows = [
        {"params": {"C": row}, "scores": list(scores), "fit_seconds": 1.0}
        for row, scores in enumerate(folds)
    ]
    for row, values in zip(rows, params or [], strict=False):
        row["params"] = values
    results = read_candidates(
        rows,
        scoring="neg_log_loss",  # without bounds
        name="Search",
        estimator="",
        cv=None,
        test_fraction=1 / len(folds[0]) if test_fraction is None else test_fraction,
    )
    return results._replace(sizes=list(sizes or [1.0] * len(folds)), **halving)


def make_candidates(folds, sizes=None, bounds=None):
    """Return the candidates of such results."""
    return list_candidates(make_results(folds, sizes), bounds)


def test_interval_equals_one_calculated_by_hand():
    """Nadeau and Bengio: variance 0.005, (1/5 + 1/4) of it, t of 2.7764 with four degrees."""
    (one,) = make_candidates([[0.8, 0.9, 0.7, 0.8, 0.8]])
    half = 2.7764451 * math.sqrt((1 / 5 + 1 / 4) * 0.005)
    assert one["mean"] == pytest.approx(0.8)
    assert one["low"] == pytest.approx(0.8 - half, abs=1e-7)
    assert one["high"] == pytest.approx(0.8 + half, abs=1e-7)
    assert one["standard_error"] == pytest.approx(math.sqrt(0.005 / 5))


def test_interval_is_cut_at_the_bounds_of_the_score():
    """Accuracy is at most 1; a score without bounds keeps its interval."""
    folds = [[1.0, 0.8, 1.0]]
    assert make_candidates(folds)[0]["high"] > 1
    assert make_candidates(folds, bounds=(0.0, 1.0))[0]["high"] == 1


def score_one_split(X, y, rng):
    """Accuracy of the nearest class mean on 20 rows, of means over the other 40."""
    order = rng.permutation(len(y))
    test, train = order[:20], order[20:]
    means = np.array([X[train][y[train] == label].mean(axis=0) for label in (0, 1)])
    nearest = ((X[test, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    return np.mean(nearest == y[test])


def test_corrected_interval_covers_the_true_value_and_the_plain_one_does_not():
    """Splits share training images, so the plain t interval is too narrow."""
    rng = np.random.default_rng(0)
    n_draws, n_splits = 300, 15
    folds = np.empty((n_draws, n_splits))
    for draw in range(n_draws):
        X = rng.normal(size=(60, 2))
        y = (X[:, 0] + rng.normal(size=60) > 0).astype(int)
        folds[draw] = [score_one_split(X, y, rng) for _ in range(n_splits)]
    found = list_candidates(make_results(folds, test_fraction=1 / 3))
    truth = folds.mean()  # the expected score with 40 training rows
    plain = 2.1447867 * folds.std(axis=1, ddof=1) / math.sqrt(n_splits)
    corrected = np.mean([one["low"] <= truth <= one["high"] for one in found])
    assert 0.93 < corrected < 0.99
    assert np.mean(abs(folds.mean(axis=1) - truth) <= plain) < 0.8


@pytest.mark.parametrize(
    ("sizes", "chosen"), [([5, 4, 1], 1), ([4, 5, 1], 0), ([4, 4, 1], 0)], ids=str
)
def test_one_standard_error_rule_chooses_the_smallest_as_good(sizes, chosen):
    """The best has 0.90 with an error of 0.02: 0.885 is as good, 0.87 is not."""
    spread = 0.02 * math.sqrt(3) * np.array([-1.0, 0.0, 1.0])
    candidates = make_candidates([spread + 0.9, spread + 0.885, spread + 0.87], sizes)
    assert candidates[0]["standard_error"] == pytest.approx(0.02)
    assert mark_choices(candidates) == (0, chosen)
    assert [one["within_one_standard_error"] for one in candidates] == [True, True, False]


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        ([0.05, 0.04, 0.01], 0),
        ([0.30, 0.21, 0.01], 0),
        ([0.30, 0.19, 0.01], 1),
        ([10.9, 10.0, 1.0], 0),
        ([11.1, 10.0, 1.0], 1),
        ([10.0, 11.1, 1.0], 0),
    ],
    ids=str,
)
def test_one_standard_error_rule_ignores_small_differences_of_time(seconds, chosen):
    """Times within 0.1 s or 10% count as equal; numbers of weights do not."""
    spread = 0.02 * math.sqrt(3) * np.array([-1.0, 0.0, 1.0])
    candidates = make_candidates([spread + 0.9, spread + 0.885, spread + 0.87], seconds)
    assert mark_choices(candidates, "fit seconds") == (0, chosen)
    assert mark_choices(candidates) == (0, int(seconds[1] < seconds[0]))


def test_one_standard_error_rule_chooses_the_better_of_two_equal_times():
    """If the fastest and another differ by chance, the score decides."""
    spread = 0.02 * math.sqrt(3) * np.array([-1.0, 0.0, 1.0])
    folds = [spread + mean for mean in (0.9, 0.895, 0.89)]
    assert mark_choices(make_candidates(folds, [9.0, 1.05, 1.0]), "fit seconds") == (0, 1)


def test_report_of_quick_fits_does_not_choose_by_time(rows):
    """Fit times of milliseconds are noise: the choice is the best."""
    grid = {"min_samples_leaf": [1, 2, 3, 4, 5, 6]}
    found = SearchReport(GridSearchCV(DecisionTreeClassifier(random_state=0), grid).fit(*rows))
    assert sum(one["within_one_standard_error"] for one in found.document["candidates"]) > 1
    assert found.one_standard_error == found.best
    assert "none of them was clearly faster to fit" in repr(found)
    assert "the best is the smallest" not in repr(found)


def test_one_standard_error_rule_without_spread_chooses_the_best():
    """Without spread, no other candidate is as good."""
    candidates = make_candidates([[0.9, 0.9], [0.89, 0.89]], [5, 1])
    assert mark_choices(candidates) == (0, 0)


def test_report_of_a_grid_names_the_best_and_orders_the_rest(grid, report):
    """The best is that of the search, and the frame has all candidates by their mean."""
    assert report.best["params"] == grid.best_params_
    assert report.best["mean"] == pytest.approx(grid.best_score_)
    table = report.frame()
    assert table.index.tolist() == list(range(1, 9))
    assert table["mean"].is_monotonic_decreasing
    for row in table.itertuples():
        assert row.mean == pytest.approx(grid.cv_results_["mean_test_score"][row.row])
        assert row.sd == pytest.approx(grid.cv_results_["std_test_score"][row.row])
        assert row.low <= row.mean <= row.high
    assert table["one_standard_error"].iloc[0]


@pytest.mark.parametrize(
    "search",
    [
        RandomizedSearchCV(DecisionTreeClassifier(), DEPTHS, n_iter=4, random_state=0),
        HalvingGridSearchCV(DecisionTreeClassifier(random_state=0), DEPTHS, random_state=0),
        HalvingRandomSearchCV(
            DecisionTreeClassifier(random_state=0), DEPTHS, n_candidates=6, random_state=0
        ),
    ],
    ids=lambda search: type(search).__name__,
)
def test_report_of_every_search_names_its_best(search, rows):
    """Random and halving searches, too."""
    found = SearchReport(search.fit(*rows))
    assert found.best["params"] == search.best_params_
    assert len(found.frame()) == len(search.cv_results_["params"])
    assert found.document["search"]["name"] == type(search).__name__
    json.dumps(found.to_dict(), allow_nan=False)


def test_halving_compares_within_the_last_iteration():
    """A high score on few images does not count against scores on many."""
    results = make_results(
        [[0.9, 0.8], [0.95, 0.95], [0.7, 0.8], [0.75, 0.75]],
        [4.0, 1.0, 3.0, 2.0],
        iterations=np.array([0, 0, 1, 1]),
        n_resources=np.array([20, 20, 60, 60]),
    )
    candidates = list_candidates(results)
    assert mark_choices(candidates) == (0, 1)
    assert [one["row"] for one in candidates] == [2, 3, 1, 0]
    assert [one["n_resources"] for one in candidates] == [60, 60, 20, 20]
    near = [one["within_one_standard_error"] for one in candidates]
    assert near == [True, True, False, False]


def test_report_of_halving_names_comparable_candidates(rows):
    """Iterations are columns of the frame and a sentence of the summary."""
    search = HalvingGridSearchCV(DecisionTreeClassifier(random_state=0), DEPTHS, random_state=0)
    found = SearchReport(search.fit(*rows))
    table = found.frame()
    assert table["iteration"].is_monotonic_decreasing
    assert set(table["n_resources"]) == set(search.n_resources_)
    assert "of the last iteration" in repr(found)
    assert "images" in repr(found).splitlines()[3]


def test_failed_candidate_is_last_and_marked(rows):
    """It has no number, and does not change others."""
    search = GridSearchCV(LogisticRegression(), {"C": [1.0, -1.0]}, cv=3)
    with (
        pytest.warns(FitFailedWarning),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        search.fit(*rows)
    found = SearchReport(search)
    assert found.document["candidates"][-1]["mean"] is None
    assert found.document["n_failed"] == 1
    assert "failed" in repr(found)
    json.dumps(found.document, allow_nan=False)


def test_report_of_several_scores_needs_one(rows):
    """It is named, or that of refit."""
    scores = ["accuracy", "roc_auc"]
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0), DEPTHS, scoring=scores, refit=False
    ).fit(*rows)
    with pytest.raises(
        ValueError,
        match=r"metric must name the score to rank by.*Pass for example metric='accuracy'",
    ):
        SearchReport(search)
    with pytest.raises(ValueError, match="metric must be one of 'accuracy', 'roc_auc'"):
        SearchReport(search, metric="f1")
    area = SearchReport(search, metric="roc_auc")
    assert area.best["mean"] == search.cv_results_["mean_test_roc_auc"].max()
    assert area.document["search"]["score"] == "roc_auc"
    refitted = GridSearchCV(DecisionTreeClassifier(), DEPTHS, scoring=scores, refit="accuracy")
    assert SearchReport(refitted.fit(*rows)).document["search"]["score"] == "accuracy"


def test_nested_evaluation_is_shown(grid, nested, tmp_path):
    """The score to report comes from patients that had no influence on the choice."""
    found = SearchReport(grid, nested=SimpleNamespace(document=nested))
    assert found.nested == nested["numbers"]
    assert "To report: 0.700 (0.600 to 0.800), on patients" in repr(found)
    assert "its score is too high to report" in repr(SearchReport(grid))
    found.save(tmp_path / "search.html")
    page = (tmp_path / "search.html").read_text()
    assert "Fold 1: max_depth 2" in page
    assert "Fold 2: not known" in page


def test_report_of_other_objects_raises():
    """A classifier is not a search, and an unfitted search has no results."""
    with pytest.raises(
        TypeError, match=r"fitted search of scikit-learn.*Got LogisticRegression.*from_results"
    ):
        SearchReport(LogisticRegression())
    with pytest.raises(NotFittedError):
        SearchReport(GridSearchCV(LogisticRegression(), {"C": [1]}))


def test_sizes_of_networks_are_weights_where_images_are_known(fitted):
    """A deeper network with the same filters is smaller: its dense layer has fewer inputs."""
    from cellsk import CellClassifier

    search = GridSearchCV(Pipeline([("classifier", CellClassifier())]), {})
    candidates = [{"classifier__filters": (8,)}, {"classifier__filters": (8, 8)}]
    assert measure_sizes(search, candidates, [2.0, 1.0]) == ("fit seconds", [2.0, 1.0])
    search.best_estimator_ = Pipeline([("classifier", fitted)])
    unit, (shallow, deep) = measure_sizes(search, candidates, [2.0, 1.0])
    assert unit == "weights"
    assert shallow > deep > 0
    other = [*candidates, {"classifier": LogisticRegression()}]
    assert measure_sizes(search, other, [3.0, 2.0, 1.0]) == ("fit seconds", [3.0, 2.0, 1.0])


def test_parameters_filter_counts_first():
    """Filters, however deep, then the others by name; values in order, shallow first."""
    candidates = [
        {"params": {"a": value, "p__c__filters": plain_value(filters)}}
        for value, filters in [(0.1, (8, 16)), (0.01, (32,)), (None, np.array([4, 64]))]
    ]
    filters, other = order_parameters(candidates)
    assert (filters["short"], filters["values"]) == ("filters", [[32], [4, 64], [8, 16]])
    assert other["values"] == [None, 0.01, 0.1]
    assert not filters["numeric"]
    assert not other["numeric"]


def test_parameters_of_one_and_true_are_two_values():
    """They are equal in Python, but not to an estimator. 1 and 1.0 are one value."""
    values = (1, True, 1.0, [1], [True], 0)
    (parameter,) = order_parameters([{"params": {"max_features": value}} for value in values])
    assert sorted(map(repr, parameter["values"])) == ["0", "1.0", "True", "[1]", "[True]"]
    assert not parameter["numeric"]


def test_report_holds_no_address_and_no_folder_of_the_machine(rows, tmp_path):
    """They mean nothing elsewhere, and a path may contain a user name."""
    folder = tmp_path / "jane" / "weights"
    change = FunctionTransformer(UNNAMED[0], kw_args={"folder": str(folder)})
    pipeline = Pipeline([("change", change), ("tree", DecisionTreeClassifier(max_depth=2))])
    grid = {"change__func": UNNAMED, "change__kw_args": [{"folder": folder}]}
    document = SearchReport(GridSearchCV(pipeline, grid, cv=2).fit(*rows)).document
    text = json.dumps(document)
    assert "0x" not in text
    assert str(tmp_path) not in text
    assert "jane" not in text
    assert "weights" in document["search"]["estimator"]
    functions = {one["params"]["change__func"] for one in document["candidates"]}
    assert functions == {"<function <lambda>>", "<function <lambda>> (2)"}


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("/home/jane doe/models/a b.keras", "a b.keras"),
        (Path("/home/jane/models/a.keras"), "PosixPath('a.keras')"),
        ({"weights": "C:\\Users\\jane\\a.keras"}, "{'weights': 'a.keras'}"),
        (["/home/jane/a.keras", None], ["a.keras", None]),
        ("models/a.keras", "models/a.keras"),
    ],
    ids=str,
)
def test_plain_value_of_a_path_is_its_last_part(value, plain):
    """Absolute paths lose their folders; relative paths do not."""
    assert plain_value(value) == plain


def test_candidates_of_files_with_the_same_name_are_numbered():
    """Two folders may have files with the same name."""
    values = ["/old/a.keras", "/new/a.keras", "b.keras", "/old/a.keras"]
    params = [{"p": value} for value in values]
    found = list_candidates(make_results(np.full((4, 2), 0.5), params=params))
    assert [one["params"]["p"] for one in found] == ["a.keras", "a.keras (2)", "b.keras", "a.keras"]


def test_plain_value_of_anything_is_json():
    """Estimators by name, numbers unchanged, infinity as text, long text cut."""
    values = [np.float64(0.5), np.inf, np.bool_(True), LogisticRegression(), len, "x" * 99, (1, 2)]
    plain = [plain_value(value) for value in values]
    assert plain[:4] == [0.5, "inf", True, "LogisticRegression"]
    assert len(plain[5]) == 60
    assert plain[6] == [1, 2]
    json.dumps(plain, allow_nan=False)


def test_report_in_the_terminal_is_a_table_and_sentences(report):
    """Ranks, remarks, the best, and how far to trust it."""
    lines = repr(report).splitlines()
    assert lines[0] == "Search over criterion and max_depth"
    assert lines[1].startswith("GridSearchCV: 8 candidates, each scored on 4 folds")
    assert lines[3].split() == ["rank", "criterion", "max_depth", "accuracy", "95%",
                                "confidence", "interval", "fit", "seconds"]  # fmt: skip
    assert lines[4].endswith("best")
    assert "Best of 8 candidates: " in repr(report)
    assert max(map(len, lines[3:12])) < 100


def test_report_of_many_candidates_is_cut_in_the_terminal(rows, tmp_path):
    """A terminal shows thirty, a page folds the others, the frame has all."""
    search = GridSearchCV(
        DecisionTreeClassifier(), {"min_samples_leaf": list(range(1, 41))}, cv=2
    ).fit(*rows)
    found = SearchReport(search)
    assert "and 10 candidates more: see frame()" in repr(found)
    assert len(found.frame()) == 40
    found.save(tmp_path / "search.html")
    assert "<summary>10 candidates more</summary>" in (tmp_path / "search.html").read_text()


@pytest.mark.parametrize("ending", ["html", "json", "md"])
def test_saved_report_holds_every_candidate(report, tmp_path, ending):
    """Page, JSON and Markdown have the same candidates."""
    path = tmp_path / f"search.{ending}"
    report.save(path)
    text = path.read_text(encoding="utf-8")
    if ending == "json":
        assert json.loads(text) == report.document
    else:
        for candidate in report.document["candidates"]:
            assert f"{candidate['mean']:.3f}" in text
    assert list(tmp_path.iterdir()) == [path]


def test_saved_report_other_ending_raises(report, tmp_path):
    """Only known endings are written."""
    with pytest.raises(ValueError, match=r"\.html, \.json or \.md. Got 'search.pdf'"):
        report.save(tmp_path / "search.pdf")


def test_saved_page_escapes_names(rows, tmp_path):
    """Values of parameters are text, not code."""
    hostile = "<script>alert(1)</script>|"
    search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2).fit(*rows)
    found = SearchReport(search)
    for candidate, value in zip(found.document["candidates"], (hostile, "b"), strict=True):
        candidate["params"] = {hostile: value}
    found.document["parameters"] = order_parameters(found.document["candidates"])
    for ending in ("html", "md"):
        found.save(tmp_path / f"search.{ending}")
        text = (tmp_path / f"search.{ending}").read_text()
        assert "<script>alert" not in text
        assert "alert(1)" in text
    assert "<script>alert" not in found._repr_html_()


def test_to_dict_is_a_copy(report):
    """Changing the copy does not change the report."""
    copy = report.to_dict()
    copy["candidates"].clear()
    assert report.document["candidates"]


def test_page_in_a_browser_is_quiet_and_accessible(
    browser, grid, nested, tmp_path, find_violations, find_violations_of_style
):
    """No message, no request, no sideways scrolling, and no accessibility violation."""
    path = tmp_path / "search.html"
    SearchReport(grid, nested=nested).save(path)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, heard = context.new_page(), []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("svg.chart").count() == 4
    found = find_violations(page)
    page.set_viewport_size({"width": 390, "height": 900})
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found += find_violations_of_style(page)
    assert heard == [path.as_uri()]
    context.close()
    assert [one for one in found if one[1] in ("serious", "critical")] == []

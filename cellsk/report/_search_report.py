"""SearchReport: the candidates of a search, and how far to trust the best score."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from cellsk._text import escape_text, write_json
from cellsk.report._report_file import write_report
from cellsk.report._warnings import warn_if_search_is_weak
from cellsk.report.document import (
    Candidate,
    Numbers,
    SearchDocument,
    SearchResults,
    build_search_document,
    read_candidates,
    read_nested,
    read_search,
)
from cellsk.report.render import (
    render_search_card,
    render_search_page,
    render_search_summary,
    render_search_table,
    render_search_terminal,
)
from cellsk.report.words import describe_nested, pick_best, pick_choice, summarize_search

if TYPE_CHECKING:
    from pandas import DataFrame

    from cellsk.inspection import SearchDisplay

__all__ = ["SearchReport"]

_FLOATS = ["mean", "low", "high", "sd", "standard_error", "fit_seconds"]


class SearchReport:
    """The candidates of a search: scores with intervals, fit times, and which one to choose.

    Beside the best candidate it names the smallest one within one standard error of it, which is
    as good as far as the folds can show. In a terminal or in Jupyter it shows a summary.

    Parameters
    ----------
    search : GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV or HalvingRandomSearchCV
        Fitted. For the results of any other search see :meth:`from_results`.
    nested : EvaluationReport or dict, default=None
        What `evaluate` found for the same search, or its document: scores on patients that had
        no influence on the choice.
    metric : str, default=None
        Score to rank by, if the search has several. None is that of `refit`.
    test_fraction : float, default=None
        Share of test images among the images of a split, in (0, 1), for the intervals. None
        reads it from the splitter. If the splitter does not define it, as with a size in images
        or with `LeavePOut`, there are no intervals.
    y : array-like of shape (n_samples,), default=None
        Labels with which the search was fitted, for the score of guessing. Without them it is
        known for scores such as ROC AUC, whose value for guessing is 0.5, but not for accuracy.

    Attributes
    ----------
    document : dict
        Every number of the report, as plain values that JSON knows.
    best : dict
        The candidate with the highest mean score: `params`, `mean`, `low`, `high`, `sd`,
        `fit_seconds`, `size` and more. Of a halving search, in its last iteration.
    one_standard_error : dict
        The smallest candidate within one standard error of the best, which may be the best.
    nested : dict or None
        Scores of the nested evaluation.

    Raises
    ------
    TypeError, ValueError
        When a parameter is not as above, or the best candidate of the search has no score, for
        example because a fold lacks a class.
    NotFittedError
        When the search is not fitted.

    Warns
    -----
    WeakModelWarning
        When the interval of the best candidate includes the score of guessing, or the best
        candidate predicted one class only in a fold. The second is known if the search used
        :func:`~cellsk.model_selection.make_search_scoring`.

    See Also
    --------
    cellsk.model_selection.make_search_scoring : Scores to rank by.
    evaluate : Runs a search within each fold, for the score to report.

    Notes
    -----
    The intervals are t intervals over the folds. Folds share training images, so their spread
    understates how far the mean would vary; the variance is corrected by the ratio of test to
    training images [1]_. The intervals are approximate, because an unbiased variance does not
    exist [2]_, and they do not include the effect of choosing the best of many.

    The standard error of the rule is the plain one, the spread divided by the root of the number
    of folds [3]_. "Smallest" means the fewest weights of the network. If these cannot be counted
    (another estimator, or ``refit=False``), it means the shortest mean fit time. Times within
    0.1 s or 10% of it count as equal, and the best score decides among them.

    The nested number is the same score. With two classes, ``"recall"``, ``"precision"``,
    ``"f1"`` and ``"average_precision"`` score the label 1 in scikit-learn: they have a nested
    number only if the evaluation used that label as the positive class.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning
       52, 2003.
    .. [2] Y. Bengio and Y. Grandvalet, "No unbiased estimator of the variance of k-fold
       cross-validation", Journal of Machine Learning Research 5, 2004.
    .. [3] L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and Regression
       Trees", Wadsworth, 1984.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from cellsk import SearchReport
    >>> X, y = make_classification(random_state=0)
    >>> search = GridSearchCV(LogisticRegression(), {"C": [0.01, 0.1, 1]}).fit(X, y)
    >>> report = SearchReport(search)
    >>> report.best["params"] == search.best_params_
    True
    >>> report.frame().shape
    (3, 10)
    """

    def __init__(
        self,
        search: Any,
        *,
        nested: Any = None,
        metric: str | None = None,
        test_fraction: float | None = None,
        y: ArrayLike | None = None,
    ) -> None:
        results = read_search(search, metric=metric, test_fraction=test_fraction, y=y)
        self._build(results, nested)

    @classmethod
    def from_results(
        cls,
        candidates: Sequence[Mapping[str, Any]],
        *,
        scoring: str,
        test_fraction: float | None = None,
        name: str = "Search",
        estimator: str = "",
        cv: str | None = None,
        nested: Any = None,
        y: ArrayLike | None = None,
    ) -> SearchReport:
        """Return the report of a search that scikit-learn did not run.

        Parameters
        ----------
        candidates : sequence of mapping
            One for each candidate, with `params` (mapping of names to values), `scores` (one
            finite number for each fold; greater is better) and `fit_seconds` (mean over the
            folds, at least 0). A score that is NaN, None or missing is that of a failed fold.
            `score_seconds` is optional, as is `n_weights`, the size of the network. If all
            candidates have it, the one-standard-error rule uses it instead of the fit time.
        scoring : str
            Name of the score, as in scikit-learn.
        test_fraction : float, default=None
            Share of test images among the images of a split, in (0, 1), for the intervals. None
            gives no intervals.
        name : str, default="Search"
            Name of the search.
        estimator : str, default=""
            Representation of the estimator.
        cv : str, default=None
            Representation of the splitter.
        nested : EvaluationReport or dict, default=None
            As in the constructor.
        y : array-like of shape (n_samples,), default=None
            As in the constructor.

        Returns
        -------
        report : SearchReport

        Raises
        ------
        TypeError, ValueError
            When a parameter is not as above, or the best candidate has no score.

        Examples
        --------
        >>> from cellsk import SearchReport
        >>> candidates = [
        ...     {"params": {"dropout": 0.1}, "scores": [0.81, 0.84, 0.80], "fit_seconds": 9.1},
        ...     {"params": {"dropout": 0.5}, "scores": [0.72, 0.70, 0.75], "fit_seconds": 9.3},
        ... ]
        >>> report = SearchReport.from_results(candidates, scoring="roc_auc", test_fraction=1 / 3)
        >>> report.best["params"]
        {'dropout': 0.1}
        """
        report = cls.__new__(cls)
        results = read_candidates(
            candidates,
            scoring=scoring,
            name=name,
            estimator=estimator,
            cv=cv,
            test_fraction=test_fraction,
            y=y,
        )
        report._build(results, nested)
        return report

    def _build(self, results: SearchResults, nested: Any) -> None:
        self.document: SearchDocument = build_search_document(results)
        self._label_one = results.label_one
        self.document["nested"] = read_nested(nested, results.score, results.label_one)
        warn_if_search_is_weak(self.document)

    def with_nested(self, nested: Any) -> SearchReport:
        """Return this report with a nested evaluation. Nothing else is computed again.

        Parameters
        ----------
        nested : EvaluationReport or dict
            What `evaluate` found for the same search, or its document.

        Returns
        -------
        report : SearchReport
            A new report. This one is not changed.

        Raises
        ------
        TypeError
            When it is not an evaluation.
        """
        report = copy.copy(self)
        score = self.document["search"]["score"]
        report.document = {
            **self.document,
            "nested": read_nested(nested, score, self._label_one),
        }
        return report

    @property
    def best(self) -> Candidate:
        """The candidate with the highest mean score."""
        return pick_best(self.document)

    @property
    def one_standard_error(self) -> Candidate:
        """The smallest candidate within one standard error of the best."""
        return pick_choice(self.document)

    @property
    def nested(self) -> Numbers | None:
        """Scores of the nested evaluation, or None."""
        found = self.document["nested"]
        return None if found is None else found["numbers"]

    def __repr__(self) -> str:
        return escape_text(render_search_terminal(self.document))

    def _repr_html_(self) -> str:
        return escape_text(render_search_summary(self.document))

    def to_dict(self) -> dict[str, Any]:
        """Return a copy of the document.

        Returns
        -------
        document : dict
            Plain values that JSON knows. Undefined values are None.
        """
        return {**copy.deepcopy(self.document)}

    def summary(self, remedy: str | None = None) -> dict[str, Any]:
        """Return candidates, choice and sentences as plain values, for a program.

        Parameters
        ----------
        remedy : str, default=None
            Sentence on how to get an unbiased score, if there is no nested evaluation. None
            describes it for Python.

        Returns
        -------
        summary : dict
            `n_folds`; `candidates`, the best first, each with its parameters by their short
            names, `rank`, the mean score under ``mean_`` plus its name, `low`, `high`,
            `standard_deviation`, `mean_fit_seconds`, `n_weights`, `one_class_folds` (folds in
            which it predicted one class only) and `remark`; `guessing`, the score of guessing,
            and `better_than_guessing`, whether the interval of the best candidate is above it;
            `one_standard_error`, the parameters that this rule chooses, or the value of a single
            one; `nested`, the score to report, or None; `summary`, a list of sentences. Without
            the numbers of weights there are no remarks and no choice, because fit times differ
            from run to run.
        """
        return summarize_search(self.document, remedy)

    def describe(self, remedy: str | None = None) -> str:
        """Return :meth:`summary` as text: a table of the candidates, and sentences.

        Parameters
        ----------
        remedy : str, default=None
            As in :meth:`summary`.

        Returns
        -------
        text : str
        """
        return render_search_table(self.document, remedy)

    def nested_sentences(self, remedy: str | None = None) -> list[str]:
        """Return the score to report in a sentence, or why the best score is not one.

        Parameters
        ----------
        remedy : str, default=None
            As in :meth:`summary`.

        Returns
        -------
        sentences : list of str
        """
        return describe_nested(self.document, remedy)

    def frame(self) -> DataFrame:
        """Return one row per candidate, the best first.

        Returns
        -------
        table : pandas.DataFrame
            Indexed by rank. Columns are the parameters, then `mean`, `low`, `high`, `sd`,
            `standard_error`, `fit_seconds`, `size`, `one_standard_error` (whether it is within one
            standard error of the best) and `row` (of `cv_results_`). A halving search also has
            `iteration` and `n_resources`.
        """
        import pandas as pd

        candidates = self.document["candidates"]
        names = [parameter["name"] for parameter in self.document["parameters"]]
        index = pd.Index([candidate["rank"] for candidate in candidates], name="rank")
        rows = [
            {**{name: candidate["params"].get(name) for name in names}, **candidate}
            for candidate in candidates
        ]
        halving = [] if self.document["iterations"] is None else ["iteration", "n_resources"]
        columns = [*names, *_FLOATS, "size", "within_one_standard_error", *halving, "row"]
        table = pd.DataFrame(rows, index=index)[columns].astype(dict.fromkeys(_FLOATS, float))
        return table.rename(columns={"within_one_standard_error": "one_standard_error"})

    def plot(self) -> SearchDisplay:
        """Draw score with interval, and fit time, against each parameter.

        Returns
        -------
        display : SearchDisplay
            Drawn in a new figure, its `figure_`.

        Raises
        ------
        ValueError
            When there is only one candidate to draw.
        """
        from cellsk.inspection import SearchDisplay

        return SearchDisplay(self.document).plot()

    def save(self, path: str | os.PathLike[str], *, format: str | None = None) -> None:
        """Write the report as a page, as JSON, or as Markdown.

        Parameters
        ----------
        path : str or path-like
            The ending chooses the format. ``.html`` is one page that needs no network, ``.json``
            holds all numbers, ``.md`` is text with tables.
        format : {"html", "json", "md"}, default=None
            Format of a file, pipe or device whose name has another ending. None is the ending.

        Raises
        ------
        ValueError
            When the name has another ending.
        OSError
            When the file cannot be written. An existing file is then unchanged.
        """
        renderers = {
            ".html": lambda: render_search_page(self.document),
            ".json": lambda: write_json(self.document, indent=1) + "\n",
            ".md": lambda: render_search_card(self.document),
        }
        write_report(path, renderers, format)

"""SearchReport: what a search found, and what its best number is worth."""

from __future__ import annotations

import copy
import json
import os
from typing import TYPE_CHECKING, Any

from cellsk._checks import check_number
from cellsk.report._report_file import write_report
from cellsk.report.document._search import build_search_document
from cellsk.report.render._search_page import (
    render_search_markdown,
    render_search_page,
    render_search_summary,
    render_search_terminal,
)

if TYPE_CHECKING:
    from pandas import DataFrame

    from cellsk.inspection import SearchDisplay

__all__ = ["SearchReport"]


class SearchReport:
    """What a search found: scores with intervals, fit times, and which candidate to take.

    Beside the best candidate it names the smallest one within one standard error of it, which
    is as good as far as the folds can tell. Shown in a terminal or in Jupyter it sums itself up.

    Parameters
    ----------
    search : GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV or HalvingRandomSearchCV
        Fitted.
    nested : EvaluationReport or dict, default=None
        What `evaluate` found for the same search, or the document of it, to be shown beside: a
        score of patients that had no part in the choice.
    metric : str, default=None
        Score to rank by, where the search has several. None is that of `refit`.
    test_fraction : float, default=None
        Share of test images among the images of a split, in (0, 1), for the intervals. None
        asks the splitter. Where that does not say, as with a size in images or `LeavePOut`,
        there are no intervals.

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
        When a parameter is not as above, or the best candidate of the search has no score, as
        where a fold lacks a class.
    NotFittedError
        When the search is not fitted.

    See Also
    --------
    evaluate : Runs a search within each fold, for the number to report.

    Notes
    -----
    The intervals are t intervals over the folds. Folds share training images, so that their
    spread understates how far the mean would vary; the variance is corrected for this by the
    ratio of test to training images [1]_. It stays approximate, as there is no unbiased one
    [2]_, and it says nothing of the luck of being the best of many.

    The standard error of the rule is the plain one, spread over the root of the number of
    folds [3]_. "Smallest" is the fewest weights of the network. Where these cannot be counted
    (another estimator, or ``refit=False``), it is the shortest mean fit time; times within 0.1 s
    or 10 % of it count as equal, and of equals the best score wins.

    The nested number is that of the same score. Of two classes, ``"recall"``, ``"precision"``,
    ``"f1"`` and ``"average_precision"`` are of the label 1 in scikit-learn: they have one only
    where the evaluation took that label as the positive class.

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
    ) -> None:
        if test_fraction is not None:
            test_fraction = check_number("test_fraction", test_fraction, low=0, high=1)
        self.document = build_search_document(
            search, nested=nested, metric=metric, test_fraction=test_fraction
        )

    @property
    def best(self) -> dict[str, Any]:
        """The candidate with the highest mean score."""
        return self._candidate("best")

    @property
    def one_standard_error(self) -> dict[str, Any]:
        """The smallest candidate within one standard error of the best."""
        return self._candidate("one_standard_error")

    @property
    def nested(self) -> dict[str, Any] | None:
        """Scores of the nested evaluation, or None."""
        found = self.document["nested"]
        return None if found is None else found["numbers"]

    def __repr__(self) -> str:
        return render_search_terminal(self.document)

    def _repr_html_(self) -> str:
        return render_search_summary(self.document)

    def to_dict(self) -> dict[str, Any]:
        """Return a copy of the document.

        Returns
        -------
        document : dict
            Plain values that JSON knows; what is not defined is None.
        """
        return copy.deepcopy(self.document)

    def frame(self) -> DataFrame:
        """Return one row per candidate, the best first.

        Returns
        -------
        table : pandas.DataFrame
            Indexed by rank. Columns are the parameters, then `mean`, `low`, `high`, `sd`,
            `standard_error`, `fit_seconds`, `size`, `one_standard_error` (whether it is within one
            standard error of the best) and `row` (of `cv_results_`); of a halving search
            `iteration` and `n_resources` too.
        """
        import pandas as pd

        names = [parameter["name"] for parameter in self.document["parameters"]]
        numbers = ["mean", "low", "high", "sd", "standard_error", "fit_seconds", "size"]
        halving = self.document["iterations"] is not None
        rows = [
            {
                **{name: candidate["params"].get(name) for name in names},
                **{name: candidate[name] for name in numbers},
                "one_standard_error": candidate["within_one_standard_error"],
                **(
                    {key: candidate[key] for key in ("iteration", "n_resources")} if halving else {}
                ),
                "row": candidate["row"],
            }
            for candidate in self.document["candidates"]
        ]
        ranks = [candidate["rank"] for candidate in self.document["candidates"]]
        table = pd.DataFrame(rows, index=pd.Index(ranks, name="rank"))
        return table.astype(dict.fromkeys(numbers[:-1], float))

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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report: a page, its numbers, or Markdown, by the ending of the name.

        Parameters
        ----------
        path : str or path-like
            ``.html`` is one page that needs no network, ``.json`` all numbers, ``.md`` text with
            tables.

        Raises
        ------
        ValueError
            When the name has another ending.
        OSError
            When the file cannot be written. What was there before is then untouched.
        """
        renderers = {
            ".html": lambda: render_search_page(self.document),
            ".json": lambda: json.dumps(self.document, indent=1, allow_nan=False) + "\n",
            ".md": lambda: render_search_markdown(self.document),
        }
        write_report(path, renderers)

    def _candidate(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.document["candidates"][self.document[key]]
        return found

"""EvaluationReport: the result of an evaluation, to read, tabulate and save."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from cellsk._checks import check_count, count_noun
from cellsk._text import escape_text, write_json
from cellsk.exceptions import InputError
from cellsk.model_selection import Folds, OutOfFold, write_manifest
from cellsk.report._comparison import check_report, compare_reports
from cellsk.report._leakage import measure_leakage
from cellsk.report._report_document import join_test
from cellsk.report._report_file import write_report
from cellsk.report._report_pictures import make_error_maps, make_pictures
from cellsk.report._settings import EvaluationData, Settings
from cellsk.report._testing import fit_all, fit_and_test, match_test_data
from cellsk.report.document import (
    Comparison,
    EvaluationDocument,
    Leakage,
    Numbers,
    make_predictions,
    make_resampling,
    subtract_independent,
)
from cellsk.report.render import render_card, render_page, render_summary, render_terminal

if TYPE_CHECKING:
    from pandas import DataFrame

    from cellsk.audit import AuditReport

__all__ = ["EvaluationReport"]


class EvaluationReport:
    """Cross-validated scores with intervals, and the evidence behind them.

    :func:`evaluate` makes it. In a terminal or in Jupyter it shows a summary.

    Parameters
    ----------
    document : dict
        Every number of the report, as plain values that JSON knows; described field by field
        in ``cellsk/report/evaluation.schema.json``.
    data, settings, folds, out_of_fold : tuple
        The checked arguments of `evaluate`, the folds, and the predictions.
    audit : AuditReport, default=None
        Problems of the images, if they were audited.
    model : estimator, default=None
        The fitted model that predicted all images, if there is one.

    Attributes
    ----------
    document : dict
        As above.
    numbers : dict of str to dict
        Scores over all images: `value`, and `low` and `high` of its interval. None where a score
        is not defined.
    audit : AuditReport or None
        As above.

    See Also
    --------
    evaluate : Makes it, with an example.
    """

    def __init__(
        self,
        document: EvaluationDocument,
        data: EvaluationData,
        settings: Settings,
        folds: Folds | None,
        out_of_fold: OutOfFold,
        audit: AuditReport | None = None,
        model: Any = None,
    ) -> None:
        self.document = document
        self.audit = audit
        self._data = data
        self._settings = settings
        self._folds = folds
        self._out_of_fold = out_of_fold
        self._model = model
        self._test: EvaluationReport | None = None

    @property
    def _tested(self) -> EvaluationData:
        """The images that were predicted."""
        return self._data if self._folds is None else self._data.take(self._folds.tested)

    @property
    def numbers(self) -> Numbers:
        """Scores over all tested images, each with `value`, `low` and `high`."""
        return self.document["numbers"]

    def __repr__(self) -> str:
        return escape_text(render_terminal(self.document))

    def _repr_html_(self) -> str:
        return escape_text(render_summary(self.document))

    def frame(self) -> DataFrame:
        """Return one row per fold, then the pooled row and the ends of its interval.

        Returns
        -------
        table : pandas.DataFrame
            Indexed by fold: "1", "2", ..., "pooled", "low", "high". Columns are the counts of
            images and the scores. Undefined scores are NaN. The test of a fixed model has no
            folds: its scores are in the row "pooled".
        """
        import pandas as pd

        rows: dict[str, dict[str, float | None]] = {
            str(fold["fold"]): {
                "n_train": fold["n_train"],
                "n_test": fold["n_test"],
                **fold["scores"],
            }
            for fold in self.document["folds"]
        }
        numbers = self.numbers
        n_images = self.document["data"]["n_images"]
        rows["pooled"] = {"n_test": n_images, **{name: numbers[name]["value"] for name in numbers}}
        rows["low"] = {name: numbers[name]["low"] for name in numbers}
        rows["high"] = {name: numbers[name]["high"] for name in numbers}
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("fold")
        kinds: dict[str, Any] = dict.fromkeys(numbers, float)
        counts = [name for name in ("n_train", "n_test") if name in table]
        return table.astype(kinds | dict.fromkeys(counts, "Int64"))

    def predictions(self) -> DataFrame:
        """Return one row per tested image: file, group, fold, label, predicted, probabilities.

        Returns
        -------
        table : pandas.DataFrame
            In the order of X. Labels are class names; probabilities are in columns
            ``probability_`` plus the name.
        """
        import pandas as pd

        found, names = self.document["predictions"], np.array(self._data.labels.names)
        columns: dict[str, Any] = {"file": found["file"]}
        if found["group"] is not None:
            columns["group"] = found["group"]
        if found["fold"]:
            columns["fold"] = found["fold"]
        columns["label"], columns["predicted"] = names[found["label"]], names[found["predicted"]]
        proba = self._out_of_fold.proba
        columns |= {f"probability_{name}": proba[:, code] for code, name in enumerate(names)}
        return pd.DataFrame(columns)

    def leakage_gap(self) -> Leakage:
        """Evaluate again with folds that ignore patients, and compare the scores.

        It trains as many models again. The result becomes part of the report: save it after this
        call, and the page shows both.

        Returns
        -------
        gap : dict
            `grouped` and `random`: the scores with folds by patient, and with folds that ignore
            patients; `gap`: their differences, random minus grouped, with intervals of a
            bootstrap that draws the same patients for both; `sentence`: a sentence that reports
            them.

        Raises
        ------
        ValueError
            When patients are unknown, or images are never tested.

        References
        ----------
        E. Bussola et al., "AI slipping on tiles: data leakage in digital pathology", ICPR
        International Workshops, 2021.
        """
        if self._folds is None:
            raise InputError(
                "leakage_gap is for a cross-validation",
                "the test of a trained model",
                "Use evaluate.",
                code="no-folds",
            )
        n_splits = len(self._folds.splits)
        if n_untested := len(self._data.labels.y) - len(self._folds.tested):
            raise InputError(
                "leakage_gap compares two cross-validations that test every image",
                f"{count_noun(n_untested, 'image')} that this cv never tests",
                "Evaluate with cv=None, or with a cv that tests each image once.",
                code="leakage-needs-all-images",
            )
        found = measure_leakage(self._data, self._settings, self._out_of_fold, n_splits)
        self.document["leakage"] = found
        return found

    def fit(self) -> Any:
        """Fit the same estimator on all images, with its calibration and threshold.

        This is the model for use. The scores of this report are those of models that were trained
        in the same way, on the training side of each fold. For the test of a fixed model, use that
        model.

        Returns
        -------
        model : estimator
            A new fitted estimator.

        Raises
        ------
        TypeError, ValueError
            Those of the fit.
        """
        return fit_all(self._data, self._settings)

    def test(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        subgroups: Mapping[str, ArrayLike] | None = None,
        audit: bool = True,
        left_out: Sequence[tuple[str, str]] | None = None,
    ) -> EvaluationReport:
        """Fit the estimator on all images, and score this model once on a test set.

        Threshold and calibration are chosen on the images of this report. If it has baselines,
        they are fitted and tested on the same images. The result becomes part of the report: save
        it after this call, and page, card and JSON show the cross-validation, the test set, and the
        difference.

        Parameters
        ----------
        X : array-like of shape (n,) of str, or of shape (n, ...)
            The test set: images that this report does not have, or their paths.
        y : array-like of shape (n,)
            Their class labels, or names of classes. Classes may be missing.
        groups : array-like of shape (n,), default=None
            Patient of each image. None assumes that all images are independent.
        subgroups : mapping of str to array-like of shape (n,), default=None
            Columns, such as site or stain. Scores are computed for each of their values, too.
        audit : bool, default=True
            Whether to audit the test images, if X holds paths.
        left_out : sequence of (str, str), default=None
            Name and reason of each file that was left out before the run.

        Returns
        -------
        report : EvaluationReport
            The report of the test alone. Its document has no folds.

        Raises
        ------
        TypeError, ValueError
            When a parameter is not as above, a class is unknown, or this is the report of a fixed
            model.

        Warns
        -----
        PatientsUnknownWarning
            When there are no groups.
        SplitWarning
            When a class has few patients, or the test set shares images or patients with the
            images of this report.

        See Also
        --------
        evaluate_model : Score a model that is fitted already.

        Examples
        --------
        >>> from sklearn.linear_model import LogisticRegression
        >>> from cellsk import evaluate, make_cells
        >>> train = make_cells(120, n_patients=12, image_size=(16, 16), random_state=0)
        >>> test = make_cells(60, n_patients=10, image_size=(16, 16), random_state=1)
        >>> report = evaluate(
        ...     LogisticRegression(), train.images.mean(axis=(1, 2)), train.y, groups=train.groups,
        ...     target_names=train.target_names, baselines=False,
        ... )
        >>> groups = [f"new {name}" for name in test.groups]  # not the patients of train
        >>> tested = report.test(test.images.mean(axis=(1, 2)), test.y, groups=groups)
        >>> gap = report.document["test"]["difference"]["roc_auc"]
        >>> gap["low"] < gap["value"] < gap["high"]
        True
        """
        if self._folds is None:
            raise InputError(
                "test is for a report of evaluate",
                "the test of a trained model",
                "Use evaluate_model.",
                code="no-folds",
            )
        data = match_test_data(self._data.labels, X, y, groups, subgroups)
        found = fit_and_test(
            self._data,
            data,
            self._settings,
            audit=audit,
            baselines=self.document["baselines"] is not None,
            left_out=left_out or (),
        )
        difference = subtract_independent(
            make_predictions(self._tested.labels, self._out_of_fold),
            make_predictions(data.labels, found.predictions),
            make_resampling(self._settings),
        )
        join_test(self.document, found.document, difference)
        self._test = EvaluationReport(found.document, data, self._settings, None, *found[1:])
        return self._test

    def compare(self, other: EvaluationReport) -> Comparison:
        """Compare with the report of another model on the same images.

        Parameters
        ----------
        other : EvaluationReport
            Of the same tested images, labels and patients, in the same order.

        Returns
        -------
        comparison : dict
            `first` and `second`: the scores of this report and of the other; `difference`: second
            minus first, with intervals of a bootstrap that draws the same patients for both;
            `sentence`: a sentence that reports them.

        Raises
        ------
        TypeError, ValueError
            When it is not a report, or the images differ.

        Examples
        --------
        >>> from sklearn.dummy import DummyClassifier
        >>> from sklearn.linear_model import LogisticRegression
        >>> from cellsk import evaluate_model, make_cells
        >>> cells = make_cells(60, n_patients=6, image_size=(16, 16), random_state=0)
        >>> X = cells.images.mean(axis=(1, 2))
        >>> models = DummyClassifier().fit(X, cells.y), LogisticRegression().fit(X, cells.y)
        >>> first, second = (
        ...     evaluate_model(model, X, cells.y, groups=cells.groups) for model in models
        ... )
        >>> first.compare(second)["difference"]["roc_auc"]["value"] > 0
        True
        """
        check_report(other, EvaluationReport)
        return compare_reports(
            (self._tested, other._tested),
            (self._out_of_fold, other._out_of_fold),
            (self.document, other.document),
            self._settings,
        )

    def save(
        self, path: str | os.PathLike[str], *, format: str | None = None, max_pictures: int = 200
    ) -> None:
        """Write the report as a page, as JSON, or as a model card.

        Parameters
        ----------
        path : str or path-like
            The ending chooses the format. ``.html`` is one page that needs no network and
            contains pictures; ``.json`` holds all numbers, predictions and folds; ``.md`` is a
            model card in Markdown.
        format : {"html", "json", "md"}, default=None
            Format of a file, pipe or device whose name has another ending. None is the ending.
        max_pictures : int, default=200
            Maximal number of images in the page. 0 leaves all of them out, for images that must
            not be passed on.

        Raises
        ------
        ValueError
            When the name has another ending.
        OSError
            When the file cannot be written. An existing file is then unchanged.
        """
        check_count("max_pictures", max_pictures, minimum=0)
        renderers = {
            ".html": lambda: self._render_page(max_pictures),
            ".json": lambda: write_json(self.document, indent=1) + "\n",
            ".md": lambda: render_card(self.document),
        }
        write_report(path, renderers, format)

    def save_folds(self, path: str | os.PathLike[str]) -> None:
        """Write the fold manifest, with which others can repeat the same folds.

        A csv file with the columns file, sha256, label, group and fold. Pass it as
        ``evaluate(..., cv="folds.csv")``; the files may be in another folder then. The fold of an
        image that is never tested is empty: it only trains.

        Parameters
        ----------
        path : str or path-like
            File to write.

        Raises
        ------
        ValueError
            When there are no folds, or a fold leaves images out of both sides.
        OSError
            When the file cannot be written.
        """
        if self._folds is None:
            raise InputError(
                "save_folds is for a cross-validation",
                "the test of a trained model",
                "Save the report as .json, which lists all images.",
                code="no-folds",
            )
        if not self._folds.is_repeatable:
            raise InputError(
                "A fold manifest is for folds that train on all images that they do not test",
                "a fold that leaves some of them out of both sides",
                "Leave these images out of X, or save the report as .json, which lists all images.",
                code="folds-not-repeatable",
            )
        write_manifest(path, self.document["manifest"])

    def _render_page(self, max_pictures: int) -> str:
        test = self._test
        n_tested = 0 if test is None else max_pictures // 2
        return render_page(
            self.document,
            self._make_pictures(max_pictures - n_tested),
            None if test is None else test._make_pictures(n_tested),
            maps=self._make_maps(max_pictures) if test is None else test._make_maps(n_tested),
        )

    def _make_pictures(self, limit: int) -> dict[int, str]:
        return make_pictures(self.document, self._tested, self._settings.estimator, limit)

    def _make_maps(self, limit: int) -> dict[int, str]:
        return make_error_maps(self.document, self._tested, self._model, limit)

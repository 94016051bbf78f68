"""EvaluationReport: what an evaluation found, to read, tabulate and hand over."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from cellsk._checks import check_count
from cellsk.model_selection import Folds, OutOfFold, iter_estimators, write_manifest
from cellsk.preprocessing import ImageReader
from cellsk.report._leakage import measure_leakage
from cellsk.report._report_file import write_report
from cellsk.report._settings import Cells, Settings
from cellsk.report.render._markdown import render_markdown
from cellsk.report.render._page import choose_rows, render_page, render_summary
from cellsk.report.render._terminal import render_terminal
from cellsk.report.render._thumbnails import make_thumbnails

if TYPE_CHECKING:
    from pandas import DataFrame

    from cellsk.audit import AuditReport

__all__ = ["EvaluationReport"]


class EvaluationReport:
    """Honest numbers, and what stands behind them.

    :func:`evaluate` makes it. Shown in a terminal or in Jupyter it sums itself up.

    Parameters
    ----------
    document : dict
        Every number of the report, as plain values that JSON knows; described field by field
        in ``cellsk/report/evaluation.schema.json``.
    cells, settings, folds, out_of_fold : tuple
        What `evaluate` was given, the folds, and the predictions.
    audit : AuditReport, default=None
        What is wrong with the images, if that was looked into.

    Attributes
    ----------
    document : dict
        As above.
    numbers : dict of str to dict
        Pooled scores: `value`, and `low` and `high` of its interval; None where a score is
        not defined.
    audit : AuditReport or None
        As above.

    See Also
    --------
    evaluate : Makes it, with an example.
    """

    def __init__(
        self,
        document: dict[str, Any],
        cells: Cells,
        settings: Settings,
        folds: Folds,
        out_of_fold: OutOfFold,
        audit: AuditReport | None = None,
    ) -> None:
        self.document = document
        self.audit = audit
        self._cells = cells
        self._settings = settings
        self._folds = folds
        self._out_of_fold = out_of_fold

    @property
    def numbers(self) -> dict[str, dict[str, float | None]]:
        """Pooled scores, each with `value`, `low` and `high`."""
        return self.document["numbers"]

    def __repr__(self) -> str:
        return render_terminal(self.document)

    def _repr_html_(self) -> str:
        return render_summary(self.document)

    def frame(self) -> DataFrame:
        """Return one row per fold, then the pooled row and the ends of its interval.

        Returns
        -------
        table : pandas.DataFrame
            Indexed by fold: "1", "2", ..., "pooled", "low", "high". Columns are the counts of
            images and the scores; what is not defined is NaN.
        """
        import pandas as pd

        folds = self.document["folds"]
        rows: dict[str, dict[str, Any]] = {
            str(fold["fold"]): {"n_train": fold["n_train"], "n_test": fold["n_test"]}
            | fold["scores"]
            for fold in folds
        }
        n_images = self.document["data"]["n_images"]
        for row, key in (("pooled", "value"), ("low", "low"), ("high", "high")):
            rows[row] = {name: entry[key] for name, entry in self.numbers.items()}
        rows["pooled"] = {"n_test": n_images} | rows["pooled"]
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("fold")
        kinds: dict[str, Any] = dict.fromkeys(self.numbers, float)
        return table.astype(kinds | dict.fromkeys(("n_train", "n_test"), "Int64"))

    def predictions(self) -> DataFrame:
        """Return one row per image: file, group, fold, label, predicted, probabilities.

        Returns
        -------
        table : pandas.DataFrame
            In the order of X. Labels are class names; probabilities are in columns
            ``probability_`` plus the name.
        """
        import pandas as pd

        found, names = self.document["predictions"], np.array(self._cells.names)
        columns = {key: found[key] for key in ("file", "group", "fold") if found[key] is not None}
        columns |= {key: names[found[key]] for key in ("label", "predicted")}
        proba = self._out_of_fold.proba
        columns |= {f"probability_{name}": proba[:, code] for code, name in enumerate(names)}
        return pd.DataFrame(columns)

    def leakage_gap(self) -> dict[str, Any]:
        """Evaluate again as if patients were unknown, and say what that would have claimed.

        It trains as many models again. The result joins the report: save it after this call, and
        the page shows both.

        Returns
        -------
        gap : dict
            `grouped` and `random`: the scores by patient, and those of folds that ignore patients;
            `gap`: their differences, random less grouped, with intervals of a bootstrap that
            draws the same patients for both; `sentence`: the same in words.

        Raises
        ------
        ValueError
            When patients are unknown.

        References
        ----------
        E. Bussola et al., "AI slipping on tiles: data leakage in digital pathology", ICPR
        International Workshops, 2021.
        """
        found = measure_leakage(
            self._cells, self._settings, self._out_of_fold, len(self._folds.splits)
        )
        self.document["leakage"] = found
        return found

    def save(self, path: str | os.PathLike[str], *, max_pictures: int = 200) -> None:
        """Write the report: a page, its numbers, or a model card, by the ending of the name.

        Parameters
        ----------
        path : str or path-like
            ``.html`` is one page that needs no network, with pictures in it; ``.json`` all
            numbers, predictions and folds; ``.md`` a model card in Markdown.
        max_pictures : int, default=200
            Images in the page, at most. 0 leaves all of them out, where they must not leave the
            house.

        Raises
        ------
        ValueError
            When the name has another ending.
        OSError
            When the file cannot be written. What was there before is then untouched.
        """
        check_count("max_pictures", max_pictures, minimum=0)
        renderers = {
            ".html": lambda: self._render_page(max_pictures),
            ".json": lambda: json.dumps(self.document, indent=1, allow_nan=False) + "\n",
            ".md": lambda: render_markdown(self.document),
        }
        write_report(path, renderers)

    def save_folds(self, path: str | os.PathLike[str]) -> None:
        """Write the fold manifest, by which another person repeats the same folds.

        A csv file with the columns file, sha256, label, group and fold; accepted back as
        ``evaluate(..., cv="folds.csv")``, wherever the files then are.

        Parameters
        ----------
        path : str or path-like
            File to write.

        Raises
        ------
        OSError
            When the file cannot be written.
        """
        write_manifest(path, self.document["manifest"])

    def _render_page(self, max_pictures: int) -> str:
        rows = choose_rows(self.document, max_pictures)
        reader = next(
            (
                part
                for part in iter_estimators(self._settings.estimator)
                if isinstance(part, ImageReader)
            ),
            None,
        )
        return render_page(self.document, make_thumbnails(self._cells.X, rows, reader=reader))

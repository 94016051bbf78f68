"""evaluate_model: scores of a fixed model on a test set, with intervals."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from cellsk.model_selection import describe_fixed
from cellsk.report._evaluation_report import EvaluationReport
from cellsk.report._inputs import check_data, check_settings, check_two_class_settings
from cellsk.report._settings import Settings
from cellsk.report._testing import run_test
from cellsk.report._training import find_training
from cellsk.report._unlike import find_detector

__all__ = ["evaluate_model"]


def evaluate_model(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    train_paths: ArrayLike | None = None,
    train_groups: ArrayLike | None = None,
    pos_label: Any = None,
    target_names: Sequence[str] | None = None,
    subgroups: Mapping[str, ArrayLike] | None = None,
    prevalence: float | None = None,
    max_uncertainty: float | None = None,
    aggregation: str = "mean",
    audit: bool = True,
    left_out: Sequence[tuple[str, str]] | None = None,
    n_resamples: int = 2000,
    confidence_level: float = 0.95,
    random_state: int = 0,
) -> EvaluationReport:
    """Score a trained model on a test set: images that it never saw.

    The report has the scores, intervals and evidence of :func:`evaluate`. The model is not changed.
    It shows how well this model classifies images like those of the test set. It does not show
    how well other models would do that are trained in the same way. TRIPOD+AI calls it external
    validation if the images come from another place, and temporal validation if they were made
    later.

    The classes are matched by name. The test set may lack classes, or have only one: scores that
    are then not defined are None.

    Not a medical device: a report is about a model and these images, not about a patient.

    Parameters
    ----------
    model : str, path-like, or fitted classifier, pipeline or search
        A model file, or an estimator with `predict_proba`. It is not fitted again. Its own
        threshold decides, if it has one.
    X : array-like of shape (n,) of str, or of shape (n, ...)
        Paths of images, if the model reads them; or images. The model reads each file once, and
        as in training.
    y : array-like of shape (n,)
        Class labels: labels of the model, or names in `target_names`.
    groups : array-like of shape (n,), default=None
        Patient of each image, for the intervals. None assumes that all images are independent.
    train_paths : array-like of shape (n_train,), default=None
        Training images, to look for images that the test set shares with them. None takes the
        fingerprints in the model file, if it has them.
    train_groups : array-like of shape (n_train,), default=None
        Their patients.
    pos_label : str, int or bool, default=None
        Label or name of the class that sensitivity is about. None takes that of a tuned threshold
        of the model, or 1 if the labels are 0 and 1.
    target_names : sequence of str, default=None
        Name of each class of the model, in the order of its labels. None takes the labels.
    subgroups : mapping of str to array-like of shape (n,), default=None
        As in :func:`evaluate`, like the next seven parameters.
    prevalence, max_uncertainty : float, default=None
        Share of positives for PPV and NPV; uncertainty above which images are referred.
    aggregation : {"mean", "max", "vote"}, default="mean"
        How the images of a patient become one probability.
    audit : bool, default=True
        Whether to audit the images, if X holds paths.
    left_out : sequence of (str, str), default=None
        Name and reason of each file that was left out before the run.
    n_resamples : int, default=2000
        Resamples of the bootstrap.
    confidence_level : float, default=0.95
        Level of the intervals.
    random_state : int, default=0
        Seed of the bootstrap.

    Returns
    -------
    report : EvaluationReport
        Its document has no folds.

    Raises
    ------
    NotFittedError
        When the model is not fitted.
    ModelFileError
        When the model file cannot be loaded.
    TypeError, ValueError
        When a parameter is not as above, or a class is unknown to the model.

    Warns
    -----
    PatientsUnknownWarning
        When there are no groups.
    SplitWarning
        When a class has few patients, or the test set shares images, folders or patients with the
        training images.
    UnlikeTrainingWarning
        When more images are unlike the training images than by chance. Only a model file knows how
        they look.
    ImageReadWarning
        When images have another size than in training. They are resized to it.

    See Also
    --------
    evaluate : Scores by cross-validation, without a test set.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from cellsk import evaluate_model, make_cells
    >>> train = make_cells(120, n_patients=12, image_size=(16, 16), random_state=0)
    >>> test = make_cells(120, n_patients=12, image_size=(16, 16), random_state=1)
    >>> colors = FunctionTransformer(lambda images: images.mean(axis=(1, 2)) / 255)
    >>> model = make_pipeline(colors, LogisticRegression()).fit(train.images, train.y)
    >>> report = evaluate_model(
    ...     model, test.images, test.y, groups=test.groups, target_names=train.target_names
    ... )
    >>> accuracy = report.numbers["accuracy"]
    >>> accuracy["low"] < accuracy["value"] < accuracy["high"]
    True
    """
    start = time.perf_counter()
    fitted, training = find_training(model, train_paths, train_groups)
    fixed = describe_fixed(fitted)
    settings = check_settings(
        Settings(
            estimator=fitted,
            sensitivity=fixed.sensitivity,
            specificity=fixed.specificity,
            calibrate=fixed.calibration,
            prevalence=prevalence,
            max_uncertainty=max_uncertainty,
            aggregation=aggregation,
            n_resamples=n_resamples,
            confidence_level=confidence_level,
            random_state=random_state,
            n_jobs=None,
        )
    )
    data = check_data(
        X,
        y,
        groups=groups,
        sites=None,
        subgroups=subgroups,
        target_names=target_names,
        pos_label=fixed.pos_label if pos_label is None else pos_label,
        classes=fitted.classes_,
    )
    check_two_class_settings(data.labels, settings)
    found = run_test(
        data,
        settings,
        fitted,
        training,
        audit=audit,
        left_out=left_out or (),
        detector=find_detector(model),
    )
    found.document["seconds"] = time.perf_counter() - start
    return EvaluationReport(found.document, data, settings, None, *found[1:])

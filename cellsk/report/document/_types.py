"""Types of the documents: the parts of an evaluation, the parts of a search, and the JSON schema.

A document holds plain values that JSON knows. Its keys are described, field by field, in
``evaluation.schema.json``; a test compares these types with that file.
"""

# Without postponed annotations, so that NotRequired has its effect at run time, too.
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal, NotRequired, TypedDict

from cellsk.report.document._curve_types import Curves

Unit = Literal["patient", "image"]
# A parameter's value in a search document.
PlainValue = str | int | float | bool | None | list["PlainValue"]


def read_schema() -> dict[str, Any]:
    """Return the JSON schema of an evaluation document.

    Use it to validate files that ``EvaluationReport.save("report.json")`` wrote.

    Returns
    -------
    schema : dict

    Examples
    --------
    >>> from cellsk.report.document import read_schema
    >>> schema = read_schema()
    >>> schema["properties"]["confusion_matrix"]["description"]
    'Images by true class (rows) and predicted class (columns), by code.'
    """
    return json.loads(files("cellsk.report").joinpath("evaluation.schema.json").read_text("utf-8"))


class Number(TypedDict):
    """A value and its interval. None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None
    # Set only for display, where the interval comes from another method; never saved.
    note: NotRequired[str]


Numbers = Mapping[str, Number]  # scores by name


class Opinion(Number):
    """A value, an interval by a formula, and the name of the formula."""

    method: str


class Remark(TypedDict):
    """A warning or a limit: the stable name of its kind, and its text."""

    code: str
    text: str


class ImageClass(TypedDict):
    """One class of images."""

    name: str
    n_images: int
    n_groups: int | None
    positive: bool


class Data(TypedDict):
    """The images that were evaluated."""

    n_images: int
    n_groups: int | None
    images_are: Literal["paths", "arrays"]
    classes: list[ImageClass]
    positive: str | None
    prevalence: float | None


class NeverTested(TypedDict):
    """The images that no fold tests. Those in no training side either are unused."""

    n_images: int
    n_groups: int | None
    n_unused: int
    files: list[str]


class CrossValidation(TypedDict):
    """How the images were split into folds, or into one training and one test side."""

    description: str
    n_folds: int
    source: str
    groups_kept_together: bool
    sites_kept_together: bool
    random_state: int | None
    never_tested: NeverTested | None


class TrainingSet(TypedDict):
    """What is known of the images that a fixed model was trained on, and what the test set shares.

    Images with the same pixels are ``exact`` copies. ``similar`` ones look the same, and may be
    copies; None if they could not be looked for. ``same_folder`` ones are in a folder that held
    training images.
    """

    n_images: int
    n_groups: int | None
    source: Literal["model file", "evaluation", "given"]
    exact: list[str]
    similar: list[str] | None
    same_folder: list[str]
    groups: list[str]


class Interval(TypedDict):
    """How the intervals were computed."""

    level: float
    method: str
    n_resamples: int
    unit: Unit
    n_units: int


class PrevalenceNumbers(TypedDict):
    """Predictive values at a stated prevalence."""

    prevalence: float
    ppv: Number
    npv: Number


class Fold(TypedDict):
    """One fold: its sizes, scores, times, and what was chosen in training."""

    fold: int
    n_train: int
    n_test: int
    n_train_groups: int | None
    n_test_groups: int | None
    test_counts: list[int]
    scores: dict[str, float | None]
    fit_seconds: float
    predict_seconds: float
    threshold: float | None
    best_params: dict[str, str] | None
    history: dict[str, list[float | None]] | None
    best_epoch: int | None


class FoldMean(TypedDict):
    """Mean and standard deviation of a score over the folds."""

    mean: float | None
    sd: float | None


class ClassNumbers(TypedDict):
    """Scores of one class against the rest."""

    name: str
    n_images: int
    numbers: Numbers


class Subgroup(TypedDict):
    """Scores of the images with one value in a column."""

    column: str
    value: str | float | bool
    n_images: int
    n_groups: int | None
    numbers: Numbers


class Patients(TypedDict):
    """Scores of patients instead of images."""

    aggregation: str
    n_patients: int
    n_mixed: int
    counts: list[int]
    numbers: Numbers


class OperatingPoint(TypedDict):
    """A threshold chosen for a target sensitivity or specificity."""

    wanted: str
    target: float
    thresholds: list[float | None]
    achieved: Numbers
    untuned: Numbers


class Referral(TypedDict):
    """Scores of the images that are not referred to a pathologist."""

    max_uncertainty: float
    n_kept: int
    n_referred: int
    coverage: float | None
    error: float | None
    numbers: Numbers


class Calibration(TypedDict):
    """How probabilities were calibrated."""

    method: str


class PredictionLists(TypedDict):
    """Every image once: parallel lists, in the order of the input."""

    file: list[str]
    group: list[str] | None
    fold: list[int]
    label: list[int]
    predicted: list[int]
    proba: list[list[float | None]]


class Finding(TypedDict):
    """One finding of the audit."""

    code: str
    severity: Literal["error", "warning", "note"]
    title: str
    message: str
    remedy: str
    n_images: int
    files: list[str]


class Audit(TypedDict):
    """The findings of ``audit_images``."""

    n_images: int
    n_test_images: int
    seconds: float
    findings: list[Finding]


class EstimatorSummary(TypedDict):
    """The estimator: its name, representation and parameters as strings."""

    name: str
    repr: str
    parameters: dict[str, str]


class ManifestRow(TypedDict):
    """One image in the fold manifest."""

    file: str
    sha256: str
    label: str
    group: str | None
    fold: int | None


class LeakageNumbers(TypedDict):
    """Scores with folds by patient, with folds by image, and their differences."""

    grouped: Numbers
    random: Numbers
    gap: Numbers


class Leakage(LeakageNumbers):
    """The same, with a sentence that reports them."""

    sentence: str


class Comparison(TypedDict):
    """Scores of two models on the same images, and their differences: second minus first."""

    first: Numbers
    second: Numbers
    difference: Numbers
    sentence: str


BaselineName = Literal["guessing", "mean_color", "texture_forest"]


class Baseline(TypedDict):
    """A simple classifier on the same folds: its scores, and how much higher the model's are."""

    name: BaselineName
    numbers: Numbers
    difference: Numbers


class BaselineLeftOut(TypedDict):
    """A simple classifier that could not be evaluated, and why."""

    name: BaselineName
    reason: str


class Baselines(TypedDict):
    """Simple classifiers that the model has to beat."""

    compared: list[Baseline]
    left_out: list[BaselineLeftOut]


class ChecklistItem(TypedDict):
    """One item of a checklist, with the answer that the run can give."""

    item: str
    topic: str
    question: str
    answer: str
    status: Literal["answered", "in part", "for the authors"]


class Evidence(TypedDict):
    """Curves, predictions, errors and folds of the images."""

    curves: Curves
    predictions: PredictionLists
    confident_errors: list[int]
    label_errors: list[int]
    manifest: list[ManifestRow]


class EvaluationFacts(Evidence):
    """Everything that an evaluation measured, without prose."""

    schema: str
    created: str
    data: Data
    # None for the test of a fixed model, which has no folds.
    cv: CrossValidation | None
    # None for a cross-validation, and if the training images of a fixed model are unknown.
    training: TrainingSet | None
    interval: Interval
    numbers: Numbers
    second_opinions: Mapping[str, Opinion]
    at_prevalence: PrevalenceNumbers | None
    folds: list[Fold]
    mean_of_folds: dict[str, FoldMean]
    confusion_matrix: list[list[int]]
    per_class: list[ClassNumbers]
    subgroups: list[Subgroup]
    patients: Patients | None
    operating_point: OperatingPoint | None
    referral: Referral | None
    calibration: Calibration | None
    audit: Audit | None
    left_out: list[list[str]]
    warnings: list[Remark]
    estimator: EstimatorSummary
    versions: dict[str, str]
    seed: int | None
    seconds: float | None
    leakage: Leakage | None
    # None if they were not wanted, and for the test of a fixed model.
    baselines: Baselines | None


class EvaluationDocument(EvaluationFacts):
    """The document of an evaluation: the facts, with title, limits and checklists."""

    title: str
    headline: str
    intended_use: str
    limits: list[Remark]
    checklists: dict[str, list[ChecklistItem]]
    # None if the model that is fitted on all images was not tested.
    test: "TestResult | None"


class TestResult(TypedDict):
    """The test of the model that is fitted on all images, and test minus cross-validation."""

    report: EvaluationDocument
    difference: Numbers

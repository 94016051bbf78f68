"""Types of a search document: the candidates of a search and the nested evaluation."""

from typing import Literal, TypedDict

from cellsk.report.document._types import Interval, Number, Numbers, PlainValue

SizeUnit = Literal["weights", "fit seconds"]


class FoldStatistics(TypedDict):
    """Mean, spread and interval of a candidate's scores. None where they are not defined."""

    mean: float | None
    low: float | None
    high: float | None
    sd: float | None
    standard_error: float | None
    folds: list[float | None]


class Candidate(FoldStatistics):
    """One candidate of a search."""

    row: int
    rank: int
    params: dict[str, PlainValue]
    iteration: int | None
    n_resources: int | None
    fit_seconds: float | None
    score_seconds: float | None
    size: float
    within_one_standard_error: bool
    # Folds in which all test images were predicted to be of one class. None if it is not known.
    one_class_folds: int | None


class Guessing(TypedDict):
    """The score of guessing by the shares of the classes, without looking at the images."""

    value: float
    best_is_better: bool


class Parameter(TypedDict):
    """One parameter of the search: its short name, and its values in order."""

    name: str
    short: str
    values: list[PlainValue]
    numeric: bool


class SearchFacts(TypedDict):
    """How the search was made."""

    name: str
    estimator: str
    cv: str | None
    n_folds: int
    resource: str | None
    score: str
    bounds: list[float] | None
    size_unit: SizeUnit


class SearchInterval(TypedDict):
    """How the intervals of the candidates were computed."""

    level: float
    method: str
    test_fraction: float | None


class Iteration(TypedDict):
    """One iteration of a halving search."""

    iteration: int
    n_resources: int
    n_candidates: int


class Nested(TypedDict):
    """An evaluation of the whole search, in the score of the search."""

    score: str | None
    number: Number | None
    numbers: Numbers
    interval: Interval
    n_folds: int
    best_params: list[dict[str, PlainValue]]


class SearchDocument(TypedDict):
    """The document of a search."""

    schema: str
    created: str
    search: SearchFacts
    interval: SearchInterval
    parameters: list[Parameter]
    candidates: list[Candidate]
    best: int
    one_standard_error: int
    iterations: list[Iteration] | None
    n_failed: int
    # None if it is not known, for example for accuracy if the labels are not known.
    guessing: Guessing | None
    nested: Nested | None
    versions: dict[str, str]

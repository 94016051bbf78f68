"""``cellsk search``: compare filters and augmentations by cross-validation."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from cellsk.cli._images import FileOptions, LabeledImages, PatientOptions, list_labeled_images
from cellsk.cli._interrupt import naming_written_files
from cellsk.cli._next import print_next, suggest_uses, write_command
from cellsk.cli._options import (
    AUGMENTATIONS,
    CROSS_VALIDATION,
    N_FOLDS,
    NETWORK,
    NO_AUGMENTATION,
    OUTPUT,
    Architecture,
    BatchSize,
    Epochs,
    Folder,
    Folds,
    FollowLinks,
    Force,
    GroupPattern,
    Groups,
    GroupsCsv,
    Html,
    ImageColumn,
    ImageSize,
    Json,
    LabelColumn,
    Labels,
    Seed,
    SkipUnreadable,
    Stain,
    Store,
    choice_option,
    option,
)
from cellsk.cli._outputs import Writer, check_files, make_json_writer, write_files, write_twice
from cellsk.cli._pipeline import (
    build_pipeline,
    check_networks,
    open_store,
    read_images,
    save_pipeline,
)
from cellsk.cli._progress import show_fits
from cellsk.cli._terminal import print_note, print_result, show_warnings
from cellsk.cli._values import make_choices_parser, parse_filters, parse_size
from cellsk.exceptions import InputError

if TYPE_CHECKING:
    from cellsk.model_selection import InnerKFold
    from cellsk.report import EvaluationReport, SearchReport

__all__ = ["NESTED_REMEDY", "FilterSearch", "search", "search_filters"]

# Those of cellsk.model_selection, which takes a second to import.
SCORINGS = (
    "roc_auc",
    "balanced_accuracy",
    "accuracy",
    "matthews_corrcoef",
    "f1_macro",
    "neg_log_loss",
)
FILTERS, AUGMENTATION = "classifier__filters", "classifier__augmentation"
NESTED_FAILED = "The nested evaluation did not finish. The results of the search are valid."
NESTED_REMEDY = "Pass --nested to cellsk search for a score without this bias."
PATIENTS_UNKNOWN = (
    "Patients unknown: images of one patient may be in training and test, so the scores may be "
    "too good. Name the patients with --group-pattern, --groups or --groups-csv."
)


class FilterSearch(NamedTuple):
    """Images and pipeline of a search over filters and, if there are any, augmentations."""

    images: LabeledImages
    pipeline: Any
    candidates: Sequence[tuple[int, ...] | str]
    n_folds: int
    seed: int
    scoring: str | None = None
    augmentations: Sequence[str] = ()

    @property
    def grid(self) -> dict[str, list[Any]]:
        """The candidates, as GridSearchCV takes them."""
        names = [None if name == NO_AUGMENTATION else name for name in self.augmentations]
        return {FILTERS: list(self.candidates), **({AUGMENTATION: names} if names else {})}


class SearchOutputs(NamedTuple):
    """Files to write, each of which may be None."""

    model: Path | None
    html: Path | None
    json: Path | None


def search(
    context: typer.Context,
    folder: Folder,
    labels: Labels = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
    skip_unreadable: SkipUnreadable = False,
    follow_links: FollowLinks = False,
    store: Store = None,
    group_pattern: GroupPattern = None,
    groups: Groups = None,
    groups_csv: GroupsCsv = None,
    folds: Folds = N_FOLDS,
    scoring: Annotated[
        str | None,
        choice_option(
            CROSS_VALIDATION,
            SCORINGS,
            metavar="SCORE",
            help="Score to rank by",
            show_default="roc_auc for two classes, else balanced_accuracy",
        ),
    ] = None,
    nested: Annotated[
        bool,
        option(
            CROSS_VALIDATION,
            "--nested",
            help="Also evaluate the whole search, which then runs again in each fold.",
        ),
    ] = False,
    image_size: ImageSize = None,
    stain: Stain = None,
    architecture: Architecture = "seed",
    filters: Annotated[
        list[str],
        option(
            NETWORK,
            metavar="N,N,...",
            help="Filters of each convolution of a candidate: 32,64 is two layers. Repeat it for"
            " each candidate.",
            show_default="16,32 and 32,64",
        ),
    ] = ["16,32", "32,64"],  # noqa: B006 - typer copies it
    augmentation: Annotated[
        list[str],
        option(
            NETWORK,
            metavar="NAME",
            callback=make_choices_parser(AUGMENTATIONS),
            autocompletion=lambda: list(AUGMENTATIONS),
            help="Random changes of the images in training: auto, none, dihedral, stain or"
            " microscopy. Repeat it to compare some.",
            show_default="auto",
        ),
    ] = ["auto"],  # noqa: B006 - typer copies it
    epochs: Epochs = None,
    batch_size: BatchSize = 32,
    output: Annotated[
        Path | None,
        option(
            OUTPUT,
            metavar="FILE",
            help="Model file to write: the best candidate, trained on all images.",
        ),
    ] = None,
    html: Html = None,
    json: Json = None,
    force: Force = False,
    seed: Seed = 0,
) -> None:
    """Compare numbers of filters, and augmentations, by cross-validation."""
    show_warnings()
    candidates, size = [parse_filters(text) for text in filters], parse_size(image_size)
    outputs = SearchOutputs(output, html, json)
    check_files(outputs._asdict(), force=force)
    files = FileOptions(labels, label_column, image_column, skip_unreadable, follow_links)
    patients = PatientOptions(group_pattern, groups, groups_csv)
    images = list_labeled_images(folder, **files._asdict(), **patients._asdict())
    with open_store(store) as place:
        network: dict[str, Any] = {"architecture": architecture, "epochs": epochs}
        network |= {"batch_size": batch_size, "random_state": seed}
        network["augmentation"] = augmentation[0]
        pipeline = build_pipeline(size, place, stain=stain, **network)
        compared = augmentation if len(augmentation) > 1 else ()
        plan = FilterSearch(images, pipeline, candidates, folds, seed, scoring, compared)
        if nested:
            _check_nested(plan)
        report = _run(plan, outputs, nested=nested)
    _print_next(context, folder, report, output)


def _print_next(
    context: typer.Context, folder: Path, report: SearchReport, output: Path | None
) -> None:
    """Print what to do with the best candidate, or with images that no candidate classifies."""
    if report.summary()["better_than_guessing"] is False:
        print_next((write_command(context, "audit", folder), "check the images and labels"))
        return
    options = _write_best(report.best["params"], context.params["augmentation"])
    commands = [
        (write_command(context, "evaluate", folder, **options), "estimate how well it works")
    ]
    if output is None:
        command = write_command(context, "train", folder, **options)
        commands.append((command, "train the best candidate on all images"))
    print_next(*commands, *suggest_uses(context, output))


def _write_best(params: Any, augmentations: Sequence[str]) -> dict[str, object]:
    """Return the options of the other commands that make the best candidate."""
    options: dict[str, object] = {"filters": ",".join(map(str, params[FILTERS]))}
    if list(augmentations) != ["auto"]:
        options["augmentation"] = params.get(AUGMENTATION, augmentations[0]) or NO_AUGMENTATION
    return options


def _run(plan: FilterSearch, outputs: SearchOutputs, *, nested: bool) -> SearchReport:
    from cellsk.report import SearchReport

    found = search_filters(plan, refit=True)
    reports = [SearchReport(found, y=plan.images.labels)]
    _warn_if_one_class(found, plan.images)
    print_result(reports[0].describe(NESTED_REMEDY), *outputs)
    if plan.images.groups is None:
        print_note(PATIENTS_UNKNOWN)
    written: list[Path] = []

    def save(choose: Callable[[Path], bool] = lambda _: True) -> None:
        _save_files(plan, found.best_estimator_, reports[-1], outputs, written, choose)

    def evaluate_all() -> None:
        reports.append(reports[0].with_nested(evaluate_search(plan)))
        print_result("\n".join(reports[-1].nested_sentences()), *outputs)

    with naming_written_files(written):
        if nested:
            write_twice(save, evaluate_all)
        else:
            save()
    return reports[-1]


def _save_files(
    plan: FilterSearch,
    model: Any,
    report: SearchReport,
    outputs: SearchOutputs,
    written: list[Path],
    choose: Callable[[Path], bool],
) -> None:
    """Write the model, once, and the reports, as far as they are wanted and chosen."""

    def save_model(path: Path) -> None:
        save_pipeline(model, path, plan.images)

    savers: list[Writer] = [
        save_model,
        partial(report.save, format="html"),
        make_json_writer("search-summary", report.summary(NESTED_REMEDY)),
    ]
    files = zip(outputs, savers, strict=True)
    writers = [(path, save) for path, save in files if path is not None and choose(path)]
    if outputs.model in written:
        writers = [(path, save) for path, save in writers if save is not save_model]
    write_files(writers, written, ("model.cellsk", save_model))


def _check_nested(plan: FilterSearch) -> None:
    """Refuse folds that leave too few patients for the inner folds, before anything trains.

    Raises
    ------
    InputError
        When the outer or the inner folds cannot be made.
    """
    inner, images = _make_inner_folds(plan), plan.images
    for number, (train, _) in enumerate(_make_quiet_splits(plan), start=1):
        groups = None if images.groups is None else images.groups[train]
        try:
            inner.get_n_splits(None, images.labels[train], groups)
        except ValueError as error:
            raise InputError(
                "needs at least two folds within the training images of each fold",
                f"{plan.n_folds} folds, of which fold {number} has too few images or patients of"
                " a class",
                "Pass other --folds, add patients, or leave out --nested.",
                parameter="--nested",
            ) from error


def _make_splits(plan: FilterSearch) -> list[Any]:
    """Return stratified folds, which keep the images of a patient together."""
    from cellsk.model_selection import resolve_cv

    labels, groups = plan.images.labels, plan.images.groups
    return resolve_cv(plan.n_folds, labels, labels, groups, random_state=plan.seed).splits


def _make_quiet_splits(plan: FilterSearch) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the search itself shows these warnings
        return _make_splits(plan)


def _choose_scoring(plan: FilterSearch, splits: Sequence[Any]) -> dict[str, Any]:
    """Return the scorers, the one to rank by first.

    ROC AUC and log loss need images of each class in each test side. Without them, balanced
    accuracy is the default.

    Raises
    ------
    InputError
        When a score was wanted that some folds do not have.
    """
    from cellsk.model_selection import make_search_scoring

    labels = plan.images.labels
    n_classes = len(plan.images.class_names)
    lacking = sum(len(set(labels[test].tolist())) < n_classes for _, test in splits)
    wanted = plan.scoring
    if lacking and wanted in ("roc_auc", "neg_log_loss"):
        raise InputError(
            "must be a score that each fold has",
            f"{wanted!r}, where {lacking} of {len(splits)} folds have no test image of a class",
            "Pass --scoring balanced_accuracy, or a smaller number to --folds.",
            parameter="--scoring",
        )
    return make_search_scoring(labels, "balanced_accuracy" if lacking and not wanted else wanted)


def _warn_if_one_class(found: Any, images: LabeledImages) -> None:
    """Warn if the network that was trained on all images predicts one class for all of them."""
    from cellsk.exceptions import WeakModelWarning

    predicted = set(found.best_estimator_.predict(images.paths).tolist())
    if len(predicted) == 1:
        warnings.warn(
            WeakModelWarning(
                "A model must predict several classes",
                f"{predicted.pop()!r} for all {len(images.paths):,} images that it was trained on",
                "Train for more --epochs, or add images of the other classes.",
                code="one-class-predicted",
            ),
            stacklevel=2,
        )


def _make_inner_folds(plan: FilterSearch) -> InnerKFold:
    from cellsk.model_selection import InnerKFold

    return InnerKFold(plan.n_folds, grouped=plan.images.groups is not None, random_state=plan.seed)


def search_filters(plan: FilterSearch, *, refit: bool) -> Any:
    """Return a fitted GridSearchCV over the candidates."""
    from sklearn import config_context

    classifier, images = plan.pipeline["classifier"], plan.images
    check_networks(plan.pipeline, plan.pipeline["reader"].image_size, plan.candidates)
    check_networks(plan.pipeline, read_images(plan.pipeline, images), plan.candidates)
    splits = _make_splits(plan)
    with config_context(enable_metadata_routing=True), show_fits(classifier, _name_fits(plan)):
        found = _make_search(plan, splits, _choose_scoring(plan, splits), refit=refit)
        groups = {} if images.groups is None else {"groups": images.groups}
        return found.fit(images.paths, images.labels, **groups)


def _name_fits(plan: FilterSearch) -> list[str]:
    """Return a name for each fit of the search, in the order of GridSearchCV."""
    from sklearn.model_selection import ParameterGrid

    names = [
        f"{_name_candidate(params)}  fold {fold} of {plan.n_folds}"
        for params in ParameterGrid(plan.grid)
        for fold in range(1, plan.n_folds + 1)
    ]
    return [*names, "best candidate"]


def _name_candidate(params: Any) -> str:
    name = f"filters {','.join(map(str, params[FILTERS]))}"
    if AUGMENTATION not in params:
        return name
    return f"{name}  augmentation {params[AUGMENTATION] or NO_AUGMENTATION}"


def evaluate_search(plan: FilterSearch) -> EvaluationReport:
    """Return an evaluation of the whole search, which runs again within each fold.

    Raises
    ------
    TypeError, ValueError, OSError
        As `cellsk.evaluate`. A note then says that the results before it are valid.
    """
    from sklearn import config_context

    from cellsk.report import evaluate

    images, n_folds = plan.images, plan.n_folds
    scoring = _choose_scoring(plan, _make_quiet_splits(plan))
    print_note(f"Evaluating the whole search in {n_folds} folds ...")
    n_fits = math.prod(map(len, plan.grid.values())) * n_folds + 1  # in each fold, or fewer
    names = [f"network {number} of {n_fits}" for number in range(1, n_fits + 1)]
    with (
        config_context(enable_metadata_routing=True),
        show_fits(plan.pipeline["classifier"], names),
    ):
        around = _make_search(plan, _make_inner_folds(plan), scoring, refit=True)
        try:
            return evaluate(
                around,
                images.paths,
                images.labels,
                groups=images.groups,
                # The score by which the search chooses does not depend on the positive class.
                pos_label=images.positive_class,
                n_splits=n_folds,
                audit=False,
                baselines=False,  # only the score of the search is shown
                random_state=plan.seed,
            )
        except BaseException:  # an interruption too
            print_note(NESTED_FAILED)
            raise


def _make_search(plan: FilterSearch, cv: Any, scoring: dict[str, Any], *, refit: bool) -> Any:
    from sklearn.model_selection import GridSearchCV

    plan.pipeline["classifier"].set_fit_request(groups=True)
    return GridSearchCV(
        plan.pipeline,
        plan.grid,
        cv=cv,
        scoring=scoring,
        refit=next(iter(scoring)) if refit else False,
        error_score="raise",
    )

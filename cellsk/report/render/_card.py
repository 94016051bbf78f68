"""render_card: the numbers of an evaluation as a model card in Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from cellsk._checks import count_noun, join_words, pick_form
from cellsk.report.checklists import count_statuses
from cellsk.report.document import EvaluationDocument, Fold
from cellsk.report.render._card_numbers import NUMBER_SECTIONS, pick_present, write_leakage
from cellsk.report.render._markdown import escape, write_list, write_table
from cellsk.report.render._pictures import describe_pictures
from cellsk.report.words import (
    add_exact_intervals,
    compare_with_baselines,
    compare_with_chance,
    count_test,
    count_train,
    count_units,
    describe_errors,
    describe_folds,
    describe_never_tested,
    describe_test,
    describe_training,
    explain_test,
    is_error_falling,
    is_one_split,
    list_cautions,
    list_kept_together,
    list_names,
    list_scores,
    list_single_prediction_folds,
    list_test_rows,
    list_warnings,
    name_design,
    name_level,
    name_score,
    name_training,
    suggest_next,
    write_duration,
    write_headline,
    write_number,
    write_range,
    write_share,
)

__all__ = ["render_card"]

_AT_THE_TOP = ("roc_auc", "sensitivity", "specificity", "balanced_accuracy", "brier_score")
_OF_FOLDS = ("accuracy", "roc_auc", "sensitivity", "specificity", "balanced_accuracy")
_MAX_FILES = 10
_MAX_LEFT_OUT = 50
# Parameters that do not describe the model.
_TECHNICAL = {"memory", "steps", "transform_input", "verbose", "callbacks"}
_SOURCES = {
    "TRIPOD+AI": "Collins et al., BMJ 2024;385:e078378",
    "CLAIM": "Tejani et al., Radiology: Artificial Intelligence 2024;6(4):e240300",
}


def render_card(document: EvaluationDocument) -> str:
    """Return the document of an evaluation as a model card.

    It has the numbers of the page, without curves and pictures: for a repository, a supplement,
    or a reader without a browser. The order follows the model cards of Mitchell et al. [1]_.
    Names of classes, files and the like are escaped, so that they cannot become markup.

    Parameters
    ----------
    document : dict
        As described in ``evaluation.schema.json``.

    Returns
    -------
    text : str
        Markdown with tables, for GitHub and pandoc. It ends with a line break.

    References
    ----------
    .. [1] M. Mitchell et al., "Model cards for model reporting", Conference on Fairness,
       Accountability, and Transparency, 2019.
    """
    sections = (
        _write_head,
        _write_use,
        _write_images,
        *NUMBER_SECTIONS,
        _write_errors,
        _write_coverage,
        _write_folds,
        write_leakage,
        _write_audit,
        _write_test,
        _write_model,
        _write_checklists,
    )
    return _join(document, sections) + "\n"


def _join(
    document: EvaluationDocument,
    sections: Sequence[Callable[[EvaluationDocument], list[str]]],
) -> str:
    shown = add_exact_intervals(document)
    return "\n\n".join("\n".join(lines) for section in sections if (lines := section(shown)))


def _write_test(document: EvaluationDocument) -> list[str]:
    """Return the scores of both parts, and the sections of the test set below their heading."""
    test = document["test"]
    if test is None:
        return []
    tested = test["report"]
    rows = [
        (row.label, *map(write_range, (row.evaluated, row.tested, row.difference)))
        for row in list_test_rows(document)
    ]
    sections = (_write_images, *NUMBER_SECTIONS, _write_errors, _write_coverage, _write_audit)
    parts = re.sub("(?m)^## ", "### ", _join(tested, sections))
    cautions = [*list_cautions(tested), *list_warnings(tested)]
    return [
        "## Test set",
        "",
        escape(describe_test(document)),
        "",
        *write_table(["Score", name_design(document), "Test set", "Difference"], rows),
        "",
        escape(f"{explain_test(document)} {describe_training(tested)}"),
        *(["", *write_list(cautions)] if cautions else []),
        "",
        parts,
    ]


def _describe_design(document: EvaluationDocument) -> str:
    cv, images = document["cv"], count_units(document["data"])
    if cv is None:
        return f"One trained model, tested on {images}. {describe_training(document)}"
    kept, one = list_kept_together(cv), is_one_split(document)
    together = f", all images of {kept} {'on one side' if one else 'in one fold'}" if kept else ""
    design = "test side of one split" if one else f"{cv['n_folds']}-fold cross-validation"
    return (
        f"{images}, {design}{together}; each was predicted once, by a model that was not trained on"
        f" it. {describe_never_tested(cv)}"
    ).strip()


def _write_head(document: EvaluationDocument) -> list[str]:
    interval = document["interval"]
    scores = [" ".join(score) for score in list_scores(document["numbers"], _AT_THE_TOP)]
    headline, following = write_headline(document), suggest_next(document)
    lines = [
        f"# {escape(document['title'])}",
        "",
        *([f"**{escape(headline)}** {escape(following)}".strip(), ""] if headline else []),
        escape(_describe_design(document)),
        "",
        f"{'; '.join(scores)} ({name_level(interval)}s by {interval['method']}).",
    ]
    said = [headline, *(list_cautions(document))]
    for verdict in (compare_with_chance(document), compare_with_baselines(document)):
        if verdict and verdict not in said:
            lines += ["", verdict]
    if first := [one for one in (*said[1:], *list_warnings(document)) if one != headline]:
        lines += ["", "**Before you rely on these results:**", "", *write_list(first)]
    return lines


def _write_use(document: EvaluationDocument) -> list[str]:
    lines = ["## Intended use and limits", "", escape(document["intended_use"])]
    if limits := [limit["text"] for limit in document["limits"]]:
        lines += ["", "Limits of the results:", "", *write_list(limits)]
    return lines


def _write_images(document: EvaluationDocument) -> list[str]:
    data = document["data"]
    rows = [
        (
            f"{one['name']} (positive)" if one["positive"] else one["name"],
            f"{one['n_images']:,}",
            None if one["n_groups"] is None else f"{one['n_groups']:,}",
            write_share(one["n_images"] / data["n_images"]),
        )
        for one in data["classes"]
    ]
    unknown = ["", "Patients are unknown."] if data["n_groups"] is None else []
    unknown += _write_never_tested(document)
    table = write_table(["Class", "Images", "Patients with such images", "Share of images"], rows)
    return ["## Images", "", *table, *unknown, *_write_left_out(document["left_out"])]


def _write_never_tested(document: EvaluationDocument) -> list[str]:
    found = None if document["cv"] is None else document["cv"]["never_tested"]
    if found is None:
        return []
    files, more = found["files"], len(found["files"]) - _MAX_LEFT_OUT
    named = ", ".join(files[:_MAX_LEFT_OUT])
    others = f" and {more:,} more; the JSON file lists them" if more > 0 else ""
    return [
        "",
        f"Images that were never tested, which the scores do not include: {escape(named)}{others}.",
    ]


def _write_left_out(left_out: list[list[str]]) -> list[str]:
    if not left_out:
        return []
    n, more = len(left_out), len(left_out) - _MAX_LEFT_OUT
    return [
        "",
        f"{count_noun(n, 'file')} {pick_form(n, 'was', 'were')} left out before the run:",
        "",
        *write_table(["File", "Reason"], left_out[:_MAX_LEFT_OUT]),
        *(["", f"And {more:,} more; the JSON file lists them."] if more > 0 else []),
    ]


def _write_errors(document: EvaluationDocument) -> list[str]:
    names = list_names(document["data"])
    rows = [
        (name, *counts) for name, counts in zip(names, document["confusion_matrix"], strict=True)
    ]
    header = ["True class", *(f"Predicted {name}" for name in names)]
    return [
        "## Confusion matrix and errors",
        "",
        *write_table(header, rows),
        *_write_confident_errors(document),
        *_write_suspects(document),
    ]


def _write_confident_errors(document: EvaluationDocument) -> list[str]:
    pictures = describe_pictures(document, document["confident_errors"][:_MAX_FILES], {})
    if not pictures:
        return []
    captions = describe_errors(document)
    tuned = any(one.at_threshold for one in pictures)
    rows = [
        (
            one.file,
            one.label,
            one.predicted,
            write_number(one.confidence, 2),
            *([one.at_threshold] if tuned else []),
        )
        for one in pictures
    ]
    header = ["Image", "Label", "Predicted", "Its probability", *(["Reason"] if tuned else [])]
    return ["", f"{captions.title}. {escape(captions.caption)}", "", *write_table(header, rows)]


def _write_suspects(document: EvaluationDocument) -> list[str]:
    pictures = describe_pictures(document, document["label_errors"][:_MAX_FILES], {})
    if not pictures:
        return []
    captions = describe_errors(document)
    text = ["", f"{captions.label_title}. {captions.label_caption}"]
    if not captions.labels_shown:
        return text
    rows = [
        (one.file, one.label, write_number(one.label_probability, 2), one.predicted)
        for one in pictures
    ]
    header = ["Image", "Label", "Probability of the label", "Predicted"]
    return [*text, "", *write_table(header, rows)]


def _write_coverage(document: EvaluationDocument) -> list[str]:
    coverage = document["curves"]["coverage"]
    rows = [
        (
            write_share(one["coverage"]),
            f"{one['n']:,}",
            write_share(one["error"]),
            write_number(one["threshold"]),
        )
        for one in coverage["summary"]
    ]
    if not rows:
        return []
    header = ["Left to the model", "Images", "Error among them", "Highest uncertainty"]
    no_guide = " Here the error does not fall: the uncertainty does not indicate errors."
    return [
        "## Error and coverage",
        "",
        *write_table(header, rows),
        "",
        "Coverage is the share of images left to the model if uncertain images are referred to a "
        "pathologist. Uncertainty is 1 minus the highest probability. The limits of uncertainty "
        "come from these same images, so the errors are a little too low."
        f"{'' if is_error_falling(coverage) else no_guide}",
    ]


def _write_folds(document: EvaluationDocument) -> list[str]:
    folds, cv = document["folds"], document["cv"]
    if cv is None:
        return []
    names = pick_present(_OF_FOLDS, folds[0]["scores"])
    tuned = any(fold["threshold"] is not None for fold in folds)
    epochs = any(fold["best_epoch"] is not None for fold in folds)
    searched = any(fold["best_params"] is not None for fold in folds)
    rows = [
        (
            *_write_sizes(fold),
            *(write_number(fold["scores"][name]) for name in names),
            *([write_number(fold["threshold"])] if tuned else []),
            *([fold["best_epoch"]] if epochs else []),
            *([_write_params(fold["best_params"] or {})] if searched else []),
            write_duration(fold["fit_seconds"]),
        )
        for fold in folds
    ]
    classes = " / ".join(list_names(document["data"]))
    header = ["Fold", "Trained on", "Tested on", f"Tested {classes}"]
    header += [name_score(name) for name in names]
    header += ["Threshold"] * tuned + ["Epoch kept"] * epochs + ["Chosen"] * searched
    single = [
        f"Fold {fold}: all images were predicted {name}."
        for fold, name in sorted(list_single_prediction_folds(document).items())
    ]
    return [
        "## Split" if is_one_split(document) else "## Folds",
        "",
        escape(f"{describe_folds(cv)} {describe_never_tested(cv)}".strip()),
        "",
        escape(f"In Python: {cv['description']}"),
        "",
        *write_table([*header, "Time to train"], rows),
        *(["", *write_list(single)] if single else []),
    ]


def _write_sizes(fold: Fold) -> tuple[str, str, str, str]:
    return (
        str(fold["fold"]),
        count_train(fold),
        count_test(fold),
        " / ".join(str(count) for count in fold["test_counts"]),
    )


def _write_params(params: Mapping[str, str]) -> str:
    return join_words([f"{name}={chosen}" for name, chosen in params.items()])


def _write_audit(document: EvaluationDocument) -> list[str]:
    audit = document["audit"]
    if audit is None:
        return []
    rows = [(one["code"], one["severity"], one["message"]) for one in audit["findings"]]
    found = write_table(["Code", "Severity", "Finding"], rows) if rows else ["No findings."]
    files = f"{count_noun(audit['n_images'], 'file')} audited."
    return ["## Audit of the images", "", files, "", *found]


def _write_model(document: EvaluationDocument) -> list[str]:
    estimator, calibration = document["estimator"], document["calibration"]
    lines = ["## Model", "", escape(estimator["name"])]
    if calibration is not None:
        lines += ["", f"Calibrated on {name_training(document)}: {calibration['method']}."]
    seconds = document["seconds"]
    took = "" if seconds is None else f" in {write_duration(seconds)}"
    seed = "none" if document["seed"] is None else document["seed"]
    parameters = [
        (name, value)
        for name, value in estimator["parameters"].items()
        if value != "None" and name.rsplit("__", 1)[-1] not in _TECHNICAL
    ]
    if parameters:
        lines += ["", *write_table(["Parameter", "Value"], parameters)]
        lines += ["", "Parameters without a value, and technical ones, are in the JSON file."]
    lines += ["", *write_table(["Package", "Version"], document["versions"].items())]
    drawn = "the bootstrap" if document["cv"] is None else "folds and bootstrap"
    lines += ["", f"Seed of {drawn}: {seed}. Made {document['created']}{took}."]
    if document["manifest"]:
        n_files = count_noun(len(document["manifest"]), "image")
        noun = "split" if is_one_split(document) else "folds"
        lines += [
            f"The fold manifest lists the fold of {n_files}, identified by SHA-256, so that others"
            f" can repeat the {noun}."
        ]
    return lines


def _write_checklists(document: EvaluationDocument) -> list[str]:
    lines = [
        "## Checklists",
        "",
        "Answers that the run can give. The questions are in our own words: read the "
        "guidelines before you submit a checklist.",
    ]
    for name, items in document["checklists"].items():
        rows = [
            (one["item"], one["question"], one["answer"])
            for one in items
            if one["status"] != "for the authors"
        ]
        left = [one["item"] for one in items if one["status"] == "for the authors"]
        source = f" ({_SOURCES[name]})" if name in _SOURCES else ""
        lines += ["", f"### {name}{source}", "", f"{count_statuses(items)}.", ""]
        lines += write_table(["Item", "Question", "Answer"], rows)
        lines += ["", f"For the authors: {', '.join(left)}."] if left else []
    return lines

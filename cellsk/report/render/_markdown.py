"""render_markdown: the numbers of an evaluation as a model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellsk._checks import count_noun
from cellsk.report.document._shown import prepare
from cellsk.report.render._charts import is_error_falling
from cellsk.report.render._markdown_checklists import write_checklists
from cellsk.report.render._markdown_numbers import NUMBER_SECTIONS, pick_present, write_leakage
from cellsk.report.render._markdown_text import escape, write_list, write_table
from cellsk.report.render._matrix import describe_pictures
from cellsk.report.words._errors import describe_errors
from cellsk.report.words._phrases import (
    count_images,
    count_units,
    join_words,
    list_kept,
    list_left_out,
    name_level,
    name_score,
    say_splits,
    write_range,
)
from cellsk.report.words._values import write_duration, write_number, write_share
from cellsk.report.words._verdict import call_of_folds, list_cautions, say_against_guessing

__all__ = ["render_markdown"]

Document = Mapping[str, Any]
_IN_SHORT = ("roc_auc", "sensitivity", "specificity", "balanced_accuracy", "brier_score")
_OF_FOLDS = ("accuracy", "roc_auc", "sensitivity", "specificity", "balanced_accuracy")
_MAX_FILES = 10
_MAX_LEFT_OUT = 50
_MACHINERY = {"memory", "steps", "transform_input", "verbose", "callbacks"}


def render_markdown(document: Document) -> str:
    """Write the document of an evaluation as a model card.

    Same numbers as on the page, without curves and pictures: for a repository, a supplement,
    or a reader without a browser. The order follows the model cards of Mitchell et al. [1]_.
    Names from outside, as of classes and files, stay text: nothing in them becomes a mark.

    Parameters
    ----------
    document : mapping
        As described in ``evaluation.schema.json``.

    Returns
    -------
    text : str
        Markdown with tables, as GitHub and pandoc read it. It ends with a line break.

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
        _write_model,
        write_checklists,
    )
    shown = prepare(document)
    parts = ["\n".join(lines) for section in sections if (lines := section(shown))]
    return "\n\n".join(parts) + "\n"


def _write_head(document: Document) -> list[str]:
    cv, numbers = document["cv"], document["numbers"]
    kept = list_kept(document)
    whole = f", all images of {kept} in one fold" if kept else ""
    scores = [
        f"{name_score(name, document)} {write_range(numbers[name])}"
        for name in pick_present(_IN_SHORT, numbers)
    ]
    lines = [
        f"# {escape(document['title'])}",
        "",
        escape(
            f"{count_units(document)}, {cv['n_folds']}-fold cross-validation{whole}; each image "
            "predicted once, by a model that was not trained on it."
        ),
        "",
        f"{'; '.join(scores)} ({name_level(document)}s by {document['interval']['method']}).",
    ]
    if verdict := say_against_guessing(document):
        lines += ["", verdict]
    if beware := [*list_cautions(document), *document["warnings"]]:
        lines += ["", "**Beware:**", "", *write_list(beware)]
    return lines


def _write_use(document: Document) -> list[str]:
    limits = ["", "What the numbers do not say:", "", *write_list(document["limits"])]
    return [
        "## Intended use and limits",
        "",
        escape(document["intended_use"]),
        *(limits if document["limits"] else []),
    ]


def _write_images(document: Document) -> list[str]:
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
    table = write_table(["Class", "Images", "Patients", "Share of images"], rows)
    return ["## Images", "", *table, *unknown, *_write_left_out(document)]


def _write_left_out(document: Document) -> list[str]:
    left = list_left_out(document)
    if not left:
        return []
    rows = [*left[:_MAX_LEFT_OUT]]
    more = len(left) - len(rows)
    return [
        "",
        f"{count_noun(len(left), 'file')} left out beforehand:",
        "",
        *write_table(["File", "Reason"], rows),
        *(["", f"And {more:,} more, which the JSON file names."] if more else []),
    ]


def _write_errors(document: Document) -> list[str]:
    names = [one["name"] for one in document["data"]["classes"]]
    rows = [
        (name, *counts) for name, counts in zip(names, document["confusion_matrix"], strict=True)
    ]
    header = ["True class", *(f"Predicted {name}" for name in names)]
    return [
        "## Right and wrong",
        "",
        *write_table(header, rows),
        *_write_confident(document),
        *_write_doubted(document),
    ]


def _write_confident(document: Document) -> list[str]:
    pictures = describe_pictures(document, document["confident_errors"][:_MAX_FILES], {})
    if not pictures:
        return []
    words = describe_errors(document)
    tuned = any(one.at_threshold for one in pictures)
    rows = [
        (
            one.file,
            one.label,
            one.predicted,
            write_number(one.sure, 2),
            *([one.at_threshold] if tuned else []),
        )
        for one in pictures
    ]
    header = ["Image", "Label", "Predicted", "Probability of it", *(["Why"] if tuned else [])]
    return ["", f"{words.title}. {escape(words.caption)}", "", *write_table(header, rows)]


def _write_doubted(document: Document) -> list[str]:
    pictures = describe_pictures(document, document["label_errors"][:_MAX_FILES], {})
    if not pictures:
        return []
    words = describe_errors(document)
    text = ["", f"{words.doubts_title}. {words.doubts_caption}"]
    if not words.doubts_shown:
        return text
    rows = [(one.file, one.label, write_number(one.own, 2), one.predicted) for one in pictures]
    header = ["Image", "Label", "Probability of its label", "Predicted"]
    return [*text, "", *write_table(header, rows)]


def _write_coverage(document: Document) -> list[str]:
    rows = [
        (
            write_share(one["coverage"]),
            f"{one['n']:,}",
            write_share(one["error"]),
            write_number(one["threshold"]),
        )
        for one in document["curves"]["coverage"]["summary"]
    ]
    if not rows:
        return []
    header = ["Left to the model", "Images", "Wrong among them", "Highest uncertainty"]
    falls = is_error_falling(document["curves"]["coverage"])
    return [
        "## Error against coverage",
        "",
        *write_table(header, rows),
        "",
        "What is left to the model if uncertain images go to a pathologist. Uncertainty is 1 less "
        "the highest probability. The thresholds were read from these same images, so the errors "
        "are somewhat too low."
        + ("" if falls else " Here the error does not fall: the model's doubt is no guide."),
    ]


def _write_folds(document: Document) -> list[str]:
    folds = document["folds"]
    names = pick_present(_OF_FOLDS, folds[0]["scores"])
    optional = {"threshold": "Threshold", "best_epoch": "Epoch kept", "best_params": "Chosen"}
    shown = [key for key in optional if any(fold[key] is not None for fold in folds)]
    rows = [
        (
            str(fold["fold"]),
            count_images(fold["n_train"], fold["n_train_groups"]),
            count_images(fold["n_test"], fold["n_test_groups"]),
            " / ".join(str(count) for count in fold["test_counts"]),
            *(write_number(fold["scores"][name]) for name in names),
            *(_write_chosen(fold[key]) for key in shown),
            write_duration(fold["fit_seconds"]),
        )
        for fold in folds
    ]
    classes = " / ".join(one["name"] for one in document["data"]["classes"])
    header = ["Fold", "Trained on", "Tested on", f"Tested {classes}"]
    header += [name_score(name, document) for name in names]
    header += [*(optional[key] for key in shown), "Time to fit"]
    called = [
        f"Fold {fold}: all images were called {name}."
        for fold, name in sorted(call_of_folds(document).items())
    ]
    return [
        "## Folds",
        "",
        escape(say_splits(document)),
        "",
        escape(f"In Python: {document['cv']['description']}"),
        "",
        *write_table(header, rows),
        *(["", *write_list(called)] if called else []),
    ]


def _write_chosen(value: Any) -> str | None:
    if isinstance(value, Mapping):
        return join_words([f"{name}={chosen}" for name, chosen in value.items()])
    return write_number(value) if isinstance(value, float) else value and str(value)


def _write_audit(document: Document) -> list[str]:
    audit = document["audit"]
    if audit is None:
        return []
    rows = [(one["code"], one["severity"], one["message"]) for one in audit["findings"]]
    told = write_table(["Code", "Severity", "Finding"], rows) if rows else ["Nothing was found."]
    looked = f"{count_noun(audit['n_images'], 'file')} looked at."
    return ["## Audit of the images", "", looked, "", *told]


def _is_noise(name: str, value: str) -> bool:
    """Whether a parameter says nothing of the model."""
    return value == "None" or name.rsplit("__", 1)[-1] in _MACHINERY


def _write_model(document: Document) -> list[str]:
    estimator, calibration = document["estimator"], document["calibration"]
    lines = ["## Model", "", escape(estimator["name"])]
    if calibration is not None:
        lines += ["", f"Calibrated within each training side: {calibration['method']}."]
    seconds = write_duration(document["seconds"])
    seed = "none" if document["seed"] is None else document["seed"]
    parameters = [pair for pair in estimator["parameters"].items() if not _is_noise(*pair)]
    if parameters:
        lines += ["", *write_table(["Parameter", "Value"], parameters)]
        lines += ["", "Parameters without a value, or of the machinery, are in the JSON file."]
    lines += ["", *write_table(["Package", "Version"], document["versions"].items())]
    lines += ["", f"Seed of folds and bootstrap: {seed}. Made {document['created']} in {seconds}."]
    n_files = count_noun(len(document["manifest"]), "image")
    lines += [f"The fold manifest names {n_files} by SHA-256; with it, others repeat these folds."]
    return lines

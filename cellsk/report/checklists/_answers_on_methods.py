"""What a run itself can say of its methods, as answers to the items of a checklist."""

from __future__ import annotations

from cellsk._checks import count_noun
from cellsk.report.checklists._items import Answer, Document, Tellers
from cellsk.report.words._phrases import (
    count_units,
    join_words,
    list_classes,
    list_kept,
    name_score,
    name_source,
    say_left_out,
)

__all__ = ["CLAIM_METHODS", "TRIPOD_METHODS"]


def _tell_missing(document: Document) -> Answer:
    """What was left out before, as far as the run knows; and nothing after."""
    left = say_left_out(document) or "It knows nothing of images left out before."
    return Answer(
        f"The run left out none of the {count_noun(document['data']['n_images'], 'image')} it "
        f"was given: each was predicted once. {left}",
        "what else was missing or left out before, and why."
        if document["left_out"]
        else "what was missing or left out before, and why.",
    )


def _tell_preparation(document: Document) -> Answer:
    """Steps of the pipeline, and what the audit found."""
    text = (
        f"Within the run, all preparation is part of the pipeline, {document['estimator']['name']}"
        " with the parameters listed in the report, fitted on the training side of each fold. "
    )
    audit = document["audit"]
    if audit is None:
        text += "The image files were not audited."
    else:
        codes = sorted({finding["code"] for finding in audit["findings"]})
        found = f"with findings {join_words(codes)}" if codes else "without a finding"
        text += f"The image files were audited, {found}."
    return Answer(text, "what was done before the images reached the run.")


def _tell_folds(document: Document) -> Answer:
    """How the images were parted."""
    cv, data = document["cv"], document["data"]
    text = (
        f"Cross-validation with {cv['n_folds']} folds, {name_source(document)}: "
        f"{cv['description']}. Each of the {count_noun(data['n_images'], 'image')} was tested "
        "once, by a model trained on the other folds. Early stopping, search, threshold and "
        "calibration, where there are any, used the training side of the fold alone. "
    )
    return Answer(text + _tell_level(document).text)


def _tell_level(document: Document) -> Answer:
    """What no two sides of a split share."""
    cv = document["cv"]
    kept = list_kept(document)
    text = f"All images of {kept} were kept in one fold. " if kept else ""
    if cv["groups_kept_together"]:
        return Answer(text.strip())
    return Answer(
        f"{text}Folds share no image. The patients were not known to the run, so a patient may "
        "have images in both training and test, and the numbers may be too good.",
        "which images belong to one patient.",
    )


def _tell_internal(document: Document) -> Answer:
    """Cross-validation, in one line."""
    cv = document["cv"]
    return Answer(
        f"By {cv['n_folds']}-fold cross-validation on {count_units(document)}. "
        f"{_tell_level(document).text}"
    )


def _tell_external(document: Document) -> Answer:
    """That training and test come from the same images."""
    apart = ", with sites kept apart" if document["cv"]["sites_kept_together"] else ""
    return Answer(
        f"Training and test are folds of the same images{apart}. The run tested on no data of "
        "another source."
    )


def _tell_measures(document: Document) -> Answer:
    """Which scores and plots there are."""
    scores = join_words([name_score(name, document) for name in document["numbers"]])
    return Answer(
        f"Scores, with scikit-learn's definitions: {scores}. Plots: ROC and precision-recall "
        "curves, reliability diagram, histogram of scores, and error against coverage, with the "
        "confusion matrix. Clinical utility was not measured.",
        "why these, and which of them counts most here.",
    )


def _tell_uncertainty(document: Document) -> Answer:
    """How intervals were made."""
    interval = document["interval"]
    units = count_noun(interval["n_units"], interval["unit"])
    return Answer(
        f"{100 * interval['level']:g} % intervals by {interval['method']} ({units}, "
        f"{interval['n_resamples']:,} resamples, percentiles), for the trained models as they "
        "are: the chance in training is not in them. No hypothesis was tested, and nothing was "
        "corrected for many looks."
    )


def _tell_clusters(document: Document) -> Answer:
    """How differences between clusters were looked at."""
    columns = list(dict.fromkeys(group["column"] for group in document["subgroups"]))
    looked = (
        f"The scores were computed for each value of {join_words(columns)}."
        if columns
        else "The run was given no column, such as a site, to compare by."
    )
    return Answer(
        f"{looked} Intervals are by {document['interval']['method']}. No heterogeneity of model "
        "parameters was estimated.",
        "" if columns else "in which clusters, as sites or scanners, the images were made.",
    )


def _tell_fairness(document: Document) -> Answer | None:
    """Subgroups, if there are any."""
    if not document["subgroups"]:
        return None
    columns = list(dict.fromkeys(group["column"] for group in document["subgroups"]))
    return Answer(
        f"The report compares the scores by {join_words(columns)}.",
        "whether these are the groups that matter, and what was done about differences.",
    )


def _tell_sharing(document: Document) -> Answer:
    """What others can check."""
    return Answer(
        "The fold manifest names each image by its SHA-256, with label, group and fold, so that "
        "whoever has the images can repeat the same folds. Parameters, versions and seed are in "
        "the report.",
        "where images, code and model can be had.",
    )


def _tell_code(document: Document) -> Answer:
    """What was run; not where it can be had."""
    version = document["versions"].get("cellsk", "version unknown")
    return Answer(
        f"The evaluation is that of cellsk {version}; the report lists parameters, seed and the "
        "versions of the packages. It holds no code.",
        "where the code of the model and of the analysis can be had.",
    )


def _tell_outcome(document: Document) -> Answer:
    """The classes, and which of them is the positive one."""
    positive = document["data"]["positive"]
    counted = "" if positive is None else f" Positive is '{positive}'."
    return Answer(
        f"The class that each image was labelled with: {list_classes(document)}.{counted}",
        "what the labels mean, how, when and by whom they were found, and why these.",
    )


def _tell_predictors(document: Document) -> Answer:
    """The pixels, as far as the run knows."""
    given = "files of images" if document["data"]["images_are"] == "paths" else "arrays of pixels"
    return Answer(
        f"The estimator was given {given}, and nothing else of the patient.",
        "how and when the images were made.",
    )


def _tell_details(document: Document) -> Answer:
    """Where the technical details stand."""
    return Answer(
        "This report, and its JSON file with every prediction, parameter and version.",
        "the protocol of the study.",
    )


def _tell_privacy(document: Document) -> Answer:
    """What the report itself would give away."""
    kept = "names of files" if document["data"]["images_are"] == "paths" else "numbers of images"
    groups = "" if document["data"]["n_groups"] is None else ", groups as they were passed"
    return Answer(
        f"The report holds {kept}{groups}, and its page small pictures. The run removed nothing "
        "from them.",
        "how the data were de-identified, and whether names and groups may be published.",
    )


TRIPOD_METHODS: Tellers = {
    "7": _tell_preparation,
    "8a": _tell_outcome,
    "9b": _tell_predictors,
    "11": _tell_missing,
    "12a": _tell_folds,
    "12b": _tell_preparation,
    "12d": _tell_clusters,
    "12e": _tell_measures,
    "14": _tell_fairness,
    "16": _tell_external,
    "18e": _tell_sharing,
    "18f": _tell_code,
}
CLAIM_METHODS: Tellers = {
    "9": _tell_preparation,
    "11": _tell_privacy,
    "12": _tell_missing,
    "19": _tell_folds,
    "20": _tell_level,
    "28": _tell_measures,
    "29": _tell_uncertainty,
    "32": _tell_internal,
    "33": _tell_external,
    "42": _tell_details,
    "43": _tell_sharing,
}

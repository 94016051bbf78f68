"""Answers to checklist items on the methods: data, folds, scores, intervals and sharing."""

from __future__ import annotations

from cellsk._checks import count_noun, join_words
from cellsk.report.checklists._items import Answer, Answers, list_columns
from cellsk.report.document import EvaluationDocument
from cellsk.report.words import (
    count_test,
    count_train,
    count_units,
    describe_left_out,
    describe_never_tested,
    describe_training,
    is_one_split,
    list_classes,
    list_kept_together,
    name_level,
    name_score,
    name_source,
    name_training,
)

__all__ = ["CLAIM_METHODS", "TRIPOD_METHODS"]


def _answer_missing(document: EvaluationDocument) -> Answer:
    left = describe_left_out(document["left_out"])
    known = left or "It does not know whether images were left out before."
    other = "what else was missing or left out before, and why."
    return Answer(
        f"The run left out none of its {count_noun(document['data']['n_images'], 'image')}: each "
        f"was predicted once. {describe_never_tested(document['cv'])} {known}".replace("  ", " "),
        other if left else other.replace(" else", ""),
    )


def _answer_preparation(document: EvaluationDocument) -> Answer:
    text = (
        f"Within the run, all preparation is part of the pipeline, {document['estimator']['name']}"
        " with the parameters listed in the report, fitted on "
        f"{name_training(document)}. "
    )
    audit = document["audit"]
    if audit is None:
        text += "The image files were not audited."
    else:
        codes = sorted({finding["code"] for finding in audit["findings"]})
        found = f"with findings {join_words(codes)}" if codes else "without findings"
        text += f"The image files were audited, {found}."
    return Answer(text, "how the images were prepared before the run.")


def _answer_folds(document: EvaluationDocument) -> Answer:
    cv, data = document["cv"], document["data"]
    if cv is None:
        return Answer(
            f"A test set of {count_units(data)}. The model was trained before."
            f" {describe_training(document)}"
        )
    if is_one_split(document):
        text = (
            f"One split into a training and a test side, {name_source(cv)}: {cv['description']}."
            f" {_count_sides(document)}"
        )
    else:
        text = (
            f"Cross-validation with {cv['n_folds']} folds, {name_source(cv)}: "
            f"{cv['description']}. Each of the {count_noun(data['n_images'], 'image')} was tested "
            f"once, by a model trained on the other folds. {describe_never_tested(cv)}"
        )
    text += (
        " Early stopping, search, threshold and calibration, if any, used only"
        f" {name_training(document)}. "
    )
    text = text.replace("  ", " ") + _answer_level(document).text
    test = document["test"]
    if test is not None:
        text += " Then one model was fitted on all of them, and tested once. "
        text += _answer_folds(test["report"]).text
    return Answer(text)


def _count_sides(document: EvaluationDocument) -> str:
    fold = document["folds"][0]
    return f"Trained on {count_train(fold)}, tested once on {count_test(fold)}."


def _answer_level(document: EvaluationDocument) -> Answer:
    """Answer at which level the partitions are disjoint."""
    cv = document["cv"]
    if cv is None:
        return Answer(describe_training(document), "at which level training and test are disjoint.")
    kept = list_kept_together(cv)
    one = is_one_split(document)
    where = "on one side" if one else "in one fold"
    text = f"All images of {kept} were kept {where}. " if kept else ""
    if cv["groups_kept_together"]:
        return Answer(text.strip())
    return Answer(
        f"{text}{'The sides' if one else 'Folds'} share no image. Patients were unknown to the run,"
        " so a patient may have images in both training and test, and the scores may be too high.",
        "which images belong to one patient.",
    )


def _answer_internal(document: EvaluationDocument) -> Answer:
    if document["cv"] is None:
        return Answer("This run tested a trained model. It has no internal validation.")
    if is_one_split(document):
        return Answer(
            f"By {_name_split(document)}. {_count_sides(document)} {_answer_level(document).text}",
            "why one split and not cross-validation, which uses all images for the scores.",
        )
    return Answer(
        f"By {document['cv']['n_folds']}-fold cross-validation on {count_units(document['data'])}. "
        f"{_answer_level(document).text}"
    )


def _answer_external(document: EvaluationDocument) -> Answer:
    test = document["test"]
    if test is not None:
        return _answer_external(test["report"])
    if document["cv"] is None:
        return Answer(
            f"By a test set of {count_units(document['data'])}. {describe_training(document)}",
            "whether the test set is of another place (external validation) or of a later time"
            " (temporal validation).",
        )
    if is_one_split(document):
        return _answer_external_by_split(document)
    apart = ", with each site in one fold" if document["cv"]["sites_kept_together"] else ""
    return Answer(
        f"Training and test are folds of the same images{apart}. The run did not test on data of "
        "another source."
    )


def _name_split(document: EvaluationDocument) -> str:
    cv = document["cv"]
    is_random = cv is not None and "ShuffleSplit(" in cv["description"]
    return "a random split of the images" if is_random else "one split that the caller gave"


def _answer_external_by_split(document: EvaluationDocument) -> Answer:
    """Answer that a split of one collection is internal validation."""
    text = (
        f"Training and test are the sides of {_name_split(document)}. This is internal validation:"
        " the run did not test on data of another source."
    )
    if "random" in text:
        return Answer(text)
    return Answer(
        text,
        "whether the sides differ in place or time; only then it is an external or a temporal"
        " validation.",
    )


def _answer_measures(document: EvaluationDocument) -> Answer:
    scores = join_words([name_score(name) for name in document["numbers"]])
    return Answer(
        f"Scores, as defined in scikit-learn: {scores}. Plots: ROC and precision-recall "
        "curves, reliability diagram, histogram of probabilities, error against coverage, and the "
        "confusion matrix. Clinical utility was not measured.",
        "why these, and which of them is the most important here.",
    )


def _answer_uncertainty(document: EvaluationDocument) -> Answer:
    interval = document["interval"]
    units = count_noun(interval["n_units"], interval["unit"])
    return Answer(
        f"{name_level(interval)}s by {interval['method']} ({units}, "
        f"{interval['n_resamples']:,} resamples, percentiles), for the trained models: they do "
        "not include the variation between training runs. No hypothesis was tested, and nothing "
        "was corrected for multiple comparisons."
    )


def _answer_clusters(document: EvaluationDocument) -> Answer:
    columns = list_columns(document)
    compared = (
        f"The scores were computed for each value of {join_words(columns)}."
        if columns
        else "The run was not given a column, such as the site, by which to compare scores."
    )
    return Answer(
        f"{compared} Intervals are by {document['interval']['method']}. Heterogeneity of model "
        "parameters was not estimated.",
        "" if columns else "in which clusters, such as sites or scanners, the images were made.",
    )


def _answer_fairness(document: EvaluationDocument) -> Answer | None:
    columns = list_columns(document)
    if not columns:
        return None
    return Answer(
        f"The report compares the scores by {join_words(columns)}.",
        "whether these are the groups that matter, and what was done about differences.",
    )


def _answer_sharing(document: EvaluationDocument) -> Answer:
    if document["cv"] is None:
        return Answer(
            "The JSON file of the report lists every image by name, with its label and prediction.",
            "where images, code and model are available.",
        )
    if not document["manifest"]:
        return Answer(
            "The JSON file of the report lists every tested image by name, with its prediction, and"
            " the images that were never tested. Parameters, versions and seed are in the report.",
            "where images, code and model are available.",
        )
    return Answer(
        "The fold manifest names each image by its SHA-256, with label, group and fold, so that "
        "others who have the images can repeat the same folds. Parameters, versions and seed are "
        "in the report.",
        "where images, code and model are available.",
    )


def _answer_code(document: EvaluationDocument) -> Answer:
    version = document["versions"].get("cellsk", "version unknown")
    return Answer(
        f"The evaluation was made by cellsk {version}; the report lists parameters, seed and the "
        "versions of the packages. It contains no code.",
        "where the code of the model and of the analysis is available.",
    )


def _answer_outcome(document: EvaluationDocument) -> Answer:
    positive = document["data"]["positive"]
    named = "" if positive is None else f" The positive class is '{positive}'."
    return Answer(
        f"The class that the label of each image names: {list_classes(document['data'])}.{named}",
        "what the labels mean, how, when and by whom they were determined, and why these.",
    )


def _answer_predictors(document: EvaluationDocument) -> Answer:
    given = "image files" if document["data"]["images_are"] == "paths" else "arrays of pixels"
    return Answer(
        f"The estimator was given {given}, and no other information about the patient.",
        "how and when the images were made.",
    )


def _answer_details(document: EvaluationDocument) -> Answer:
    return Answer(
        "In this report, and in its JSON file, which contains every prediction, parameter and "
        "version.",
        "the protocol of the study.",
    )


def _answer_privacy(document: EvaluationDocument) -> Answer:
    files = document["data"]["images_are"] == "paths"
    kept = "the names of the image files" if files else "the row numbers of the images"
    groups = (
        ""
        if document["data"]["n_groups"] is None
        else " and the names of the patients, as they were given to the run"
    )
    return Answer(
        f"The run did not de-identify anything. The report contains {kept}{groups}. Its web page "
        "also contains small pictures of the images.",
        "how the data were de-identified, and whether these names may be published.",
    )


TRIPOD_METHODS: Answers = {
    "7": _answer_preparation,
    "8a": _answer_outcome,
    "9b": _answer_predictors,
    "11": _answer_missing,
    "12a": _answer_folds,
    "12b": _answer_preparation,
    "12d": _answer_clusters,
    "12e": _answer_measures,
    "14": _answer_fairness,
    "16": _answer_external,
    "18e": _answer_sharing,
    "18f": _answer_code,
}
CLAIM_METHODS: Answers = {
    "9": _answer_preparation,
    "11": _answer_privacy,
    "12": _answer_missing,
    "19": _answer_folds,
    "20": _answer_level,
    "28": _answer_measures,
    "29": _answer_uncertainty,
    "32": _answer_internal,
    "33": _answer_external,
    "42": _answer_details,
    "43": _answer_sharing,
}

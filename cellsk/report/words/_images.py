"""Images, patients, classes and folds of an evaluation, as phrases and sentences."""

from __future__ import annotations

from cellsk._checks import count_noun, join_words, pick_form
from cellsk.report.document import (
    CrossValidation,
    Data,
    EvaluationFacts,
    Fold,
    ImageClass,
    TrainingSet,
)
from cellsk.report.words._formats import name_class
from cellsk.report.words._scores import name_two_classes

__all__ = [
    "count_images",
    "count_test",
    "count_train",
    "count_units",
    "describe_folds",
    "describe_left_out",
    "describe_mixed_patients",
    "describe_never_tested",
    "describe_training",
    "explain_no_patient_scores",
    "explain_patient_threshold",
    "has_several_folds",
    "is_one_split",
    "list_classes",
    "list_kept_together",
    "list_names",
    "list_shared",
    "name_source",
    "name_training",
    "write_title",
]

_SOURCES = {
    "chosen": "chosen by cellsk",
    "given": "given by the caller",
    "manifest": "read from a fold manifest",
}
MANY_CLASSES = 4  # a title does not list more


def is_one_split(facts: EvaluationFacts) -> bool:
    """Return whether the images were split once, into a training and a test side."""
    return facts["cv"] is not None and facts["cv"]["n_folds"] == 1


def has_several_folds(facts: EvaluationFacts) -> bool:
    """Return whether the scores are pooled over several folds."""
    return facts["cv"] is not None and facts["cv"]["n_folds"] > 1


def write_title(facts: EvaluationFacts) -> str:
    """Return the title of a report."""
    classes = facts["data"]["classes"]
    if len(classes) > MANY_CLASSES:
        images = f"images of {len(classes)} classes"
    else:
        images = f"{join_words([name_class(entry['name']) for entry in classes])} images"
    if facts["cv"] is None:
        return f"How well does this model classify {images}?"
    return f"How well are {images} classified?"


def count_images(n_images: int, n_groups: int | None) -> str:
    """Return the number of images, and of patients if known: ``"214 images of 12 patients"``."""
    images = count_noun(n_images, "image")
    return images if n_groups is None else f"{images} of {count_noun(n_groups, 'patient')}"


def count_train(fold: Fold) -> str:
    """Return the number of images and patients on which a fold was trained."""
    return count_images(fold["n_train"], fold["n_train_groups"])


def count_test(fold: Fold) -> str:
    """Return the number of images and patients on which a fold was tested."""
    return count_images(fold["n_test"], fold["n_test_groups"])


def list_names(data: Data) -> list[str]:
    """Return the names of the classes, in the order of their codes."""
    return [entry["name"] for entry in data["classes"]]


def count_units(data: Data) -> str:
    """Return the number of images and of patients of an evaluation."""
    return count_images(data["n_images"], data["n_groups"])


def list_classes(data: Data) -> str:
    """Return each class with its images: ``"'benign' (104 images of 6 patients) and ..."``."""
    return join_words([_count_class(entry) for entry in data["classes"]])


def _count_class(entry: ImageClass) -> str:
    return f"'{entry['name']}' ({count_images(entry['n_images'], entry['n_groups'])})"


def describe_left_out(left_out: list[list[str]], most: int = 10) -> str:
    """Return a sentence with the files that were left out before the run. "" if none were."""
    if not left_out:
        return ""
    named = [f"{name} ({reason.rstrip('.')})" for name, reason in left_out[:most]]
    if len(left_out) > most:
        named.append(f"{len(left_out) - most:,} more")
    files = count_noun(len(left_out), "file")
    were = pick_form(len(left_out), "was", "were")
    return f"{files} {were} left out before the run: {join_words(named)}."


def name_source(cv: CrossValidation) -> str:
    """Return where the folds come from: ``"chosen by cellsk"``."""
    return _SOURCES[cv["source"]]


def list_kept_together(cv: CrossValidation) -> str:
    """Return which images are kept together: ``"each patient and of each site"``, or ""."""
    known = {"patient": cv["groups_kept_together"], "site": cv["sites_kept_together"]}
    return " and of ".join(f"each {noun}" for noun, together in known.items() if together)


def describe_training(facts: EvaluationFacts) -> str:
    """Return sentences on the training images of a fixed model, and what the test set shares."""
    training = facts["training"]
    if training is None:
        return (
            "The training images are not known to this report, so it cannot show whether the test"
            " set shares images or patients with them."
        )
    counted = count_images(training["n_images"], training["n_groups"])
    text = f"The model was trained on {counted}. {_list_shared(training)}"
    if training["n_groups"] is None or facts["data"]["n_groups"] is None:
        text += " It is unknown whether patients are in both sets."
    return text


def _list_shared(training: TrainingSet) -> str:
    """Return sentences on the images, folders and patients that are in both sets."""
    listed = list_shared(training)
    if listed:
        text = f"The test set has {join_words(listed)}, so the scores may be too high."
    else:
        text = "No image and no known patient of the test set is among them."
    if training["similar"] is None:
        text += (
            " The model file has no perceptual hashes, so copies with other pixels are not found."
        )
    return text


def list_shared(training: TrainingSet) -> list[str]:
    """Return what a test set shares with the training images: ``"2 copies of training images"``."""
    counts = {name: len(training[name] or ()) for name in ("exact", "similar", "same_folder")}
    n_exact, n_similar, n_folder = counts.values()
    n_groups = len(training["groups"])
    first = {name: f" (first: {(training[name] or [''])[0]!r})" for name in ("exact", "similar")}
    found = [
        (n_exact, f"{count_noun(n_exact, 'copy', 'copies')} of training images{first['exact']}"),
        (
            n_similar,
            f"{count_noun(n_similar, 'image')} that may be"
            f" {pick_form(n_similar, 'a copy of a training image', 'copies of training images')}"
            f"{first['similar']}",
        ),
        (n_folder, f"{count_noun(n_folder, 'image')} from folders of training images"),
        (n_groups, f"{count_noun(n_groups, 'patient')} with the name of a training patient"),
    ]
    return [text for count, text in found if count]


def name_training(facts: EvaluationFacts) -> str:
    """Return where a model was fitted: "the training images", or on the side of each fold."""
    if is_one_split(facts):
        return "the training side"
    return "the training images" if facts["cv"] is None else "the training side of each fold"


def describe_never_tested(cv: CrossValidation | None) -> str:
    """Return sentences on the images that no fold tests. "" if there are none."""
    found = None if cv is None else cv["never_tested"]
    if found is None:
        return ""
    n, n_groups, n_unused = found["n_images"], found["n_groups"], found["n_unused"]
    were = pick_form(n, "was", "were")
    trained = "" if n_unused == n else ": it only trained" if n == 1 else ": they only trained"
    text = f"{count_noun(n, 'image')} {were} never tested{trained}."
    if n_groups:
        have = pick_form(n_groups, "has", "have")
        text += f" {count_noun(n_groups, 'patient')} {have} no tested image."
    if n_unused:
        these = "These images were" if n_unused == n else f"{n_unused:,} of them were"
        text += f" {these} not used for training either."
    return text


def describe_folds(cv: CrossValidation) -> str:
    """Return a sentence on how the images were split into folds."""
    kept = list_kept_together(cv)
    if cv["n_folds"] == 1:
        text = f"One split into a training and a test side, {name_source(cv)}"
        return f"{text}; all images of {kept} are on one side." if kept else f"{text}."
    text = f"{count_noun(cv['n_folds'], 'fold')}, {name_source(cv)}"
    if kept:
        text += f"; all images of {kept} are in one fold"
    if cv["description"].startswith("Stratified"):
        text += "; the shares of the classes are as equal over the folds as this allows"
    return f"{text}."


def explain_patient_threshold(facts: EvaluationFacts) -> str:
    """Return that patients are not predicted with the tuned thresholds, or "" if none are tuned."""
    patients, positive = facts["patients"], facts["data"]["positive"]
    if patients is None or patients["aggregation"] == "vote":
        return ""
    if facts["operating_point"] is None or positive is None:
        return ""
    return (
        f"A patient is predicted {name_class(positive)} from a probability of 0.5; the tuned"
        " thresholds apply to images only."
    )


def describe_mixed_patients(facts: EvaluationFacts) -> str:
    """Return a sentence on patients with images of several classes. "" if there are none."""
    patients = facts["patients"]
    if patients is None or not patients["n_mixed"]:
        return ""
    n_mixed, positive = patients["n_mixed"], facts["data"]["positive"]
    if positive is None:
        fate = "it is left out" if n_mixed == 1 else "they are left out"
    else:
        fate = f"{pick_form(n_mixed, 'it counts', 'each counts')} as {name_class(positive)}"
    have = pick_form(n_mixed, "has", "have")
    return f"{count_noun(n_mixed, 'patient')} {have} images of more than one class; {fate}."


def explain_no_patient_scores(facts: EvaluationFacts) -> str:
    """Return why there are no scores by patient."""
    patients, data = facts["patients"], facts["data"]
    if patients is None or patients["numbers"]:
        return ""
    if data["positive"] is None:
        return (
            "Patients cannot be scored: those with images of one class only are all of one class."
        )
    if sum(entry["n_images"] > 0 for entry in data["classes"]) < 2:
        return "Patients cannot be scored, because all images are of one class."
    positive, negative = name_two_classes(data)
    if patients["n_mixed"] == patients["n_patients"]:
        every = f"Every patient has both {positive} and {negative} images"
    else:
        every = f"Every patient has {positive} images"
    return f"{every} and counts as {positive}, so patients cannot be scored."

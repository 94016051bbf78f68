"""Messages of errors, warnings and findings, in the words of the command line."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cellsk.exceptions import Explained

__all__ = [
    "FINDING_REMEDIES",
    "OPTIONS",
    "REMEDIES",
    "RULES",
    "list_commands",
    "word_error",
    "word_findings",
]


def _suggest_folds(values: Mapping[str, Any]) -> str:
    n_splits, unit = values["n_splits"], values["unit"]
    if n_splits >= 2:
        return f"Pass --folds {n_splits}{' or fewer' if n_splits > 2 else ''}."
    if unit == "site":
        return "Add sites, or leave out --site."
    if unit == "patient":
        return "Add patients, or do not name patients if the images are independent."
    return "Add images of this class, or leave the class out."


def _suggest_folds_to_test_all(values: Mapping[str, Any]) -> str:
    n_splits = values.get("n_splits")
    return f"Pass --folds {n_splits} to test all of them." if n_splits else "Add patients."


def _suggest_fewer_folds(values: Mapping[str, Any]) -> str:
    if values.get("n_folds") == 1:
        return "Give each class images without a fold in the file of --cv."
    return "Pass a smaller number to --folds, or add patients."


# Parameters of Python functions, and the options that set them.
OPTIONS = {
    "aggregation": "--aggregation",
    "architecture": "--architecture",
    "batch_size": "--batch-size",
    "calibrate": "--calibrate",
    "cv": "--cv",
    "epochs": "--epochs",
    "filters": "--filters",
    "group_pattern": "--group-pattern",
    "groups": "--groups",
    "groups_csv": "--groups-csv",
    "image_size": "--image-size",
    "image_column": "--image-column",
    "label_column": "--label-column",
    "labels": "--labels",
    "max_uncertainty": "--max-uncertainty",
    "n_jobs": "--jobs",
    "n_splits": "--folds",
    "pos_label": "--positive",
    "prevalence": "--prevalence",
    "random_state": "--seed",
    "scoring": "--scoring",
    "sensitivity": "--sensitivity",
    "sites": "--site",
    "specificity": "--specificity",
    "store": "--store",
    "subgroups": "--subgroup",
    # These have no option.
    "X": "The images",
    "folder": "The folder",
    "y": "The labels",
}
# Codes of errors whose rule is about Python, and the rule for the command line.
RULES = {
    "cam-needs-network": "HiResCAM and Grad-CAM need a model that predicts by networks of cellsk",
    "classes-differ": "The model must know the classes of all images",
    "image-shape": "All images must have the size of the training images, {expected[0]} x"
    " {expected[1]} pixels (height x width)",
    "images-are-paths": "The model must read image files",
}
_IF_CLASSES = (
    "If these folders are classes, pass --labels labels.csv with a row for each image, and the"
    " --label-column."
)
# Codes of errors and warnings whose remedy names Python, and the remedy for the command line.
REMEDIES: dict[str, str | Callable[[Mapping[str, Any]], str]] = {
    # Files
    "images-damaged": "Leave them out with --skip-unreadable.",
    "images-need-setting": "Convert them to files of one page with 8 bits per channel, or leave"
    " them out with --skip-unreadable.",
    "images-differ-in-size": "Pass --image-size {height}x{width}, or another size to resize all"
    " images to.",
    "images-left-out": "cellsk audit lists all of them.",
    "images-of-other-kinds": "Convert them, or move them away.",
    "links-left-out": "Pass --follow-links to list their targets.",
    "images-beside-classes": "Move them into a class.",
    "class-folder-missing": "Move the folder away, or rename it.",
    "splits-not-classes": f"{_IF_CLASSES} To find images that are in two of them, and then to"
    " cross-validate one and test on another, run:",
    "splits-with-classes": "Move the images of each class into folders such as train/benign and"
    f" test/benign, and pass one of the two. {_IF_CLASSES}",
    "patients-not-classes": "Pass --labels labels.csv with the class of each image, and --groups 0"
    f" for the patients. {_IF_CLASSES}",
    "classes-like-patients": "If they are not classes, pass --labels labels.csv with the class of"
    " each image, and --groups 0 for folders of patients.",
    "parts-not-classes": "Pass {first}, with --labels labels.csv if the classes are in a csv file.",
    "data-sets-not-classes": f"Pass one of them: {{first}}. {_IF_CLASSES}",
    "no-class-folders": "Pass --labels labels.csv, or the folder above.",
    "classes-differ": "Leave out the images of other classes, or give the folders the names of the"
    " classes of the model.",
    "one-class": "Add the other class. {hint}",
    "images-are-paths": "Make one with cellsk train.",
    "not-a-model-file": "Pass a file that cellsk train or cellsk search wrote.",
    "model-file-too-large": "Load it in Python, if you trust its source.",
    "fingerprints-left-out": "To find other copies, run cellsk audit on the training images, with"
    " the test images as --test.",
    "store-unwritable": "Free some space, or name another folder with --store.",
    # Csv files
    "column-needs-csv": "Pass --labels labels.csv too.",
    "image-column-unclear": "Pass --image-column with one of these, or name it 'file'.",
    "label-column-unclear": "Pass --label-column with one of these, or name it 'label'.",
    "one-hot-row": "Correct the row, or pass --label-column with the column of the labels.",
    "splits-not-labels": "Pass --label-column with the column of the classes, or with this column"
    " if they are classes.",
    # Patients and sites
    "groups-twice": "Leave out --group-pattern or --groups.",
    "groups-need-csv": "Pass --labels labels.csv, a folder level such as --groups=-1, or"
    " --group-pattern.",
    "groups-level": "Pass another level (0 is the first folder, -1 the last), or --group-pattern.",
    "groups-column-missing": "Name it 'patient', or pass one of these columns to --groups.",
    "groups-incomplete": "Fill in the empty cells.",
    "sites-incomplete": "Fill in the empty cells, or leave out --site.",
    "patients-unknown": "Pass --group-pattern, --groups or --groups-csv, unless every image is"
    " from a different patient.",
    "copies-across-folds": "cellsk audit lists them. Move the copies away, or name one patient for"
    " them in the csv file of --groups-csv.",
    # Folds
    "too-few-groups-for-folds": _suggest_folds,
    "too-few-images-for-folds": _suggest_folds,
    "too-few-sites-for-folds": _suggest_folds,
    "folds-lack-training-class": _suggest_folds,
    "class-missing-from-test": _suggest_folds_to_test_all,
    "class-missing-from-training": _suggest_fewer_folds,
    "one-class-in-training": _suggest_fewer_folds,
    "cv-side-empty": "Pass another file to --cv, or leave it out.",
    "search-scores-undefined": "Pass a smaller number to --folds, or leave out --nested.",
    "manifest-needs-groups": "Name the patients with the same options as when it was written.",
    "inner-folds-impossible": "Add {unit}s, or leave out the option that needs these folds:"
    " --sensitivity, --specificity or --calibrate.",
    "best-candidate-unscored": "Pass a smaller number to --folds.",
    # Operating points
    "probabilities-constant": "Train for more --epochs, or leave out --sensitivity and"
    " --specificity.",
    # Weak models
    "not-better-than-baseline": "Train for more --epochs, on a larger --image-size, or on more"
    " patients, or use that classifier.",
    "not-better-than-guessing": "Do not use this model. Check the labels with cellsk audit, add"
    " images, or train for more --epochs.",
    "loss-of-guessing": "Do not use this model. Check the labels with cellsk audit, add images, or"
    " train for more --epochs.",
    "one-class-predicted": "Train for more --epochs, or add images of the other classes.",
    # Stain
    "no-stained-images": "Leave out --stain.",
    "few-stained-images": "Look at them, and leave out --stain if they are not stained sections.",
    "images-unlike-training": "Look at them: cellsk predict names them. Check stain, scanner and"
    " magnification.",
    # Explanations
    "cam-needs-network": "Leave out --method, or pass --method occlusion.",
    "cam-network-unknown": "Pass --method occlusion, which works for every model.",
    # Networks
    "small-hold-out": "Add images.",
    "no-hold-out-by-group": "Add images of more patients.",
    "images-too-small": "Use fewer convolutions, such as --filters 16 instead of --filters 16,32,"
    " or pass a larger --image-size.",
    "image-shape": "Resize them to {expected[0]} x {expected[1]} pixels, or train a model with"
    " another --image-size.",
    "network-too-large": "Pass a smaller --image-size or --batch-size, or smaller numbers to"
    " --filters.",
    "augmentation-not-rgb": "Pass --augmentation microscopy, which is for other images, too.",
    "training-diverged": "Check the images with cellsk audit.",
}
_NAME_ONE_PATIENT = (
    "In the csv file of --groups-csv, name the same patient for all images of a set."
)
# Codes of the findings of an audit whose remedy names Python, and the remedy here.
FINDING_REMEDIES = {
    "A101": "Copy them again from their source, or pass --skip-unreadable to cellsk train and"
    " evaluate.",
    "A102": "Convert them to files of one page with 8 bits per channel, or pass --skip-unreadable"
    " to cellsk train and evaluate.",
    "A103": "Crop all images to one size, or pass --image-size to cellsk train and evaluate.",
    "A104": "Check that each class has both, or convert all images to one mode.",
    "A203": "Pass a smaller number to --folds of cellsk evaluate, or add patients.",
    "A204": r"Pass --groups-csv, --groups, or --group-pattern, for example '(P\d+)'.",
    "A301": f"Keep each set on one side of a split. {_NAME_ONE_PATIENT}",
    "A302": "Correct the labels, or move the files away.",
    "A303": _NAME_ONE_PATIENT,
    "A304": "Remove them from one of the two folders.",
    "A311": f"Keep each set on one side of a split. {_NAME_ONE_PATIENT}",
    "A312": "Look at them, and correct the labels, or move the files away.",
    "A313": f"Look at them. {_NAME_ONE_PATIENT}",
    "A314": "Look at them, and remove them from one of the two folders.",
    "A402": "Check the exposure.",
    "A504": "Split by device with cellsk evaluate --site, or add images of each class from each"
    " device.",
}


def word_error(error: BaseException | str) -> str:
    """Return the text of an error or a warning, with options instead of parameters."""
    if not isinstance(error, Explained):
        return str(error)
    values = defaultdict(str, error.values)
    parameter = OPTIONS.get(error.parameter or "")
    rule, remedy = RULES.get(error.code), REMEDIES.get(error.code)
    if callable(remedy):
        remedy = remedy(error.values)
    elif remedy is not None:
        remedy = remedy.format_map(values).strip()
    return error.explain(
        parameter=parameter,
        remedy=remedy,
        rule=None if rule is None else rule.format_map(values),
    )


def list_commands(error: BaseException) -> list[str]:
    """Return commands that follow the text of an error, as a shell reads them."""
    if not isinstance(error, Explained) or error.code != "splits-not-classes":
        return []
    # A folder that begins with a dash would be read as an option.
    train, test = (
        f"./{path}" if path.startswith("-") else path
        for path in (error.values["train"], error.values["test"])
    )
    return [
        shlex.join(["cellsk", command, train, "--test", test]) for command in ("audit", "evaluate")
    ]


def word_findings(findings: Sequence[Any]) -> list[Any]:
    """Return findings of an audit with the remedies of the command line."""
    return [
        replace(found, remedy=FINDING_REMEDIES.get(found.code, found.remedy)) for found in findings
    ]

"""Messages are written for Python; on the command line their remedies are options."""

from __future__ import annotations

import re

__all__ = ["say_as_options"]

# Patterns, the more telling first. A remedy without an option becomes what can be done instead.
_AS_OPTIONS = {
    # Files
    r"list_images\(folder, verify=True\)": "--skip-unreadable",
    r"go on with report\.clean\(\)": "leave them out with --skip-unreadable",
    r"All are in the attribute unreadable": "cellsk audit lists all of them",
    r"pass image_size= to ImageReader": "pass --image-size",
    r"image_size=\((\d+), (\d+)\)": r"--image-size \1x\2",
    r"labels='labels\.csv'": "--labels labels.csv",
    r", or pass labels=False to list (all|the images) without labels": "",
    r"(?<!-)\blabels must (be a csv|have a)": r"--labels must \1",
    # Patients and sites
    r"groups=\.\.\. \(on the command line ([^)]*)\)": r"\1",
    r"Pass groups, such as list_images\(folder, group_pattern=r('[^']*')\) finds them": (
        r"Name them with --groups-csv, --groups, or --group-pattern \1, which finds them"
    ),
    r"and groups=None\. Pass groups\.": "and patients unknown. Name them as when it was written.",
    r"Got groups=(-?\d+)": r"Got --groups \1",
    r"a number such as groups=-1": "a number such as --groups=-1",
    r"(?<![-\w])groups must (be|name)": r"--groups must \1",
    r"groups=None if the images": "no patients if the images",
    r"Groups must come from group_pattern or from groups": (
        "Patients must come from --group-pattern or from --groups"
    ),
    r"Got both, group_pattern=(.*?) and groups=": r"Got both, \1 and ",
    r"(?<!-)\bgroup_pattern\b": "--group-pattern",
    r"(?<!-)\bgroups_csv\b": "--groups-csv",
    r"pass groups= with the name of a column": "name the column with --groups",
    r"pass sites=None": "leave out --site",
    # Copies of an image
    r"clean = report\.clean\(\) gives groups that do": (
        "name one patient for all of it in a --groups-csv"
    ),
    r"Correct the labels; report\.clean\(\) leaves exact ones out": (
        "Correct the labels, or move the files away"
    ),
    r"report\.clean\(\) joins these groups": "Name one patient for them in a --groups-csv",
    r"; report\.clean\(\) leaves them out of training": "",
    r"Evaluate the paths, y and groups of audit_images\(.*?\)\.clean\(\), which keep copies "
    r"together": "cellsk audit names them: move copies away, or name one patient for them all",
    # Folds and training
    r"at least n_splits (\w+)": r"at least as many \1 as folds",
    r"Pass a smaller n_splits to choose_cv": "Pass a smaller --folds",
    r"n_splits=": "--folds ",
    r"\bn_splits\b": "--folds",
    r"Pass choose_cv\(y, groups\), or fewer folds": "Pass a smaller --folds",
    r", raise validation_fraction, pass X_val and y_val, or set early_stopping=False": "",
    r"Pass X_val and y_val, or set early_stopping=False": "Give images of more patients",
    r"fewer filters, a smaller kernel_size, or larger images": (
        "fewer --filters, or a larger --image-size"
    ),
    r"smaller images, fewer filters or dense_units, or a smaller batch_size": (
        "a smaller --image-size, fewer --filters, or a smaller --batch-size"
    ),
    r"Pass a smaller learning_rate": "In Python, pass a smaller learning_rate",
    # Operating points
    r"leave out sensitivity and specificity": "leave out --sensitivity and --specificity",
    r"target_names=cells\.target_names": "--positive",
    r"\bpos_label\b": "--positive",
}
_COMPILED = [(re.compile(pattern), option) for pattern, option in _AS_OPTIONS.items()]


def say_as_options(text: str) -> str:
    """Return a message with options where it names parameters."""
    for pattern, option in _COMPILED:
        text = pattern.sub(option, text)
    return text

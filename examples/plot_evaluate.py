"""
Scores by patient, with intervals
=================================

One call cross-validates a pipeline by patient, and returns each score with an interval. The report
is available as a summary, a table, a page, a model card, and JSON.
"""

import tempfile
from pathlib import Path

from sklearn.pipeline import Pipeline

from cellsk import CellClassifier, ImageReader, evaluate, list_images, make_cells

# %%
# The images are files: 160 drawn images of sixteen patients. The patient is part of the file name.
# With your own files, begin with ``list_images``.
scratch = tempfile.TemporaryDirectory()
folder = Path(scratch.name)
make_cells(
    160,
    folder=folder / "train",
    n_patients=16,
    pure_patients=True,
    image_size=(32, 32),
    random_state=0,
)
cells = list_images(folder / "train", group_pattern=r"(P\d+)")

# %%
# The pipeline is not fitted here: ``evaluate`` fits a new one in each fold. Everything that it
# chooses, it chooses from images of other patients than those that test it.
pipeline = Pipeline(
    [
        ("reader", ImageReader(image_size=(32, 32))),
        (
            "classifier",
            CellClassifier(
                filters=(8, 16),
                learning_rate=0.003,
                epochs=10,
                early_stopping=False,
                random_state=0,
            ),
        ),
    ]
)
report = evaluate(
    pipeline,
    cells.paths,
    cells.y,
    groups=cells.groups,
    target_names=cells.target_names,
    pos_label="malignant",
    n_splits=4,
    prevalence=0.05,
)
print(report)

# %%
# Fold by fold
# ------------
# Each fold has only four patients, so the scores of the folds differ much. The pooled row is
# computed from all images, and the last two rows are its interval.
columns = ["n_train", "n_test", "accuracy", "roc_auc", "sensitivity", "specificity"]
report.frame()[columns].round(3)

# %%
# Two intervals for one score
# ---------------------------
# A formula for 160 independent images ignores the patients. The bootstrap draws the sixteen
# patients again, with all their images. The two intervals differ if images of a patient resemble
# each other. In that case, use the wider one.
opinions = report.document["second_opinions"]
print(f"{'':12}{'value':>7}   {'by patient':<16}{'by image'}")
for name in ("roc_auc", "sensitivity", "specificity"):
    own, other = report.numbers[name], opinions[name]
    print(
        f"{name:12}{own['value']:7.3f}   {own['low']:.3f} to {own['high']:.3f}"
        f"  {other['low']:.3f} to {other['high']:.3f}"
    )

# %%
# Predictive values at another prevalence
# ---------------------------------------
# Half of these images are malignant. If only five in a hundred are malignant, the positive
# predictive value is much lower, with the same sensitivity and specificity.
here, clinic = report.numbers["ppv"], report.document["at_prevalence"]["ppv"]
print(f"PPV if half are malignant: {here['value']:.2f}")
print(f"PPV if 5% are malignant:   {clinic['value']:.2f}")

# %%
# By patient
# ----------
# All images of a patient together predict the class better than a single image. But there are
# only sixteen patients, so the interval is wide.
patients = report.document["patients"]
auc = patients["numbers"]["roc_auc"]
print(f"{patients['n_patients']} patients, by the {patients['aggregation']} of their images")
print(f"ROC AUC {auc['value']:.3f}, from {auc['low']:.3f} to {auc['high']:.3f}")

# %%
# Files to share
# --------------
# The page is one file that needs no network. It has curves, a confusion matrix whose cells open
# their images, the errors, and the settings. With the manifest another person can repeat the folds.
report.save(folder / "report.html")
report.save(folder / "report.json")
report.save(folder / "model_card.md")
report.save_folds(folder / "folds.csv")
for path in sorted(folder.glob("*.*")):
    print(f"{path.name:15}{path.stat().st_size / 1024:8.0f} kB")
scratch.cleanup()

# %%
# :doc:`/what_the_report_says` explains the report from top to bottom.

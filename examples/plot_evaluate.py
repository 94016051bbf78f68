"""
Honest numbers, by patient
==========================

One call cross-validates a pipeline patient by patient, and gives each number with an interval.
The report is a summary here, a table, a page, a model card, and JSON.
"""

import tempfile
from pathlib import Path

from sklearn.pipeline import Pipeline

from cellsk import CellClassifier, ImageReader, evaluate, list_images, make_cells

# %%
# 160 drawn images of sixteen patients, as files. The patient is part of the file's name. With
# files of your own, this is where to begin.
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
cells = list_images(folder / "train", group_pattern=r"/(P\d+)-")

# %%
# The pipeline is not fitted here. In each fold a new one is, and what it chooses, it chooses
# from images of other patients than those it is judged by.
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
# Each fold has four patients, and its scores scatter accordingly. The pooled row is over all
# images, and the last two rows are its interval.
columns = ["n_train", "n_test", "accuracy", "roc_auc", "sensitivity", "specificity"]
report.frame()[columns].round(3)

# %%
# Two intervals for one number
# ----------------------------
# A formula that takes 160 images as independent knows nothing of patients. The bootstrap draws
# the sixteen patients again, with all images of each. If the two differ, it is because images of
# a patient resemble each other, and then the wider one is to be trusted.
opinions = report.document["second_opinions"]
print(f"{'':12}{'value':>7}   {'by patient':<16}{'as if independent'}")
for name in ("roc_auc", "sensitivity", "specificity"):
    own, other = report.numbers[name], opinions[name]
    print(
        f"{name:12}{own['value']:7.3f}   {own['low']:.3f} to {own['high']:.3f}"
        f"  {other['low']:.3f} to {other['high']:.3f}"
    )

# %%
# What a call is worth
# --------------------
# Half of these images are malignant. Where five in a hundred are, with the same sensitivity and
# specificity, a call of "malignant" is worth much less.
here, clinic = report.numbers["ppv"], report.document["at_prevalence"]["ppv"]
print(f"PPV where half are malignant:   {here['value']:.2f}")
print(f"PPV where 5 % are:              {clinic['value']:.2f}")

# %%
# By patient
# ----------
# The images of a patient, taken together, say more than one of them. But there are sixteen
# patients, and the interval says so.
patients = report.document["patients"]
auc = patients["numbers"]["roc_auc"]
print(f"{patients['n_patients']} patients, by the {patients['aggregation']} of their images")
print(f"ROC AUC {auc['value']:.3f}, from {auc['low']:.3f} to {auc['high']:.3f}")

# %%
# Hand it on
# ----------
# The page is one file that needs no network: curves, the confusion matrix whose cells open the
# images behind them, the errors, the settings. The manifest lets another person repeat the folds.
report.save(folder / "report.html")
report.save(folder / "report.json")
report.save(folder / "model_card.md")
report.save_folds(folder / "folds.csv")
for path in sorted(folder.glob("*.*")):
    print(f"{path.name:15}{path.stat().st_size / 1024:8.0f} kB")
scratch.cleanup()

# %%
# :doc:`/what_the_report_says` goes through it from the top.

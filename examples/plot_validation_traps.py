"""
Two traps of validation
=======================

Both traps give scores that are too good, and neither raises an error. The first is a validation
set of one class. The second is a patient on both sides of a split.
"""

import tempfile
from pathlib import Path

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score

from cellsk import CellClassifier, ImageGridDisplay, list_images, make_cells

# %%
# A validation set of one class
# -----------------------------
# A folder is read class by class. Many tools then use the last rows for validation: Keras does so
# with ``validation_split=0.1``, before it shuffles.
with tempfile.TemporaryDirectory() as scratch:
    folder = Path(scratch) / "train"
    make_cells(100, folder=folder, image_size=(24, 24), random_state=0)
    y = list_images(folder).y

print("benign and malignant, all images:  ", np.bincount(y))
print("benign and malignant, last tenth:  ", np.bincount(y[-10:], minlength=2))

# %%
# On such a validation set, a model that always predicts one class is never wrong.
constant = DummyClassifier(strategy="constant", constant=1).fit(np.zeros((100, 1)), y)
print("'always malignant', all images:    ", constant.score(np.zeros((100, 1)), y))
print("'always malignant', last tenth:    ", constant.score(np.zeros((10, 1)), y[-10:]))

# %%
# cellsk avoids this trap. :class:`~cellsk.CellClassifier` validates on images of each class, and
# warns if there are too few. ``cv=5`` gives each fold its share of each class.
# :func:`~cellsk.list_images` refuses a folder with one class only.

# %%
# Patients on both sides
# ----------------------
# Here each patient has images of one class, and a different stain. The cells of both classes are
# almost the same, so a correct estimate of the accuracy is close to one half. But a network that
# was trained on a patient can recognize the stain, and so the class. Each row is a patient.
settings = {
    "image_size": (24, 24),
    "pure_patients": True,
    "patient_effect": 3,
    "difficulty": 4,
}
cells = make_cells(240, n_patients=12, random_state=0, **settings)
patients = np.unique(cells.groups)[:4]
rows = np.concatenate([np.flatnonzero(cells.groups == patient)[:6] for patient in patients])
names = [f"{cells.groups[row]}, {cells.target_names[cells.y[row]]}" for row in rows]
ImageGridDisplay(cells.images[rows], labels=names).plot(n_columns=6)

# %%
# The same network is scored on the same images, with folds by image and with folds by patient.
# Both are compared with the score on a hundred new patients. This is done for three hospitals of
# twelve patients each.
classifier = CellClassifier(
    filters=(8, 16), learning_rate=0.003, epochs=10, early_stopping=False, random_state=0
)
by_image = StratifiedKFold(n_splits=2, shuffle=True, random_state=0)
by_patient = StratifiedGroupKFold(n_splits=2, shuffle=True, random_state=0)
new = make_cells(200, n_patients=100, random_state=99, **settings)

print("accuracy    folds by image   folds by patient   new patients")
for seed in (0, 1, 2):
    cells = make_cells(240, n_patients=12, random_state=seed, **settings)
    images, y, groups = cells.images, cells.y, cells.groups
    image_score = cross_val_score(classifier, images, y, cv=by_image).mean()
    patient_score = cross_val_score(classifier, images, y, cv=by_patient, groups=groups).mean()
    new_score = classifier.fit(images, y).score(new.images, new.y)
    print(f"hospital {seed + 1}{image_score:>16.2f}{patient_score:>19.2f}{new_score:>15.2f}")

# %%
# Folds by image give a score that is not reached on new patients. Folds by patient do not have this
# bias. But twelve patients are few, so their score varies around one half: it is lower if the
# stains of the training patients mislead on other patients, and higher if they happen to fit. More
# patients make the score more precise. More images of the same patients do not.

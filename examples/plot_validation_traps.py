"""
Two traps of validation
=======================

Both give numbers that are too good, and neither gives an error. The first is a validation set
of one class. The second is a patient on both sides of a split.
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
# A folder is read class by class. Many tools then hold out the last rows: Keras'
# ``validation_split=0.1`` does so before it shuffles.
with tempfile.TemporaryDirectory() as scratch:
    folder = Path(scratch) / "train"
    make_cells(200, folder=folder, image_size=(32, 32), random_state=0)
    y = list_images(folder).y

print("benign and malignant, all images:  ", np.bincount(y))
print("benign and malignant, last tenth:  ", np.bincount(y[-20:], minlength=2))

# %%
# On such a validation set, a model that has learned nothing is never wrong.
constant = DummyClassifier(strategy="constant", constant=1).fit(np.zeros((200, 1)), y)
print("'always malignant', all images:    ", constant.score(np.zeros((200, 1)), y))
print("'always malignant', last tenth:    ", constant.score(np.zeros((20, 1)), y[-20:]))

# %%
# With cellsk there is nothing to do about it: :class:`~cellsk.CellClassifier` holds out images of
# each class, and warns when they are too few; ``cv=5`` gives each fold its share of each class;
# and :func:`~cellsk.list_images` refuses a folder that holds one class only.

# %%
# Patients on both sides
# ----------------------
# Here each patient has images of one class, and a stain of their own; and the cells are drawn
# so that almost nothing in them tells the classes apart. An honest accuracy is close to one
# half. But a network that has seen a patient can know the class by the stain.
# Each row is a patient.
settings = {
    "image_size": (32, 32),
    "pure_patients": True,
    "patient_effect": 3,
    "difficulty": 4,
}
cells = make_cells(300, n_patients=12, random_state=0, **settings)
patients = np.unique(cells.groups)[:4]
rows = np.concatenate([np.flatnonzero(cells.groups == patient)[:6] for patient in patients])
names = [f"{cells.groups[row]}, {cells.target_names[cells.y[row]]}" for row in rows]
ImageGridDisplay(cells.images[rows], labels=names).plot(n_columns=6)

# %%
# The same network on the same images, with folds drawn image by image and patient by patient.
# The judge is a hundred patients whom nobody has seen. All of it twice, for two hospitals of
# twelve patients each.
classifier = CellClassifier(
    filters=(8, 16), learning_rate=0.003, epochs=10, early_stopping=False, random_state=0
)
by_image = StratifiedKFold(n_splits=2, shuffle=True, random_state=0)
by_patient = StratifiedGroupKFold(n_splits=2, shuffle=True, random_state=0)
new = make_cells(300, n_patients=100, random_state=99, **settings)

print("accuracy    folds by image   folds by patient   new patients")
for seed in (0, 1):
    cells = make_cells(300, n_patients=12, random_state=seed, **settings)
    images, y, groups = cells.images, cells.y, cells.groups
    image_score = cross_val_score(classifier, images, y, cv=by_image).mean()
    patient_score = cross_val_score(classifier, images, y, cv=by_patient, groups=groups).mean()
    new_score = classifier.fit(images, y).score(new.images, new.y)
    print(f"hospital {seed + 1}{image_score:>16.2f}{patient_score:>19.2f}{new_score:>15.2f}")

# %%
# Folds by image promise what no new patient will ever see. Folds by patient do not. But twelve
# patients are few, and their score scatters around one half: below, where the stain that was
# learned from some patients misleads on others, and above, where it happens to fit. What helps
# is more patients, not more images of the same ones.

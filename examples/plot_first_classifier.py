"""
A first classifier
==================

From a folder of image files to a cross-validated classifier: list the files, look at them,
build a pipeline, score it by patient with scikit-learn, and look at the training.
"""

import tempfile
from pathlib import Path

import sklearn
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import Pipeline

from cellsk import (
    CellClassifier,
    ImageGridDisplay,
    ImageReader,
    TrainingCurveDisplay,
    list_images,
    make_cells,
)

# %%
# A folder of images
# ------------------
# :func:`~cellsk.make_cells` draws the images here. Your own folder works in the same way if it
# has one sub-folder per class and the patient is part of the path.
scratch = tempfile.TemporaryDirectory()
folder = Path(scratch.name) / "train"
settings = {"n_patients": 10, "image_size": (32, 32), "difficulty": 0.5}
make_cells(240, folder=folder, random_state=0, **settings)

for path in sorted(folder.rglob("*.png"))[::60]:
    print(path.relative_to(folder).as_posix())

# %%
# :func:`~cellsk.list_images` returns the paths, the labels, and the groups: the patient of each
# image, which a regular expression finds in the file name.
cells = list_images(folder, group_pattern=r"(P\d+)")
print(len(cells.paths), "images of", len(set(cells.groups)), "patients")
print("classes:", cells.target_names)

# %%
# Look before you train
# ---------------------
# The grid shows the same number of images of each class.
ImageGridDisplay.from_paths(
    cells.paths, cells.y, target_names=cells.target_names, n_images=12, n_columns=6
)

# %%
# A pipeline
# ----------
# The pipeline takes paths, so each fold reads its own images. ``set_fit_request`` asks
# scikit-learn to pass the patients to the classifier, which keeps the images of a patient
# together when it sets images aside for early stopping. The network is small and trains for few
# epochs, so this page is quick.
sklearn.set_config(enable_metadata_routing=True)
classifier = CellClassifier(
    filters=(8, 16), learning_rate=0.003, epochs=15, validation_fraction=0.2, random_state=0
).set_fit_request(groups=True)
pipeline = Pipeline([("reader", ImageReader()), ("classifier", classifier)])

# %%
# Scores by patient
# -----------------
# ``StratifiedGroupKFold`` puts all images of a patient into one fold. Each fold is scored on
# patients that its network was not trained on.
scores = cross_val_score(
    pipeline,
    cells.paths,
    cells.y,
    cv=StratifiedGroupKFold(n_splits=2, shuffle=True, random_state=0),
    params={"groups": cells.groups},
)
print("accuracy of each fold:", scores.round(2))
print(f"mean {scores.mean():.2f}, standard deviation {scores.std():.2f}")

# %%
# The training, epoch by epoch
# ----------------------------
# Fit on all images, and see which epoch was kept. The hold-out images chose that epoch, so
# their score is too good to report. Report the scores above.
pipeline.fit(cells.paths, cells.y, groups=cells.groups)
TrainingCurveDisplay.from_estimator(pipeline)

# %%
# Right and wrong
# ---------------
# The fitted pipeline predicts images of new patients. Look at the wrong predictions: these images
# may have something in common.
new_folder = Path(scratch.name) / "new"
new = make_cells(40, folder=new_folder, random_state=1, **settings)
ImageGridDisplay.from_paths(
    new.paths,
    new.y,
    predictions=pipeline.predict(new.paths),
    target_names=new.target_names,
    n_images=24,
    n_columns=6,
)
scratch.cleanup()

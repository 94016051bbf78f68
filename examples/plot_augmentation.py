"""
Augmentation of training images
===============================

Random changes of the training images show the network what does not matter: how a cell is turned,
how strongly it is stained, how bright the lamp was. Look at the changes before a long training, and
let a search choose between them.
"""

import keras
from sklearn.model_selection import GridSearchCV

from cellsk import AugmentationDisplay, CellClassifier, choose_cv, make_cells

cells = make_cells(240, n_patients=12, image_size=(48, 48), random_state=0)

# %%
# What the network sees
# ---------------------
# ``"stain"`` turns and mirrors, and changes the amounts of hematoxylin and eosin, as between two
# laboratories. Each row begins with the original. Would a pathologist give all versions its label?
classifier = CellClassifier(augmentation="stain", epochs=6, early_stopping=False, random_state=0)
AugmentationDisplay.from_estimator(classifier, cells.images, n_images=3, random_state=0)

# %%
# ``"microscopy"`` is for other images, too. It changes exposure, contrast, colors, sharpness and
# noise. Gray images stay gray, and black stays black.
single = make_cells(40, style="single_cell", image_size=(48, 48), random_state=0)
gray = CellClassifier(augmentation="microscopy")
AugmentationDisplay.from_estimator(gray, single.images, n_images=3, random_state=0)

# %%
# Another change is a Keras layer. A rotation by any angle fills the corners, so look at them.
turned = CellClassifier(augmentation=keras.layers.RandomRotation(0.5, fill_mode="reflect"))
AugmentationDisplay.from_estimator(turned, cells.images, n_images=3, random_state=0)

# %%
# Does it help?
# -------------
# A search compares augmentations as it compares other parameters. With so few images and epochs,
# the scores of the folds differ more than the augmentations.
search = GridSearchCV(
    classifier.set_params(filters=(8, 16), learning_rate=0.003),
    {"augmentation": [None, "dihedral", "stain"]},
    cv=choose_cv(cells.y, cells.groups, n_splits=2),
    scoring="roc_auc",
)
search.fit(cells.images, cells.y, groups=cells.groups)
for name, mean, std in zip(
    search.cv_results_["param_augmentation"],
    search.cv_results_["mean_test_score"],
    search.cv_results_["std_test_score"],
    strict=True,
):
    print(f"{name!s:<10} ROC AUC {mean:.3f}, standard deviation over folds {std:.3f}")

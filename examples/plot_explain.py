"""
What a network looks at
=======================

A network that scores well may look at something that should not matter. Maps of the places that
support a prediction help to notice it.
"""

import numpy as np

from cellsk import CellClassifier, GradCAMDisplay, make_cells

# %%
# A shortcut in the images
# ------------------------
# All malignant images have a small dark mark in a corner, as a pen leaves it on a slide. The
# network can learn the mark instead of the cells.
cells = make_cells(160, n_patients=8, image_size=(32, 32), random_state=0)
marked = cells.images.copy()
marked[cells.y == 1, 3:8, 22:29] = (20, 40, 60)
names = np.array(cells.target_names)[cells.y]

# %%
# It reaches an excellent score, which is wrong for new slides without the mark.
settings = {"filters": (8,), "learning_rate": 0.003, "epochs": 8, "early_stopping": False}
classifier = CellClassifier(**settings, random_state=0).fit(marked, names)
print(f"accuracy with the mark:    {classifier.score(marked, names):.2f}")
print(f"accuracy without the mark: {classifier.score(cells.images, names):.2f}")

# %%
# The maps
# --------
# The strongest color is on the mark. ``target`` shows areas that support one class in all images.
GradCAMDisplay.from_estimator(classifier, marked, labels=names, target="malignant", n_images=4)

# %%
# Two methods that work differently agree: HiResCAM asks the features inside the network, and
# occlusion asks only for predictions of images in which a part is covered.

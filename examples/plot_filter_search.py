"""
A search over the filters
=========================

``GridSearchCV`` compares numbers of filters and of layers. All images of a patient are on one
side of every split.
"""

import sklearn
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold

from cellsk import CellClassifier, TrainingCurveDisplay, make_cells

# %%
# The images are drawn in memory: 240 images of twelve patients. With files, put an
# :class:`~cellsk.ImageReader` before the classifier, and search over ``classifier__filters``.
cells = make_cells(240, n_patients=12, image_size=(32, 32), random_state=0)

# %%
# The length of ``filters`` is the number of convolutional layers. With metadata routing, the
# groups that are passed to ``fit`` reach both the splitter and the classifier.
sklearn.set_config(enable_metadata_routing=True)
classifier = CellClassifier(
    learning_rate=0.003, epochs=12, early_stopping=False, random_state=0
).set_fit_request(groups=True)
search = GridSearchCV(
    classifier,
    {"filters": [(4,), (8, 16)]},
    cv=StratifiedGroupKFold(n_splits=2, shuffle=True, random_state=0),
    scoring="roc_auc",
)
search.fit(cells.images, cells.y, groups=cells.groups)

# %%
# The table
# ---------
# Compare the standard deviation with the differences between the means. If the means differ less
# than the folds of one candidate, the search does not show which candidate is better.
results = search.cv_results_
print(f"{'filters':<14}{'mean AUC':>10}{'std':>8}{'rank':>6}")
for row in results["rank_test_score"].argsort():
    print(
        f"{results['param_filters'][row]!s:<14}"
        f"{results['mean_test_score'][row]:>10.3f}"
        f"{results['std_test_score'][row]:>8.3f}"
        f"{results['rank_test_score'][row]:>6}"
    )

# %%
# A number to report
# ------------------
# The best candidate was chosen by these scores, so its score is too good. The bias grows with the
# number of candidates. Report the score of the search on new patients, as here, or pass the search
# itself to ``cross_val_score``.
new_cells = make_cells(240, n_patients=12, image_size=(32, 32), random_state=1)
print("best filters:", search.best_params_["filters"])
print(f"AUC in the search:   {search.best_score_:.3f}")
print(f"AUC on new patients: {search.score(new_cells.images, new_cells.y):.3f}")

# %%
# Here the score on new patients is not lower. Its network was trained on all images, while each
# network of the table was trained on half of them.
#
# The training of the best candidate
# ----------------------------------
# It was trained on all images, so there is no hold-out curve.
TrainingCurveDisplay.from_estimator(search)

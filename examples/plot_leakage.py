"""
Scores when patient grouping is ignored
=======================================

``report.leakage_gap()`` evaluates the same pipeline again, with folds that ignore the patients, and
shows both scores side by side. Here the stains of the patients differ more and more. The score by
patient falls, and the other score rises.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cellsk import evaluate, make_cells


# %%
# The pipeline uses colors only: quantiles of red, green and blue, and a random forest. Malignant
# nuclei are drawn larger and darker, so there is something to learn. But each patient has a
# different stain, and images of one class only. A model that recognizes the stain knows the class.
def color_quantiles(images):
    """Five quantiles of each color."""
    pixels = images.reshape(len(images), -1, 3) / 255
    return np.hstack(np.quantile(pixels, [0.05, 0.25, 0.5, 0.75, 0.95], axis=1))


pipeline = make_pipeline(
    FunctionTransformer(color_quantiles), RandomForestClassifier(20, random_state=0)
)


# %%
# There are twenty patients with ten images each. Both scores are compared with the score on a
# hundred new patients.
def draw(n_patients, patient_effect, seed):
    """Draw 200 images. Each patient has images of one class."""
    return make_cells(
        200,
        n_patients=n_patients,
        pure_patients=True,
        patient_effect=patient_effect,
        image_size=(24, 24),
        random_state=seed,
    )


effects, gaps, new_scores = (0, 1, 3), [], []
for effect in effects:
    cells = draw(20, effect, seed=0)
    report = evaluate(
        pipeline,
        cells.images,
        cells.y,
        groups=cells.groups,
        target_names=cells.target_names,
        pos_label="malignant",
        n_splits=4,
        n_resamples=500,
        baselines=False,
    )
    gaps.append(report.leakage_gap())
    new = draw(100, effect, seed=99)
    proba = pipeline.fit(cells.images, cells.y).predict_proba(new.images)
    new_scores.append(roc_auc_score(new.y, proba[:, 1]))

print("stains differ by   ignoring patients   by patient   new patients")
for effect, gap, score in zip(effects, gaps, new_scores, strict=True):
    ignoring, grouped = gap["random"]["roc_auc"]["value"], gap["grouped"]["roc_auc"]["value"]
    print(f"{effect:>16}{ignoring:>20.2f}{grouped:>13.2f}{score:>15.2f}")

# %%
# The report describes the largest gap in a sentence:
print(gaps[-1]["sentence"])

# %%
# The picture
# -----------
# If all patients have the same stain, almost nothing can leak. If stains differ, a forest that was
# trained on some images of a patient recognizes the others by their color, and its score
# approaches 1. On new patients the score of the same forest falls. It is always within the interval
# of the folds by patient. If stains differ, it is below that of the folds that ignore patients.
figure, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
for name, label, marker, shift in (
    ("random", "folds ignore patients", "s", -0.06),
    ("grouped", "folds by patient", "o", 0.0),
):
    numbers = [gap[name]["roc_auc"] for gap in gaps]
    values = np.array([number["value"] for number in numbers])
    ends = np.array([[number["low"], number["high"]] for number in numbers]).T
    errors = np.abs(ends - values)
    ax.errorbar(np.add(effects, shift), values, errors, fmt=f"{marker}-", capsize=3, label=label)
ax.plot(np.add(effects, 0.06), new_scores, "k^", label="100 new patients")
ax.axhline(0.5, color="grey", linewidth=0.8, linestyle=":")
ax.set(xticks=effects, xlabel="difference between the stains of patients (patient_effect)")
ax.set(ylim=(0.2, 1.02), ylabel="ROC AUC, with 95% interval")
ax.legend(frameon=False, loc="lower left")

# %%
# Report the score by patient. Its interval is wide because twenty patients are few, and it is
# rather low because each fold trains on only fifteen of them. The gap is the error of a study that
# ignores patients. It also suggests that the pipeline learns stains. More patients would help
# against that, more images of the same patients would not.

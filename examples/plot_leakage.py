"""
What ignoring patients would have claimed
=========================================

``report.leakage_gap()`` evaluates the same pipeline once more, with folds that ignore the
patients, and shows both numbers side by side. Here the stains of patients are made to differ more
and more. The honest number falls, and the other one rises.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cellsk import evaluate, make_cells


# %%
# A pipeline that looks at colours alone: quantiles of red, green and blue, and a random forest.
# Malignant nuclei are drawn larger and darker, so there is something to learn. But each patient
# has a stain, and images of one class only; whoever knows the stain knows the class.
def colour_quantiles(images):
    """Five quantiles of each colour."""
    pixels = images.reshape(len(images), -1, 3) / 255
    return np.hstack(np.quantile(pixels, [0.05, 0.25, 0.5, 0.75, 0.95], axis=1))


pipeline = make_pipeline(
    FunctionTransformer(colour_quantiles), RandomForestClassifier(random_state=0)
)


# %%
# Twenty patients with twenty images each. The judge is a hundred patients whom nobody has seen.
def draw(n_patients, patient_effect, seed):
    """400 images of patients of one class each."""
    return make_cells(
        400,
        n_patients=n_patients,
        pure_patients=True,
        patient_effect=patient_effect,
        image_size=(32, 32),
        random_state=seed,
    )


effects, gaps, new_scores = (0, 1, 2, 3), [], []
for effect in effects:
    cells = draw(20, effect, seed=0)
    report = evaluate(
        pipeline,
        cells.images,
        cells.y,
        groups=cells.groups,
        target_names=cells.target_names,
        pos_label="malignant",
        n_resamples=500,
    )
    gaps.append(report.leakage_gap())
    new = draw(100, effect, seed=99)
    proba = pipeline.fit(cells.images, cells.y).predict_proba(new.images)
    new_scores.append(roc_auc_score(new.y, proba[:, 1]))

print("stains differ by   ignoring patients   by patient   new patients")
for effect, gap, score in zip(effects, gaps, new_scores, strict=True):
    claimed, honest = gap["random"]["roc_auc"]["value"], gap["grouped"]["roc_auc"]["value"]
    print(f"{effect:>16}{claimed:>20.2f}{honest:>13.2f}{score:>15.2f}")

# %%
# In words, for the widest gap:
print(gaps[-1]["sentence"])

# %%
# The picture
# -----------
# With one stain for all there is next to nothing to leak. As stains differ, a forest that has
# seen some images of a patient names the others by their colour, and its score approaches 1. On
# new patients the same forest does worse and worse. They lie within the intervals of the folds by
# patient each time, and never within those of the folds that ignore patients.
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
ax.set(xticks=effects, xlabel="how far stains of patients differ (patient_effect)")
ax.set(ylim=(0.2, 1.02), ylabel="ROC AUC, with 95 % interval")
ax.legend(frameon=False, loc="lower left")

# %%
# The number to report is the one by patient. It is wide, as twenty patients are few, and rather
# low, as each fold trains on sixteen of them. The gap tells what a paper without patients would
# have overstated. It is also a hint that the pipeline learns stains: more patients would mend
# that, and more images of the same ones would not.

"""Findings about shortcuts and label errors that are planted, and none without them."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from cellsk.audit import audit_images, find_label_errors
from cellsk.audit._cue_findings import _split_rows, score_cue


def draw(n, seed=0):
    """Return n different noisy images."""
    rng = np.random.default_rng(seed)
    return rng.integers(40, 220, (n, 24, 24, 3), dtype=np.uint8)


def codes(report):
    """Return the codes of shortcuts."""
    return {found.code for found in report.findings if found.code.startswith("A5")}


def write(folder, images, options):
    """Write each image with its own name and options, and return the paths."""
    paths = []
    for row, (image, (extension, more)) in enumerate(zip(images, options, strict=True)):
        paths.append(str(folder / f"{row:03d}{extension}"))
        Image.fromarray(image).save(paths[-1], **more)
    return paths


Y = np.arange(60) % 2
PATIENTS = np.array([f"P{row // 6}" for row in range(60)])  # each with both classes


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("A502", [(".png", {}), (".tif", {})]),
        ("A503", [(".jpg", {"quality": 95}), (".jpg", {"quality": 60})]),
        ("A504", [(".png", {"dpi": (72, 72)}), (".png", {"dpi": (300, 300)})]),
    ],
)
def test_cue_of_file_that_follows_label_is_found(tmp_path, code, options):
    """A format, compression or resolution that depends on the class is found."""
    paths = write(tmp_path, draw(60), [options[label] for label in Y])
    [found] = [f for f in audit_images(paths, Y, PATIENTS).findings if f.code == code]
    assert found.severity == "warning"
    assert found.details["roc_auc"] == 1
    assert "ROC AUC 1.00" in found.message


def test_cue_of_image_size_is_found_and_alone(tmp_path):
    """Cropped images of one class give findings about size only."""
    images = [image[: 24 - 4 * label] for image, label in zip(draw(60), Y, strict=True)]
    paths = write(tmp_path, images, [(".bmp", {})] * 60)
    assert {"A501", "A505"} == codes(audit_images(paths, Y, PATIENTS))


def test_cue_of_mean_color_is_found():
    """A class with more red is found."""
    images = draw(60)
    images[Y == 1, :, :, 0] += 30
    assert codes(audit_images(images, Y, PATIENTS)) == {"A506"}


@pytest.mark.parametrize("seed", range(4))
def test_cue_that_follows_nothing_is_not_reported(tmp_path, seed):
    """Formats that do not depend on the labels give no finding."""
    rng = np.random.default_rng(seed)
    kinds = [(".png", {}), (".jpg", {"quality": 90}), (".tif", {})]
    paths = write(tmp_path, draw(60, seed), [kinds[k] for k in rng.integers(0, 3, 60)])
    assert codes(audit_images(paths, rng.permutation(Y), PATIENTS)) == set()


def test_cue_of_few_patients_is_no_alarm(tmp_path):
    """Three patients against three, scanned in two formats, are too few for a finding."""
    patients = np.array([f"P{row // 10}" for row in range(60)])
    y = (np.arange(60) >= 30).astype(int)
    paths = write(tmp_path, draw(60), [[(".png", {}), (".tif", {})][label] for label in y])
    assert codes(audit_images(paths, y, patients)) == set()
    assert "A502" in codes(audit_images(paths, y))  # as independent images they are enough


def test_cue_that_separates_train_from_test_is_found():
    """A darker test set is found."""
    report = audit_images(draw(60), Y, test_paths=(draw(40, 1) * 0.7).astype(np.uint8))
    assert codes(report) == {"A516"}


def test_cue_score_of_noise_is_near_chance_and_of_label_is_one():
    """With three classes the p-value is over groups."""
    rng = np.random.default_rng(0)
    y, units = np.arange(300) % 3, np.repeat(np.arange(50), 6).astype(str)
    splits = _split_rows(y, units)
    noise = score_cue(rng.normal(size=(300, 2)), y, units, splits)
    assert abs(noise.roc_auc - 0.5) < 0.1
    assert noise.p_value > 0.005
    exact = score_cue(y[:, None].astype(float), y, units, splits)
    assert exact.roc_auc == exact.balanced_accuracy == 1
    assert exact.p_value < 1e-6


def test_cue_of_patients_that_differ_by_chance_is_no_alarm():
    """None of 15 sets gives an alarm. If images were independent, nearly all would."""
    rng = np.random.default_rng(1)
    units = np.repeat(np.arange(16), 10).astype(str)
    y = np.repeat(np.arange(16) % 2, 10)
    splits = _split_rows(y, units)
    values = [rng.normal(size=16).repeat(10) + rng.normal(0, 0.2, 160) for _ in range(15)]
    p_values = [score_cue(value[:, None], y, units, splits).p_value for value in values]
    assert min(p_values) > 0.005


# Label errors -----------------------------------------------------------------------


def predict_noisy(flip_by=10, **options):
    """Return noisy labels, out-of-fold probabilities and the flipped rows."""
    X, y = make_classification(600, n_features=8, n_informative=6, n_clusters_per_class=1,
                               class_sep=2, flip_y=0, random_state=0, **options)  # fmt: skip
    flipped = np.arange(0, 600, flip_by)
    noisy = y.copy()
    noisy[flipped] = (y[flipped] + 1) % (y.max() + 1)
    proba = cross_val_predict(LogisticRegression(), X, noisy, cv=5, method="predict_proba")
    return noisy, proba, flipped


@pytest.mark.parametrize("options", [{}, {"n_classes": 3}])
def test_label_errors_planted_are_found_first(options):
    """Most flipped labels are found, and nearly all of the first 30 rows are flipped."""
    y, proba, flipped = predict_noisy(**options)
    rows = find_label_errors(y, proba)
    assert np.isin(flipped, rows).mean() > 0.6
    assert np.isin(rows[:30], flipped).mean() > 0.9


def test_label_errors_follow_worked_counts():
    """By hand: both thresholds are 0.7. Row 2 reaches that of the other class, row 5 does not."""
    proba = np.array([[0.9, 0.1], [0.95, 0.05], [0.25, 0.75], [0.2, 0.8], [0.1, 0.9], [0.6, 0.4]])
    y = [0, 0, 0, 1, 1, 1]
    assert np.mean(proba[:3, 0]) == pytest.approx(0.7)
    assert np.mean(proba[3:, 1]) == pytest.approx(0.7)
    assert find_label_errors(y, proba).tolist() == [2]


def test_label_errors_leave_out_images_whose_label_is_the_most_probable_class():
    """By hand: row 2 reaches the threshold 0.3 of class 1, but class 0 is more probable."""
    proba = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.7, 0.3]])
    y = [0, 0, 0, 1]
    assert np.mean(proba[:3, 0]) == pytest.approx(0.85)
    assert find_label_errors(y, proba).tolist() == []


def test_label_errors_of_class_without_images_and_of_sure_model_are_none():
    """Right labels and a class without images give no errors."""
    assert find_label_errors([0, 0, 1], np.eye(3)[[0, 0, 1]]).tolist() == []


@pytest.mark.parametrize(
    ("y", "proba", "match"),
    [
        ([0, 1], [[0.5, 0.5]], "one row for each label"),
        ([0, 2], [[0.5, 0.5]] * 2, "must have a column.*order of predict_proba"),
        ([0, 1], [[0.5, np.nan]] * 2, "must be finite"),
    ],
)
def test_label_errors_faulty_arguments_are_refused(y, proba, match):
    """The error has rule and remedy."""
    with pytest.raises(ValueError, match=match):
        find_label_errors(y, proba)


def test_audit_with_probabilities_lists_images_and_patients():
    """An image and a patient that look like the other class are found."""
    y = np.repeat(np.arange(12) % 2, 5)
    patients = np.repeat([f"P{i:02d}" for i in range(12)], 5)
    rng = np.random.default_rng(0)
    positive = np.where(y == 1, 0.9, 0.1) + rng.uniform(-0.05, 0.05, 60)
    positive[7] = 0.02  # one image of patient P01
    positive[patients == "P04"] = 0.95
    report = audit_images(
        draw(60), y, patients, proba=np.stack([1 - positive, positive], 1),
        target_names=["benign", "malignant"],
    )  # fmt: skip
    found = {f.code: f for f in report.findings}
    assert set(found["A601"].rows) == {7, *range(20, 25)}
    assert found["A602"].details["groups"] == ["P04"]
    assert "P04 (benign)" in found["A602"].message

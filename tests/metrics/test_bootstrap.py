"""Samples, draws and coverage of bootstrap_scores and percentile_interval."""

import time
import tracemalloc

import numpy as np
import pytest
from scipy.stats import norm

import cellsk.metrics._bootstrap as bootstrap
from cellsk.metrics import bootstrap_scores, compute_scores, percentile_interval


def multiplicities(clusters, n_resamples, seed=0):
    """Return the weight of each image in each resample, drawn independently."""
    _, places = np.unique(clusters, return_inverse=True)
    generator = np.random.default_rng(seed)
    n_clusters = places.max() + 1
    for _ in range(n_resamples):
        draws = generator.integers(n_clusters, size=n_clusters)
        yield np.bincount(draws, minlength=n_clusters)[places]


@pytest.mark.parametrize("digits", [None, 1], ids=["no_ties", "ties"])
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_bootstrap_sample_equals_sklearn_with_weights(drawn, n_classes, digits):
    """Each sample equals the weighted score of scikit-learn, also with equal probabilities."""
    y, proba, predicted, clusters = drawn(90, n_classes, digits=digits)
    positive = 1 if n_classes == 2 else None
    samples = bootstrap_scores(
        y, proba, predicted, positive=positive, clusters=clusters, n_resamples=10
    )
    for index, times in enumerate(multiplicities(clusters, 10)):
        expected = compute_scores(y, proba, predicted, positive=positive, sample_weight=times)
        found = {name: values[index] for name, values in samples.items()}
        assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)
        assert list(found) == list(expected)


@pytest.mark.parametrize("n_classes", [2, 7])
@pytest.mark.parametrize("n_samples", [2, 3, 10])
def test_bootstrap_few_images_equal_sklearn(drawn, n_samples, n_classes):
    """If few images leave classes out, samples are NaN where compute_scores is NaN."""
    y, proba, predicted, _ = drawn(n_samples, n_classes, seed=3)
    positive = 0 if n_classes == 2 else None
    samples = bootstrap_scores(y, proba, predicted, positive=positive, n_resamples=15)
    undefined = 0
    for index, times in enumerate(multiplicities(np.arange(n_samples), 15)):
        expected = compute_scores(y, proba, predicted, positive=positive, sample_weight=times)
        found = {name: values[index] for name, values in samples.items()}
        assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)
        undefined += np.isnan(found["roc_auc"])
    assert undefined or n_samples == 10


def test_bootstrap_rows_that_miss_one_equal_sklearn(drawn):
    """With probabilities rounded to three digits, the losses are those of compute_scores."""
    y, proba, predicted, clusters = drawn(90, 7)
    rounded = proba.round(3)
    assert np.abs(rounded.sum(axis=1) - 1).max() > 1e-3
    samples = bootstrap_scores(y, rounded, predicted, clusters=clusters, n_resamples=10)
    for index, times in enumerate(multiplicities(clusters, 10)):
        expected = compute_scores(y, rounded, predicted, sample_weight=times)
        found = {name: values[index] for name, values in samples.items()}
        assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_bootstrap_constant_probabilities_equal_sklearn():
    """All probabilities may be equal."""
    y, proba = np.array([0, 1, 1, 0, 1, 0]), np.full((6, 2), 0.5)
    samples = bootstrap_scores(y, proba, y, positive=1, n_resamples=200)
    defined = ~np.isnan(samples["roc_auc"])
    assert defined.sum() > 180
    assert set(samples["roc_auc"][defined]) == {0.5}


def test_bootstrap_one_class_has_accuracy_only():
    """With one class, scores that need two classes are NaN in each resample."""
    samples = bootstrap_scores(
        [1, 1, 1, 1], np.full((4, 2), 0.5), [1, 0, 1, 1], positive=1, n_resamples=50
    )
    assert np.isnan(samples["roc_auc"]).all()
    assert np.isnan(samples["mcc"]).all()
    assert not np.isnan(samples["accuracy"]).any()


def test_bootstrap_single_patient_is_nan(drawn):
    """With one patient there is no interval."""
    y, proba, predicted, _ = drawn(20)
    samples = bootstrap_scores(y, proba, predicted, positive=1, clusters=["a"] * 20, n_resamples=50)
    assert list(samples) == list(compute_scores(y, proba, predicted, positive=1))
    assert all(np.isnan(values).all() for values in samples.values())
    assert np.isnan(percentile_interval(samples["accuracy"])).all()


def test_bootstrap_draws_do_not_depend_on_predictions(drawn):
    """A classifier and its copy differ by 0 in each resample."""
    y, proba, predicted, clusters = drawn(60)
    keywords = {"clusters": clusters, "n_resamples": 30}
    one = bootstrap_scores(y, proba, predicted, positive=1, **keywords)
    other = bootstrap_scores(1 - y, proba[:, ::-1], 1 - predicted, positive=0, **keywords)
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], atol=1e-12)


def test_bootstrap_names_of_patients_do_not_matter(drawn):
    """Names of patients, and codes with gaps, give the same draws."""
    y, proba, predicted, clusters = drawn(60)
    keywords = {"positive": 1, "n_resamples": 30}
    codes = bootstrap_scores(y, proba, predicted, clusters=clusters * 7 + 3, **keywords)
    names = bootstrap_scores(
        y, proba, predicted, clusters=[f"patient {code:03}" for code in clusters], **keywords
    )
    assert all(np.array_equal(codes[name], names[name], equal_nan=True) for name in codes)


def test_bootstrap_own_cluster_for_each_image_is_the_image_bootstrap(drawn):
    """No clusters and one cluster for each image give the same samples."""
    y, proba, predicted, _ = drawn(60)
    without = bootstrap_scores(y, proba, predicted, positive=1, n_resamples=30)
    single = bootstrap_scores(
        y, proba, predicted, positive=1, clusters=np.arange(60), n_resamples=30
    )
    assert all(np.array_equal(without[name], single[name], equal_nan=True) for name in without)


def test_bootstrap_chunks_do_not_change_samples(drawn, monkeypatch):
    """A resample does not depend on the chunk size or on the number of resamples."""
    y, proba, predicted, clusters = drawn(60)
    keywords = {"positive": 1, "clusters": clusters}
    whole = bootstrap_scores(y, proba, predicted, n_resamples=50, **keywords)
    monkeypatch.setattr(bootstrap, "_CHUNK_WEIGHTS", 7 * 60)
    parts = bootstrap_scores(y, proba, predicted, n_resamples=50, **keywords)
    fewer = bootstrap_scores(y, proba, predicted, n_resamples=20, **keywords)
    for name, values in whole.items():
        np.testing.assert_allclose(values, parts[name], rtol=1e-13)
        np.testing.assert_allclose(values[:20], fewer[name], rtol=1e-13)


def test_bootstrap_seed_decides_and_global_state_is_left(drawn):
    """Equal seeds give equal samples, and NumPy's global state does not change."""
    y, proba, predicted, _ = drawn(60)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    runs = [
        bootstrap_scores(y, proba, predicted, positive=1, n_resamples=30, random_state=seed)
        for seed in (5, 5, 6, None)
    ]
    assert np.array_equal(runs[0]["roc_auc"], runs[1]["roc_auc"])
    assert not np.array_equal(runs[0]["roc_auc"], runs[2]["roc_auc"])
    assert not np.array_equal(runs[0]["roc_auc"], runs[3]["roc_auc"])
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_bootstrap_mean_agrees_with_formula():
    """The standard deviation of a resampled fraction p is sqrt(p (1 - p) / n)."""
    y = np.repeat([0, 1], [300, 100])
    samples = bootstrap_scores(y, np.full((400, 2), 0.5), np.zeros(400, int), positive=1)
    assert samples["accuracy"].mean() == pytest.approx(0.75, abs=0.002)
    assert samples["accuracy"].std() == pytest.approx((0.75 * 0.25 / 400) ** 0.5, rel=0.06)


def test_bootstrap_fifty_thousand_images_is_quick_and_small(drawn):
    """200 resamples take less than 1 s of processor time, and little memory."""
    y, proba, predicted, _ = drawn(50_000)
    tracemalloc.start()
    start = time.process_time()
    bootstrap_scores(y, proba, predicted, positive=1, n_resamples=200)
    seconds = time.process_time() - start
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 1.0
    assert most < 100e6


def draw_patients(generator, n_patients=50, n_images=10):
    """Return labels, scores and patients, where images of a patient share a deviation.

    A score is normal with mean 1 (positive) or 0, variance 1 between and 0.2 within patients.
    """
    found = np.repeat(np.arange(n_patients) % 2, n_images)
    patients = np.repeat(np.arange(n_patients), n_images)
    score = found + generator.normal(size=n_patients)[patients]
    score += generator.normal(scale=0.2**0.5, size=len(found))
    return found, score, patients


@pytest.mark.slow
def test_bootstrap_over_patients_covers_and_over_images_does_not():
    """Intervals over patients include the true value in about 95%, over images in fewer.

    200 studies of 50 patients with 10 images each. The true area is known: the difference of
    two images of different patients is normal with mean 1 and variance 2.4.
    """
    truth = norm.cdf(1 / 2.4**0.5)
    generator = np.random.default_rng(0)
    covered = {"patients": 0, "images": 0}
    for study in range(200):
        found, score, patients = draw_patients(generator)
        share = norm.cdf(score - 0.5)
        proba, predicted = np.column_stack([1 - share, share]), (share > 0.5).astype(int)
        for unit, clusters in (("patients", patients), ("images", None)):
            samples = bootstrap_scores(
                found,
                proba,
                predicted,
                positive=1,
                clusters=clusters,
                n_resamples=300,
                random_state=study,
            )
            low, high = percentile_interval(samples["roc_auc"])
            covered[unit] += low <= truth <= high
    # Two standard errors of 200 studies at 0.95 are 0.03; 50 patients reduce the coverage.
    assert 0.90 <= covered["patients"] / 200 <= 0.98
    assert covered["images"] / 200 < 0.55


def test_percentile_interval_leaves_nan_out():
    """The interval is that of the defined samples."""
    values = np.linspace(0, 1, 201)
    padded = np.concatenate([np.full(100, np.nan), values])
    assert percentile_interval(padded) == pytest.approx((0.025, 0.975))
    assert percentile_interval(padded, 0.5) == pytest.approx((0.25, 0.75))


@pytest.mark.parametrize(
    ("n_defined", "n_undefined", "level", "is_defined"),
    [
        (40, 0, 0.95, True),
        (39, 0, 0.95, False),
        (39, 0, 0.90, True),
        (50, 50, 0.95, True),
        (50, 51, 0.95, False),
        (0, 0, 0.95, False),
        (0, 10, 0.95, False),
    ],
)
def test_percentile_interval_of_too_few_is_nan(n_defined, n_undefined, level, is_defined):
    """Each limit needs a sample outside of it, and half of the samples must be defined."""
    values = np.concatenate([np.arange(n_defined), np.full(n_undefined, np.nan)])
    low, high = percentile_interval(values, level)
    assert (not np.isnan([low, high]).any()) == is_defined


@pytest.mark.parametrize("level", [0, 1, 95])
def test_percentile_interval_wrong_level_is_named(level):
    """A level in percent is an error."""
    with pytest.raises(ValueError, match=r"confidence_level must be a number in \(0, 1\)"):
        percentile_interval([1, 2], level)


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"clusters": [1, 2]}, ValueError, r"clusters must have one patient.*4 images.*Pass None"),
        ({"n_resamples": 0}, ValueError, r"n_resamples must be a whole number of at least 1"),
        ({"n_resamples": 2.5}, TypeError, r"n_resamples must be a whole number"),
    ],
)
def test_bootstrap_wrong_argument_is_named(keywords, error, message):
    """Each error has the rule and the value."""
    y, proba = [0, 1, 0, 1], np.full((4, 2), 0.5)
    with pytest.raises(error, match=message):
        bootstrap_scores(y, proba, y, positive=1, **keywords)

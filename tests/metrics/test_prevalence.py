"""predictive_values, compared with published examples and with counts."""

import numpy as np
import pytest

from cellsk.metrics import bootstrap_scores, predictive_values


def test_predictive_values_equal_published_example():
    """Altman and Bland, BMJ 1994;309:102: at a prevalence of 0.25 PPV 0.45 and NPV 0.95."""
    ppv, npv = predictive_values(231 / 258, 54 / 86, 0.25)
    assert (round(ppv, 2), round(npv, 2)) == (0.45, 0.95)


def test_predictive_values_at_the_data_prevalence_are_those_of_the_table():
    """At the prevalence of the study they are the observed fractions: 231/263, 54/81."""
    ppv, npv = predictive_values(231 / 258, 54 / 86, 258 / 344)
    assert (ppv, npv) == pytest.approx((231 / 263, 54 / 81), abs=1e-12)


def test_predictive_values_of_samples_equal_those_of_each_resample(drawn):
    """At the prevalence of a resample they are the ppv and npv of that resample.

    That prevalence follows from accuracy = sensitivity p + specificity (1 - p).
    """
    y, proba, predicted, clusters = drawn(80)
    samples = bootstrap_scores(y, proba, predicted, positive=1, clusters=clusters, n_resamples=100)
    found, cleared = samples["sensitivity"], samples["specificity"]
    usable = np.abs(found - cleared) > 0.01
    prevalence = ((samples["accuracy"] - cleared)[usable] / (found - cleared)[usable]).clip(0, 1)
    ppv, npv = predictive_values(found[usable], cleared[usable], prevalence)
    assert usable.sum() > 50
    np.testing.assert_allclose(ppv, samples["ppv"][usable], rtol=1e-9)
    np.testing.assert_allclose(npv, samples["npv"][usable], rtol=1e-9)


@pytest.mark.parametrize(
    ("sensitivity", "specificity", "prevalence", "expected"),
    [
        (0.9, 0.8, 0.0, (0.0, 1.0)),
        (0.9, 0.8, 1.0, (1.0, 0.0)),
        (0.0, 1.0, 0.3, (np.nan, 0.7)),
        (1.0, 0.0, 0.3, (0.3, np.nan)),
        (np.nan, 0.8, 0.3, (np.nan, np.nan)),
    ],
)
def test_predictive_values_at_the_ends(sensitivity, specificity, prevalence, expected):
    """A prediction that never occurs has NaN; other results are floats."""
    found = predictive_values(sensitivity, specificity, prevalence)
    assert found == pytest.approx(expected, nan_ok=True)
    assert all(type(value) is float for value in found)


def test_predictive_values_broadcast():
    """Arrays of prevalences and operating points are broadcast."""
    ppv, _ = predictive_values([[0.9], [0.5]], [[0.9], [0.9]], [0.1, 0.5])
    np.testing.assert_allclose(ppv, [[0.5, 0.9], [5 / 14, 5 / 6]])


@pytest.mark.parametrize("name", ["sensitivity", "specificity", "prevalence"])
def test_predictive_values_percentage_is_refused(name):
    """A percentage is an error with a remedy."""
    arguments = {"sensitivity": 0.9, "specificity": 0.9, "prevalence": 0.5, name: 90}
    with pytest.raises(ValueError, match=rf"{name} must be between 0 and 1\. Got .* 90\. Divide"):
        predictive_values(**arguments)

"""All checks of scikit-learn on CellClassifier and ImageEmbedder."""

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from cellsk import CellClassifier, ImageEmbedder

# Plain rows of two features want a small network that learns fast. Steps cost less than epochs.
ESTIMATOR = CellClassifier(
    filters=(4,), dense_units=8, learning_rate=0.03, epochs=3, batch_size=8, random_state=0
)
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "A repeated image is drawn into other batches and hold-outs than an image of weight "
        "two. With one batch, no hold-out, and float32's tolerance they are equal: "
        "test_sample_weight_two_equals_image_twice."
    ),
}


@pytest.mark.filterwarnings("ignore::cellsk.exceptions.SmallHoldOutWarning")
@parametrize_with_checks([ESTIMATOR], expected_failed_checks=lambda _: EXPECTED_FAILURES)
def test_classifier_keeps_sklearn_contract(estimator, check):
    """scikit-learn's check passes."""
    check(estimator)


# The first level alone, because each check builds its network for rows of another length.
EMBEDDER = ImageEmbedder(size=8, levels=(0,), cache=None)


@parametrize_with_checks([EMBEDDER])
def test_embedder_keeps_sklearn_contract(estimator, check):
    """scikit-learn's check passes."""
    check(estimator)


def test_contract_has_at_least_sixty_checks():
    """scikit-learn generates all its checks, and few are expected to fail."""
    names = [check.func.__name__ for _, check in estimator_checks_generator(ESTIMATOR)]
    assert len(names) >= 60
    assert set(EXPECTED_FAILURES) <= set(names)
    assert len(EXPECTED_FAILURES) <= 1
    assert len(list(estimator_checks_generator(EMBEDDER))) >= 40

"""Predictions with several images per patient and equal probabilities."""

import numpy as np
import pytest


def draw(n_samples, n_classes=2, *, n_clusters=None, digits=None, seed=0):
    """Return labels, probabilities that depend on them, predicted classes and clusters."""
    generator = np.random.default_rng(seed)
    n_clusters = n_clusters or max(2, n_samples // 5)
    y = generator.integers(n_classes, size=n_samples)
    clusters = generator.integers(n_clusters, size=n_samples)
    favour = np.eye(n_classes)[y] * 1.2 + generator.normal(size=(n_samples, n_classes))
    proba = np.exp(favour) / np.exp(favour).sum(axis=1, keepdims=True)
    if digits is not None:  # ties, and rows that still sum to 1
        proba[:, 1:] = np.floor(proba[:, 1:] * 10**digits) / 10**digits
        proba[:, 0] = 1 - proba[:, 1:].sum(axis=1)
    # Not the likeliest everywhere, as after a tuned threshold.
    flipped = generator.random(n_samples) < 0.1
    predicted = np.where(flipped, (proba.argmax(axis=1) + 1) % n_classes, proba.argmax(axis=1))
    return y, proba, predicted, clusters


@pytest.fixture(scope="session")
def drawn():
    """Return the function that draws predictions."""
    return draw

"""Gray single cells on black, some of which contain a small dark inclusion."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.utils import Bunch

__all__ = ["draw_inclusions"]

SIZE = 50  # height and width in pixels
POSITIVE = 0.624  # fraction of cells with an inclusion
RADIUS = 22.0  # of a cell, in pixels


def draw_inclusions(n_samples: int, *, n_patients: int, contrast: float, seed: int) -> Bunch:
    """Return ``images`` (n, 50, 50, 1) uint8, ``y`` and ``groups``.

    An inclusion, 4 to 9 pixels wide, lies anywhere in its cell. It is ``contrast`` times 30 to 60
    levels darker than the cell, which has about 155. Patients differ in brightness.
    """
    rng = np.random.default_rng(seed)
    groups = rng.integers(n_patients, size=n_samples)
    y = (rng.random(n_samples) < POSITIVE).astype(int)
    gains = np.exp(0.15 * rng.standard_normal(n_patients))
    images = [
        _draw_cell(rng, gains[group], contrast if label else 0.0)
        for label, group in zip(y, groups, strict=True)
    ]
    return Bunch(images=np.stack(images), y=y, groups=groups)


def _draw_cell(rng: np.random.Generator, gain: float, contrast: float) -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5 - SIZE / 2
    radius = min(RADIUS * np.exp(0.08 * rng.standard_normal()), 0.98 * SIZE / 2)
    depth = radius * _draw_outline(rng, np.arctan2(y, x)) - np.hypot(y, x)
    light = 155 + 80 * gaussian_filter(rng.standard_normal((SIZE, SIZE)), 3)
    light -= 40 * np.exp(-np.clip(depth, 0, None) / 1.5)
    # All cells draw the same numbers, with an inclusion or without.
    angle, distance = rng.uniform(0, 2 * np.pi), (radius - 6) * np.sqrt(rng.random())
    width, darkness = rng.uniform(2, 4.5), contrast * rng.uniform(30, 60)
    away = np.hypot(y - distance * np.sin(angle), x - distance * np.cos(angle))
    light -= darkness * np.clip(width - away + 0.5, 0, 1)
    light = gain * gaussian_filter(light, 0.8) + 1.5 * rng.standard_normal((SIZE, SIZE))
    pixels = np.clip(np.rint(light), 1, 255) * (depth > 0)
    return pixels.astype(np.uint8)[..., np.newaxis]


def _draw_outline(rng: np.random.Generator, angle: np.ndarray) -> np.ndarray:
    """Return the distance of the outline in each direction, about 1."""
    waves = (
        0.03 * rng.standard_normal() * np.cos(number * angle + rng.uniform(0, 2 * np.pi))
        for number in (2, 3, 4)
    )
    return 1 + sum(waves)

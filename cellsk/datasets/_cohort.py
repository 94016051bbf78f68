"""Patients, slides and labels of a drawn data set."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk.exceptions import InputError

TARGET_NAMES = ["benign", "malignant"]

Ints = NDArray[np.int64]


class Cohort(NamedTuple):
    """Labels, patients and slides of all images, decided before anything is drawn."""

    y: Ints
    y_true: Ints
    patient: Ints
    slide: Ints
    source: Ints  # the row whose pixels a row shows: another row for duplicates


def spawn(seed: list[int], *key: int) -> np.random.Generator:
    """Return a random generator whose draws do not depend on any other key."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def _alternate(n: int, share: float) -> Ints:
    """Return n zeros and ones, with ``share`` of ones in every part that begins at the start."""
    return np.diff(np.floor(share * np.arange(n + 1) + 0.5)).astype(np.int64)


def plan_cohort(
    n_samples: int, n_patients: int, slides_per_patient: int, balance: float, pure: bool
) -> Cohort:
    """Assign the images to patients and slides.

    Raises
    ------
    ValueError
        If there are fewer images than patients, or too few patients for pure ones.
    """
    if n_patients > n_samples:
        raise InputError(
            "must be at most n_samples, so that each patient has an image",
            f"{n_patients} patients for {n_samples} images",
            "Pass a smaller n_patients.",
            parameter="n_patients",
            code="more-patients-than-images",
        )
    y = _alternate(n_samples, balance)
    patient = np.zeros(n_samples, dtype=np.int64)
    slide = np.zeros(n_samples, dtype=np.int64)
    for label, members in enumerate(_share_patients(y, n_patients, balance, pure)):
        rank = np.arange(np.count_nonzero(y == label))
        turn, place = np.divmod(rank, max(len(members), 1))
        patient[y == label] = members[place]
        # The classes start at opposite ends, so that few images still reach all slides.
        slides = np.arange(slides_per_patient)[:: 2 * label - 1]
        slide[y == label] = slides[turn % slides_per_patient]
    return Cohort(y, y, patient, slide, np.arange(n_samples))


def _share_patients(y: Ints, n_patients: int, balance: float, pure: bool) -> list[Ints]:
    """Return the patients of each class, in the order in which they get images."""
    everybody = np.arange(n_patients)
    if not pure or len(np.unique(y)) == 1:
        return [everybody[::-1], everybody]
    if n_patients == 1:
        raise InputError(
            "needs at least one patient of each class",
            "n_patients=1",
            "Pass n_patients=2 or more, or pure_patients=False.",
            parameter="pure_patients",
            code="pure-patients-too-few",
        )
    n_malignant = min(max(int(_alternate(n_patients, balance).sum()), 1), n_patients - 1)
    malignant = _alternate(n_patients, n_malignant / n_patients).astype(bool)
    return [everybody[~malignant], everybody[malignant]]


def plan_duplicates(cohort: Cohort, n_duplicates: int, seed: list[int]) -> Cohort:
    """Make rows show the pixels of other rows of their class, of another patient if possible.

    Raises
    ------
    ValueError
        If no original of a class would be left.
    """
    order = spawn(seed, 3).permutation(len(cohort.y))
    _, originals = np.unique(cohort.y[order], return_index=True)
    spare = np.delete(order, originals)
    if n_duplicates > len(spare):
        raise InputError(
            f"must leave one original of each class, so at most {len(spare)} of {len(order)}"
            " images",
            f"{n_duplicates}",
            "Pass a smaller n_duplicates, or a larger n_samples.",
            parameter="n_duplicates",
            code="too-many-duplicates",
        )
    copies, source = spare[:n_duplicates], cohort.source.copy()
    is_original = ~np.isin(cohort.source, copies)
    for turn, row in enumerate(copies):
        candidates = np.flatnonzero(is_original & (cohort.y == cohort.y[row]))
        elsewhere = candidates[cohort.patient[candidates] != cohort.patient[row]]
        pool = elsewhere if len(elsewhere) else candidates
        source[row] = spawn(seed, 4, turn).choice(pool)
    return cohort._replace(source=source)


def plan_label_noise(cohort: Cohort, share: float, seed: list[int]) -> Cohort:
    """Flip ``share`` of the labels."""
    flipped = spawn(seed, 5).permutation(len(cohort.y))[: round(share * len(cohort.y))]
    y = cohort.y.copy()
    y[flipped] = 1 - y[flipped]
    return cohort._replace(y=y)


def name_slides(cohort: Cohort) -> list[str]:
    """Return the slide of each row, such as ``"P03-S1"``."""
    width = max(2, len(str(cohort.patient.max() + 1)))
    return [
        f"P{patient + 1:0{width}d}-S{slide + 1}"
        for patient, slide in zip(cohort.patient, cohort.slide, strict=True)
    ]


def name_files(cohort: Cohort, extension: str) -> list[str]:
    """Return the path of each row inside the folder, with forward slashes."""
    width = max(4, len(str(len(cohort.y) - 1)))
    return [
        f"{TARGET_NAMES[label]}/{slide}-{row:0{width}d}.{extension}"
        for row, (label, slide) in enumerate(zip(cohort.y, name_slides(cohort), strict=True))
    ]

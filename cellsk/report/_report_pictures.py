"""The pictures of a report: images, and maps of areas that support a wrong prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellsk.exceptions import InputError, InputTypeError
from cellsk.inspection import (
    as_pictures,
    choose_strongest,
    explain_images,
    find_peaks,
    make_overlay,
    shrink_strip,
)
from cellsk.model_selection import iter_estimators
from cellsk.preprocessing import ImageReader
from cellsk.report._reading import share_fixed_pixels
from cellsk.report._settings import EvaluationData
from cellsk.report.document import EvaluationDocument
from cellsk.report.render import choose_rows, make_thumbnails

__all__ = ["make_error_maps", "make_pictures"]

MAX_MAPS = 24  # of a page, which stays small


def make_pictures(
    document: EvaluationDocument, data: EvaluationData, estimator: Any, limit: int
) -> dict[int, str]:
    """Return small copies of the images that a page shows, as data URIs."""
    readers = (one for one in iter_estimators(estimator) if isinstance(one, ImageReader))
    return make_thumbnails(data.X, choose_rows(document, limit), reader=next(readers, None))


def make_error_maps(
    document: EvaluationDocument, data: EvaluationData, model: Any, limit: int
) -> dict[int, str]:
    """Return maps of the most confident errors of one fitted model, on one scale, as data URIs.

    They are those of HiResCAM, which takes one pass through the network.

    Returns
    -------
    maps : dict of int to str
        Empty without a model, if it predicts by something else than networks of cellsk, or if its
        images cannot be read or drawn.
    """
    rows = document["confident_errors"][: min(limit, MAX_MAPS)]
    if model is None or not rows:
        return {}
    taken = EvaluationData(data.X[rows], data.labels.take(np.asarray(rows)))
    try:
        with share_fixed_pixels(model, taken):
            found = explain_images(model, taken.X, methods="hires_cam")
        pictures = as_pictures(found.images)
    except (InputError, InputTypeError, OSError):
        return {}
    heat = found.heat["hires_cam"]
    strongest = choose_strongest(find_peaks(heat))
    overlays = [
        shrink_strip(np.rint(255 * make_overlay(picture, one, strongest)).astype(np.uint8))
        for picture, one in zip(pictures, heat, strict=True)
    ]
    drawn = make_thumbnails(overlays, range(len(rows)))
    return {rows[place]: uri for place, uri in drawn.items()}

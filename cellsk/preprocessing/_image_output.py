"""The output of transformers that return images: arrays, not data frames."""

from __future__ import annotations

from typing import Self

from cellsk._checks import show_value
from cellsk.exceptions import InputError

__all__ = ["ImageOutputMixin"]


class ImageOutputMixin:
    """A ``set_output`` that accepts the default output of scikit-learn, and refuses data frames."""

    def set_output(self, *, transform: str | None = None) -> Self:
        """Accept the default output of scikit-learn, and refuse data frames.

        With it, ``pipeline.set_output(transform="default")`` works.

        Parameters
        ----------
        transform : {"default"}, default=None
            "default" is an array of images. None changes nothing.

        Returns
        -------
        self : estimator

        Raises
        ------
        InputError
            If it is a data frame, which cannot hold images.
        """
        if transform not in (None, "default"):
            raise InputError(
                "must be 'default': images are arrays with four axes",
                show_value(transform),
                "Set the output of the steps after those that return images instead.",
                parameter="transform",
                code="images-are-no-table",
            )
        return self

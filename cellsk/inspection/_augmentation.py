"""AugmentationDisplay: training images, and what the network sees of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from cellsk._checks import check_count
from cellsk.exceptions import InputError, InputTypeError
from cellsk.inspection._figures import FONT_SIZE, GRAY
from cellsk.inspection._image_grid import ImageGridDisplay
from cellsk.inspection._selection import choose

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["AugmentationDisplay"]


class AugmentationDisplay:
    """Images, and versions of them that augmentation makes in training.

    Shows whether the changes are plausible: a pathologist should give each version the label of
    the original. Look at it before a long training.

    Make it with :meth:`from_estimator`. The constructor only stores its arguments.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
        The original images: uint8, or numbers from 0 to 1 or from 0 to 255.
    versions : ndarray of shape (n, n_versions, height, width, channels)
        Versions of each image.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure that holds the images.
    ax_ : ndarray of matplotlib Axes of shape (n, 1 + `n_versions`)
        One row for each image: the original first, then its versions.

    See Also
    --------
    CellClassifier : Its parameter `augmentation` changes images in training.
    ImageGridDisplay : Images with their labels and predictions.

    Examples
    --------
    >>> from cellsk import AugmentationDisplay, CellClassifier, make_cells
    >>> cells = make_cells(20, image_size=(16, 16), random_state=0)
    >>> display = AugmentationDisplay.from_estimator(
    ...     CellClassifier(augmentation="stain"), cells.images, n_versions=3, random_state=0
    ... )
    >>> display.versions.shape
    (6, 3, 16, 16, 3)
    """

    figure_: Figure
    ax_: NDArray[np.object_]

    def __init__(self, images: NDArray, versions: NDArray) -> None:
        self.images = images
        self.versions = versions

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        n_images: int = 6,
        n_versions: int = 7,
        random_state: int | np.random.RandomState | None = None,
        ax: Axes | None = None,
    ) -> AugmentationDisplay:
        """Draw images as a classifier gets them in training.

        Parameters
        ----------
        estimator : estimator
            A :class:`CellClassifier`, or a pipeline or search that ends in one, fitted or not.
            The other steps of a pipeline transform the images first. Steps that learn from
            images must be fitted.
        X : array-like of shape (n, ...)
            Images, or their paths if the pipeline begins with an :class:`ImageReader`.
        n_images : int, default=6
            Maximal number of images to draw. They are evenly spaced in `X`.
        n_versions : int, default=7
            Versions of each image.
        random_state : int, RandomState instance or None, default=None
            Seed of the versions. None draws a new one each time.
        ax : matplotlib Axes, default=None
            Axes that the images replace. None makes a new figure.

        Returns
        -------
        display : AugmentationDisplay

        Raises
        ------
        NotFittedError
            If a step before the classifier learns from images, and is not fitted.
        TypeError, ValueError
            If the estimator does not end in a classifier with an augmentation, the images are not
            for that augmentation, or another argument is not as above.

        Examples
        --------
        >>> from cellsk import AugmentationDisplay, CellClassifier, make_cells
        >>> cells = make_cells(20, image_size=(16, 16), random_state=0)
        >>> classifier = CellClassifier(augmentation="dihedral")
        >>> display = AugmentationDisplay.from_estimator(classifier, cells.images, n_images=2)
        >>> display.ax_.shape
        (2, 8)
        """
        from cellsk.neural_network import draw_versions

        check_count("n_versions", n_versions)
        steps, classifier = _split_steps(estimator)
        rows = choose(len(X), None, None, None, n_images, None).rows  # type: ignore[arg-type]
        images: Any = [X[row] for row in rows]  # type: ignore[index]
        for step in steps:
            images = step.transform(images)
        return cls(*draw_versions(classifier, images, n_versions, random_state)).plot(ax)

    def plot(self, ax: Axes | None = None) -> AugmentationDisplay:
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes that the images replace. None makes a new figure.

        Returns
        -------
        display : AugmentationDisplay

        Raises
        ------
        TypeError, ValueError
            If the images are not as the constructor describes them, or `ax` is not in a grid of
            subplots.
        """
        images, versions = np.asarray(self.images), np.asarray(self.versions)
        if versions.ndim != images.ndim + 1 or len(versions) != len(images):
            raise InputError(
                "must hold versions of each image, of shape (n, n_versions, ...)",
                f"shape {versions.shape} for images of shape {images.shape}",
                "Use AugmentationDisplay.from_estimator.",
                parameter="versions",
            )
        pictures = np.concatenate([images[:, np.newaxis], versions], axis=1)
        grid = ImageGridDisplay(pictures.reshape(-1, *images.shape[1:]))
        grid.plot(ax, n_columns=pictures.shape[1])
        self.ax_, self.figure_ = grid.ax_, grid.figure_
        self.ax_[0, 0].set_title("original", fontsize=FONT_SIZE, pad=4)
        if versions.shape[1]:
            title = {"fontsize": FONT_SIZE, "pad": 4, "color": GRAY, "loc": "left"}
            self.ax_[0, 1].set_title("in training", **title)
        return self


def _split_steps(estimator: Any) -> tuple[list[Any], Any]:
    """Return the transformers before the classifier, and the classifier.

    Raises
    ------
    InputTypeError
        If the estimator does not end in a classifier with the parameter ``augmentation``.
    """
    steps, found = [], estimator
    while not hasattr(found, "augmentation"):
        if isinstance(found, Pipeline):
            *before, (_, inner) = found.steps
            steps += [step for _, step in before if step not in (None, "passthrough")]
        else:
            inner = getattr(found, "best_estimator_", getattr(found, "estimator", None))
        if not isinstance(inner, BaseEstimator):
            raise InputTypeError(
                "must be a CellClassifier, or a pipeline or search that ends in one",
                type(estimator).__name__,
                "Pass CellClassifier(augmentation='dihedral').",
                parameter="estimator",
            )
        found = inner
    return steps, found

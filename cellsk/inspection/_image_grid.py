"""ImageGridDisplay: a grid of images with their labels and predictions."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import check_count, name_some
from cellsk.exceptions import InputError, InputTypeError
from cellsk.inspection._figures import BLUE, FONT_SIZE, VERMILLION, divide_axes
from cellsk.inspection._selection import choose
from cellsk.preprocessing import ImageReader

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

__all__ = ["ImageGridDisplay", "as_pictures", "count_images"]

_PANEL_INCHES, _LINE_INCHES, _PAD_INCHES = 1.5, 0.17, 0.06
_SHAPE = "must be gray or RGB: (height, width), or (height, width, 1 or 3)"
_RANGE = "must be uint8, or numbers from 0 to 1 or from 0 to 255"


class ImageGridDisplay:
    """Grid of images, each with its label and, optionally, its prediction.

    Look at images before you use new data, and when predictions are wrong. A right prediction
    has a blue frame and the text "right"; a wrong one has an orange frame and the text "wrong",
    with the predicted class.

    Make it with :meth:`from_arrays` or :meth:`from_paths`. The constructor only stores its
    arguments, and all images are drawn.

    Parameters
    ----------
    images : sequence of ndarray of shape (height, width), or (height, width, 1 or 3)
        The images to draw. uint8, or numbers from 0 to 1 or from 0 to 255.
    labels : array-like of shape (n_images,), default=None
        Names of the true classes.
    predictions : array-like of shape (n_images,), default=None
        Names of the predicted classes.
    rows : array-like of shape (n_images,), default=None
        Place of each image in the data from which it was chosen.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure that holds the grid.
    ax_ : ndarray of matplotlib Axes of shape (n_rows, n_columns)
        The grid. The last axes are hidden if there are fewer images than places.
    images_ : list of matplotlib AxesImage
        The images, in the order given.

    See Also
    --------
    cellsk.datasets.list_images : Paths and labels of the images in a folder.
    TrainingCurveDisplay : Accuracy and loss of each epoch.

    Notes
    -----
    The grid holds the same number of images of each label, so the share of right predictions
    in it is not an estimate of the accuracy.

    Gray images are drawn from black, 0, to white, 255 or 1. Their contrast is not stretched.

    Examples
    --------
    >>> from cellsk import ImageGridDisplay, make_cells
    >>> cells = make_cells(20, image_size=(16, 16), random_state=0)
    >>> display = ImageGridDisplay.from_arrays(
    ...     cells.images, cells.y, target_names=cells.target_names, n_images=4
    ... )
    >>> display.labels
    ['benign', 'benign', 'malignant', 'malignant']
    """

    figure_: Figure
    ax_: NDArray[np.object_]
    images_: list[AxesImage]

    def __init__(
        self,
        images: Sequence[NDArray] | NDArray,
        *,
        labels: Sequence[str] | None = None,
        predictions: Sequence[str] | None = None,
        rows: ArrayLike | None = None,
    ) -> None:
        self.images = images
        self.labels = labels
        self.predictions = predictions
        self.rows = rows

    @classmethod
    def from_arrays(
        cls,
        images: Sequence[NDArray] | NDArray,
        labels: ArrayLike | None = None,
        *,
        predictions: ArrayLike | None = None,
        target_names: Sequence[str] | None = None,
        n_images: int = 16,
        random_state: int | np.random.RandomState | None = None,
        ax: Axes | None = None,
        n_columns: int | None = None,
    ) -> ImageGridDisplay:
        """Choose among images in memory, and draw them.

        Parameters
        ----------
        images : ndarray of shape (n, height, width[, channels]), or sequence of such images
            Gray or RGB images. uint8, or numbers from 0 to 1 or from 0 to 255.
        labels : array-like of shape (n,), default=None
            True classes.
        predictions : array-like of shape (n,), default=None
            Predicted classes.
        target_names : sequence of str, default=None
            Names of the classes 0, 1, ... when labels and predictions are whole numbers.
            None writes the numbers.
        n_images : int, default=16
            Maximal number of images to draw: the same number of each label, as far as
            there are enough of them.
        random_state : int, RandomState instance or None, default=None
            Seed of a random choice. None takes evenly spaced images, the same ones each
            time.
        ax : matplotlib Axes, default=None
            Axes that the grid replaces. None makes a new figure.
        n_columns : int, default=None
            Images in a row. None makes the grid about square.

        Returns
        -------
        display : ImageGridDisplay

        Raises
        ------
        TypeError, ValueError
            When the images, labels or predictions are not as above, or differ in number.

        Examples
        --------
        >>> from cellsk import ImageGridDisplay, make_cells
        >>> cells = make_cells(20, image_size=(16, 16), random_state=0)
        >>> display = ImageGridDisplay.from_arrays(cells.images, n_images=4)
        >>> display.rows
        array([ 0,  6, 12, 19])
        """
        n = count_images("images", images)
        chosen = choose(n, labels, predictions, target_names, n_images, random_state)
        pictures = [np.asarray(images[row]) for row in chosen.rows]
        return cls(pictures, **chosen._asdict()).plot(ax, n_columns=n_columns)

    @classmethod
    def from_paths(
        cls,
        paths: Sequence[Any] | NDArray,
        labels: ArrayLike | None = None,
        *,
        predictions: ArrayLike | None = None,
        target_names: Sequence[str] | None = None,
        reader: ImageReader | None = None,
        n_images: int = 16,
        random_state: int | np.random.RandomState | None = None,
        ax: Axes | None = None,
        n_columns: int | None = None,
    ) -> ImageGridDisplay:
        """Choose among image files, read the chosen ones, and draw them.

        Parameters
        ----------
        paths : array-like of shape (n,)
            Image files: `paths` of :func:`~cellsk.datasets.list_images`.
        labels : array-like of shape (n,), default=None
            True classes.
        predictions : array-like of shape (n,), default=None
            Predicted classes.
        target_names : sequence of str, default=None
            Names of the classes 0, 1, ... when labels and predictions are whole numbers.
            None writes the numbers.
        reader : ImageReader, default=None
            Reads the chosen files. Pass the one of your pipeline to draw the images as the
            network gets them. None keeps the size and the proportions of each file.
        n_images : int, default=16
            Maximal number of images to draw: the same number of each label, as far as
            there are enough of them.
        random_state : int, RandomState instance or None, default=None
            Seed of a random choice. None takes evenly spaced images, the same ones each
            time.
        ax : matplotlib Axes, default=None
            Axes that the grid replaces. None makes a new figure.
        n_columns : int, default=None
            Images in a row. None makes the grid about square.

        Returns
        -------
        display : ImageGridDisplay

        Raises
        ------
        ImageReadError
            When a chosen file cannot be decoded.
        TypeError, ValueError
            When the paths, labels or predictions are not as above, or differ in number.

        Examples
        --------
        >>> import tempfile
        >>> from cellsk import ImageGridDisplay, make_cells
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cells = make_cells(
        ...         20, folder=f"{folder}/cells", image_size=(16, 16), random_state=0
        ...     )
        ...     display = ImageGridDisplay.from_paths(cells.paths, cells.y, n_images=6)
        >>> display.ax_.shape
        (2, 3)
        """
        n = count_images("paths", paths)
        chosen = choose(n, labels, predictions, target_names, n_images, random_state)
        pictures = _read(np.asarray(paths, dtype=object)[chosen.rows].tolist(), reader)
        return cls(pictures, **chosen._asdict()).plot(ax, n_columns=n_columns)

    def plot(self, ax: Axes | None = None, *, n_columns: int | None = None) -> ImageGridDisplay:
        """Draw the grid.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes that the grid replaces. None makes a new figure.
        n_columns : int, default=None
            Images in a row. None makes the grid about square.

        Returns
        -------
        display : ImageGridDisplay

        Raises
        ------
        TypeError, ValueError
            When the images are not as the constructor describes them, or `ax` is not in a
            grid of subplots.
        """
        pictures = as_pictures(self.images)
        n_lines = (self.labels is not None) + (self.predictions is not None)
        self.ax_ = _make_grid(ax, pictures, _choose_columns(n_columns, len(pictures)), n_lines)
        self.figure_ = self.ax_[0, 0].get_figure()
        self.images_ = []
        width = _measure(self.ax_[0, 0], ax)
        for place, panel in enumerate(self.ax_.ravel()):
            panel.set(xticks=[], yticks=[])
            if place >= len(pictures):
                panel.set_axis_off()
                continue
            self.images_.append(panel.imshow(pictures[place], cmap="gray", vmin=0, vmax=1))
            _describe(panel, _pick(self.labels, place), _pick(self.predictions, place), width)
        return self


def count_images(name: str, images: Any) -> int:
    if isinstance(images, (str, bytes, os.PathLike)) or not hasattr(images, "__len__"):
        raise InputTypeError(
            "must be an array or a list",
            type(images).__name__,
            "Pass several images, or one in a list.",
            parameter=name,
        )
    if not len(images):
        raise InputError(
            "must hold at least one image", "none", "Pass one or more.", parameter=name
        )
    return len(images)


def _read(paths: list[Any], reader: ImageReader | None) -> list[NDArray]:
    if reader is not None:
        return list(reader.transform(paths))
    return [ImageReader().transform([path])[0] for path in paths]


def _pick(names: Sequence[str] | None, place: int) -> str | None:
    return None if names is None else str(names[place])


def _choose_columns(n_columns: int | None, n_images: int) -> int:
    if n_columns is None:
        return math.ceil(math.sqrt(n_images))
    return min(check_count("n_columns", n_columns), n_images)


def _make_grid(
    ax: Axes | None, pictures: list[NDArray], n_columns: int, n_text_lines: int
) -> NDArray[np.object_]:
    """Return axes for all pictures, with space for their text."""
    import matplotlib.pyplot as plt

    n_rows = math.ceil(len(pictures) / n_columns)
    if ax is not None:
        return divide_axes(ax, n_rows, n_columns, wspace=0.1, hspace=0.1 + 0.2 * n_text_lines)
    ratio = float(np.median([picture.shape[0] / picture.shape[1] for picture in pictures]))
    height = _PANEL_INCHES * min(max(ratio, 0.5), 2.0) + _LINE_INCHES * n_text_lines
    size = (n_columns * (_PANEL_INCHES + 2 * _PAD_INCHES), n_rows * (height + 2 * _PAD_INCHES))
    figure, axes = plt.subplots(n_rows, n_columns, squeeze=False, figsize=size, layout="compressed")
    pads = {"w_pad": _PAD_INCHES, "h_pad": _PAD_INCHES, "wspace": 0, "hspace": 0}
    figure.get_layout_engine().set(**pads)  # type: ignore[union-attr]
    return axes


def _measure(panel: Axes, ax: Axes | None) -> int:
    """Return the number of characters that fit above an image."""
    inches = _PANEL_INCHES
    if ax is not None:
        inches = panel.get_window_extent().width / panel.figure.get_dpi()
    return max(int(72 * inches / (0.54 * FONT_SIZE)), 8)


def _describe(panel: Axes, label: str | None, prediction: str | None, n_characters: int) -> None:
    """Write the label above and the prediction below, and frame the image to match."""
    if label is not None:
        panel.set_title(_shorten(label, n_characters), fontsize=FONT_SIZE, pad=3)
    panel.spines[:].set_visible(prediction is not None and label is not None)
    if prediction is None:
        return
    verdict, color = f"predicted: {prediction}", "black"
    if label is not None:
        right = label == prediction
        verdict, color = ("right", BLUE) if right else (f"wrong: {prediction}", VERMILLION)
    panel.set_xlabel(_shorten(verdict, n_characters), fontsize=FONT_SIZE, labelpad=3, color=color)
    panel.spines[:].set(color=color, linewidth=2.0)


def _shorten(text: str, n_characters: int) -> str:
    """Cut a name that is longer than the image is wide."""
    return text if len(text) <= n_characters else text[: n_characters - 3] + "..."


def as_pictures(images: Sequence[NDArray] | NDArray) -> list[NDArray[np.float64]]:
    """Return images with values from 0 to 1, of shape (height, width[, 3]).

    All of them are multiplied by one factor, so that their brightness can be compared.

    Raises
    ------
    ValueError
        When an image has another shape, or values outside of both ranges.
    """
    arrays = [np.asarray(image) for image in images]
    if not arrays:
        raise InputError(
            "must hold at least one image", "none", "Pass one or more.", parameter="images"
        )
    for array in arrays:
        if array.ndim not in (2, 3) or 0 in array.shape or array.shape[2:] not in ((), (1,), (3,)):
            raise InputError(
                _SHAPE, f"shape {array.shape}", "Pass one image per entry.", parameter="images"
            )
    factor = _find_factor(arrays)
    return [
        (array[..., 0] if array.shape[2:] == (1,) else array).astype(np.float64) * factor
        for array in arrays
    ]


def _find_factor(arrays: list[NDArray]) -> float:
    dtypes = {array.dtype for array in arrays}
    if not all(dtype.kind in "buif" for dtype in dtypes):
        got = f"dtype {name_some(sorted(dtypes))}"
        raise InputError(_RANGE, got, "Pass pixels.", parameter="images")
    if dtypes == {np.dtype(np.uint8)}:
        return 1 / 255
    lowest = min(float(array.min()) for array in arrays)
    highest = max(float(array.max()) for array in arrays)
    if not (lowest >= 0 and highest <= 255):  # NaN fails this, too
        got = f"values from {lowest:g} to {highest:g}"
        raise InputError(_RANGE, got, "Rescale them first.", parameter="images")
    return 1.0 if highest <= 1 else 1 / 255

"""GradCAMDisplay: which places of an image support the predicted class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import check_count
from cellsk.exceptions import InputError
from cellsk.inspection._explanation import METHOD_NAMES, explain_images
from cellsk.inspection._figures import BLUE, FONT_SIZE, VERMILLION, divide_axes
from cellsk.inspection._image_grid import as_pictures, count_images
from cellsk.inspection._overlay import find_strongest, make_overlay
from cellsk.inspection._selection import choose

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

__all__ = ["GradCAMDisplay"]

_PANEL_INCHES, _TEXT_INCHES, _PAD_INCHES = 1.8, 0.42, 0.1
_GAP, _SCALE = 0.15, 0.06  # of a panel
_CAPTION = "Evidence for the class named below each map"


class GradCAMDisplay:
    """Images beside maps of the places that support the predicted class.

    Look at it to find out whether a network looks at cells, or at something that should not matter:
    a pen mark, a border, the background. Each row has the image, a class activation map, and the
    result of occlusion, which is slower but asks the whole model. Trust what both show.

    Make it with :meth:`from_estimator`. The constructor only stores its arguments.

    Parameters
    ----------
    images : sequence of ndarray of shape (height, width), or (height, width, 1 or 3)
        The images. uint8, or numbers from 0 to 1 or from 0 to 255.
    heat : dict of str to ndarray of shape (n_images, height, width)
        By method: "grad_cam", "hires_cam" or "occlusion". Positive where a place supports the
        explained class, negative where it counts against it.
    predictions : sequence of str
        Name of the predicted class of each image.
    confidence : array-like of shape (n_images,)
        Probability of the predicted class.
    explained : sequence of str, default=None
        Name of the class that each map explains. None is the predicted class.
    labels : sequence of str, default=None
        Name of the true class.
    rows : array-like of shape (n_images,), default=None
        Place of each image in the data from which it was chosen.
    strongest : dict of str to float, default=None
        Heat of the strongest color, by method. None takes that of the typical image.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure that holds the pictures.
    ax_ : ndarray of matplotlib Axes of shape (n_rows, n_columns)
        The image and its maps, and the next image in the same row if there are several.
    images_ : list of matplotlib AxesImage
        The image and its maps, of one image after the other.
    strongest_ : dict of str to float
        Heat of the strongest color, by method.

    See Also
    --------
    ImageGridDisplay : Images with their labels and predictions.

    Notes
    -----
    A map shows which places raised the score of *this* model. It shows neither that the model is
    right nor why a place matters. The same map can belong to a right and to a wrong prediction.

    **Class activation maps** multiply the features after the last convolution by the slope of the
    log-odds. Grad-CAM [1]_ averages the slope over the image first. This suits networks that end in
    a global average, where HiResCAM [2]_ gives the same map. A network that flattens its features,
    as "seed" does, weighs each place differently, so Grad-CAM can point to a wrong place, and
    HiResCAM is the default. The maps are as fine as the last convolution, and smoothed by a
    Gaussian of 1/32 of the shorter side. A network that ends in 3x3 cells gives a coarse map: pass
    an earlier `layer`.

    **Occlusion** [3]_ covers one place after the other by the mean color of the image, and shows
    how much the log-odds fall. It works for every classifier of images. If two places carry the
    same evidence, covering one of them may change nothing.

    Only heat for the class is drawn. All images of a display have the same scale, and each method
    has its own. The strongest color is the heat of the typical image, so a very strong place is
    not brighter than that. Thresholds and calibration are not part of the maps; of several networks
    in an ensemble, the mean is shown.

    References
    ----------
    .. [1] R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via
       gradient-based localization", ICCV 2017.
    .. [2] R. L. Draelos and L. Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations
       of convolutional neural networks", arXiv:2011.08891, 2020.
    .. [3] M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks",
       ECCV 2014.

    Examples
    --------
    >>> from cellsk import CellClassifier, GradCAMDisplay, make_cells
    >>> cells = make_cells(40, image_size=(16, 16), random_state=0)
    >>> classifier = CellClassifier(filters=(4,), epochs=1, early_stopping=False, random_state=0)
    >>> display = GradCAMDisplay.from_estimator(
    ...     classifier.fit(cells.images, cells.y), cells.images, labels=cells.y, n_images=2
    ... )
    >>> display.heat["hires_cam"].shape
    (2, 16, 16)
    """

    figure_: Figure
    ax_: NDArray[np.object_]
    images_: list[AxesImage]
    strongest_: dict[str, float]

    def __init__(
        self,
        images: Sequence[NDArray] | NDArray,
        *,
        heat: Mapping[str, NDArray],
        predictions: Sequence[str],
        confidence: ArrayLike,
        explained: Sequence[str] | None = None,
        labels: Sequence[str] | None = None,
        rows: ArrayLike | None = None,
        strongest: Mapping[str, float] | None = None,
    ) -> None:
        self.images = images
        self.heat = heat
        self.predictions = predictions
        self.confidence = confidence
        self.explained = explained
        self.labels = labels
        self.rows = rows
        self.strongest = strongest

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        labels: ArrayLike | None = None,
        target: Any = None,
        target_names: Sequence[str] | None = None,
        methods: str | Sequence[str] | None = None,
        layer: str | None = None,
        patch_size: int | None = None,
        fill: str = "mean",
        n_images: int = 6,
        random_state: int | np.random.RandomState | None = None,
        ax: Axes | None = None,
        n_columns: int | None = None,
    ) -> GradCAMDisplay:
        """Choose images, explain their predictions, and draw the maps.

        Parameters
        ----------
        estimator : fitted classifier, pipeline, search, calibration, threshold or vote
            A :class:`CellClassifier`, or an estimator with such classifiers inside. Occlusion works
            for every classifier of images.
        X : array-like of shape (n,), or (n, height, width[, channels])
            Paths or images, as the estimator takes them.
        labels : array-like of shape (n,), default=None
            True classes.
        target : label, or array-like of shape (n,), default=None
            The class to explain, of all images or of each. Pass the labels to see what supports
            the true class. None is the predicted class.
        target_names : sequence of str, default=None
            Names of the classes 0, 1, ... if the labels are whole numbers. None writes the numbers.
        methods : str or sequence of str, default=None
            Some of "grad_cam", "hires_cam" and "occlusion". None is "hires_cam" and "occlusion", or
            only "occlusion" if not all classifiers inside are networks of cellsk.
        layer : str, default=None
            Name of the layer for the class activation maps. None is the last one with height and
            width, in front of its pool.
        patch_size : int, default=None
            Side of the square that occlusion covers, in pixels. None is a sixth of the shorter
            side.
        fill : {"mean", "blur"}, default="mean"
            What covers it: the mean color of the image, or the blurred image.
        n_images : int, default=6
            Maximal number of images: the same number of each label, as far as there are enough.
        random_state : int, RandomState instance or None, default=None
            Seed of a random choice. None takes evenly spaced images, the same ones each time.
        ax : matplotlib Axes, default=None
            Axes that the pictures replace. None makes a new figure.
        n_columns : int, default=None
            Images in a row. None is one for up to three images, and two for more.

        Returns
        -------
        display : GradCAMDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ImageReadError
            If a chosen file cannot be decoded.
        TypeError, ValueError
            If a parameter is not as above, or the estimator does not predict from images.
        """
        n = count_images("X", X)
        chosen = choose(n, labels, None, target_names, n_images, random_state)
        if target is not None and np.ndim(target):
            target = np.asarray(target)[chosen.rows]
        found = explain_images(
            estimator,
            _take(X, chosen.rows),
            target=target,
            methods=methods,
            layer=layer,
            patch_size=patch_size,
            fill=fill,
        )
        names = _name_classes(estimator.classes_, target_names)
        display = cls(
            found.images,
            heat=found.heat,
            predictions=[names[code] for code in found.predicted],
            confidence=found.proba[np.arange(len(found.proba)), found.predicted],
            explained=[names[code] for code in found.explained],
            labels=chosen.labels,
            rows=chosen.rows,
        )
        return display.plot(ax, n_columns=n_columns)

    def plot(self, ax: Axes | None = None, *, n_columns: int | None = None) -> GradCAMDisplay:
        """Draw the images and their maps.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes that the pictures replace. None makes a new figure.
        n_columns : int, default=None
            Images in a row. None is one for up to three images, and two for more.

        Returns
        -------
        display : GradCAMDisplay

        Raises
        ------
        TypeError, ValueError
            If the images are not as the constructor describes them, or `ax` is not in a grid of
            subplots.
        """
        pictures, n_panels = as_pictures(self.images), 1 + len(self.heat)
        own = {method: find_strongest(maps) for method, maps in self.heat.items()}
        self.strongest_ = own if self.strongest is None else dict(self.strongest)
        columns = _choose_columns(n_columns, len(pictures))
        grid = _make_grid(ax, pictures, columns, n_panels)
        gaps = range(n_panels, grid.shape[1], n_panels + 1)
        self.ax_, self.images_ = np.delete(grid[:-1], gaps, axis=1), []
        self.figure_ = grid[0, 0].get_figure()
        for panel in grid.ravel():
            panel.set(xticks=[], yticks=[])
            panel.set_axis_off()
        panels = self.ax_.reshape(-1, n_panels)
        for place, picture in enumerate(pictures):
            self._draw_image(panels[place], place, picture)
        _draw_scale(grid[-1], self.strongest_.get("occlusion"))
        return self

    def _draw_image(self, panels: NDArray[np.object_], place: int, picture: NDArray) -> None:
        """Draw one image with its label and prediction, and its maps."""
        for panel in panels:
            panel.set_axis_on()
            panel.spines[:].set_visible(False)
        prediction = str(self.predictions[place])
        confidence = float(np.asarray(self.confidence)[place])
        self.images_.append(panels[0].imshow(picture, cmap="gray", vmin=0, vmax=1))
        label = None if self.labels is None else str(self.labels[place])
        _describe(panels[0], label, prediction, confidence)
        explained = prediction if self.explained is None else str(self.explained[place])
        for panel, (method, maps) in zip(panels[1:], self.heat.items(), strict=True):
            drawn = make_overlay(picture, maps[place], self.strongest_[method])
            self.images_.append(panel.imshow(drawn))
            panel.set_title(METHOD_NAMES[method], fontsize=FONT_SIZE, pad=3)
            panel.set_xlabel(f"for {explained}", fontsize=FONT_SIZE, labelpad=3)


def _take(X: Any, rows: NDArray) -> Any:
    return X[rows] if hasattr(X, "dtype") else [X[row] for row in rows]


def _name_classes(classes: NDArray, target_names: Sequence[str] | None) -> list[str]:
    """Return the names of the classes of an estimator, in their order."""
    if target_names is None or classes.dtype.kind not in "biu":
        return [str(label) for label in classes.tolist()]
    if classes.min() < 0 or classes.max() >= len(target_names):
        raise InputError(
            "must name each class of the estimator",
            f"{len(target_names)} names for the classes {classes.tolist()}",
            parameter="target_names",
        )
    return [str(target_names[int(label)]) for label in classes]


def _choose_columns(n_columns: int | None, n_images: int) -> int:
    if n_columns is None:
        return 1 if n_images <= 3 else 2
    return min(check_count("n_columns", n_columns), n_images)


def _make_grid(
    ax: Axes | None, pictures: list[NDArray], n_columns: int, n_panels: int
) -> NDArray[np.object_]:
    """Return axes for all images and maps, and a row below them for the scale."""
    import matplotlib.pyplot as plt

    n_rows = math.ceil(len(pictures) / n_columns)
    # A narrow column without content separates the images of a row.
    widths = ([1.0] * n_panels + [_GAP]) * n_columns
    ratios: dict[str, Any] = {
        "height_ratios": [1.0] * n_rows + [_SCALE],
        "width_ratios": widths[:-1],
    }
    if ax is not None:
        axes = divide_axes(ax, n_rows + 1, len(widths) - 1, wspace=0.1, hspace=0.5, **ratios)
    else:
        ratio = float(np.median([picture.shape[0] / picture.shape[1] for picture in pictures]))
        tall = _PANEL_INCHES * min(max(ratio, 0.5), 2.0)
        wide = sum(widths[:-1]) * (_PANEL_INCHES + _PAD_INCHES)
        high = n_rows * (tall + _TEXT_INCHES) + _SCALE * tall + 2 * _TEXT_INCHES
        options: dict[str, Any] = {"squeeze": False, "figsize": (wide, high)}
        figure, axes = plt.subplots(
            n_rows + 1, len(widths) - 1, layout="compressed", **options, **ratios
        )
        figure.get_layout_engine().set(h_pad=_PAD_INCHES)
    return axes


def _describe(panel: Axes, label: str | None, prediction: str, confidence: float) -> None:
    """Write the label above an image and the prediction below, in a color that fits."""
    text, color = f"predicted {prediction}, {confidence:.2f}", "black"
    if label is not None:
        panel.set_title(f"label: {label}", fontsize=FONT_SIZE, pad=3)
        right = label == prediction
        color = BLUE if right else VERMILLION
        text = f"{'right' if right else 'wrong'}: {prediction}, {confidence:.2f}"
        panel.spines[:].set(visible=True, color=color, linewidth=2.0)
    panel.set_xlabel(text, fontsize=FONT_SIZE, labelpad=3, color=color)


def _draw_scale(axes: NDArray[np.object_], strongest: float | None) -> None:
    """Draw the colors from none to strong, over the width of all panels."""
    first = axes[0].get_subplotspec()
    panel = axes[0].get_figure().add_subplot(first.get_gridspec()[first.rowspan.start, :])
    steps = np.linspace(0, 1, 128)
    # The colors as they look over a white place of an image.
    colors = make_overlay(np.ones((1, 128)), steps[np.newaxis], 1.0)
    panel.imshow(colors, aspect="auto", extent=(0, 1, 0, 1))
    panel.set(yticks=[], xticks=[0, 1])
    ends = panel.set_xticklabels(["none", "strong"], fontsize=FONT_SIZE)
    for end, side in zip(ends, ("left", "right"), strict=True):
        end.set_horizontalalignment(side)
    panel.tick_params(length=0)
    panel.set_title(_CAPTION, fontsize=FONT_SIZE, pad=3)
    if strongest is not None:
        after = f"{1 / (1 + math.exp(strongest)):.3f}".rstrip("0")
        text = f"occlusion, strong: covering the place lowers a probability of 0.5 to {after}"
        panel.set_xlabel(text, fontsize=FONT_SIZE, labelpad=-FONT_SIZE)

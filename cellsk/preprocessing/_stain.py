"""StainNormalizer: a transformer that gives images the stain of the training images."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self, TypeVar

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from cellsk._checks import check_number, check_option, count_noun
from cellsk.exceptions import InputError, InputTypeError, StainWarning
from cellsk.preprocessing._image_output import ImageOutputMixin
from cellsk.preprocessing._stain_methods import (
    METHODS,
    Statistics,
    change_image,
    find_target,
    measure_stain,
)

T = TypeVar("T")

_VECTORS, _MOMENTS = ("stains_", "max_concentrations_"), ("means_", "deviations_")
_BLOCK = 32  # images of one task of a thread
_RULE = "X must hold RGB images of shape (n_samples, height, width, 3), dtype uint8"
_READER_REMEDY = "Put a reader in front: make_pipeline(ImageReader(image_size=(96, 96)), ...)."


class StainNormalizer(ImageOutputMixin, TransformerMixin, BaseEstimator):
    """Give images the stain of the training images.

    Slides of one tissue differ in color with the laboratory, the batch of dye and the scanner. Use
    this transformer between the reader and the classifier of a pipeline. Its target is learned
    from the training images, inside each fold. See the page *Stain normalization* for when it
    helps, and when augmentation is better.

    An image without two stains is returned unchanged: a blank one, with less than 1% of stained
    pixels, a gray one, and one of a single color. Its hues would be invented.

    Parameters
    ----------
    method : {"macenko", "reinhard", "vahadane"}, default="macenko"
        "macenko" estimates the color vectors of two stains from the hues at the two ends, and
        scales the concentration of each stain. "vahadane" is the same with vectors by sparse
        non-negative factorization, and takes more time. "reinhard" estimates no stains: it gives
        the stained pixels the target's mean and deviation of brightness and of two hues.

    min_density : float, default=0.15
        Optical density from which on a pixel is stained: the length of the vector of
        ``-log10((value + 1) / 256)`` of the three channels. Paler pixels are not measured.

    n_jobs : int, default=None
        Number of threads. ``None`` is 1, or as :func:`joblib.parallel_config` sets it. It does not
        change the result.

    Attributes
    ----------
    stains_ : ndarray of shape (2, 3)
        Color vectors (red, green, blue) of the target's stains in optical density, of length 1. The
        first absorbs more red, as hematoxylin does; the second is eosin in H&E. The median over
        the training images. Not with "reinhard".

    max_concentrations_ : ndarray of shape (2,)
        Concentration of each stain below which 99% of the stained pixels of an image are, as the
        median over the training images. Not with "reinhard".

    means_, deviations_ : ndarray of shape (3,)
        Mean and standard deviation of the stained pixels in the space l, alpha, beta, as the median
        over the training images. Only with "reinhard".

    n_stained_ : int
        Number of training images with two stains. The others do not define the target.

    See Also
    --------
    ImageReader : Read the images as arrays.

    Notes
    -----
    The methods follow the papers with these choices:

    - Each training image counts once in the target, and a few images of another stain do not
      move a median.
    - Densities are decadic, and the pixel value 0 counts as half of the value 1. So no density is
      infinite.
    - Macenko's plane is that of the largest singular values without centering. Its vectors are at
      the first and the 99th percentile of the angle. Two vectors with less than 10 degrees
      between them are the noise of one color.
    - Vahadane's weight of sparsity is 0.1, for densities by the natural logarithm. The
      factorization begins at Macenko's vectors, and uses 2,048 stained pixels. Concentrations
      are least squares with the pseudo-inverse, as in the paper's method for whole slides.
    - Reinhard's method, made for photographs, changes every pixel. Here it measures stained pixels
      only, and a pixel between white and ``min_density`` is changed in part, so the background
      keeps white.

    The result of an image does not depend on the other images. Images of more than 1,024 pixels
    on a side are measured on every second, third, ... row and column.

    References
    ----------
    .. [1] M. Macenko et al. (2009). A method for normalizing histology slides for quantitative
       analysis. IEEE International Symposium on Biomedical Imaging.
    .. [2] E. Reinhard et al. (2001). Color transfer between images. IEEE Computer Graphics and
       Applications, 21(5).
    .. [3] A. Vahadane et al. (2016). Structure-preserving color normalization and sparse stain
       separation for histological images. IEEE Transactions on Medical Imaging, 35(8).

    Examples
    --------
    >>> import numpy as np
    >>> from cellsk import StainNormalizer
    >>> rng = np.random.default_rng(0)
    >>> density = rng.random((8, 16, 16, 2)) @ [[0.6, 0.7, 0.4], [0.1, 0.9, 0.3]]
    >>> X = (255 * 10 ** -density).astype(np.uint8)
    >>> normalizer = StainNormalizer().fit(X)
    >>> normalizer.stains_.shape
    (2, 3)
    >>> normalizer.transform(X).shape
    (8, 16, 16, 3)
    """

    def __init__(
        self, *, method: str = "macenko", min_density: float = 0.15, n_jobs: int | None = None
    ) -> None:
        self.method = method
        self.min_density = min_density
        self.n_jobs = n_jobs

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn the target from training images.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width, 3), dtype uint8
            RGB images.
        y : None
            Ignored.

        Returns
        -------
        self : StainNormalizer

        Raises
        ------
        TypeError, ValueError
            If X or a parameter is not as described above, or no image has two stains.

        Warns
        -----
        StainWarning
            If less than half of the images have two stains.
        """
        method, min_density = self._check_parameters()
        images = _check_images(X)
        measured = self._map_images(partial(measure_stain, method, min_density=min_density), images)
        stained = [one for one in measured if one is not None]
        _check_stained(len(stained), len(images))
        target = find_target(stained)
        for name in (*_VECTORS, *_MOMENTS):  # of an earlier fit
            self.__dict__.pop(name, None)
        for name, value in zip(_list_attributes(method), target, strict=True):
            setattr(self, name, value)
        self.n_stained_ = len(stained)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.uint8]:
        """Return the images with the stain of the target.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width, 3), dtype uint8
            RGB images. They may have another height and width than in `fit`.

        Returns
        -------
        images : ndarray of shape (n_samples, height, width, 3), dtype uint8
            New images. Those without two stains have the same pixels as before.

        Raises
        ------
        NotFittedError
            If `fit` was not called with this ``method``.
        TypeError, ValueError
            If X or a parameter is not as described above.
        """
        method, min_density = self._check_parameters()
        names = _list_attributes(method)
        check_is_fitted(self, names)
        target = Statistics(*(getattr(self, name) for name in names))
        images = _check_images(X)
        changed = np.empty(images.shape, dtype=np.uint8)

        def change(row: int) -> None:
            own = measure_stain(method, images[row], min_density)
            image = images[row]
            changed[row] = (
                image if own is None else change_image(method, image, own, target, min_density)
            )

        self._map_images(change, range(len(images)))
        return changed

    def _check_parameters(self) -> tuple[str, float]:
        method = check_option("method", self.method, METHODS)
        return method, check_number("min_density", self.min_density, low=0, high=4)

    def _map_images(self, function: Callable[[Any], T], items: Sequence[Any] | NDArray) -> list[T]:
        """Call ``function`` with each item, in threads, and return the results in order."""

        def call_each(block: slice) -> list[T]:
            return [function(item) for item in items[block]]

        blocks = (slice(start, start + _BLOCK) for start in range(0, len(items), _BLOCK))
        # NumPy computes without the lock of Python, and threads share the images.
        parallel = Parallel(n_jobs=self.n_jobs, require="sharedmem")
        return [result for found in parallel(map(delayed(call_each), blocks)) for result in found]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = ["uint8"]
        return tags


def _list_attributes(method: str) -> tuple[str, str]:
    """Return the names of the fitted attributes that hold the target of a method."""
    return _MOMENTS if method == "reinhard" else _VECTORS


def _check_stained(n_stained: int, n_images: int) -> None:
    """Refuse training images of which none has two stains, and warn if most do not."""
    if n_stained == 0:
        raise InputError(
            "At least one training image must show two stains",
            f"{count_noun(n_images, 'image')} that are blank, gray, or of one color",
            "Leave out the StainNormalizer if the images are not stained sections, or lower"
            " min_density if they are pale.",
            code="no-stained-images",
        )
    if 2 * n_stained < n_images:
        warnings.warn(
            StainWarning(
                "Most training images should show two stains",
                f"{n_stained:,} of {n_images:,}. The others are blank, gray, or of one color; they"
                " are returned unchanged",
                "Look at them, and leave out the StainNormalizer if the images are not stained"
                " sections.",
                code="few-stained-images",
            ),
            stacklevel=3,
        )


def _check_images(X: Any) -> NDArray[np.uint8]:
    """Return X as RGB images of 8 bits.

    Raises
    ------
    InputError, InputTypeError
        If it holds something else.
    """
    try:
        images = np.asarray(X)
    except ValueError:
        raise InputError(
            _RULE, "images that differ in size", _READER_REMEDY, code="image-layout"
        ) from None
    if images.dtype.kind not in "fuib":
        raise InputTypeError(
            _RULE, f"an array of {images.dtype}", _READER_REMEDY, code="images-are-paths"
        )
    if images.ndim != 4 or images.size == 0:
        raise InputError(_RULE, f"shape {images.shape}", _READER_REMEDY, code="image-layout")
    if images.shape[3] != 3:
        raise InputError(
            _RULE,
            count_noun(images.shape[3], "channel"),
            "Gray images have no stain: leave out the StainNormalizer."
            if images.shape[3] == 1
            else "Pass red, green and blue only: X[..., :3].",
            code="stain-needs-color",
        )
    if images.dtype != np.uint8:
        raise InputTypeError(
            _RULE,
            f"values of {images.dtype}",
            "Pass (255 * X).round().astype('uint8') if white is 1, or X.astype('uint8') if it is"
            " 255.",
            code="stain-needs-uint8",
        )
    return images

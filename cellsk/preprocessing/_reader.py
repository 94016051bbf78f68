"""ImageReader: a transformer from image files to an array of pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import Tags

from cellsk._checks import (
    check_count,
    check_image_size,
    check_option,
    check_value_range,
)
from cellsk._codec import MAX_PIXELS, FileFacts, ImageSource, decode_image, open_page
from cellsk.preprocessing._image_output import ImageOutputMixin
from cellsk.preprocessing._sources import ImagesInMemory, check_sources, read_each
from cellsk.preprocessing._store import check_store, open_store

MAX_STORE_BYTES = 2**33
# A run needs the images once for each side of each split. Only the disk should limit that.
_MAX_RUN_BYTES = 2**40

Inspect: TypeAlias = Callable[[ImageSource, NDArray[np.uint8], FileFacts], None]


class ImageReader(CallbackSupportMixin, ImageOutputMixin, TransformerMixin, BaseEstimator):
    """Read image files into one array of 8-bit pixels.

    Use it as the first step of a pipeline that takes paths as ``X``. Searches and
    cross-validation then send paths to their processes, which decode the images they need.
    The reader is stateless: ``fit`` learns nothing, and ``transform`` works without it.

    It reads PNG, JPEG, TIFF, BMP, WebP and JPEG 2000 files. The content of a file decides its
    format, not its name.

    Parameters
    ----------
    image_size : tuple of (int, int), default=None
        Height and width of the result, in pixels. Images of another size are resized
        with antialiasing; proportions are not kept. ``None`` uses the size of the first image,
        which all images must have.

    channels : {1, 3}, default=3
        3 for RGB, 1 for gray (ITU-R 601-2 luma: 0.299 R + 0.587 G + 0.114 B).

    page : int, default=None
        Page to read, counted from 0. ``None`` raises an error for files of several pages,
        because any choice among their pages would be a guess.

    value_range : tuple of (float, float), default=None
        The pixel values that become 0 (black) and 255 (white), in files of more than 8
        bits: ``(0, 4095)`` for 12-bit data in 16-bit files. A pixel outside the range is an
        error. ``None`` is the full range of the type: 0 to 65535 for 16 bits, 0 to 4095 for
        12 bits, 0 to 1 for floats. Signed and 32-bit whole numbers have no default range.
        Files of up to 8 bits do not depend on it.

    max_pixels : int, default=2**26
        Larger images raise an error before they are decoded, because a small file may claim
        to hold more pixels than fit into memory. Decoding takes at most 16 bytes for each pixel
        of this limit, 1 GiB by default. The longer side has at most 2**20 pixels, or
        ``max_pixels / 64`` if that is more.

    store : str or path-like, default=None
        Folder of decoded pixels, shared by folds, candidates, processes and later runs. It is
        created if missing. ``None`` keeps no pixels, because writing the pixels of patients to
        disk is your decision. See Notes.

    max_store_bytes : int, default=2**33
        Limit of the total size of the store, in bytes. The least recently used lists of images
        are removed to make space for a new one, unless a process uses them. If there is not
        enough space, a list is read into memory.

    verbose : int, default=0
        1 or more shows a progress bar on stderr.

    See Also
    --------
    cellsk.datasets.list_images : Paths, labels and groups from a folder.

    Notes
    -----
    How each kind of pixel is converted to 8-bit gray or RGB:

    - 1-bit, gray, palette, RGB, YCbCr: unchanged.
    - CMYK: R = 255 (1 - C) (1 - K), and so on. Color profiles are not applied.
    - Transparency, also in palettes: composed on white.
    - 16-bit gray: scaled by 255/65535 and rounded, not clipped.
    - 16-bit color: the high byte, which is correct within one level. A ``value_range`` raises
      an error, because the low byte is lost.
    - 32-bit float: must be in ``value_range``, by default 0 to 1. NaN raises an error.
    - Signed and 32-bit whole numbers: need ``value_range``.

    The EXIF orientation is applied, so an image has the height and width that a viewer
    shows. A multi-picture JPEG (MPO) is read as its primary picture. Images are resized after
    the conversion to 8 bits, by bilinear interpolation over the area of a pixel.

    Images beyond Pillow's limit against decompression bombs (about 179 million pixels) raise
    an error even if ``max_pixels`` is higher.

    With a ``store``, `transform` returns the same pixels as a map of a file
    (:class:`numpy.memmap`). Processes share it, and it need not fit into memory. It is
    read-only: copy what you want to change. The store has one file for each list of images.
    Images that other lists hold are copied from there, and the others are decoded. So read all
    images once before a search, and no fold decodes any.

    - An image is identified by its path, size and times, the parameters of the reader, and the
      versions of the decoder. If one of these changes, it is decoded again.
    - A process compares a file of the store with its checksums when it first maps it. A damaged
      file is replaced.
    - If several processes need the same list, one writes it and the others wait. If that
      process is killed, the next one continues.
    - The pixels are not encrypted, and only the owner of the folder can read them. You can
      remove the folder when no process uses it.
    - Lists with bytes are not kept. If the folder cannot be written, or its file system does not
      support locks, a `StoreWarning` reports it and the images are read without a store.
    - The environment variable ``CELLSK_STORE=off`` turns every store off.
    - A model file does not contain the store: a loaded reader has none.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from cellsk.preprocessing import ImageReader
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "cell.png"
    ...     Image.new("RGB", (20, 10), "white").save(path)
    ...     ImageReader(image_size=(4, 6)).transform([path, path]).shape
    (2, 4, 6, 3)
    """

    def __init__(
        self,
        *,
        image_size: tuple[int, int] | None = None,
        channels: int = 3,
        page: int | None = None,
        value_range: tuple[float, float] | None = None,
        max_pixels: int = MAX_PIXELS,
        store: str | os.PathLike[str] | None = None,
        max_store_bytes: int = MAX_STORE_BYTES,
        verbose: int = 0,
    ) -> None:
        self.image_size = image_size
        self.channels = channels
        self.page = page
        self.value_range = value_range
        self.max_pixels = max_pixels
        self.store = store
        self.max_store_bytes = max_store_bytes
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: Sequence[ImageSource] | ArrayLike, y: Any = None) -> ImageReader:
        """Check the parameters. No file is read.

        Parameters
        ----------
        X : array-like of shape (n_samples,)
            Ignored.
        y : None
            Ignored.

        Returns
        -------
        self : ImageReader

        Raises
        ------
        TypeError, ValueError
            If a parameter is not as described above.
        """
        self._check_parameters()
        # A single task without subtasks, so that callbacks on the pipeline work.
        context = self._init_callback_context().call_on_fit_task_begin(estimator=self, X=X, y=y)
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        return self

    def transform(self, X: Sequence[ImageSource] | ArrayLike) -> NDArray[np.uint8]:
        """Read the images.

        Parameters
        ----------
        X : array-like of shape (n_samples,)
            Paths (str or Path), or the contents of image files (bytes).

        Returns
        -------
        images : ndarray of shape (n_samples, height, width, channels), dtype uint8
            Read-only if it is from the ``store``.

        Raises
        ------
        ImageReadError
            If at least one image cannot be decoded, after all have been tried.
        ValueError
            If ``image_size`` is None and the images differ in size, or if ``X`` or a
            parameter is not as described.
        TypeError
            If ``X`` holds something else.
        NotADirectoryError
            If ``store`` is a file.

        Warns
        -----
        StoreWarning
            If the store cannot be written. The images are read without it.
        """
        settings = self._check_parameters()
        sources = check_sources(X)
        decode = partial(_decode, settings)
        store = open_store(self.store, self.max_store_bytes)
        if store is not None:
            kept = store.read(sources, settings, decode, verbose=self.verbose)
            if kept is not None:
                return kept
        images = ImagesInMemory(len(sources))
        read_each(sources, lambda index: decode(sources[index]), images.add, verbose=self.verbose)
        return images.finish()

    def _check_parameters(self) -> dict[str, Any]:
        """Return the settings of the decoder, checked."""
        if not isinstance(self.verbose, bool):
            check_count("verbose", self.verbose, minimum=0)
        check_store(self.store)
        check_count("max_store_bytes", self.max_store_bytes, unit="bytes")
        size, value_range, page = self.image_size, self.value_range, self.page
        if size is not None:
            size = check_image_size("image_size", size)
        if value_range is not None:
            value_range = check_value_range("value_range", value_range)
        if page is not None:
            page = check_count("page", page, minimum=0)
        return {
            "image_size": size,
            "channels": check_option("channels", self.channels, (1, 3)),
            "page": page,
            "value_range": value_range,
            "max_pixels": check_count("max_pixels", self.max_pixels),
        }

    def __sklearn_is_fitted__(self) -> bool:
        """Return True, because there is nothing to fit."""
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def give_store(reader: ImageReader, folder: str | os.PathLike[str]) -> None:
    """Set the store of a reader for one run. Its size is limited only if the user limited it.

    Parameters
    ----------
    reader : ImageReader
        Its parameters are changed.
    folder : str or path-like
        Folder of the store.
    """
    reader.set_params(store=os.fspath(folder))
    if reader.max_store_bytes == MAX_STORE_BYTES:
        reader.set_params(max_store_bytes=_MAX_RUN_BYTES)


class Reading(NamedTuple):
    """The result of `read_once`.

    Attributes
    ----------
    shape : tuple of int
        Height, width and channels of each image, as the reader returns it.
    images : ndarray of shape (n_samples, height, width, channels) or None
        Read-only map of the reader's store, which keeps the list while the map exists. None
        if the pixels are not kept.
    """

    shape: tuple[int, ...]
    images: NDArray[np.uint8] | None


def read_once(
    reader: ImageReader,
    X: Sequence[ImageSource] | ArrayLike,
    *,
    inspect: Inspect | None = None,
) -> Reading:
    """Decode all images once, before training, and keep the pixels in the store of the reader.

    Later calls of ``reader.transform`` with any of these images open no file. Without a store,
    or if it cannot keep the list, the files are only checked. At most one image is in memory.

    Parameters
    ----------
    reader : ImageReader
        Decides how the images are read. Its ``verbose`` shows a progress bar on stderr.
    X : array-like of shape (n_samples,)
        Paths, or the contents of image files.
    inspect : callable, default=None
        Called with each source that is decoded: the source, its pixels as an ``ImageReader()``
        returns them at full size, and the facts about the file. Not called for images that
        the store holds already, nor where such a reader would return other pixels.

    Returns
    -------
    reading : Reading

    Raises
    ------
    ImageReadError, TypeError, ValueError
        As `ImageReader.transform`.

    Warns
    -----
    StoreWarning
        If the store cannot be written.
    """
    settings = reader._check_parameters()
    sources = check_sources(X)
    decode = partial(_decode_and_inspect, settings, inspect)
    store = open_store(reader.store, reader.max_store_bytes)
    if store is not None:
        images = store.read(sources, settings, decode, verbose=reader.verbose, in_memory=False)
        if images is not None:
            return Reading(images.shape[1:], images)
    shape = read_each(
        sources, lambda index: decode(sources[index]), _keep_nothing, verbose=reader.verbose
    )
    return Reading(shape, None)


def _decode(settings: dict[str, Any], source: ImageSource) -> NDArray[np.uint8]:
    return decode_image(source, **settings)


def _decode_and_inspect(
    settings: dict[str, Any], inspect: Inspect | None, source: ImageSource
) -> NDArray[np.uint8]:
    if inspect is None:
        return _decode(settings, source)
    opening = {name: settings[name] for name in ("page", "value_range", "max_pixels")}
    whole, facts = None, None
    with open_page(source, **opening) as page:
        pixels = page.to_pixels(settings["channels"], settings["image_size"])
        if page.is_default:
            whole, facts = page.to_pixels(), page.describe_file()
    if whole is not None and facts is not None:  # outside, where errors do not mean damage
        inspect(source, whole, facts)
    return pixels


def _keep_nothing(index: int, pixels: NDArray[np.uint8]) -> None:
    pass

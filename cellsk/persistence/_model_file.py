"""Model files: a fitted estimator as one file, without pickle."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from cellsk._checks import check_count, show_value
from cellsk._files import whole_file
from cellsk.audit import TrainingFingerprints
from cellsk.exceptions import InputTypeError, ModelFileError
from cellsk.outliers import ImageOutlierDetector
from cellsk.persistence._archive import read_archive, refuse, write_archive
from cellsk.persistence._decoder import Decoder
from cellsk.persistence._encoder import Encoder
from cellsk.persistence._json import dump_json, parse_json
from cellsk.persistence._manifest import MANIFEST, build_manifest, check_manifest
from cellsk.persistence._training import decode_training, encode_training, is_training

__all__ = ["is_model_file", "load_model", "read_detector", "read_training", "save_model"]

_TREE = "estimator.json"
_DETECTOR = "detector-"  # beginning of the names of its members
_DETECTOR_TREE = f"{_DETECTOR}{_TREE}"
_START_BYTES, _MARK = 512, b'"format": "cellsk model"'


def save_model(
    estimator: BaseEstimator,
    path: str | os.PathLike[str] | BinaryIO,
    *,
    training: TrainingFingerprints | None = None,
    detector: ImageOutlierDetector | None = None,
) -> None:
    """Write a fitted estimator, with all estimators inside it, as one file without pickle.

    The file holds JSON, arrays, and ``.keras`` files of Keras, so that loading it runs no
    code of the file. Estimators of cellsk and scikit-learn can be saved, such as a
    :class:`~sklearn.pipeline.Pipeline` of readers, scalers and classifiers,
    :class:`~sklearn.calibration.CalibratedClassifierCV`,
    :class:`~sklearn.model_selection.TunedThresholdClassifierCV` or
    :class:`~sklearn.ensemble.VotingClassifier`, if their parameters and fitted attributes are
    numbers, text, arrays, or lists and dicts of these.

    Parameters
    ----------
    estimator : estimator
        The fitted estimator. For a search, pass ``search.best_estimator_``.
    path : str, path-like or binary file
        File to write, usually with the suffix ``.cellsk``. A file of that name is replaced
        when the new one is complete. If anything fails, it is unchanged. Pipes and devices, and
        binary files that are open, such as `io.BytesIO`, are written into.
    training : TrainingFingerprints, default=None
        Fingerprints of the training images, from :func:`make_training_fingerprints`, as the
        `ImageReader` of the estimator returns them if it has one. With them, :func:`evaluate_model`
        finds images, folders and patients that a test set shares with the training images. If
        they take more than 512 MiB (about 6 million images), the perceptual hashes are left out.
    detector : ImageOutlierDetector, default=None
        Fitted on the training images, as the `ImageReader` of the estimator returns them. With it,
        ``cellsk predict`` and :func:`evaluate_model` find images that are unlike the training
        images. It takes about 110 kB.

    Raises
    ------
    ModelFileError
        If this format cannot hold a part of the estimator, such as functions, Keras callbacks,
        ``RandomState`` instances and estimators of other packages. The message names the part.
    NotFittedError
        If the estimator or the detector is not fitted.
    FileNotFoundError
        If the folder does not exist.
    OSError
        If the file cannot be written.
    TypeError
        If ``path`` is neither a path nor a binary file.

    Warns
    -----
    ModelFileWarning
        If the file has no room for all fingerprints in ``training``.

    See Also
    --------
    load_model : Read the file.

    Notes
    -----
    The file is a zip archive of

    - ``manifest.json``: the format's version, the versions of the packages, and the SHA-256
      digest of each other member;
    - ``estimator.json``: classes, parameters and fitted attributes;
    - ``array-<k>.npy``: arrays;
    - ``training.json`` and ``training-<what>.npy``: fingerprints of the training images, if there
      are any. They hold no pixels and no names, and take 88 bytes for each image;
    - ``detector-estimator.json`` and ``detector-array-<k>.npy``: the detector, if there is one;
    - ``network-<k>.keras``: the network of each `CellClassifier` and `ImageEmbedder`. Extract it
      with any zip program and open it with ``keras.saving.load_model``. It holds weights, but
      not the state of the optimizer, so call ``model.compile`` before you train it further.

    The same fitted estimator gives the same bytes with the same versions of the packages.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from cellsk import CellClassifier, load_model, save_model
    >>> images = np.zeros((20, 8, 8, 3), dtype=np.uint8)
    >>> images[10:] = 255
    >>> y = np.repeat(["benign", "malignant"], 10)
    >>> classifier = CellClassifier(filters=(2,), epochs=1, early_stopping=False, random_state=0)
    >>> proba = classifier.fit(images, y).predict_proba(images)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.cellsk"
    ...     save_model(classifier, path)
    ...     loaded = load_model(path)
    >>> bool(np.array_equal(loaded.predict_proba(images), proba))
    True
    """
    _check_target(path, "write")
    encoder = Encoder()
    tree = dump_json(_TREE, encoder.encode_root(estimator))
    _check_fitted(estimator)
    members = {_TREE: tree, **encoder.members}
    if detector is not None:
        members |= _encode_detector(detector)
    if training is not None:
        members |= encode_training(training, sum(map(len, members.values())))
    _write_file(path, write_archive({MANIFEST: build_manifest(members), **members}))


def load_model(path: str | os.PathLike[str] | BinaryIO, *, max_bytes: int = 2**31) -> Any:
    """Read an estimator that `save_model` wrote, without running anything in the file.

    Parameters
    ----------
    path : str, path-like or binary file
        The file, or an open one that can seek, such as `io.BytesIO`.
    max_bytes : int, default=2**31
        Largest file to read. The members are not packed, so this also limits the memory that
        the file takes, up to a small factor. The page "What cellsk bounds" of the documentation
        lists the other limits.

    Returns
    -------
    estimator : estimator
        The estimator in the state in which it was saved. On the same machine and versions its
        predictions are the same, bit by bit.

    Raises
    ------
    ModelFileError
        If it is not a model file, is damaged or edited, was written by a newer version of
        cellsk, is not a regular file, does not fit into memory, or holds anything else than
        estimators of cellsk and scikit-learn and networks of the layers that cellsk knows.
    FileNotFoundError
        If there is no such file.
    OSError
        If it cannot be read.
    TypeError
        If ``path`` is neither a path nor a binary file.

    Warns
    -----
    sklearn.exceptions.InconsistentVersionWarning
        If a part was saved with another version of scikit-learn.

    See Also
    --------
    save_model : Write the file, and what is in it.

    Notes
    -----
    The file cannot choose a module to import or a place to write, and nothing is unpickled.
    Classes come from an allow list: public estimators and splitters of cellsk and
    scikit-learn, and a few private classes inside them. A network is checked layer by layer
    before Keras reads it. It cannot have a Lambda layer, a registered or custom object, or
    weights outside the file.

    The digests show that a file was damaged or edited. They do not show who wrote it, because
    anyone who edits a file can compute them again. The allow lists protect you: a file cannot
    name code to run. They do not show that its numbers make a good model, so trust its
    predictions as much as its author. They also do not compare the fitted arrays of
    scikit-learn's estimators with each other. Some estimators, such as support vector
    machines, compute in C without checking the shapes of these arrays.

    The network of a loaded classifier is compiled as in a new fit, with a new optimizer.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> from cellsk import load_model, save_model
    >>> scaler = StandardScaler().fit(np.array([[0.0], [2.0]]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "scaler.cellsk"
    ...     save_model(scaler, path)
    ...     load_model(path).transform(np.array([[3.0]]))
    array([[2.]])
    """
    _check_target(path, "read")
    if isinstance(path, str | os.PathLike):
        file = _check_path(path)
        members = _read_members(file, max_bytes)
    else:
        file = Path(str(getattr(path, "name", "model file")))
        members = _read_open(file, path, max_bytes)
    members = {
        name: data
        for name, data in members.items()
        if not is_training(name) and not name.startswith(_DETECTOR)
    }
    with _naming(file):
        tree = parse_json(_TREE, members.pop(_TREE, b""))
        return Decoder(members, max_bytes).decode_root(tree)


def is_model_file(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is a zip whose first member is the manifest of a model.

    The file may still be damaged. Only its first bytes are read.
    """
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        start = file.read(_START_BYTES)
    name = MANIFEST.encode()
    return start[:4] == b"PK\x03\x04" and start[30 : 30 + len(name)] == name and _MARK in start


def read_training(path: str | os.PathLike[str]) -> TrainingFingerprints | None:
    """Return the fingerprints of the training images in a model file, or None without them.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    training : TrainingFingerprints or None

    Raises
    ------
    ModelFileError, OSError
        As `load_model`.
    """
    file = _check_path(path)
    members = _read_members(file, 2**31)
    with _naming(file):
        return decode_training(members)


def read_detector(path: str | os.PathLike[str]) -> ImageOutlierDetector | None:
    """Return the detector of images unlike the training images in a model file, or None.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    detector : ImageOutlierDetector or None
        Fitted.

    Raises
    ------
    ModelFileError, OSError
        As `load_model`.
    """
    file = _check_path(path)
    members = _read_members(file, 2**31)
    with _naming(file):
        if _DETECTOR_TREE not in members:
            return None
        own = {name: data for name, data in members.items() if name.startswith(_DETECTOR)}
        tree = parse_json(_DETECTOR_TREE, own.pop(_DETECTOR_TREE))
        detector = Decoder(own, 2**31).decode_root(tree)
        if not isinstance(detector, ImageOutlierDetector):
            raise refuse(
                "A model file must describe a detector as cellsk does.",
                f"another estimator in {_DETECTOR_TREE!r}",
            )
        _check_fitted(detector)
        return detector


def _encode_detector(detector: ImageOutlierDetector) -> dict[str, bytes]:
    """Return a detector as members."""
    encoder = Encoder(_DETECTOR)
    tree = dump_json(_DETECTOR_TREE, encoder.encode_root(detector))
    _check_fitted(detector)
    return {_DETECTOR_TREE: tree, **encoder.members}


def _check_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a regular file. Opening a pipe would wait for its writer."""
    file = Path(path)
    if file.is_dir():
        raise refuse(
            "path must name a model file.",
            f"the folder {str(path)!r}",
            "Pass the file in it.",
            code="model-path-is-folder",
        )
    if not file.exists():
        raise FileNotFoundError(f"A model file must exist. Got {str(path)!r}: no such file.")
    if not file.is_file():
        raise refuse(
            "A model file must be a regular file.",
            f"{str(path)!r}, which is a pipe, a device or a socket",
            "Copy what it gives into a file, and pass that file.",
            code="model-path-not-a-file",
        )
    return file


def _read_members(file: Path, max_bytes: int) -> dict[str, bytes]:
    """Return the members of a model file without the manifest, which they agree with."""
    with file.open("rb") as source:
        return _read_open(file, source, max_bytes)


def _read_open(file: Path, source: BinaryIO, max_bytes: int) -> dict[str, bytes]:
    """Return the members of an open model file, which errors call ``file``."""
    check_count("max_bytes", max_bytes, unit="bytes")
    with _naming(file):
        members = read_archive(source, max_bytes)
        check_manifest(members)
        del members[MANIFEST]
        return members


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Let errors in the body name the file."""
    try:
        yield
    except MemoryError:
        size = f"{file.stat().st_size:,} bytes" if file.is_file() else "an open file"
        raise refuse(
            f"{file.name!r} cannot be loaded. A model file must fit into memory.",
            f"{size}, which take more memory than there is",
            "Close other programs, or load it where more memory is available.",
            code="model-file-out-of-memory",
        ) from None
    except ModelFileError as error:
        raise ModelFileError(
            f"{file.name!r} cannot be loaded. {error.rule}",
            error.got,
            error.remedy,
            code=error.code,
        ) from None


def _check_fitted(estimator: BaseEstimator) -> None:
    """Refuse a model that is not fitted. Estimators without a fit, such as readers, are fitted."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise NotFittedError(
            "A model must be fitted before it is saved. "
            f"Got a {type(estimator).__name__} that is not. Call fit first."
        ) from None


def _write_file(target: str | os.PathLike[str] | BinaryIO, data: bytes) -> None:
    """Write to an open file, or write a complete file or none."""
    if not isinstance(target, str | os.PathLike):
        _write_open(target, data)
        return
    with whole_file(target) as draft, draft.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _write_open(file: BinaryIO, data: bytes) -> None:
    """Write all bytes to an open file. A raw stream may take a part of them at a time."""
    rest = memoryview(data)
    while rest:
        count = file.write(rest)
        rest = rest[len(rest) if count is None else count :]


def _check_target(target: Any, method: str) -> None:
    """Raise if it is neither a path nor an open binary file.

    Raises
    ------
    InputTypeError
        If it is something else.
    """
    if not isinstance(target, str | os.PathLike) and not hasattr(target, method):
        raise InputTypeError(
            "must be a path, or an open binary file",
            show_value(target) if target is None else f"a {type(target).__name__}",
            "Pass 'model.cellsk', or io.BytesIO() with the bytes.",
            parameter="path",
            code="model-path-type",
        )

"""Errors and warnings that a caller of cellsk may want to catch.

Each of them is data: a rule, what came instead, a remedy, the parameter that the rule is about,
and a stable code. ``str()`` words them for Python; `Explained.explain` words them for readers who
know the parameter by another name, such as an option of the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "CacheWarning",
    "CellskWarning",
    "Explained",
    "FastStepWarning",
    "FoldManifestError",
    "ImageReadError",
    "ImageReadWarning",
    "InputError",
    "InputTypeError",
    "LabelWarning",
    "ModelFileError",
    "ModelFileWarning",
    "OutOfMemoryError",
    "PatientsUnknownWarning",
    "PixelRangeWarning",
    "SmallHoldOutWarning",
    "SplitWarning",
    "StainWarning",
    "StoreWarning",
    "ThreadsWarning",
    "UnlikeTrainingWarning",
    "WeakModelWarning",
]


class Explained(Exception):
    """A rule, what came instead, and a remedy.

    Parameters
    ----------
    rule : str
        The rule, without a period at its end. With a ``parameter`` it is what follows the name:
        ``"must be a positive integer"``.
    got : str, default=""
        What came instead, without a period at its end.
    remedy : str, default=""
        What to do, in whole sentences, for a reader who writes Python.
    parameter : str, default=None
        The parameter that the rule is about.
    code : str, default=""
        Stable name of this kind of problem. Other readers find their own words for the remedy
        by it.
    values : mapping of str to object, default=None
        What the words of other readers need to know.

    Attributes
    ----------
    rule : str
        The rule as a clause, with the name of the parameter.
    got, remedy, code : str
        As given.
    parameter : str or None
        As given.
    values : dict
        As given.

    Examples
    --------
    >>> from cellsk.exceptions import InputError
    >>> error = InputError("must be at least 2", "1", parameter="n_splits", code="too-few-folds")
    >>> str(error)
    'n_splits must be at least 2. Got 1.'
    >>> error.explain(parameter="--folds", remedy="Pass --folds 2.")
    '--folds must be at least 2. Got 1. Pass --folds 2.'
    """

    def __init__(
        self,
        rule: str,
        got: str = "",
        remedy: str = "",
        *,
        parameter: str | None = None,
        code: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self._predicate = rule
        self.got = got
        self.remedy = remedy
        self.parameter = parameter
        self.code = code
        self.values = dict(values or {})
        super().__init__(self.explain())

    @property
    def rule(self) -> str:
        """The rule as a clause, with the name of the parameter."""
        return self._name_rule(self.parameter)

    def explain(
        self, *, parameter: str | None = None, remedy: str | None = None, rule: str | None = None
    ) -> str:
        """Word the problem for a reader.

        Parameters
        ----------
        parameter : str, default=None
            What the reader calls the parameter. None keeps its name in Python.
        remedy : str, default=None
            What the reader can do. None keeps the remedy for Python.
        rule : str, default=None
            The whole rule, in words of the reader. None keeps that for Python.

        Returns
        -------
        text : str
            Rule, what came instead, and remedy, in sentences.
        """
        if rule is None:
            rule = self._name_rule(self.parameter if parameter is None else parameter)
        remedy = self.remedy if remedy is None else remedy
        parts = [
            rule if rule.endswith(".") else f"{rule}.",
            self.got and f"Got {self.got}.",
            remedy,
        ]
        return " ".join(part for part in parts if part)

    def _name_rule(self, parameter: str | None) -> str:
        return self._predicate if parameter is None else f"{parameter} {self._predicate}"

    def __reduce__(self) -> tuple:
        # A plain exception is pickled by its args, which hold the text alone.
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[Explained], args: tuple, state: dict[str, Any]) -> Explained:
    error: Explained = BaseException.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InputError(Explained, ValueError):
    """An argument, a file or a folder breaks a rule."""


class InputTypeError(Explained, TypeError):
    """An argument has a type that is not accepted."""


class FoldManifestError(InputError):
    """A fold manifest cannot be read, or it describes other images, labels or patients."""


class ImageReadError(InputError):
    """One or more image files cannot be decoded.

    The message counts the files and names the first few.

    Attributes
    ----------
    failures : list of (str, str)
        Name of each file that failed, in the order given, and the reason.
    """

    def __init__(
        self,
        rule: str,
        got: str = "",
        remedy: str = "",
        *,
        failures: list[tuple[str, str]] | None = None,
        **about: Any,
    ) -> None:
        self.failures = [] if failures is None else list(failures)
        super().__init__(rule, got, remedy, **about)


class ModelFileError(InputError):
    """A model cannot be saved as a model file, or a file cannot be loaded safely."""


class OutOfMemoryError(Explained, MemoryError):
    """A network and its batches do not fit into memory."""


class CellskWarning(Explained, UserWarning):
    """A warning of cellsk. The ``code`` names its kind."""


class CacheWarning(CellskWarning):
    """Features of images cannot be kept on disk, or those on disk are damaged."""


class FastStepWarning(CellskWarning):
    """The faster training step cannot be used with this version of Keras."""


class ImageReadWarning(CellskWarning):
    """Image files were left out: they are damaged, of another kind, or behind symbolic links."""


class LabelWarning(CellskWarning):
    """Class names are missing or mean nothing, or names of classes or patients are nearly equal."""


class ModelFileWarning(CellskWarning):
    """A model file lacks a part that predictions do not need."""


class PatientsUnknownWarning(CellskWarning):
    """Images were split without knowing their patients. The scores may be too good."""


class PixelRangeWarning(CellskWarning):
    """Pixels are many times larger than the pixels that the network was fitted on."""


class SmallHoldOutWarning(CellskWarning):
    """The hold-out for early stopping has too few images to choose an epoch."""


class SplitWarning(CellskWarning):
    """A split is allowed, but poor: few patients, a class missing, or patients on both sides."""


class StainWarning(CellskWarning):
    """Most training images have no two stains, so few define the target of a normalization."""


class StoreWarning(CellskWarning):
    """Decoded pixels cannot be kept in a store. Images are read from their files again."""


class ThreadsWarning(CellskWarning):
    """TensorFlow uses another number of threads than requested, so rounding differs."""


class UnlikeTrainingWarning(CellskWarning):
    """More test images are unlike the training images than are by chance."""


class WeakModelWarning(CellskWarning):
    """A model is not shown to be better than guessing, or predicts one class for all images."""

"""The errors and warnings that a caller of cellsk may want to catch."""

__all__ = [
    "FoldManifestError",
    "ImageReadError",
    "ImageReadWarning",
    "ModelFileError",
    "PatientsUnknownWarning",
    "PixelRangeWarning",
    "SmallHoldOutWarning",
    "SplitWarning",
    "StoreWarning",
    "ThreadsWarning",
]


class FoldManifestError(ValueError):
    """A fold manifest cannot be read, or is of other images, labels or patients."""


class ImageReadError(ValueError):
    """One or more image files could not be turned into pixels.

    The message counts the files and names the first few.

    Attributes
    ----------
    failures : list of (str, str)
        Name of each file that failed, in the order given, and the reason.
    """

    def __init__(self, message: str, failures: list[tuple[str, str]] | None = None) -> None:
        super().__init__(message)
        self.failures = [] if failures is None else list(failures)

    def __reduce__(self) -> tuple:
        return type(self), (str(self), self.failures)


class ImageReadWarning(UserWarning):
    """Image files were left out because they could not be turned into pixels."""


class ModelFileError(ValueError):
    """A model cannot be written as a model file, or a file is not one that may be loaded."""


class PatientsUnknownWarning(UserWarning):
    """Images were split without knowing their patients: the numbers may be too good."""


class PixelRangeWarning(UserWarning):
    """Pixels are many times larger than those that the network was fitted on."""


class SmallHoldOutWarning(UserWarning):
    """The images held out for early stopping are too few to say when to stop."""


class SplitWarning(UserWarning):
    """A split is allowed, but lopsided: few patients, a class missing, a search that parts them."""


class StoreWarning(UserWarning):
    """Decoded pixels could not be kept in a store: images are read from their files again."""


class ThreadsWarning(UserWarning):
    """TensorFlow runs with other threads than asked for, so numbers are rounded otherwise."""

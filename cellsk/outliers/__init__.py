"""Images that are unlike the training images."""

from cellsk.outliers._detector import ImageOutlierDetector

__all__ = ["ImageOutlierDetector"]

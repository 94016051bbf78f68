"""Fingerprints of the training images, as a member of a model file."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsk.audit import TrainingFingerprints
from cellsk.persistence._archive import refuse
from cellsk.persistence._json import dump_json, parse_json

__all__ = ["TRAINING", "decode_training", "encode_training"]

TRAINING = "training.json"
_RULE = f"{TRAINING} must hold the fingerprints that save_model writes."


def encode_training(training: TrainingFingerprints) -> bytes:
    """Return fingerprints as JSON."""
    return dump_json(
        TRAINING,
        {
            "n_images": len(training.digests),
            "digests": _encode(training.digests),
            "hashes": _encode(training.hashes),
            "patients": None if training.patients is None else _encode(training.patients),
            "n_patients": None if training.patients is None else len(training.patients),
            "salt": training.salt.hex(),
        },
    )


def decode_training(data: bytes) -> TrainingFingerprints:
    """Return the fingerprints in a member of a model file.

    Raises
    ------
    ModelFileError
        If they are not as `encode_training` writes them.
    """
    found = parse_json(TRAINING, data)
    try:
        n_images, n_patients = found["n_images"], found["n_patients"]
        return TrainingFingerprints(
            digests=_decode(found, "digests", n_images),
            hashes=_decode(found, "hashes", n_images),
            patients=None if n_patients is None else _decode(found, "patients", n_patients),
            salt=bytes.fromhex(found["salt"]),
        )
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise refuse(_RULE, "others") from None


def _encode(table: NDArray[np.uint8]) -> str:
    return base64.b64encode(table.tobytes()).decode()


def _decode(found: Mapping[str, Any], name: str, n_rows: int) -> NDArray[np.uint8]:
    values = np.frombuffer(base64.b64decode(found[name], validate=True), dtype=np.uint8)
    if type(n_rows) is not int or n_rows < 1 or len(values) % n_rows:
        raise ValueError(name)
    return values.reshape(n_rows, -1)

"""Fingerprints of the training images, as members of a model file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun
from cellsk.audit import DIGEST_SIZE, MAX_ROUNDS, N_HASH_VALUES, TrainingFingerprints
from cellsk.exceptions import ModelFileWarning
from cellsk.persistence._archive import LARGEST_MODEL, refuse
from cellsk.persistence._arrays import read_array, write_array
from cellsk.persistence._json import dump_json, parse_json

__all__ = ["decode_training", "encode_training", "is_training"]

TRAINING = "training.json"
WIDTHS = {
    "digests": DIGEST_SIZE,
    "hashes": N_HASH_VALUES,
    "patients": DIGEST_SIZE,
    "folders": DIGEST_SIZE,
}
# More than 5 million images of as many patients.
MAX_TRAINING_BYTES = 2**29
_RULE = "A model file must hold fingerprints of training images as cellsk writes them."


def is_training(name: str) -> bool:
    """Return whether a member of a model file holds fingerprints."""
    return name == TRAINING or name in map(_name_member, WIDTHS)


def encode_training(training: TrainingFingerprints, n_used: int) -> dict[str, bytes]:
    """Return fingerprints as members: JSON and arrays.

    Parameters
    ----------
    training : TrainingFingerprints
        What to keep.
    n_used : int
        Bytes of the other members.

    Warns
    -----
    ModelFileWarning
        If there is no room for all of them. A model is saved in any case.
    """
    members = _encode(training)
    room = min(MAX_TRAINING_BYTES, LARGEST_MODEL - n_used)
    if _count_bytes(members) > room:
        members = _encode(training._replace(hashes=None))
        left_out = "the perceptual hashes, so only copies with the same pixels are found later"
        if _count_bytes(members) > room:
            members, left_out = {}, "all of them, so copies are not found later"
        warnings.warn(
            ModelFileWarning(
                f"Fingerprints of training images must take at most {max(room, 0):,} bytes",
                f"those of {count_noun(len(training.digests), 'image')}. The model file leaves out"
                f" {left_out}",
                "To find other copies, pass train_paths to evaluate_model.",
                code="fingerprints-left-out",
            ),
            stacklevel=3,
        )
    return members


def _encode(training: TrainingFingerprints) -> dict[str, bytes]:
    about = {"salt": training.salt.hex(), "n_rounds": training.n_rounds}
    tables = {name: getattr(training, name) for name in WIDTHS}
    arrays = {
        _name_member(name): write_array(table)
        for name, table in tables.items()
        if table is not None
    }
    return {TRAINING: dump_json(TRAINING, about), **arrays}


def _count_bytes(members: Mapping[str, bytes]) -> int:
    return sum(map(len, members.values()))


def _name_member(name: str) -> str:
    return f"training-{name}.npy"


def decode_training(members: Mapping[str, bytes]) -> TrainingFingerprints | None:
    """Return the fingerprints among the members of a model file, or None without them.

    Raises
    ------
    ModelFileError
        If they are not as `encode_training` writes them.
    """
    if TRAINING not in members:
        return None
    about = parse_json(TRAINING, members[TRAINING])
    tables = {name: _decode(members, name) for name in WIDTHS}
    salt, n_rounds = about.get("salt"), about.get("n_rounds")
    digests, hashes = tables["digests"], tables["hashes"]
    if digests is None or (hashes is not None and len(hashes) != len(digests)):
        raise refuse(_RULE, "not one for each image")
    if type(n_rounds) is not int or not 1 <= n_rounds <= MAX_ROUNDS or not isinstance(salt, str):
        raise refuse(_RULE, f"others in {TRAINING}")
    try:
        return TrainingFingerprints(
            digests, hashes, tables["patients"], tables["folders"], bytes.fromhex(salt), n_rounds
        )
    except ValueError:
        raise refuse(_RULE, f"others in {TRAINING}") from None


def _decode(members: Mapping[str, bytes], name: str) -> NDArray[np.uint8] | None:
    data = members.get(_name_member(name))
    if data is None:
        return None
    if len(data) > MAX_TRAINING_BYTES:
        raise refuse(_RULE, f"{len(data):,} bytes in {_name_member(name)}")
    table = read_array(data)
    if table.dtype != np.uint8 or table.ndim != 2 or table.shape[1] != WIDTHS[name]:
        raise refuse(_RULE, f"{table.dtype} of shape {table.shape} in {_name_member(name)}")
    if not len(table):
        raise refuse(_RULE, f"no row in {_name_member(name)}")
    return table

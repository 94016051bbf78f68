"""The manifest: format, versions, and a digest of each other member."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from cellsk._checks import name_some
from cellsk.persistence._archive import refuse
from cellsk.persistence._json import dump_json, parse_json

__all__ = ["MANIFEST", "build_manifest", "check_manifest"]

MANIFEST = "manifest.json"
FORMAT = "cellsk model"
FORMAT_VERSION = 1

_PACKAGES = ("cellsk", "scikit-learn", "keras", "tensorflow", "numpy")


def build_manifest(members: Mapping[str, bytes]) -> bytes:
    """Return the manifest of the other members."""
    versions = {name: _package_version(name) for name in _PACKAGES}
    return dump_json(
        MANIFEST,
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "versions": {**versions, "python": platform.python_version()},
            "sha256": {name: sha256(data).hexdigest() for name, data in members.items()},
        },
    )


def check_manifest(members: Mapping[str, bytes]) -> None:
    """Compare the members with the manifest, byte by byte.

    Raises
    ------
    ModelFileError
        If the manifest is missing, has another format or a newer one, or a member is
        missing, not listed, or changed.
    """
    if MANIFEST not in members:
        raise refuse(
            f"A model file must have a member {MANIFEST!r}.",
            f"{name_some(sorted(members)) or 'no member at all'}",
            "Pass a file that save_model wrote.",
            code="not-a-model-file",
        )
    manifest = parse_json(MANIFEST, members[MANIFEST])
    _check_format(manifest)
    digests = manifest.get("sha256")
    if not isinstance(digests, dict):
        raise refuse(f"{MANIFEST} must list the digest of each member.", "none")
    _check_digests({name: members[name] for name in members.keys() - {MANIFEST}}, digests)


def _check_digests(members: Mapping[str, bytes], digests: Mapping[str, Any]) -> None:
    if differing := sorted(digests.keys() ^ members.keys()):
        state = "missing" if differing[0] in digests else "not listed"
        raise refuse(
            f"A model file must have the members that {MANIFEST} lists.",
            f"{differing[0][:100]!r}, which is {state}",
        )
    for name in sorted(members):
        if sha256(members[name]).hexdigest() != digests[name]:
            raise refuse(
                f"Each member must have the SHA-256 digest in {MANIFEST}.",
                f"another for {name!r}, which was damaged or edited",
            )


def _check_format(manifest: Mapping[str, Any]) -> None:
    if manifest.get("format") != FORMAT:
        raise refuse(
            f"The manifest of a model file must name the format {FORMAT!r}.",
            f"{str(manifest.get('format'))[:100]!r}",
            "Pass a file that save_model wrote.",
            code="not-a-model-file",
        )
    number = manifest.get("format_version")
    if type(number) is not int or number < 1:
        raise refuse(
            "The format version of a model file must be a positive whole number.",
            f"{str(number)[:100]!r}",
        )
    if number > FORMAT_VERSION:
        raise refuse(
            f"This version of cellsk reads model files up to format {FORMAT_VERSION}.",
            f"format {number}",
            "Update cellsk: pip install --upgrade cellsk.",
        )


def _package_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:  # for example, tensorflow-cpu instead of tensorflow
        return None

"""Warnings about image files that are left out: kinds that are not read, and symbolic links."""

from __future__ import annotations

import warnings

from cellsk._checks import count_noun, join_words, name_some
from cellsk.datasets._image_files import ImageFiles
from cellsk.datasets._image_kinds import count_endings
from cellsk.exceptions import ImageReadWarning

__all__ = ["name_endings", "warn_left_out"]


def name_endings(paths: list[str]) -> str:
    """Return counts of files by their ending: "12 .gif and 3 .dcm files"."""
    counts = count_endings(paths)
    listed = [f"{count:,} {ending}" for ending, count in list(counts.items())[:5]]
    if len(counts) > 5:
        listed.append(f"{sum(list(counts.values())[5:]):,} other")
    return f"{join_words(listed)} {'file' if len(paths) == 1 else 'files'}"


def warn_left_out(folder: str, found: ImageFiles, *, follow_links: bool) -> None:
    """Warn of image files that are not read, and of links that are not followed, are broken,
    or lead to images of another class.

    Warns
    -----
    ImageReadWarning
        One for each kind, with the number.
    """
    if found.unread:
        _warn(
            f"Images should be PNG, JPEG, TIFF, BMP, WebP or JPEG 2000 files in {folder!r}",
            f"{name_endings(found.unread)} too, left out. First: {name_some(found.unread)}",
            "Convert them, or move them away. The attribute not_read lists them all.",
            "images-of-other-kinds",
            found.unread,
        )
    if found.links_left:
        where = "to a folder above it or listed already" if follow_links else "out of the folder"
        _warn(
            f"Symbolic links in {folder!r} that lead {where} are not followed",
            f"{count_noun(len(found.links_left), 'link')}, left out. First:"
            f" {name_some(found.links_left)}",
            "Remove them." if follow_links else "Pass follow_links=True to list their targets.",
            "links-repeated" if follow_links else "links-left-out",
            found.links_left,
        )
    if found.links_repeated:
        _warn(
            f"Symbolic links in {folder!r} should not lead to images of another sub-folder",
            f"{count_noun(len(found.links_repeated), 'link')} to images that are listed there,"
            f" left out. First: {name_some(found.links_repeated)}",
            "If an image belongs to the class of the link, replace the link by the file.",
            "links-to-other-classes",
            found.links_repeated,
        )
    if found.links_broken:
        _warn(
            f"Symbolic links in {folder!r} should lead to a file or folder",
            f"{count_noun(len(found.links_broken), 'link')} to nowhere, left out. First:"
            f" {name_some(found.links_broken)}",
            "Get the files that they name, or remove the links.",
            "links-broken",
            found.links_broken,
        )


def _warn(rule: str, got: str, remedy: str, code: str, names: list[str]) -> None:
    values = {"n_files": len(names)}
    # The caller of list_images: warn_left_out and list_images are between.
    warnings.warn(ImageReadWarning(rule, got, remedy, code=code, values=values), stacklevel=4)

"""Kinds of files, known by their ending, or else by their first bytes."""

from __future__ import annotations

import os
import re

from cellsk._codec import EXTENSIONS
from cellsk._image_bytes import name_format
from cellsk._zip_files import ZipMemberError, read_zipped

__all__ = [
    "CLUTTER",
    "classify_file",
    "count_endings",
    "has_image_name",
    "has_other_ending",
    "has_read_name",
    "is_clutter",
]

# Folders and files of operating systems and storage systems, with thumbnails of the images.
CLUTTER = {
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "lost+found"),
    *("system volume information", "@eadir", "@recycle", "#recycle", "#snapshot", "@tmp"),
    *("@recently-snapshot", "@syno_resource", "@synoresource", "@synoeastream"),
}
_CLUTTER_PREFIXES = ("synophoto_thumb_", "synofile_thumb_", "synophoto_film_", "synoindex_")

# Images of kinds that are not read.
_OTHER_ENDINGS = """
    gif apng heic heif hif avif jxl jxr wdp hdp bpg flif psd psb xcf svg ai eps ico cur pcx tga
    dds exr hdr pic ppm pgm pbm pnm pam pfm sgi ras xbm xpm fits fit fts djvu dng cr2 cr3 crw nef
    nrw arw srf sr2 raf orf rw2 pef raw svs ndpi ndpis scn mrxs vms vmu bif qptiff czi lif nd2 oib
    oif oir vsi ets lsm stk zvi dcm dicom dic ima nii nrrd mha mhd mrc dv r3d ims sld zarr btf tf2
    tf8 flex cif wmf emf mng jng"""
# Files of these kinds are not opened to look for an image.
_PLAIN_ENDINGS = """
    txt csv tsv json jsonl xml md rst yaml yml toml ini cfg conf log html htm css js py ipynb r m
    sh bat zip gz bz2 xz 7z rar tar tgz npy npz pkl pickle h5 hdf5 mat parquet feather arrow db
    sqlite xls xlsx ods doc docx odt pdf ppt pptx mp4 avi mov mkv webm mp3 wav geojson wkt shp xsd
    dvc lock sha256 md5 cellsk"""
_IS_OTHER, _IS_PLAIN = frozenset(_OTHER_ENDINGS.split()), frozenset(_PLAIN_ENDINGS.split())
_ENDING = re.compile(r"\.([a-z0-9]{1,7})$")
_N_BYTES = 140
_OTHER_STARTS = (
    b"GIF8",
    b"8BPS",
    b"\xff\x0a",
    b"\0\0\0\x0cJXL ",
    b"\x76\x2f\x31\x01",
    b"SIMPLE  =",
)


def is_clutter(name: str) -> bool:
    """Return whether a file or folder is hidden, or belongs to a system and not to the images."""
    lower = name.lower()
    return name.startswith(".") or lower in CLUTTER or lower.startswith(_CLUTTER_PREFIXES)


def find_ending(name: str) -> str:
    """Return the ending of a name with its dot, in lower case, or "" if it has none.

    What follows the last dot of a name such as ``1.2.840.113`` or ``cell v1.25`` is not an ending.
    """
    found = _ENDING.search(name.lower())
    return found[0] if found and not found[1].isdecimal() else ""


def has_image_name(name: str) -> bool:
    """Return whether a name may be that of an image, of any kind."""
    ending = find_ending(name)
    return not ending or ending in EXTENSIONS or ending[1:] in _IS_OTHER


def has_read_name(name: str) -> bool:
    """Return whether a name ends as that of an image of a kind that is read."""
    return find_ending(name) in EXTENSIONS


def has_other_ending(name: str) -> bool:
    """Return whether a name ends like an image of a kind that is not read, such as GIF."""
    return find_ending(name)[1:] in _IS_OTHER


def classify_file(name: str, path: str) -> str:
    """Return "read" for an image that is read, "unread" for another image, and "other".

    A file with the ending of an image that is read is one, whatever it holds: if it is damaged, it
    must not vanish. Without an ending, or with that of another kind of image, the first bytes
    decide.

    Parameters
    ----------
    name : str
        Name of the file.
    path : str
        The file itself, which is opened only if its name is not enough.
    """
    ending = find_ending(name)
    if ending in EXTENSIONS:
        return "read"
    if ending[1:] in _IS_PLAIN:
        return "other"
    start = _read_start(path)
    is_image_name = ending[1:] in _IS_OTHER
    # Whole slides and raw photographs are TIFF files of many pages, and have other endings.
    if _is_readable(start) and (not ending or (is_image_name and name_format(start) != "TIFF")):
        return "read"
    if is_image_name or _is_readable(start) or _is_other_image(start):
        return "unread"
    return "other"


def _read_start(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as stream:
            return stream.read(_N_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError:
        return b""
    try:
        return read_zipped(path, _N_BYTES)
    except (OSError, ZipMemberError):
        return b""


def _is_readable(start: bytes) -> bool:
    kind = name_format(start)
    if kind == "BMP":  # two letters that a text may begin with
        return start[6:10] == b"\0\0\0\0" and start[15:18] == b"\0\0\0"
    return kind is not None


def _is_other_image(start: bytes) -> bool:
    """Return whether a file is a GIF, HEIC, AVIF, DICOM or another image that is not read."""
    brand = start[8:12] if start[4:8] == b"ftyp" else b""
    return (
        start.startswith(_OTHER_STARTS)
        or brand[:3] in (b"hei", b"hev", b"mif", b"avi")
        or start[128:132] == b"DICM"
        or re.match(rb"P[1-7]\s+(?:#.*\s+)?\d+\s+\d+\s", start) is not None
    )


def count_endings(paths: list[str]) -> dict[str, int]:
    """Return how many files have each ending, the most common first."""
    endings = [find_ending(os.path.basename(path)) or "without extension" for path in paths]
    counts = {ending: endings.count(ending) for ending in sorted(set(endings))}
    return dict(sorted(counts.items(), key=lambda item: -item[1]))

"""Names of csv columns that are known: images, labels, patients, and what is neither."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = [
    "CLASS_COLUMNS",
    "GROUP_COLUMNS",
    "IMAGE_COLUMNS",
    "LABEL_COLUMNS",
    "SLIDE_COLUMNS",
    "find_known",
    "fold_name",
    "is_known_column",
    "is_nameless",
    "is_other_column",
]

# The best name first: an `id` beside a `filename` is usually a row number.
_IMAGE_PREFIXES = ("", "image_", "img_", "tile_", "patch_", "cell_")
IMAGE_COLUMNS = (
    *(prefix + end for end in ("path", "filepath", "file_path") for prefix in _IMAGE_PREFIXES),
    *("full_path", "relative_path", "rel_path"),
    *(prefix + end for end in ("filename", "file_name", "file") for prefix in _IMAGE_PREFIXES),
    *("image_name", "img_name", "tile_name", "patch_name", "image", "img", "images", "files"),
    *("image_id", "img_id", "tile_id", "patch_id", "id"),
)
# The best name first, as a table may have the class and the diagnosis behind it.
LABEL_COLUMNS = (
    *("label", "labels", "class", "classes", "class_name", "label_name", "class_label"),
    *("target", "targets", "diagnosis", "dx", "category", "ground_truth", "y"),
    *("klasse", "diagnose", "befund", "classe", "diagnostic", "étiquette", "etiquette"),
    *("clase", "etiqueta", "diagnóstico", "diagnostico"),
)
# Beside a column of labels, these are another one. Alone, they are taken as the only one left.
CLASS_COLUMNS = ("malignant", "malignancy", "benign", "tumor", "tumour", "cancer", "infected")

# The patient comes first; the others are substitutes, the best one first.
_GROUP_WORDS = ("patient", "subject", "case", "donor", "animal", "group", "slide", "wsi")
_ENDS = ("", "_id", "id")
GROUP_COLUMNS = tuple(word + end for word in _GROUP_WORDS for end in _ENDS)
SLIDE_COLUMNS = tuple(word + end for word in ("slide", "wsi") for end in _ENDS)

# Columns whose every word is one of these hold neither image nor label.
_SUBJECTS = """patient patients pat pid subject subjects case cases donor animal mouse rat person
    participant individual group slide slides wsi slideid patientid subjectid caseid specimen
    biopsy block core section sample tissue well plate experiment run series study lesion scan exam
    acquisition accession record mrn pt user patienten paciente paziente fall probe objektträger"""
_SOURCES = """site sites center centers hospital institution institute clinic lab laboratory country
    region city scanner scanners device camera microscope vendor manufacturer model stain stains
    staining dye batch batches source dataset database cohort magnification objective zoom
    resolution mpp"""
_PLACES = """x y z row rows col cols column columns left right top bottom width height
    depth w h xmin xmax ymin ymax x0 x1 x2 y0 y1 y2 cx cy dx dy coord coords coordinate coordinates
    position pos location centroid bbox box area size scale px pixel pixels um mm
    micron microns length perimeter diameter radius start end offset angle rotation channel
    channels frame page level"""
_SPLITS = "split splits fold folds set subset partition phase usage cv train test val"
_PERSONS = """age ages sex gender date day month year time timestamp birth birthday dob created
    modified updated race ethnicity bmi weight alter geschlecht geburtsdatum datum âge sexe edad
    sexo fecha"""
_NOTES = """image images img file files filename path tile patch crop index idx number no nr num id
    ids uid uuid guid code name key hash md5 sha1 sha256 checksum url uri link comment comments note
    notes remark remarks annotator annotators reviewer reader rater expert author license licence
    copyright format extension ext mode bild datei dateiname nummer fichier nom numéro numero
    identifiant archivo imagen"""
_QUALIFIERS = "is approx approximate min max mean years months days at of the in on by"
_OTHER_WORDS = frozenset(
    " ".join(
        ["centre", _SUBJECTS, _SOURCES, _PLACES, _SPLITS, _PERSONS, _NOTES, _QUALIFIERS]
    ).split()
)


def fold_name(name: str) -> str:
    """Return the name of a column in lower case, with one underscore between its words."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", unicodedata.normalize("NFC", name).strip())
    return re.sub(r"[\W_]+", "_", spaced.casefold()).strip("_")


def find_known(header: Iterable[str], known: Iterable[str]) -> list[int]:
    """Return the places of the columns whose names are known, in the order of ``known``."""
    names = [_squeeze(name) for name in header]
    return [
        place
        for wanted in dict.fromkeys(map(_squeeze, known))
        for place, name in enumerate(names)
        if name == wanted
    ]


def _squeeze(name: str) -> str:
    """Return a name without separators, so that `imageid` and `Image ID` are equal."""
    return fold_name(name).replace("_", "")


def is_nameless(name: str) -> bool:
    """Return whether a column has no name, such as the row numbers of pandas."""
    return not fold_name(name) or re.fullmatch(r"unnamed_\d+", fold_name(name)) is not None


def is_other_column(name: str) -> bool:
    """Return whether a column is known to hold neither the image nor the label.

    It holds patients, sites, coordinates, splits, persons, or notes, or has no name.
    """
    words = [re.sub(r"\d+$", "", word) or word for word in fold_name(name).split("_")]
    return is_nameless(name) or all(word in _OTHER_WORDS or word.isdecimal() for word in words)


def is_known_column(name: str) -> bool:
    """Return whether the name of a column is known, whatever it holds."""
    if is_nameless(name) or fold_name(name).replace("_", "").isdecimal():
        return False
    known = (*IMAGE_COLUMNS, *LABEL_COLUMNS, *GROUP_COLUMNS)
    return bool(find_known([name], known)) or is_other_column(name)

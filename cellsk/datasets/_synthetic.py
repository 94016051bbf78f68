"""Drawn images of cells with known labels, patients and slides."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch, check_random_state

from cellsk._checks import check_count, check_image_size, check_number, check_option
from cellsk.datasets._cohort import (
    TARGET_NAMES,
    Cohort,
    name_files,
    name_slides,
    plan_cohort,
    plan_duplicates,
    plan_label_noise,
    spawn,
)
from cellsk.datasets._drawing import Slide, draw_patch, draw_slide, draw_stain
from cellsk.datasets._single_cells import draw_microscope, draw_single_cell
from cellsk.exceptions import InputTypeError

STYLES = ("tissue", "single_cell")
EXTENSIONS = ("png", "jpg", "jpeg", "tif", "tiff", "bmp")
# Spread of the grade within a class at difficulty 1, where the class means differ by 1.
GRADE_SPREAD = 0.26


class _Painter(NamedTuple):
    """Draws each row independently of the others, in any order and process."""

    cohort: Cohort
    seed: list[int]
    image_size: tuple[int, int]
    patient_effect: float
    difficulty: float
    style: str

    @property
    def n_channels(self) -> int:
        return 3 if self.style == "tissue" else 1

    def draw(self, row: int) -> NDArray[np.uint8]:
        row = int(self.cohort.source[row])
        rng = spawn(self.seed, 2, row)
        atypia = _draw_atypia(rng, int(self.cohort.y_true[row]), self.difficulty)
        if self.style == "tissue":
            return draw_patch(rng, atypia, self._slide(row), self.image_size)
        patient = spawn(self.seed, 0, int(self.cohort.patient[row]))
        microscope = draw_microscope(patient, self.patient_effect)
        return draw_single_cell(rng, atypia, microscope, self.image_size)

    def _slide(self, row: int) -> Slide:
        patient, slide = int(self.cohort.patient[row]), int(self.cohort.slide[row])
        stain = draw_stain(spawn(self.seed, 0, patient), self.patient_effect)
        return draw_slide(spawn(self.seed, 1, patient, slide), stain)


def make_cells(
    n_samples: int = 600,
    *,
    folder: str | os.PathLike[str] | None = None,
    n_patients: int = 10,
    slides_per_patient: int = 2,
    image_size: tuple[int, int] = (64, 64),
    style: str = "tissue",
    class_balance: float = 0.5,
    patient_effect: float = 1.0,
    pure_patients: bool = False,
    difficulty: float = 1.0,
    label_noise: float = 0.0,
    n_duplicates: int = 0,
    extension: str = "png",
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Draw patches of stained tissue or single cells, of patients with and without a tumor.

    Use them for first steps, teaching and tests: the images look like hematoxylin and eosin
    (H&E), or like segmented cells, need no download, and have known labels. They follow a
    pathologist's rules of thumb, not measurements. Results on them do not apply to real images.

    Parameters
    ----------
    n_samples : int, default=600
        Number of images.

    folder : str or path-like, default=None
        Folder to write the images to, with one sub-folder per class. A file has a name such
        as ``malignant/P03-S1-0007.png``: patient, slide, and row of the image in the arrays
        that are returned without ``folder``. The folder must be new or empty. The files are
        moved there when all are written. ``None`` returns the pixels.

    n_patients : int, default=10
        Number of patients. The images of each class are distributed evenly, so that each
        patient has both classes if there are enough images of both.

    slides_per_patient : int, default=2
        Number of slides over which a patient's images are spread. Slides of a patient
        have the same stain, and differ a little in thickness, light and focus.

    image_size : tuple of (int, int), default=(64, 64)
        Height and width in pixels. It sets the resolution: the shorter side always shows
        48 micrometers, about five nuclei.

    style : {"tissue", "single_cell"}, default="tissue"
        ``"tissue"`` draws patches in H&E. ``"single_cell"`` draws one gray cell that nearly fills
        the image, and makes all other pixels 0, as segmented cells are cut out of larger images.
        The table below is about tissue.

    class_balance : float, default=0.5
        Fraction of malignant images, in [0, 1]. With 0 and 1 there is one class only.

    patient_effect : float, default=1.0
        How much the stains of patients differ in hue and strength. With 0 all are the same.

    pure_patients : bool, default=False
        Whether a patient has images of one class only. The stain then reveals the class, and
        scores of random folds, which do not separate patients, are too high.

    difficulty : float, default=1.0
        How much the classes overlap. With 0 they do not; with 4 they hardly differ.

    label_noise : float, default=0.0
        Fraction of the labels in ``y`` to flip, in [0, 1].

    n_duplicates : int, default=0
        Number of images that are exact copies of another image of the same class, of
        another patient if possible. Label noise is added afterwards, and may give the
        copies different labels.

    extension : {"png", "jpg", "jpeg", "tif", "tiff", "bmp"}, default="png"
        Format of the files.

    random_state : int, RandomState instance or None, default=None
        Seed. An int gives the same pixels each time, in every process. A row does not
        depend on ``n_samples``, unless ``label_noise`` or ``n_duplicates`` is set. ``None``
        uses NumPy's global state.

    Returns
    -------
    cells : Bunch
        Dictionary-like, with the attributes

        images : ndarray of shape (n_samples, height, width, n_channels), dtype uint8
            Without ``folder``: the pixels. Tissue is RGB, and single cells have one channel.
        paths : ndarray of shape (n_samples,), dtype str
            With ``folder``: the files, in the order of :func:`list_images`. All other
            attributes have the same order.
        y : ndarray of shape (n_samples,), dtype int64
            0 for benign, 1 for malignant, with ``label_noise``.
        y_true : ndarray of shape (n_samples,), dtype int64
            The class that was drawn.
        target_names : list of str
            ``["benign", "malignant"]``.
        groups : ndarray of shape (n_samples,), dtype str
            Patient, such as ``"P03"``.
        slides : ndarray of shape (n_samples,), dtype str
            Slide, such as ``"P03-S1"``.
        duplicate_of : ndarray of shape (n_samples,), dtype int64
            Row of the image that this one copies, -1 for an original.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not as described, there are more patients than images, or too
        few images for the duplicates.
    FileExistsError
        If ``folder`` is a file, or is not empty.

    See Also
    --------
    list_images : Lists such a folder.
    cellsk.neural_network.CellClassifier : The network of the table below.
    sklearn.datasets.make_classification : Makes rows of numbers.

    Notes
    -----
    Each patch has a grade: 0 on average for benign, 1 for malignant, with a standard
    deviation of 0.26 times ``difficulty`` within a class, so that by default 3% of the
    patches are nearer to the other class. The following increase with the grade, and each
    also varies independently: size of the epithelial nuclei, its variation, irregular
    outlines, pale centers with a dark rim, nucleoli, coarse chromatin, crowding, and
    differences in direction.

    Stain, light, focus, amount of stroma, and the lymphocytes, fibroblasts and red blood
    cells in it do not depend on the class. The few patches with hardly any epithelium cannot
    be classified.

    Mean accuracy of five folds with the defaults, lowest and highest of seeds 0 to 2:

    ==========================================  ==============  ==================
    Classifier                                  random folds    folds by patient
    ==========================================  ==============  ==================
    random forest, mean and std of each color   0.59 to 0.66    0.57 to 0.61
    random forest, 16-bin histogram per color   0.92 to 0.95    0.92 to 0.95
    CellClassifier()                            0.90 to 0.92    0.89 to 0.92
    ==========================================  ==============  ==================

    So the mean color shows little of the class, but the purple of pale nuclei is visible in
    a histogram: a good score here does not prove that a network uses shapes. With
    ``pure_patients=True`` the mean colors reach 0.88 to 0.93 in random folds, and 0.34 to
    0.65 in folds by patient.

    The amounts of the two dyes are converted to light by the law of Beer and Lambert. The
    directions of the dyes in optical density are those of [1]_ for hematoxylin and [2]_ for
    eosin, rotated a little for each patient.

    References
    ----------
    .. [1] A. C. Ruifrok and D. A. Johnston, "Quantification of histochemical staining by
       color deconvolution", Analytical and Quantitative Cytology and Histology 23(4),
       291-299, 2001.
    .. [2] M. Macenko et al., "A method for normalizing histology slides for quantitative
       analysis", IEEE International Symposium on Biomedical Imaging, 1107-1110, 2009.

    Examples
    --------
    >>> from cellsk.datasets import make_cells
    >>> cells = make_cells(20, n_patients=4, random_state=0)
    >>> cells.images.shape
    (20, 64, 64, 3)
    >>> cells.y[:6]
    array([1, 0, 1, 0, 1, 0])
    >>> cells.groups[:4]
    array(['P01', 'P04', 'P02', 'P03'], dtype='<U3')
    """
    n_samples = check_count("n_samples", n_samples)
    painter_options: dict[str, Any] = {
        "image_size": check_image_size("image_size", image_size),
        "patient_effect": check_number("patient_effect", patient_effect, low=0, closed="left"),
        "difficulty": check_number("difficulty", difficulty, low=0, closed="left"),
    }
    painter_options["style"] = check_option("style", style, STYLES)
    check_option("extension", extension, EXTENSIONS)
    seed = check_random_state(random_state).randint(0, 2**32, 4, dtype=np.uint32).tolist()
    cohort = plan_cohort(
        n_samples,
        check_count("n_patients", n_patients),
        check_count("slides_per_patient", slides_per_patient),
        check_number("class_balance", class_balance, low=0, high=1, closed="both"),
        pure_patients,
    )
    cohort = plan_duplicates(cohort, check_count("n_duplicates", n_duplicates, minimum=0), seed)
    noise = check_number("label_noise", label_noise, low=0, high=1, closed="both")
    cohort = plan_label_noise(cohort, noise, seed)
    painter = _Painter(cohort, seed, **painter_options)
    return _collect(painter) if folder is None else _write(painter, folder, extension)


def _draw_atypia(rng: np.random.Generator, label: int, difficulty: float) -> float:
    """Return how malignant a picture looks: 0 and 1 are the classes' means at difficulty 0.

    The spread over both classes together stays the same, so that the images of a difficult
    data set look as ordinary as those of an easy one.
    """
    spread = GRADE_SPREAD * difficulty
    centered = (label - 0.5 + spread * rng.standard_normal()) * 0.5 / math.hypot(0.5, spread)
    return min(max(0.5 + centered, -0.4), 1.4)


def _collect(painter: _Painter) -> Bunch:
    images = np.empty(
        (len(painter.cohort.y), *painter.image_size, painter.n_channels), dtype=np.uint8
    )
    for row in range(len(images)):
        images[row] = painter.draw(row)
    return Bunch(images=images, **_describe(painter.cohort, np.arange(len(images))))


def _write(painter: _Painter, folder: str | os.PathLike[str], extension: str) -> Bunch:
    """Write all files into a folder beside ``folder``, and move it there when it is complete."""
    target = _check_free(folder)
    names = name_files(painter.cohort, extension)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
        whole = Path(beside, "whole")
        _write_files(painter, whole, names)
        if target.exists():
            target.rmdir()  # It is empty; not every system replaces a folder.
        os.replace(whole, target)
    order = np.array(sorted(range(len(names)), key=names.__getitem__))
    paths = [os.path.join(folder, *names[row].split("/")) for row in order]
    return Bunch(paths=np.array(paths), **_describe(painter.cohort, order))


def _write_files(painter: _Painter, folder: Path, names: list[str]) -> None:
    from cellsk._codec import encode_image

    for row, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        encode_image(painter.draw(row), path)


def _check_free(folder: str | os.PathLike[str]) -> Path:
    """Return ``folder`` as a path if nothing would be overwritten."""
    if not isinstance(folder, (str, os.PathLike)):
        raise InputTypeError(
            "must be a str or Path, or None for arrays",
            f"{folder!r} ({type(folder).__name__})",
            "Pass the folder to write.",
            parameter="folder",
        )
    path = Path(os.path.abspath(folder))
    is_free = not any(path.iterdir()) if path.is_dir() else not path.exists()
    if not is_free or path.is_symlink():
        kind = "a folder that is not empty" if path.is_dir() else "a file"
        kind = "a symbolic link" if path.is_symlink() else kind
        raise FileExistsError(
            f"folder must be new or empty. Got {os.fspath(folder)!r}, {kind}. "
            "Pass another folder, or remove this one first."
        )
    return path


def _describe(cohort: Cohort, order: NDArray[np.intp]) -> dict[str, Any]:
    """Return the attributes of a Bunch besides the pixels, with rows in ``order``."""
    slides = np.array(name_slides(cohort))[order]
    place = np.argsort(order)
    duplicate_of = np.where(cohort.source == np.arange(len(order)), -1, place[cohort.source])
    return {
        "y": cohort.y[order],
        "y_true": cohort.y_true[order],
        "target_names": list(TARGET_NAMES),
        "groups": np.array([slide.split("-")[0] for slide in slides]),
        "slides": slides,
        "duplicate_of": duplicate_of[order],
    }

"""The page of a tested network shows the areas that support its predictions."""

import re

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cellsk import CellClassifier, evaluate, evaluate_model, make_cells
from cellsk.preprocessing import ImageReader
from cellsk.report import _report_pictures

QUICK = {"n_resamples": 100, "pos_label": "malignant"}
MAP = r'<span class="pair"><img src="data:image/jpeg[^>]*><img src="data:image/jpeg'


@pytest.fixture(scope="module")
def hard():
    """Images that a classifier of easy ones often gets wrong."""
    return make_cells(60, n_patients=6, image_size=(16, 16), difficulty=3, random_state=1)


def name_labels(cells):
    """Return the names of the classes of images."""
    return np.array(cells.target_names)[cells.y]


def find_maps(report, path, **options):
    """Return the number of maps on the page of a report, and its number of confident errors."""
    report.save(path, **options)
    text = path.read_text("utf-8")
    n_maps = len(re.findall(MAP, text))
    assert ("color marks the places that support" in text) == (n_maps > 0)
    test = report.document["test"]
    errors = (report.document if test is None else test["report"])["confident_errors"]
    return n_maps, len(errors)


def test_page_of_a_tested_network_has_a_map_for_each_error(fitted, hard, tmp_path):
    """The page without pictures has none."""
    report = evaluate_model(fitted, hard.images, name_labels(hard), groups=hard.groups, **QUICK)
    n_maps, n_errors = find_maps(report, tmp_path / "r.html")
    assert n_maps == min(n_errors, _report_pictures.MAX_MAPS) > 3
    assert find_maps(report, tmp_path / "r.html", max_pictures=0)[0] == 0
    assert find_maps(report, tmp_path / "r.html", max_pictures=2)[0] == 2


@pytest.mark.filterwarnings("ignore::cellsk.exceptions.SplitWarning")
def test_map_belongs_to_the_image_beside_it(fitted, hard):
    """Also if every image is an error, and the most confident one is not the first."""
    images, groups = hard.images[:2], ["P1", "P2"]
    wrong = np.where(fitted.predict(images) == "benign", "malignant", "benign")
    report = evaluate_model(fitted, images, wrong, groups=groups, **QUICK)
    first, second = (
        _report_pictures.make_error_maps(
            report.document | {"confident_errors": rows}, report._data, fitted, 200
        )
        for rows in ([0, 1], [1, 0])
    )
    assert first == second
    assert first[0] != first[1]


def test_page_of_another_classifier_has_no_maps(hard, cells, tmp_path):
    """It has no features with height and width."""
    color = FunctionTransformer(lambda images: np.asarray(images).mean(axis=(1, 2)) / 255)
    model = make_pipeline(color, LogisticRegression()).fit(cells.images, name_labels(cells))
    report = evaluate_model(model, hard.images, name_labels(hard), groups=hard.groups, **QUICK)
    n_maps, n_errors = find_maps(report, tmp_path / "r.html")
    assert n_maps == 0 < n_errors


def test_page_with_a_test_set_has_maps_of_its_errors_alone(small, tmp_path):
    """The models of the folds are not kept, so errors of the folds have no map."""
    folders = {}
    for name, seed in (("train", 0), ("test", 5)):
        folders[name] = make_cells(
            40,
            folder=tmp_path / name,
            n_patients=8,
            image_size=(16, 16),
            difficulty=2,
            random_state=seed,
        )
    train, test = folders.values()
    model = make_pipeline(ImageReader(), CellClassifier(**small | {"epochs": 2}))
    report = evaluate(
        model,
        train.paths,
        name_labels(train),
        groups=train.groups,
        n_splits=2,
        baselines=False,
        audit=False,
        **QUICK,
    )
    assert find_maps(report, tmp_path / "r.html")[0] == 0
    groups = [f"new {name}" for name in test.groups]
    report.test(test.paths, name_labels(test), groups=groups, audit=False)
    n_maps, n_errors = find_maps(report, tmp_path / "r.html")
    assert n_maps == min(n_errors, _report_pictures.MAX_MAPS) > 0

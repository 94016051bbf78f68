"""Zip files, single images and several folders as sources of images."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cellsk import audit_images, evaluate, make_cells
from cellsk.audit import make_training_fingerprints
from cellsk.datasets import list_images, read_columns_csv
from cellsk.exceptions import ImageReadError, ImageReadWarning, InputError, SplitWarning
from cellsk.model_selection import hash_images
from cellsk.preprocessing import ImageReader


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """20 drawn cells as files."""
    folder = tmp_path_factory.mktemp("cells") / "cells"
    return make_cells(20, folder=folder, n_patients=4, image_size=(16, 16), random_state=0)


@pytest.fixture
def zipped(cells, tmp_path):
    """The same cells in a zip file without a folder at the top, with files of macOS and a table."""
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in cells.paths:
            inner = "/".join(Path(name).parts[-2:])
            archive.write(name, inner)
            archive.writestr(f"__MACOSX/{inner}", b"noise")
        archive.writestr("benign/.hidden.png", b"noise")
        rows = "".join(
            f"{Path(name).name},{'bm'[y]}\n" for name, y in zip(cells.paths, cells.y, strict=True)
        )
        archive.writestr("labels.csv", f"file,label\n{rows}")
    return path


def test_zip_file_is_listed_and_read_as_its_folder(cells, zipped, tmp_path):
    """Labels, groups, pixels and hashes are the same, and nothing is extracted."""
    listed = list_images(zipped, group_pattern=r"(P\d+)", verify=True)
    assert [Path(path).parts[-3:] for path in listed.paths] == [
        ("data.zip", *Path(path).parts[-2:]) for path in cells.paths
    ]
    assert listed.y.tolist() == cells.y.tolist()
    assert listed.groups.tolist() == cells.groups.tolist()
    assert listed.folders == [str(zipped)]
    reader = ImageReader(store=tmp_path / "store")
    for _ in range(2):
        assert np.array_equal(reader.transform(listed.paths), ImageReader().transform(cells.paths))
    assert hash_images(listed.paths) == hash_images(cells.paths)
    assert sorted(os.listdir(tmp_path)) == ["data.zip", "store"]
    assert list_images(zipped, labels="labels.csv").y.tolist() == cells.y.tolist()
    assert len(list_images(zipped / "benign", labels=False).paths) == (cells.y == 0).sum()


def test_zip_file_is_audited_under_its_names(zipped):
    """Findings name files in the zip file."""
    listed = list_images(zipped)
    paths = [*listed.paths, listed.paths[0]]
    report = audit_images(paths, [*listed.y, listed.y[0]], target_names=listed.target_names)
    duplicates = next(found for found in report.findings if found.code == "A301")
    assert "benign/P01" in str(duplicates) or "benign/P" in str(duplicates)
    fingerprints = make_training_fingerprints(listed.paths)
    assert len(fingerprints.folders) == 2


def test_zip_file_with_its_own_folder_at_the_top(cells, tmp_path):
    """As Finder, Explorer and `zip -r data.zip data` make it. Another folder is named."""
    for stem in ("data", "other"):
        with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
            for name in cells.paths:
                archive.write(name, "/".join((stem, *Path(name).parts[-2:])))
            archive.writestr("labels.csv", b"beside the folder")
        if stem == "data":
            listed = list_images(tmp_path / "data.zip")
            assert listed.target_names == ["benign", "malignant"]
            assert listed.folders == [str(tmp_path / "data.zip" / "data")]
    with pytest.raises(InputError, match=r"are below 'other', pass '.*data.zip/other'"):
        list_images(tmp_path / "data.zip")
    listed = list_images(tmp_path / "data.zip" / "other")
    assert listed.y.tolist() == cells.y.tolist()


def test_zip_file_damage_of_an_image_is_that_of_the_image(cells, zipped):
    """The others can be read."""
    data = bytearray(zipped.read_bytes())
    place = data.index(Path(cells.paths[3]).read_bytes())
    data[place + 50] ^= 255
    zipped.write_bytes(data)
    listed = list_images(zipped)
    with pytest.raises(ImageReadError, match=r"1 of 20 .*\(damaged in the zip file\)"):
        ImageReader().transform(listed.paths)
    with pytest.warns(ImageReadWarning, match="1 of 20 images cannot be decoded"):
        assert len(list_images(zipped, verify=True).paths) == 19


def test_several_folders_are_joined(cells, tmp_path):
    """Classes are matched by name, with folders, a zip file and an image."""
    other = make_cells(6, folder=tmp_path / "b", n_patients=2, image_size=(16, 16), random_state=1)
    folder = Path(cells.paths[0]).parents[1]
    listed = list_images([folder, tmp_path / "b"])
    assert listed.paths.tolist() == [*cells.paths, *other.paths]
    assert listed.y.tolist() == [*cells.y, *other.y]
    image = list_images([tmp_path / "b", cells.paths[0]])
    assert image.y.tolist() == [*other.y, 0]
    assert image.folders == [str(tmp_path / "b")]
    single = list_images(cells.paths[0], labels=False)
    assert (single.paths.tolist(), single.y) == ([cells.paths[0]], None)
    one_class = list_images(cells.paths[:2], classes=["malignant", "benign"])
    assert one_class.y.tolist() == [1, 1]


def test_csv_files_name_images_of_several_folders(cells, tmp_path):
    """By name or by path; rows of other images are allowed for single images."""
    make_cells(4, folder=tmp_path / "b", n_patients=2, image_size=(16, 16), random_state=1)
    folder = Path(cells.paths[0]).parents[1]
    listed = list_images([folder, tmp_path / "b"])
    lines = [f"{path},{'bm'[y]},S{y}" for path, y in zip(listed.paths, listed.y, strict=True)]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["file,label,site", *lines]))
    found = list_images([folder, tmp_path / "b"], labels=table, label_column="label")
    assert found.y.tolist() == listed.y.tolist()
    columns = read_columns_csv(table, found.folders, found.paths)
    assert columns["site"].tolist() == [f"S{y}" for y in listed.y]
    single = list_images([listed.paths[-1], listed.paths[0]], labels=table, label_column="label")
    assert (single.y.tolist(), single.target_names) == ([1, 0], ["b", "m"])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda folder: [folder, folder / "benign"], InputError, "listed once. Got 10 images"),
        (lambda folder: [folder, folder], InputError, "listed once. Got 20 images"),
        (lambda folder: [], InputError, "an empty list"),
        (lambda folder: [folder, 3], TypeError, "a str or Path, or a list of them"),
        (lambda folder: folder / "no.png", FileNotFoundError, "does not exist"),
        (lambda folder: Path(__file__), InputError, "another file"),
        (lambda folder: "/dev/null", InputError, "another file"),
    ],
)
def test_other_sources_are_refused(cells, make, error, words):
    """With the rule."""
    with pytest.raises(error, match=words):
        list_images(make(Path(cells.paths[0]).parents[1]))


def test_folder_of_splits_in_a_zip_file_is_refused(cells, tmp_path):
    """As in a folder."""
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for row, name in enumerate(cells.paths):
            archive.write(name, "/".join((("train", "test")[row % 2], *Path(name).parts[-2:])))
    with pytest.raises(InputError, match="look like splits, not classes"):
        list_images(tmp_path / "data.zip")


def test_zip_file_is_evaluated(cells, zipped):
    """Folds, audit, and processes that read the zip file."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    listed = list_images(zipped, group_pattern=r"(P\d+)")
    model = make_pipeline(ImageReader(), FunctionTransformer(flatten), LogisticRegression())
    with pytest.warns(SplitWarning, match="at least 5 patients"):
        report = evaluate(
            *(model, listed.paths, listed.y), groups=listed.groups, n_splits=2, n_resamples=100,
            baselines=False, n_jobs=2,
        )  # fmt: skip
    assert report.document["manifest"][0]["file"].startswith("benign/")


def flatten(images):
    """Return rows of pixels."""
    return images.reshape(len(images), -1) / 255

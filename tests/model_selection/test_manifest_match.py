"""Search for images in a fold manifest."""

import shutil

import numpy as np
import pytest

from cellsk.exceptions import FoldManifestError
from cellsk.model_selection import build_manifest, hash_images, match_manifest


def test_match_same_images_gives_their_folds_in_any_order(cells):
    """The fold of an image does not depend on the order."""
    paths, y, groups, codes = cells
    manifest = build_manifest(paths, y, groups, codes)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(paths))
        matched = match_manifest(manifest[::-1], paths[order], y[order], groups[order])
        assert matched.tolist() == codes[order].tolist()


def test_match_moved_and_renamed_files(cells, tmp_path):
    """Files are identified by their bytes, in any folder and with any name."""
    paths, y, groups, codes = cells
    manifest = build_manifest(paths, y, groups, codes)
    (tmp_path / "new").mkdir()
    moved = [shutil.copy(path, tmp_path / "new" / f"{9 - n}.png") for n, path in enumerate(paths)]
    assert match_manifest(manifest, moved, y, groups).tolist() == codes.tolist()


def test_match_duplicates_by_name_then_by_label_and_group(cells, tmp_path):
    """Equal files in two folds are distinguished by name, then by patient."""
    paths, y, groups, codes = cells
    assert hash_images(paths[6:7]) == hash_images(paths[7:])
    assert codes[6] != codes[7]
    manifest = build_manifest(paths, y, groups, codes)
    swapped = [*paths[:6], paths[7], paths[6]]
    assert match_manifest(manifest, swapped, y, groups[[*range(6), 7, 6]]).tolist()[6:] == [2, 1]
    (tmp_path / "x").mkdir()
    renamed = [shutil.copy(paths[row], tmp_path / "x" / f"{row}.png") for row in (7, 6)]
    mixed = [*paths[:6], *renamed]
    assert match_manifest(manifest, mixed, y, groups[[*range(6), 7, 6]]).tolist()[6:] == [2, 1]


@pytest.mark.parametrize(
    ("then", "now", "folds"),
    [
        (["a/1.png", "b/1.png"], ["b/1.png", "c/1.png"], [1, 0]),
        (["a/1.png", "b/2.png"], ["c/2.png", "d/1.png"], [1, 0]),
    ],
    ids=["whole name", "name without folders"],
)
def test_match_duplicates_of_one_label_by_name(then, now, folds, tmp_path):
    """Equal files with one label are matched by the whole name first, then by its end."""

    def write(folder, names):
        for name in [*names, "other.png"]:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"other" if name == "other.png" else b"same")
        return [str(tmp_path / folder / name) for name in [*names, "other.png"]]

    manifest = build_manifest(write("then", then), [0, 0, 1], None, [0, 1, 0])
    assert match_manifest(manifest, write("now", now), [0, 0, 1]).tolist() == [*folds, 0]


def test_match_equal_arrays_in_another_order_by_label():
    """Arrays with the same pixels are distinguished by label, not by number."""
    images = np.zeros((4, 2, 2, 3), dtype=np.uint8)
    images[2:] = 1
    y, codes = np.array([0, 1, 0, 1]), np.array([0, 1, 1, 0])
    manifest = build_manifest(images, y, None, codes)
    order = [1, 0, 3, 2]
    assert match_manifest(manifest, images[order], y[order]).tolist() == codes[order].tolist()


def test_match_images_missing_from_the_manifest_raise(cells):
    """Images without a row are counted and named."""
    paths, y, groups, codes = cells
    manifest = build_manifest(paths, y, groups, codes)[:-2]
    with pytest.raises(
        FoldManifestError, match=r"2 images without a row \('malignant/c6.png', .*other folds"
    ):
        match_manifest(manifest, paths, y, groups)


def test_match_rows_without_an_image_raise(cells):
    """Rows without an image are counted and named, also for one of two duplicates."""
    paths, y, groups, codes = cells
    manifest = build_manifest(paths, y, groups, codes)
    with pytest.raises(FoldManifestError, match=r"1 row without an image \('malignant/c7.png'\)"):
        match_manifest(manifest, paths[:-1], y[:-1], groups[:-1])


def test_match_file_with_other_bytes_raises(cells):
    """An edited file is another image, and the error mentions its name."""
    paths, y, groups, codes = cells
    manifest = build_manifest(paths, y, groups, codes)
    with open(paths[0], "ab") as stream:
        stream.write(b"!")
    with pytest.raises(
        FoldManifestError,
        match=r"1 image without a row .* and 1 row without an image .*1 name with other bytes",
    ):
        match_manifest(manifest, paths, y, groups)


def test_match_arrays_with_a_manifest_of_files_raises(cells):
    """Pixels do not match files, and the error explains what is compared."""
    paths, y, groups, codes = cells
    manifest = build_manifest(paths, y, groups, codes)
    images = np.arange(8 * 12, dtype=np.uint8).reshape(8, 2, 2, 3)
    with pytest.raises(FoldManifestError, match="Paths are identified by the bytes of their files"):
        match_manifest(manifest, images, y, groups)


def test_match_other_labels_or_groups_raise(cells):
    """A changed label or patient is named, with that of the manifest."""
    paths, y, groups, codes = cells
    manifest = build_manifest(paths, y, groups, codes)
    changed = y.copy()
    changed[1] = "malignant"
    with pytest.raises(
        FoldManifestError,
        match=r"another label. First: 'benign/c1.png', 'malignant' instead of 'benign'",
    ):
        match_manifest(manifest, paths, changed, groups)
    moved = groups.copy()
    moved[1] = "p2"
    with pytest.raises(FoldManifestError, match=r"1 image with another.*'p2' instead of 'p1'"):
        match_manifest(manifest, paths, y, moved)


def test_match_exchanged_labels_raise(cells):
    """Exchanged names are changed labels, not renamed ones."""
    paths, y, groups, codes = cells
    manifest = build_manifest(paths, y, groups, codes)
    exchanged = np.where(y == "benign", "malignant", "benign")
    with pytest.raises(FoldManifestError, match="8 images with another label"):
        match_manifest(manifest, paths, exchanged, groups)


def test_match_other_names_for_the_same_labels_and_groups(cells):
    """Codes and pseudonyms match if each old name corresponds to one new name."""
    paths, y, groups, codes = cells
    manifest = build_manifest(paths, y, groups, codes)
    named = [int(name[1:]) + 70 for name in groups]
    matched = match_manifest(manifest, paths, (y == "malignant").astype(int), named)
    assert matched.tolist() == codes.tolist()
    with pytest.raises(FoldManifestError, match="8 images with another group"):
        match_manifest(manifest, paths, y, [70] * 8)


def test_match_groups_that_are_not_given_raise(cells):
    """A manifest with patients needs the patients of the images, but not the reverse."""
    paths, y, groups, codes = cells
    manifest = build_manifest(paths, y, groups, codes)
    with pytest.raises(FoldManifestError, match=r"5 groups, and images without groups\. Pass"):
        match_manifest(manifest, paths, y)
    without = build_manifest(paths, y, None, codes)
    assert match_manifest(without, paths, y, groups).tolist() == codes.tolist()

"""Findings of audit_images, and the images that clean returns."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cellsk.audit import audit_images
from cellsk.audit._findings import RULES
from cellsk.datasets import list_images, make_cells


def draw(n, seed=0, size=48):
    """Return different textured images: smooth noise with a few dark spots."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 230, (n, 6, 6, 3)).repeat(size // 6, 1).repeat(size // 6, 2)
    return (coarse + rng.integers(-20, 20, coarse.shape)).clip(0, 255).astype(np.uint8)


def save(folder, images, labels, extension=".png", **options):
    """Write images into one folder per class, and list them."""
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / str(label) / f"i{row:03d}{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, **options)
    return list_images(folder)


def codes(report):
    """Return the codes of the findings."""
    return {found.code for found in report.findings}


def find(report, code):
    """Return the one finding of a code."""
    [found] = [found for found in report.findings if found.code == code]
    return found


@pytest.fixture(scope="module")
def images():
    """40 images, 20 of each class, of 10 patients."""
    return draw(40)


Y = np.arange(40) % 2
GROUPS = np.array([f"P{row // 4}" for row in range(40)])


def test_audit_sound_images_finds_nothing(images):
    """Faultless images give no finding."""
    report = audit_images(images, Y, GROUPS)
    assert report.findings == []
    assert repr(report) == "Audit of 40 images: nothing found."
    assert not report.has_errors
    assert report.frame().empty
    assert list(report.frame(by="image").columns[:2]) == ["code", "severity"]


def test_audit_labels_of_arrays_may_be_strings(images):
    """Class names appear in the message."""
    report = audit_images(images[:12], np.array(["mild", "grave"])[Y[:12]], GROUPS[:12])
    assert "'grave' has 6" in find(report, "A202").message


# Files ------------------------------------------------------------------------------


def test_audit_unreadable_files_are_an_error(tmp_path, images):
    """Damaged files are found with their reasons, and clean leaves them out."""
    listed = save(tmp_path, images, Y)
    damaged = Path(listed.paths[3])
    damaged.write_bytes(damaged.read_bytes()[:900])
    Path(listed.paths[7]).write_bytes(b"")
    report = audit_images(listed.paths, listed.y)
    found = find(report, "A101")
    assert found.severity == "error"
    assert found.rows.tolist() == [3, 7]
    assert "'0/i006.png' (file is truncated)" in found.message
    assert found.details["reasons"][1] == "file is empty"
    clean = report.clean()
    assert clean.left_out.tolist() == [3, 7]
    assert clean.paths.tolist() == np.delete(listed.paths, [3, 7]).tolist()
    assert clean.y.tolist() == np.delete(listed.y, [3, 7]).tolist()


def test_audit_all_unreadable_ends_in_a_report(tmp_path):
    """If all files are unreadable, there are findings, and clean raises an error."""
    paths = [tmp_path / f"{row}.png" for row in range(3)]
    report = audit_images(paths, [0, 1, 0])
    assert len(find(report, "A101").rows) == 3
    with pytest.raises(ValueError, match=r"without must keep at least one image.*Pass fewer codes"):
        report.clean()


def test_audit_multi_page_file_needs_a_setting(tmp_path, images):
    """An undamaged file that the reader would refuse is a warning, and clean keeps it."""
    pages = [Image.fromarray(image) for image in images[:2]]
    pages[0].save(tmp_path / "p.tif", save_all=True, append_images=pages[1:])
    report = audit_images([tmp_path / "p.tif"])
    assert find(report, "A102").severity == "warning"
    assert "2 pages" in find(report, "A102").message
    assert report.clean().rows.tolist() == [0]


def test_audit_mixed_files_are_listed(tmp_path, images):
    """Sizes, modes, formats and a wrong name: each has its code and its rows."""
    paths = [str(tmp_path / f"{row}.png") for row in range(6)]
    for path, image in zip(paths, images, strict=False):
        Image.fromarray(image).save(path)
    Image.fromarray(images[0][:30]).save(paths[1])
    Image.fromarray(images[2][..., 0]).save(paths[2])
    Image.fromarray(images[3]).save(paths[3], format="JPEG")
    report = audit_images(paths)
    assert find(report, "A103").rows.tolist() == [1]
    assert "48 x 48" in find(report, "A103").message
    assert find(report, "A104").rows.tolist() == [2]
    assert find(report, "A105").rows.tolist() == [3]
    assert find(report, "A106").rows.tolist() == [3]


@pytest.mark.parametrize(
    ("name", "kind", "wrong"),
    [
        ("a.gif", "PNG", True),
        ("a.dcm", "JPEG", True),
        ("a.apng", "PNG", False),
        ("a.svs", "TIFF", False),
        ("a v1.25", "PNG", False),
        ("a", "PNG", False),
    ],
)
def test_audit_name_of_an_image_of_another_kind_is_found(images, tmp_path, name, kind, wrong):
    """Such as a PNG file that is named GIF. Slides are TIFF files, and may have other endings."""
    Image.fromarray(images[0]).save(tmp_path / name, format=kind)
    assert ("A106" in codes(audit_images([str(tmp_path / name)]))) == wrong


# Labels and groups ------------------------------------------------------------------


def test_audit_one_class_is_an_error(images):
    """Without a second class nothing can be learned."""
    assert find(audit_images(images, np.zeros(40, int)), "A201").severity == "error"


def test_audit_few_groups_of_a_class_are_named(images):
    """A class from one patient is found."""
    y = np.where(GROUPS == "P0", 1, 0)
    report = audit_images(images, y, GROUPS, target_names=["benign", "malignant"])
    assert "'malignant' has 1" in find(report, "A203").message
    assert find(report, "A203").rows.tolist() == [0, 1, 2, 3]


def test_audit_groups_unknown_or_odd_are_named(images):
    """No groups, one group per image, and one group with most images are found."""
    assert "A204" in codes(audit_images(images, Y))
    assert "A207" in codes(audit_images(images, Y, np.arange(40).astype(str)))
    mostly = np.where(np.arange(40) < 25, "P0", GROUPS)
    assert find(audit_images(images, Y, mostly), "A205").rows.tolist() == list(range(25))


def test_audit_group_predicts_label_only_where_it_does(images):
    """Patients of one class each are found; patients with both classes are not."""
    pure = (np.arange(40) // 4) % 2
    found = find(audit_images(images, pure, GROUPS), "A206")
    assert found.details == {"share": 1.0, "n_pure_groups": 10}
    assert "A206" not in codes(audit_images(images, Y, GROUPS))


def test_finding_remedy_can_be_replaced(images):
    """A reader who does not write Python gets another remedy with the same text."""
    found = find(audit_images(images, Y), "A204")
    assert found.message == f"{found.text} {found.remedy}"
    other = dataclasses.replace(found, remedy="Pass --groups.")
    assert other.message == f"{found.text} Pass --groups."
    assert "list_images" not in other.message


def test_audit_counts_agree_with_their_verbs(tmp_path, images):
    """One image is blank; two images are."""
    faulty = images.copy()
    for n_blank, words in ((1, "1 of 40 images is blank"), (2, "2 of 40 images are blank")):
        faulty[n_blank - 1] = 128
        assert words in find(audit_images(faulty, Y, GROUPS), "A401").text


def test_audit_test_side_shares_patients_and_lacks_a_class(images):
    """Groups on both sides are an error; different classes are a warning."""
    report = audit_images(
        images[:30], Y[:30], GROUPS[:30],
        test_paths=images[30:], test_y=np.zeros(10, int), test_groups=GROUPS[28:38],
    )  # fmt: skip
    found = find(report, "A208")
    assert found.details["groups"] == ["P7"]
    assert found.rows.tolist() == [28, 29]
    assert found.test_rows.tolist() == [0, 1, 2, 3]
    assert "A209" in codes(report)
    assert report.n_test_images == 10


def test_audit_matches_classes_of_train_and_test_by_name(tmp_path, images):
    """A class without test images does not shift the others, whose labels are right."""
    train = save(tmp_path / "train", images[:30], np.array(["a", "b", "c"]).repeat(10))
    test = save(tmp_path / "test", images[10:30], np.array(["b", "c"]).repeat(10))
    names = {"target_names": train.target_names, "test_target_names": test.target_names}
    for y, test_y, options in (
        (train.y, test.y, names),
        (np.array(train.target_names)[train.y], np.array(test.target_names)[test.y], {}),
        (train.y, np.array(test.target_names)[test.y], {"target_names": train.target_names}),
    ):
        report = audit_images(
            train.paths, y, test_paths=test.paths, test_y=test_y, near_duplicates=False, **options
        )
        assert "A302" not in codes(report)
        assert len(find(report, "A304").rows) == 20
        assert "'a' only in training" in find(report, "A209").message


def test_audit_codes_that_mean_other_classes_are_refused(tmp_path, images):
    """Codes without names are compared with the folders, also if the test has one class."""
    train = save(tmp_path / "train", images[:30], np.array(["a", "b", "c"]).repeat(10))
    both = save(tmp_path / "both", images[10:30], np.array(["b", "c"]).repeat(10))
    last = both.paths[both.y == 1]
    wrong = {"test_paths": both.paths, "test_y": both.y}, {
        "test_paths": last, "test_y": np.zeros(10, int), "target_names": train.target_names,
    }  # fmt: skip
    for options in wrong:
        with pytest.raises(ValueError, match=r"test_y must have the codes.*Pass target_names="):
            audit_images(train.paths, train.y, **options)
    with pytest.raises(ValueError, match=r"test_y must be of the same kind as y.*target_names"):
        audit_images(images[:9], np.arange(9), test_paths=images[9:11], test_y=["b", "c"])


def test_audit_probabilities_need_no_column_for_a_class_of_the_test_only(images):
    """The columns of proba are those of the training classes."""
    y, test_y = np.array(["b", "c"])[Y[:30]], np.array(["a", "b"])[Y[30:]]
    proba = np.eye(2)[Y[:30]]
    report = audit_images(images[:30], y, proba=proba, test_paths=images[30:], test_y=test_y)
    assert "A601" not in codes(report)
    assert "'a' only in test" in find(report, "A209").message


# Duplicates -------------------------------------------------------------------------


def test_audit_duplicates_are_sorted_by_kind(images):
    """Sets with one class, two labels, two groups, or train and test have different codes."""
    copies = images.copy()
    copies[2] = copies[0]  # same label, same patient
    copies[5] = copies[4]  # other label, same patient
    copies[12] = copies[8]  # same label, other patient
    test = draw(6, seed=9)
    test[0] = images[20]
    report = audit_images(copies, Y, GROUPS, test_paths=test, near_duplicates=False)
    assert [members.tolist() for members in report.duplicate_sets] == [
        [0, 2], [4, 5], [8, 12], [20, 40],
    ]  # fmt: skip
    assert find(report, "A301").rows.tolist() == [0, 2]
    assert find(report, "A302").rows.tolist() == [4, 5]
    assert find(report, "A303").rows.tolist() == [8, 12]
    assert find(report, "A304").rows.tolist() == [20]
    assert find(report, "A304").test_rows.tolist() == [0]
    assert report.has_errors


def test_clean_joins_groups_of_duplicates_and_leaves_out_contradictions(images):
    """Duplicates across labels and test are left out; other duplicates join their groups."""
    copies = images.copy()
    copies[5], copies[12], copies[33] = copies[4], copies[8], np.rot90(copies[8])
    report = audit_images(copies, Y, GROUPS, test_paths=copies[20:21])
    clean = report.clean()
    assert clean.left_out.tolist() == [4, 5, 20]
    assert set(clean.groups[np.isin(clean.rows, [8, 12, 33])]) == {"P2+P3+P8"}
    assert (clean.groups == "P2+P3+P8").sum() == 12
    assert clean.groups[0] == "P0"
    assert np.array_equal(clean.paths, copies[clean.rows])
    assert len(report.clean(without=()).rows) == 40


def test_clean_without_groups_makes_one_for_each_image(images):
    """Only duplicates share a group."""
    copies = images.copy()
    copies[9] = copies[3][:, ::-1]
    groups = audit_images(copies, Y).clean().groups
    assert groups[9] == groups[3]
    assert len(set(groups)) == 39


def test_clean_unknown_code_is_refused(images):
    """An unknown code is an error."""
    with pytest.raises(ValueError, match=r"without must be one of 'A101'.*Got 'A999'"):
        audit_images(images).clean(without=["A999"])


def test_audit_lossless_copy_of_other_format_is_exact(tmp_path, images):
    """Exact duplicates have equal pixels, not equal files."""
    Image.fromarray(images[0]).save(tmp_path / "a.png")
    Image.fromarray(images[0]).save(tmp_path / "b.tif")
    report = audit_images([tmp_path / "a.png", tmp_path / "b.tif"], near_duplicates=True)
    assert [members.tolist() for members in report.duplicate_sets] == [[0, 1]]
    assert report.near_duplicate_sets == []


def test_audit_near_duplicate_of_exact_pair_holds_all_three(images):
    """A set of near-duplicates includes the pixel-identical copies."""
    copies = images.copy()
    copies[1], copies[2] = copies[0], copies[0][::-1]
    report = audit_images(copies)
    assert [members.tolist() for members in report.near_duplicate_sets] == [[0, 1, 2]]
    assert [pair[:2] for pair in report.near_duplicate_pairs] == [(0, 2)]


# Pictures ---------------------------------------------------------------------------


def test_audit_blank_dark_bright_blurred_have_own_codes(images):
    """Each fault has its own code."""
    from PIL import ImageFilter

    faulty = images.copy()
    faulty[0] = 128
    faulty[1] = images[1] // 8
    faulty[2] = 255 - images[2] // 8
    faulty[3] = np.asarray(Image.fromarray(images[3]).filter(ImageFilter.GaussianBlur(3)))
    report = audit_images(faulty, Y, GROUPS)
    for row, code in enumerate(("A401", "A402", "A403", "A404")):
        assert find(report, code).rows.tolist() == [row], code
    assert find(report, "A401").details == {"classes": {"0": 1, "1": 0}}


def test_audit_dark_data_set_is_no_fault(images):
    """If most images are dark, as in fluorescence, the finding explains that it is usual."""
    assert "not a fault by itself" in find(audit_images(images // 8), "A402").message


# Output -----------------------------------------------------------------------------


def test_report_to_dict_is_json_with_agreed_keys(images):
    """The keys are fixed; there are at most 50 names, ordered by set."""
    copies = np.concatenate([images, images])
    document = audit_images(copies, near_duplicates=False).to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert set(document) == {"n_images", "n_test_images", "seconds", "findings"}
    [found] = [found for found in document["findings"] if found["code"] == "A301"]
    assert set(found) == {
        "code", "severity", "title", "message", "remedy", "n_images", "files",
    }  # fmt: skip
    assert found["message"].endswith(found["remedy"])
    assert found["n_images"] == 80
    assert found["files"][:4] == ["image 0", "image 40", "image 1", "image 41"]
    assert len(found["files"]) == 50


def test_report_frames_have_rows_of_findings_and_images(images):
    """One row for each finding, or for each image with its side and its set."""
    report = audit_images(images, test_paths=images[5:6], near_duplicates=False)
    frame = report.frame()
    assert frame.code.tolist() == ["A304", "A204"]
    by_image = report.frame(by="image")
    assert by_image[["side", "row", "set"]].values.tolist() == [["train", 5, 1], ["test", 0, 1]]
    assert isinstance(by_image, pd.DataFrame)
    with pytest.raises(ValueError, match="by must be one of"):
        report.frame(by="patient")


def test_report_html_escapes_names(tmp_path, images):
    """Markup in a file name is escaped."""
    path = tmp_path / "<script>alert(1)<.png"
    path.write_bytes(b"")
    page = audit_images([path])._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_findings_are_sorted_by_severity_and_have_a_documented_code(images):
    """Errors come first, then warnings, then notes. The docstring lists each code."""
    report = audit_images(np.concatenate([images, images[:2] * 0]), np.arange(42) % 2, None)
    order = [found.severity for found in report.findings]
    assert order == sorted(order, key=["error", "warning", "note"].index)
    for code, rule in RULES.items():
        if not code.startswith("A51"):
            assert f"{code}  {rule.severity}" in audit_images.__doc__, code


def test_audit_is_the_same_in_several_processes(tmp_path):
    """The report does not depend on n_jobs, and a huge number starts few processes."""
    paths = save(tmp_path, draw(390, size=12), np.arange(390) % 2).paths
    one, two = (audit_images(paths, n_jobs=n_jobs).to_dict() for n_jobs in (1, 10**18))
    assert one | {"seconds": 0} == two | {"seconds": 0}


# Arguments --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"paths": "a.png"}, "must be a list of image files.*single str.*Pass a list"),
        ({"paths": []}, "Got no image. Pass at least one"),
        ({"paths": [3]}, "Got int among them"),
        ({"paths": np.zeros((2, 3, 4, 5))}, r"shape \(2, 3, 4, 5\)"),
        ({"paths": np.full((2, 8, 8), 300.0)}, "Pass uint8, or floats from 0 to 1"),
        ({"y": [0, 1]}, "y must have one value for each image.*Pass one for each"),
        (
            {"groups": ["a", None, "b", "c"]},
            r"groups must name the patient.*1 of 4 images.*groups\[1\]",
        ),
        ({"y": [0, 1, 2, 0], "target_names": ["a", "b"]}, "indices into target_names"),
        ({"y": [0, 1, 0, 1], "proba": [[1.0, 0.0]]}, "proba must have one row.*target_names"),
        ({"test_y": [1]}, "must belong to test_paths"),
    ],
)
def test_audit_faulty_arguments_are_refused(arguments, match):
    """The error has rule, value and remedy."""
    with pytest.raises((TypeError, ValueError), match=match):
        audit_images(**{"paths": np.zeros((4, 8, 8), np.uint8), **arguments})


def test_audit_tiny_images_and_two_images_do_not_crash():
    """Two gray images of one pixel, as floats, can be audited."""
    report = audit_images(np.zeros((2, 1, 1)), [0, 1])
    assert {"A302", "A401"} <= codes(report)
    assert math.isfinite(report.seconds)


def test_audit_drawn_cells_raise_no_false_alarm():
    """Drawn cells without faults give no error and no warning."""
    cells = make_cells(200, n_patients=10, image_size=(48, 48), random_state=0)
    report = audit_images(cells.images, cells.y, cells.groups)
    assert {found.code for found in report.findings if found.severity != "note"} == set()


@pytest.mark.slow
def test_audit_pcam_finds_its_known_duplicates(pcam):
    """The known exact duplicates are found: all with tumor, none in two splits."""
    listed = [list_images(pcam / side) for side in ("train", "valid")]
    # All tumor images and a tenth of the others, to save time.
    sides = [np.flatnonzero((side.y == 1) | (np.arange(len(side.y)) % 10 == 0)) for side in listed]
    (paths, y), (test_paths, test_y) = (
        (side.paths[rows], side.y[rows]) for side, rows in zip(listed, sides, strict=True)
    )
    report = audit_images(paths, y, target_names=["0", "1"], test_paths=test_paths, test_y=test_y)
    found = find(report, "A301")
    assert (found.n_images, len(report.duplicate_sets)) == (216, 102)
    assert set(y[found.rows]) == {1}
    assert not codes(report) & {"A302", "A304", "A311", "A312", "A314"}


def test_audit_reads_16_bit_gray_png_files(tmp_path):
    """They need no setting, as ImageReader needs none."""
    deep = np.random.default_rng(0).integers(0, 65536, (3, 40, 40), dtype=np.uint16)
    paths = [str(tmp_path / f"{row}.png") for row in range(3)]
    for path, image in zip(paths, deep, strict=True):
        Image.fromarray(image).save(path)
    assert "A102" not in codes(audit_images(paths))

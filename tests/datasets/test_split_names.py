"""Folders and labels that are splits or data sets, and not classes."""

import pytest

from cellsk.datasets import list_images
from cellsk.datasets._split_names import find_splits
from cellsk.exceptions import ImageReadWarning, InputError, LabelWarning, SplitWarning


def make_files(folder, *names):
    """Make empty files below a folder, which is returned."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    "names",
    [
        "train test",
        "Train Valid",
        "train_set test_set",
        "training testing",
        "train_data val_data",
        "train dev",
        "dev test",
        "fold1 fold2",
        "fold_0 fold_1 fold_2",
        "1-fold 2-fold",
        "train val holdout",
        "train hold-out",
        "TrainImages TestImages",
        "trainA trainB testA testB",
        "01_train 02_val 03_test",
        "train.v2 test.v2",
        "the-training-set the-test-set",
        "train internal_test external_test",
        "data_train data_test",
        "train80 test20",
        "split1 split2",
        "part_1 part_2",
        "set1 set2",
        "train test extra",
        "tr ts",
        "train unlabeled",
        "internal external",
        "derivation_cohort validation_cohort",
        "cv0 cv1",
        "X_train X_test",
        "blood_train blood_test",
        "train_256x256 test_256x256",
        "set_a set_b",
        "Set-A Set-B Set-C",
        "fold_I fold_II",
        "fold_one fold_two",
        "cross1 cross2",
        "train_benign train_malignant test_benign test_malignant",
        "benign-train malignant-train benign-val malignant-val",
        "imagesTr imagesTs",
        "trainset_a1 testset_a1",
    ],
)
def test_names_of_splits_are_found(names):
    """With separators, numbers, and words such as set and data."""
    assert find_splits(names.split())


@pytest.mark.parametrize(
    "names",
    [
        "benign malignant",
        "0 1",
        "train",
        "control treated",
        "test control",
        "valve tract",
        "cells images",
        "trained untrained",
        "positive negative",
        "Te Treg",
        "A B",
        "class1 class2",
        "developed undeveloped",
        "bus car train",
        "partial whole",
        "test_positive test_negative",
        "training_effect no_effect",
        "P53_mutant P53_wildtype",
        "grade1 grade2 grade3",
        "CIN1 CIN2 CIN3",
        "M0 M1 M2 M3 M4 M5 M6 M7",
        "T1 T2 T3",
        "class_a class_b",
        "0 1 2 3 4 5 6 7 8 9",
        "I II III IV",
        "cross circle",
    ],
)
def test_names_of_classes_are_not_splits(names):
    """Names that only begin like a split, and one split alone."""
    assert find_splits(names.split()) == []


def test_split_folders_are_refused_unless_they_are_named(tmp_path):
    """The error names the folder to train on first, and the one to test on."""
    make_files(tmp_path, "test_set/b/1.png", "training_set/b/2.png", "val_set/b/3.png")
    with pytest.raises(InputError, match=r"look like splits, not classes\. Pass one") as caught:
        list_images(tmp_path)
    assert caught.value.values == {
        "train": str(tmp_path / "training_set"),
        "test": str(tmp_path / "test_set"),
    }
    names = ["training_set", "test_set", "val_set"]
    assert list_images(tmp_path, classes=names).y.tolist() == [1, 0, 2]


def test_split_names_in_a_column_of_labels_are_refused(tmp_path):
    """A column such as `class` may hold the split."""
    make_files(tmp_path, "a.png", "b.png", "c.png")
    (tmp_path / "x.csv").write_text("file,class,kind\na,train,1\nb,test,1\nc,train,0\n")
    with pytest.raises(
        InputError, match=r"column 'class' with 'test', 'train'.*label_column="
    ) as e:
        list_images(tmp_path, labels="x.csv")
    assert e.value.code == "splits-not-labels"
    assert list_images(tmp_path, labels="x.csv", label_column="kind").y.tolist() == [1, 1, 0]
    assert list_images(tmp_path, labels="x.csv", classes=("train", "test")).y.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    "layout",
    [
        {"site_a": "benign malignant", "site_b": "benign malignant"},
        {"2019": "normal tumor other", "2020": "normal tumor", "2021": "normal tumor other"},
        {"P1": "0 1", "P2": "0 1", "P3": "0"},
        {f"10{number}": "1 2" for number in range(12)},
        {"BreaKHis": "benign malignant", "PCam": "normal tumor"},
        {"hospA": "grade1 grade2 grade3", "hospB": "grade1 grade2 grade3"},
        {"ds1": "1 2 3", "ds2": "1 2 3"},
        {"A": "benign malignant normal", "B": "benign malignant"},
        {"ds1": "images/1 images/2", "ds2": "images/1 images/2"},
        {"x1": "train/b train/m test/b test/m", "x2": "train/b train/m test/b test/m"},
        {"center 1": "tumor stroma", "center 2": "tumor stroma"},
    ],
)
def test_folder_of_data_sets_is_refused_unless_it_is_named(tmp_path, layout):
    """Folders that hold folders of the same names are data sets or patients."""
    files = [f"{top}/{name}/x.png" for top, names in layout.items() for name in names.split()]
    make_files(tmp_path, *files)
    with pytest.raises(InputError, match=r"which look like the classes\. Pass one of them.*") as e:
        list_images(tmp_path)
    assert e.value.code == "data-sets-not-classes"
    assert list_images(tmp_path, classes=list(layout)).target_names == list(layout)


@pytest.mark.parametrize(
    "files",
    [
        ["b/P1/x.png", "b/P2/x.png", "m/P1/x.png", "m/P2/x.png"],
        ["b/40X/x.png", "b/100X/x.png", "m/40X/x.png", "m/100X/x.png"],
        ["b/left/x.png", "b/right/x.png", "m/only/x.png"],
        ["b/fold1/x.png", "b/fold2/x.png", "m/fold1/x.png", "m/fold2/x.png"],
        ["b/images/P01/x.png", "b/images/P02/x.png", "m/images/P01/x.png", "m/images/P02/x.png"],
        ["b/all/x.png", "m/all/x.png"],
    ],
)
def test_folders_below_classes_are_not_data_sets(tmp_path, files):
    """Patients, magnifications and splits of each class."""
    names = list_images(make_files(tmp_path, *files)).target_names
    assert names == ["b", "m"]


def test_splits_below_classes_give_a_warning(tmp_path):
    """The images are taken together, which cross-validation may want."""
    sides = ("benign/train", "benign/test", "malignant/train", "malignant/test")
    make_files(tmp_path, *(f"{side}/x.png" for side in sides))
    with pytest.warns(SplitWarning, match=r"'test', 'train' below .*'train/benign'") as caught:
        assert list_images(tmp_path).target_names == ["benign", "malignant"]
    assert caught[0].filename == __file__
    assert len(list_images(tmp_path, classes=("benign", "malignant")).paths) == 4


@pytest.mark.parametrize(
    "names", ["patient1 patient2", "Slide_01 Slide_02", "mouse7 mouse8 mouse9"]
)
def test_folders_of_patients_are_refused_unless_they_are_named(tmp_path, names):
    """Words such as patient with a number are not classes."""
    make_files(tmp_path, *(f"{name}/x.png" for name in names.split()))
    with pytest.raises(InputError, match=r"look like patients or slides.*groups=0.*classes="):
        list_images(tmp_path)
    assert len(list_images(tmp_path, classes=names.split()).paths) == len(names.split())


@pytest.mark.parametrize(
    "names",
    [
        "P01 P02 P03 P04 P05 P06 P07 P08",
        "2019 2020 2021",
        "TCGA-A1-A0SB TCGA-A1-A0SD",
        "S08 S09 S10",
        "HP0023 HP1045 HP2222",
        "case-1 case-2",
        "hospA hospB",
        "site_1 site_2",
        "2024-01-01 2024-01-02",
    ],
)
def test_folders_that_may_be_patients_give_a_warning(tmp_path, names):
    """These may be classes, too: P0 and P7 are days after birth."""
    make_files(tmp_path, *(f"{name}/x.png" for name in names.split()))
    with pytest.warns(LabelWarning, match=r"should not be patients.*groups=0") as caught:
        list_images(tmp_path)
    assert caught[0].message.code == "classes-like-patients"
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "names",
    ["M0 M1 M7", "grade01 grade02 grade03", "T1 T2 T3", "0 1 10", "00 01 02", "site other", "A B"],
)
def test_folders_of_classes_with_numbers_are_quiet(tmp_path, names):
    """Grades, stages and codes."""
    make_files(tmp_path, *(f"{name}/x.png" for name in names.split()))
    assert list_images(tmp_path).target_names == sorted(names.split())


def test_labels_that_look_like_splits_are_read_from_a_column_that_is_named(tmp_path):
    """Hospitals may differ inside and outside, and the command line has no classes."""
    make_files(tmp_path, "internal/a.png", "external/b.png")
    with pytest.raises(InputError, match=r"look like splits.*classes="):
        list_images(tmp_path)
    (tmp_path / "x.csv").write_text("file,kind\na.png,internal\nb.png,external\n")
    with pytest.raises(InputError, match="or with this column if they are classes"):
        list_images(tmp_path, labels="x.csv")
    found = list_images(tmp_path, labels="x.csv", label_column="kind")
    assert found.target_names == ["external", "internal"]


def test_folders_below_classes_are_patients_if_the_level_is_named(tmp_path):
    """Patients may have names without a number."""
    make_files(tmp_path, "b/ann/x.png", "b/bob/x.png", "m/ann/x.png", "m/bob/x.png")
    with pytest.raises(InputError, match="look like the classes"):
        list_images(tmp_path)
    assert list_images(tmp_path, groups=-1).groups.tolist() == ["ann", "bob"] * 2


def test_folders_of_images_and_masks_are_not_classes(tmp_path):
    """The folder of the images may be listed by itself."""
    make_files(tmp_path, "images/a.png", "masks/a.png")
    with pytest.raises(
        InputError, match=r"images and their annotations, not classes\. Pass '.*s'"
    ) as e:
        list_images(tmp_path)
    assert e.value.code == "parts-not-classes"
    assert list_images(tmp_path / "images").y is None
    assert len(list_images(tmp_path, labels=False).paths) == 2


# Names ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "listed"),
    [
        (("Benign", "benign", "other"), r"'Benign', 'benign'"),
        (("benign", "benign ", "x"), r"'benign', 'benign '"),
        (("0", "0.0", "1"), r"'0', '0\.0'"),
        (("z\u00e9ll", "ze\u0301ll", "x"), "1 set"),
        (("small cell", "small_cell", "Small-Cell"), "'Small-Cell', 'small cell', 'small_cell'"),
    ],
)
def test_names_that_are_nearly_equal_give_a_warning(tmp_path, names, listed):
    """One warning lists the names. Naming the classes accepts them."""
    make_files(tmp_path, *(f"{name}/{place}.png" for place, name in enumerate(names)))
    with pytest.warns(LabelWarning, match=rf"clearly different.*{listed}.*one name") as caught:
        found = list_images(tmp_path)
    assert len(caught) == 1
    assert caught[0].message.code == "classes-nearly-equal"
    assert caught[0].filename == __file__
    assert list_images(tmp_path, classes=found.target_names).target_names == found.target_names


def test_names_that_are_numbers_of_other_value_are_quiet(tmp_path):
    """A sign and a digit matter."""
    make_files(tmp_path, "1/a.png", "-1/a.png", "10/a.png", "p+/a.png", "p/a.png")
    assert len(list_images(tmp_path).target_names) == 5


@pytest.mark.parametrize("word", ["nan", "NA", "None", "null", "#N/A".replace("/", "")])
def test_folder_whose_name_is_a_word_for_nothing_is_refused(tmp_path, word):
    """Unless it is named as a class."""
    make_files(tmp_path, "b/1.png", "m/2.png", f"{word}/3.png")
    with pytest.raises(
        InputError, match=r"is not a class, but a word for a missing.*classes="
    ) as e:
        list_images(tmp_path)
    assert e.value.code == "class-folder-missing"
    assert len(list_images(tmp_path, classes=("b", "m", word)).y) == 3


@pytest.mark.parametrize(
    ("link", "target"),
    [("malignant/x.png", "../benign/a.png"), ("atypical", "benign"), ("malignant/y", "../benign")],
)
def test_link_to_an_image_of_another_class_is_counted(tmp_path, link, target):
    """A link within a class, or to the folder itself, is not."""
    make_files(tmp_path, "benign/a.png", "malignant/b.png")
    (tmp_path / "benign" / "same.png").symlink_to("a.png")
    (tmp_path / "malignant" / "loop").symlink_to("..")
    (tmp_path / link).symlink_to(target)
    with pytest.warns(ImageReadWarning, match=rf"1 link to images.*'{link}'") as caught:
        found = list_images(tmp_path)
    assert caught[0].message.code == "links-to-other-classes"
    assert len(found.paths) == 2


def test_classes_match_however_accents_are_composed(tmp_path):
    """Folders of another file system have the classes of a model; two such folders do not."""
    composed, decomposed = "b\xe9nin", "be\u0301nin"
    make_files(tmp_path, f"{decomposed}/a.png", "malin /b.png")
    found = list_images(tmp_path, classes=(composed, "malin"))
    assert (found.target_names, found.y.tolist()) == ([composed, "malin"], [0, 1])
    make_files(tmp_path, f"{composed}/a.png")
    with pytest.raises(InputError, match=r"'b\\xe9nin', 'malin'\), and found \('be\\u0301nin'"):
        list_images(tmp_path, classes=(composed, "malin"))

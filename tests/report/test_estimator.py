"""The description of an estimator, without folders and addresses of the machine."""

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from cellsk.report.document._estimator import hide_folders, shorten_repr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("memory='/home/jane doe/cache'", "memory='cache'"),
        ("read /home/jane/study/a.png twice", "read a.png twice"),
        (r"C:\Users\jane\a.png", "a.png"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("benign/a.png, 1/2", "benign/a.png, 1/2"),
    ],
)
def test_hide_folders_keeps_the_last_part_of_absolute_paths(text, expected):
    """Relative paths and web addresses stay."""
    assert hide_folders(text) == expected


def test_shorten_repr_has_no_address_and_no_folder_in_a_split_string():
    """Functions have an address; scikit-learn splits long strings at blanks."""
    long = "/tmp/" + "a folder of jane doe/" * 12 + "weights"
    text = shorten_repr(make_pipeline(LogisticRegression(), memory=long), 2000)
    assert "jane" not in text
    assert "weights" in text
    assert "0x" not in shorten_repr(lambda: None)

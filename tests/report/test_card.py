"""render_card: the numbers of the document, and no markup from names."""

import copy
import json
import re
from pathlib import Path

import pytest

from cellsk.metrics import SCORE_NAMES
from cellsk.report.checklists import answer_checklists
from cellsk.report.render import render_card
from cellsk.report.render._markdown import escape, write_table

markdown_it = pytest.importorskip("markdown_it", reason="reads what was written")

LABELS = {name: words[0] for name, words in SCORE_NAMES.items()}
HAND_MADE = Path(__file__).with_name("hand_made.json")
MINUS = "\u2212"
LEVEL = "95% confidence interval"
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](https://example.org/pixel.png)",
    "a | b || c",
    "`code` ``` fence",
    "# heading",
    "- item",
    "1. item",
    "a\n\n# heading\r\n| --- |",
    "*bold* _it_ ~~gone~~ \\",
    "&lt;b&gt; &amp;",
    "https://example.org www.example.org",
    "<https://example.org>",
    "$x$",
    "=== ---",
    "good\u202egpj.exe",
]


@pytest.fixture
def document():
    """Eight images of four patients, with every part that a document can have."""
    found = json.loads(HAND_MADE.read_text("utf-8"))
    found["checklists"] = answer_checklists(found)
    return found


def read(text):
    """Tokens of a Markdown reader with tables."""
    return markdown_it.MarkdownIt("commonmark").enable("table").parse(text)


def tables(text):
    """Each table as rows of cells, in plain text."""
    found, row = [], None
    for token in read(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            row = []
            found[-1].append(row)
        elif token.type == "inline" and row is not None:
            row.append("".join(child.content for child in token.children))
        elif token.type == "table_close":
            row = None
    return found


def table_of(text, first):
    """The table whose header starts with these cells."""
    (found,) = (table for table in tables(text) if table[0][: len(first)] == first)
    return found


def numbers_in(part):
    """Every number with a value and an interval within a part of a document."""
    if isinstance(part, dict):
        if {"value", "low", "high"} <= set(part):
            yield part
        else:
            for inner in part.values():
                yield from numbers_in(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from numbers_in(inner)


def test_card_holds_every_number_of_the_document(document):
    """Values and intervals of all parts, to three digits."""
    text = render_card(document)
    found = [number for number in numbers_in(document) if number["value"] is not None]
    assert len(found) > 30
    for number in found:
        assert f"{number['value']:.3f}".replace("-", MINUS) in text
        if number["high"] is not None:
            assert f"{number['low']:.3f} to {number['high']:.3f}" in text


def test_card_has_each_number_in_the_row_of_its_name(document):
    """A value, its interval, and the mean of the folds with its spread."""
    rows = table_of(render_card(document), ["Score", "Value"])
    head = ["Score", "Value", LEVEL, "Chance level", "Mean of folds", "SD of folds"]
    assert rows[0][:6] == head
    by_name = {row[0]: row[1:6] for row in rows[1:]}
    assert by_name["ROC AUC"] == ["0.821", "0.721 to 0.911", "0.500", "0.650", "0.071"]
    assert by_name[LABELS["mcc"]] == [f"{MINUS}0.125", "no interval", "0.000", "0.650", "0.071"]
    assert by_name["Log loss"] == ["not defined", "no interval", "0.693", *["not defined"] * 2]
    assert len(rows) == 1 + len(document["numbers"])


def test_card_has_classes_folds_and_matrix(document):
    """Three tables, cell by cell."""
    text = render_card(document)
    classes = table_of(text, ["Class", "Images", "Patients with such images"])
    assert classes[1:] == [["benign", "4", "2", "50%"], ["malignant (positive)", "4", "3", "50%"]]
    matrix = table_of(text, ["True class"])
    assert matrix[1:] == [["benign", "3", "1"], ["malignant", "0", "4"]]
    fold = dict(zip(*table_of(text, ["Fold"])[:2], strict=True))
    assert fold["Trained on"] == "4 images of 2 patients"
    assert fold["Tested benign / malignant"] == "2 / 2"
    assert (fold["ROC AUC"], fold["Threshold"], fold["Epoch kept"]) == ("0.600", "0.310", "2")
    assert (fold["Chosen"], fold["Time to train"]) == ("classifier__filters=(8, 16)", "1 min 15 s")


def test_card_has_threshold_prevalence_patients_and_leakage(document):
    """Each optional part."""
    text = render_card(document)
    assert "Target: a sensitivity of 0.95." in text
    assert "At a prevalence of 2%: " in text
    assert f"{LABELS['ppv']} 0.031 (0.011 to 0.111)" in text
    assert "1 patient has images of more than one class; it counts as malignant." in text
    gap = table_of(text, ["Score", "Folds by patient", "Folds by image"])
    assert gap[1][3] == "0.145 (0.045 to 0.245)"
    opinions = table_of(text, ["Score", LEVEL, "Method"])
    assert opinions[1][:2] == ["ROC AUC", "0.821 (0.611 to 0.999)"]
    assert opinions[1][2].startswith("DeLong")
    assert table_of(text, ["Code"])[1][:2] == ["A201", "warning"]
    assert table_of(text, ["Subgroup"])[1][0] == "site: north"


def test_card_names_the_most_confident_error(document):
    """File, label, prediction and probability of the row."""
    found = [table for table in tables(render_card(document)) if table[0][0] == "Image"]
    assert len(found) == 2
    why = "malignant 0.97, at least the threshold 0.32"
    assert found[0][1] == ["benign/P3.png", "benign", "malignant", "0.97", why]
    assert found[1][0] == ["Image", "Label", "Probability of the label", "Predicted"]


def test_card_gives_its_verdict_and_cautions_before_the_numbers(document):
    """As the page does."""
    document["confusion_matrix"] = [[0, 4], [0, 4]]
    text = render_card(document)
    start = text[: text.index("## Intended use")]
    assert "**All images were predicted malignant.**" in start
    assert "Better than chance: the interval of ROC AUC, 0.72 to 0.91, lies above 0.5." in start


def test_card_shows_the_exact_interval_if_there_is_no_other(document):
    """Marked, in the table and in the first line."""
    document["numbers"]["sensitivity"] = {"value": 0.75, "low": None, "high": None}
    text = render_card(document)
    assert "Sensitivity 0.750 (0.194 to 0.994, exact, assuming independent images);" in text
    assert "| 0.194 to 0.994, exact, assuming independent images |" in text


def test_card_names_what_was_left_out(document):
    """With the reason; a document without such a list is accepted."""
    assert "left out before the run:" not in render_card(document)
    document["left_out"] = [["a|b.png", "cannot be decoded"]]
    text = render_card(document)
    assert "1 file was left out before the run:" in text
    assert table_of(text, ["File", "Reason"])[1] == ["a|b.png", "cannot be decoded"]


def test_card_does_not_list_labels_of_a_model_at_chance_level(document):
    """It explains why."""
    document["numbers"]["roc_auc"] |= {"low": 0.4}
    text = render_card(document)
    assert "Labels that may be wrong. Not shown: this model is not shown to be better" in text
    assert "Probability of the label" not in text


def test_card_leaves_technical_parameters_out(document):
    """Also those that are None."""
    document["estimator"]["parameters"] = {
        "memory": "None",
        "verbose": "False",
        "classifier__callbacks": "None",
        "classifier__class_weight": "None",
        "classifier__epochs": "20",
    }
    rows = table_of(render_card(document), ["Parameter", "Value"])
    assert rows[1:] == [["classifier__epochs", "20"]]


def test_card_names_the_number_of_folds_of_a_mean(document):
    """If a fold has no value; and the fold in which one class was predicted."""
    document["folds"][0]["scores"]["npv"] = None
    document["predictions"]["predicted"] = [
        1 if fold == 1 else code
        for fold, code in zip(
            document["predictions"]["fold"], document["predictions"]["predicted"], strict=True
        )
    ]
    text = render_card(document)
    assert "0.650 over 1 of 2 folds" in text
    assert "- Fold 1: all images were predicted malignant." in text


def test_card_warnings_come_before_the_numbers(document):
    """Readers must not miss them."""
    text = render_card(document)
    assert text.index("Four patients are few.") < text.index("## Scores")


def test_card_lists_answered_items_and_names_the_others(document):
    """As in the document."""
    text = render_card(document)
    for name, items in document["checklists"].items():
        part = text[text.index(f"### {name}") :]
        rows = tables(part)[0][1:]
        answered = [one for one in items if one["status"] != "for the authors"]
        assert [row[0] for row in rows] == [one["item"] for one in answered]
        assert [row[2] for row in rows] == [" ".join(one["answer"].split()) for one in answered]
        left = ", ".join(one["item"] for one in items if one["status"] == "for the authors")
        assert f"For the authors: {left}." in part
        statuses = [one["status"] for one in items]
        counted = f"{statuses.count('answered')} answered, {statuses.count('in part')} in part, "
        assert f"{counted}{statuses.count('for the authors')} for the authors." in part


def test_card_without_optional_parts_leaves_their_sections_out(document):
    """No empty sections, and no 'None'."""
    whole = render_card(document)
    for name in ("patients", "operating_point", "referral", "calibration", "at_prevalence"):
        document[name] = None
    document["audit"] = document["leakage"] = document["baselines"] = None
    for name in ("subgroups", "warnings", "limits", "confident_errors", "label_errors"):
        document[name] = []
    document["second_opinions"] = {}
    document["curves"]["coverage"]["summary"] = []
    document["data"]["n_groups"] = document["seed"] = document["seconds"] = None
    for fold in document["folds"]:
        fold |= {"threshold": None, "best_params": None, "history": None, "best_epoch": None}
        fold |= {"n_train_groups": None, "n_test_groups": None}
    for one in document["data"]["classes"]:
        one["n_groups"] = None
    document["checklists"] = answer_checklists(document)
    text = render_card(document)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == [
        "Intended use and limits",
        "Images",
        "Scores",
        "Confusion matrix and errors",
        "Folds",
        "Model",
        "Checklists",
    ]
    assert len(re.findall(r"^## ", whole, re.MULTILINE)) == 15
    assert "Patients are unknown." in text
    assert not re.search(r"\bNone\b(?!\.)", text[: text.index("## Checklists")])


def test_card_of_many_classes_has_each_against_the_rest(document):
    """And no positive class, no second opinions."""
    document["data"] |= {"positive": None, "prevalence": None}
    document["per_class"] = [
        {
            "name": "in situ",
            "n_images": 4,
            "numbers": {"f1": {"value": 0.3, "low": 0.2, "high": 0.4}},
        }
    ]
    document["patients"]["n_mixed"] = 2
    text = render_card(document)
    assert table_of(text, ["Class", "Images", "F1"])[1] == [
        "in situ",
        "4",
        "0.300 (0.200 to 0.400)",
    ]
    assert "2 patients have images of more than one class; they are left out." in text


def test_card_describes_the_images_that_are_not_referred(document):
    """Their number, error and scores."""
    text = render_card(document)
    assert "3 images with an uncertainty above 0.25 are referred. 5 images (62%) are left" in text
    assert "with an error of 20%." in text
    document["referral"] |= {"n_kept": 0, "n_referred": 8, "error": None, "numbers": {}}
    text = render_card(document)
    assert (
        "8 images with an uncertainty above 0.25 are referred. No image is left to the model."
        in text
    )


def test_card_uses_the_singular_for_one_image(document):
    """One image is referred, and one is left to the model."""
    document["referral"] |= {"n_kept": 1, "n_referred": 1}
    text = render_card(document)
    assert "1 image with an uncertainty above 0.25 is referred. 1 image (62%) is left to" in text


@pytest.mark.parametrize(
    ("n_mixed", "reason"),
    [
        (4, "Every patient has both malignant and benign images and counts as malignant"),
        (3, "Every patient has malignant images and counts as malignant"),
    ],
)
def test_card_explains_why_patients_have_no_scores(document, n_mixed, reason):
    """Instead of an empty table."""
    document["patients"] |= {"numbers": {}, "n_mixed": n_mixed}
    assert f"{reason}, so patients cannot be scored." in render_card(document)


@pytest.mark.parametrize("name", HOSTILE)
def test_card_has_no_markup_from_names(document, name):
    """Names of classes, files, groups, sites, parameters and texts stay text."""
    before = render_card(document)
    old = copy.deepcopy(document)
    for entry in document["data"]["classes"]:
        entry["name"] += name
    document["predictions"]["file"] = [name] * 8
    document["subgroups"][0] |= {"column": name, "value": name}
    document["audit"]["findings"][0]["message"] = name
    document["estimator"] |= {"name": name, "parameters": {name: name}}
    document["warnings"] = document["limits"] = [{"code": "", "text": name}]
    document["title"] = document["intended_use"] = document["cv"]["description"] = name
    document["checklists"] = answer_checklists(document)
    text = render_card(document)
    kinds = {token.type for token in read(text)}
    inner = {child.type for token in read(text) for child in token.children or ()}
    assert "html_block" not in kinds
    assert inner <= {"text", "text_special", "softbreak", "strong_open", "strong_close"}
    assert text.count("\n") == before.count("\n") - len(old["estimator"]["parameters"]) + 1
    assert [len(table[0]) for table in tables(text)] == [len(table[0]) for table in tables(before)]
    shown = {cell for table in tables(text) for row in table for cell in row}
    assert " ".join(name.replace("\u202e", " ").split()) in shown


@pytest.mark.parametrize("name", HOSTILE)
def test_escape_keeps_the_text(name):
    """Also at the start of a line."""
    written = escape(name)
    (opened, inline, closed) = read(written)
    assert (opened.type, closed.type) == ("paragraph_open", "paragraph_close")
    shown = "".join(child.content for child in inline.children)
    assert shown == " ".join(name.replace("\u202e", " ").split())


def test_escape_leaves_bare_addresses_without_a_link():
    """GitHub makes links of "://" and "www.", but not if they are escaped."""
    text = escape("see https://example.org, www.example.org, mailto:a")
    assert text == r"see https\://example.org, www\.example.org, mailto\:a"


def test_table_aligns_numbers_to_the_right():
    """By the content of the column; the first column has names."""
    lines = write_table(["Fold", "Images", "Name"], [["1", "1,200", "a"], ["2", f"{MINUS}3", "7a"]])
    assert lines[1] == "| :-- | --: | :-- |"

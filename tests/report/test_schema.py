"""evaluation.schema.json and the types of the document: each field of what evaluate writes."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cellsk import CellClassifier, ImageReader, evaluate, make_cells
from cellsk.exceptions import PatientsUnknownWarning
from cellsk.metrics import SCORE_NAMES
from cellsk.report.checklists import answer_checklists
from cellsk.report.document import EvaluationDocument, read_schema
from cellsk.report.render import render_card

jsonschema = pytest.importorskip("jsonschema", reason="part of the test extra")

HAND_MADE = Path(__file__).with_name("hand_made.json")
QUICK = {"n_resamples": 100}


def mean_colors(images):
    """Three numbers an image."""
    return images.mean(axis=(1, 2)) / 255


def faults(document):
    """Violations of the schema by a document, after conversion to JSON."""
    validator = jsonschema.Draft202012Validator(read_schema())
    document = json.loads(json.dumps(document, allow_nan=False))
    return [
        f"{fault.json_path}: {fault.message[:200]}" for fault in validator.iter_errors(document)
    ]


def objects(node, path="$"):
    """Each object of the schema that lists its fields, with its path."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield path, node
        for name, inner in node.items():
            yield from objects(inner, f"{path}.{name}")
    elif isinstance(node, list):
        for place, inner in enumerate(node):
            yield from objects(inner, f"{path}[{place}]")


@pytest.fixture
def hand_made():
    """Eight images of four patients, with every part that a document can have."""
    found = json.loads(HAND_MADE.read_text("utf-8"))
    found["checklists"] = answer_checklists(found)
    return found


def test_schema_is_valid():
    """By the rules for schemas."""
    jsonschema.Draft202012Validator.check_schema(read_schema())


def test_schema_describes_every_field_and_allows_no_other():
    """Each description is a sentence."""
    found = list(objects(read_schema()))
    assert len(found) > 30
    for path, node in found:
        assert node.get("additionalProperties", False) is not True, path
        for name, field in node["properties"].items():
            assert field.get("description", "").endswith("."), f"{path}.{name}"


def test_schema_requires_every_field_but_a_few():
    """Fields that do not apply are null, not missing."""
    optional = {
        f"{path}.{name}"
        for path, node in objects(read_schema())
        for name in set(node["properties"]) - set(node.get("required", ()))
    }
    coverage = "$.properties.curves.properties.coverage"
    opinions = "$.properties.second_opinions"
    assert optional == {
        *(f"{opinions}.{name}" for name in ("roc_auc", "sensitivity", "specificity")),
        f"{coverage}.n",
        f"{coverage}.patients_referred",
        f"{coverage}.properties.summary.items.patients_referred",
        "$.properties.versions.properties",
    } - {"$.properties.versions.properties"}


def test_schema_knows_the_scores_of_metrics():
    """The same names, in the same order."""
    assert read_schema()["$defs"]["score_name"]["enum"] == list(SCORE_NAMES)


def find_differences(kind, node, path="$"):
    """Differences between a type of the document and a part of the schema."""
    root = read_schema()
    if node.get("$ref") == "#":  # a document within the document
        if kind is not EvaluationDocument:
            yield f"{path}: not a document"
        return
    while "$ref" in node:
        node = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
    options = [one for one in get_args(kind) if one is not type(None)] if is_union(kind) else [kind]
    allowed = set(node["type"]) if isinstance(node.get("type"), list) else {node.get("type")}
    if is_union(kind) and type(None) in get_args(kind):
        if "null" not in allowed:
            yield f"{path}: the type allows None, the schema does not allow null"
    elif "null" in allowed:
        yield f"{path}: the schema allows null, the type does not allow None"
    for one in options:
        yield from find_differences_of_one(one, node, path)


def is_union(kind):
    """Whether a type is a union."""
    return get_origin(kind) in (Union, UnionType)


def find_differences_of_one(kind, node, path):
    """Differences of a type without None."""
    origin, arguments = get_origin(kind), get_args(kind)
    if is_typeddict(kind):
        fields = get_type_hints(kind)
        optional = kind.__optional_keys__ - DISPLAY_ONLY.get(kind.__name__, set())
        required = set(node.get("required", ()))
        if kind.__required_keys__ != required or optional != set(node["properties"]) - required:
            yield f"{path}: {kind.__name__} has other keys than the schema"
        for name, field in fields.items():
            if name in node["properties"]:
                yield from find_differences(field, node["properties"][name], f"{path}.{name}")
    elif origin is list:
        if "items" in node:
            yield from find_differences(arguments[0], node["items"], f"{path}[]")
        else:
            yield f"{path}: the schema has no list"
    elif origin in (dict, Mapping):
        inner = [*node.get("properties", {}).values(), node.get("additionalProperties")]
        for value in filter(None, inner):
            yield from find_differences(arguments[1], value, f"{path}.*")
    elif origin is Literal:
        if set(node["enum"]) != set(arguments):
            yield f"{path}: other literals"
    else:
        names = {"const": str, "enum": str}
        found = {names[key] for key in names if key in node}
        found |= {PLAIN[one] for one in allowed_types(node) if one in PLAIN}
        if kind not in found:
            yield f"{path}: {kind.__name__} is not among {found}"


def allowed_types(node):
    """The names of the JSON types of a part of the schema."""
    found = node.get("type", ())
    return [found] if isinstance(found, str) else found


PLAIN = {"string": str, "integer": int, "number": float, "boolean": bool}
DISPLAY_ONLY = {"Number": {"note"}, "Opinion": {"note"}}  # never saved


def test_types_and_schema_have_the_same_fields():
    """Keys, whether they are required, and the kinds of their values."""
    assert list(find_differences(EvaluationDocument, read_schema())) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("properties", "data", "properties", "n_images", "type"), "string"),
        (("properties", "data", "properties", "n_groups", "type"), "integer"),
        (("properties", "folds", "items", "required"), ["fold"]),
        (("properties", "interval", "properties", "unit", "enum"), ["slide"]),
        (("properties", "title", "type"), ["string", "null"]),
    ],
)
def test_comparison_of_types_and_schema_finds_a_difference(path, value):
    """One change at a time."""
    schema = read_schema()
    *way, last = path
    part = schema
    for step in way:
        part = part[step]
    part[last] = value
    assert len(list(find_differences(EvaluationDocument, schema))) == 1


def test_schema_accepts_the_hand_made_document(hand_made):
    """Every optional part is in it."""
    assert faults(hand_made) == []


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("schema",), "cellsk-evaluation-1", "was expected"),
        (("data", "prevalence"), 1.5, "maximum"),
        (("data", "n_images"), 3.5, "integer"),
        (("numbers", "auc"), {"value": 0.5, "low": None, "high": None}, "is not one of"),
        (("numbers", "roc_auc"), 0.5, "object"),
        (("cv", "source"), "guessed", "is not one of"),
        (("folds", 0, "fold"), 0, "minimum"),
        (("manifest", 0, "sha256"), "abc", "does not match"),
        (("operating_point", "target"), 1, "maximum"),
        (("surprise",), 1, "Additional properties"),
        (("warnings", 0), "A sentence.", "object"),
        (("checklists", "CLAIM"), [], "should be non-empty|is too short"),
    ],
)
def test_schema_refuses_wrong_values(hand_made, path, value, words):
    """Exactly the one fault is found."""
    *way, last = path
    part = hand_made
    for step in way:
        part = part[step]
    part[last] = value
    (fault,) = faults(hand_made)
    assert any(word in fault for word in words.split("|"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
def test_schema_accepts_a_run_with_everything(tmp_path):
    """Files, patients, sites, subgroups, threshold, calibration, audit and leakage."""
    cells = make_cells(
        96, folder=tmp_path / "cells", n_patients=12, image_size=(16, 16), random_state=0
    )
    site = np.array(["north", "south"])[np.unique(cells.groups, return_inverse=True)[1] % 2]
    reader = ImageReader(image_size=(16, 16))
    report = evaluate(
        make_pipeline(reader, FunctionTransformer(mean_colors), LogisticRegression(C=100)),
        cells.paths,
        cells.y,
        groups=cells.groups,
        target_names=cells.target_names,
        n_splits=3,
        subgroups={"site": site},
        sensitivity=0.8,
        calibrate="sigmoid",
        prevalence=0.1,
        max_uncertainty=0.3,
        **QUICK,
    )
    report.leakage_gap()
    document = report.document
    for part in ("audit", "leakage", "operating_point", "referral", "calibration", "patients"):
        assert document[part] is not None
    assert faults(document) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
def test_schema_accepts_a_search_of_networks_with_history():
    """Epochs, and the parameters chosen in each fold."""
    cells = make_cells(72, n_patients=12, image_size=(16, 16), random_state=0)
    network = CellClassifier(filters=(4,), epochs=1, early_stopping=False, random_state=0)
    search = GridSearchCV(network, {"filters": [(2,)]}, cv=GroupKFold(2))
    report = evaluate(search, cells.images, cells.y, n_splits=2, groups=cells.groups, **QUICK)
    fold = report.document["folds"][0]
    assert fold["history"] is not None
    assert fold["best_params"] is not None
    assert faults(report.document) == []


def test_schema_accepts_seven_classes_without_patients():
    """One of them has two images."""
    rng = np.random.default_rng(0)
    y = np.array([f"grade {code}" for code in range(6)] * 6 + ["rare"] * 2)
    X = rng.normal(size=(len(y), 4)) + np.unique(y, return_inverse=True)[1][:, np.newaxis]
    with pytest.warns(PatientsUnknownWarning):
        report = evaluate(LogisticRegression(max_iter=1000), X, y, n_splits=2, **QUICK)
    assert report.document["per_class"]
    assert faults(report.document) == []


@pytest.mark.filterwarnings("ignore::cellsk.exceptions.PatientsUnknownWarning")
@pytest.mark.filterwarnings("ignore::cellsk.exceptions.SplitWarning")
def test_schema_accepts_ten_images_and_a_constant():
    """Scores that are not defined are null, and "not defined" in the card."""
    y = np.array([0, 1] * 5)
    constant = DummyClassifier(strategy="constant", constant=0)
    report = evaluate(constant, np.zeros((10, 3)), y, n_splits=2, **QUICK)
    document = report.document
    assert document["numbers"]["ppv"] == {"value": None, "low": None, "high": None}
    assert faults(document) == []
    assert "not defined" in render_card(document)

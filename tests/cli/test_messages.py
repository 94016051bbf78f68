"""The remedies of the command line: for codes and options that exist."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.main import get_command

import cellsk
from cellsk import exceptions
from cellsk.audit import audit_images
from cellsk.cli._main import app
from cellsk.cli._messages import (
    FINDING_REMEDIES,
    OPTIONS,
    REMEDIES,
    RULES,
    word_error,
    word_findings,
)
from cellsk.exceptions import InputError, SplitWarning

SOURCE = Path(cellsk.__file__).parent
VALUES = {"n_splits": 3, "unit": "patient", "hint": "", "expected": (16, 24, 3)}
WORDED = {
    code: word_error(InputError("A rule", "", "Pass python=1.", code=code, values=VALUES))
    for code in REMEDIES | RULES
}


def find_codes(path):
    """Return all literal texts of a module, and patterns of the codes that an f-string fills in."""
    texts, patterns = set(), set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(node.value)
        elif isinstance(node, ast.keyword) and node.arg == "code":
            for inner in ast.walk(node.value):
                if isinstance(inner, ast.JoinedStr):
                    parts = (
                        re.escape(part.value) if isinstance(part, ast.Constant) else r"\w+"
                        for part in inner.values
                    )
                    patterns.add("".join(parts))
    return texts, patterns


@pytest.fixture(scope="module")
def raised():
    """Texts and patterns of the codes in the modules outside of the command line."""
    files = [path for path in SOURCE.rglob("*.py") if path.parent.name != "cli"]
    texts, patterns = zip(*map(find_codes, files), strict=True)
    return set().union(*texts), set().union(*patterns)


@pytest.mark.parametrize("code", {**REMEDIES, **RULES, **FINDING_REMEDIES})
def test_each_code_is_raised(raised, code):
    """A code that nothing raises any more has no remedy."""
    texts, patterns = raised
    assert code in texts or any(re.fullmatch(pattern, code) for pattern in patterns)


@pytest.fixture(scope="module")
def options():
    """The options of all commands."""
    commands = get_command(app).commands.values()
    return {name for command in commands for option in command.params for name in option.opts}


@pytest.mark.parametrize("remedy", [*WORDED.values(), *FINDING_REMEDIES.values()])
def test_remedy_names_options_that_exist(options, remedy):
    """No Python, and each option is one of a command."""
    assert set(re.findall(r"(?<!\w)--[a-z-]+", remedy)) <= options
    assert not re.search(r"(?<![-\w])[a-z_]+=|_", remedy)


def test_options_exist(options):
    """Each parameter is set by an option of a command."""
    assert {name for name in OPTIONS.values() if name.startswith("-")} <= options


def test_word_error_names_option_and_remedy():
    """The rule has the option, and the remedy is that of the command line."""
    error = InputError(
        "must be the patient",
        "none",
        "Pass groups=patients.",
        parameter="groups",
        code="groups-incomplete",
    )
    assert word_error(error) == "--groups must be the patient. Got none. Fill in the empty cells."
    assert word_error(ValueError("Some other error.")) == "Some other error."


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"n_splits": 4, "unit": "patient"}, "Pass --folds 4 or fewer."),
        ({"n_splits": 2, "unit": "image"}, "Pass --folds 2."),
        ({"n_splits": 1, "unit": "site"}, "Add sites, or leave out --site."),
    ],
)
def test_word_error_suggests_a_number_of_folds(values, remedy):
    """The number of folds that is possible, or else what can be added."""
    error = SplitWarning("A rule", "few", "", code="too-few-groups-for-folds", values=values)
    assert word_error(error) == f"A rule. Got few. {remedy}"


def test_word_error_replaces_a_rule_about_python():
    """Values fill in the rule of the command line."""
    error = InputError(
        "X must hold images of shape (16, 24, 3), as in fit",
        "(32, 32, 3)",
        code="image-shape",
        values={"expected": (16, 24, 3)},
    )
    assert word_error(error).startswith(
        "All images must have the size of the training images, 16 x 24 pixels (height x width)."
        " Got (32, 32, 3). Resize them to 16 x 24 pixels"
    )


def test_word_findings_of_unknown_patients_names_options(cells):
    """The remedy of the finding names options, and its text is unchanged."""
    report = audit_images(cells.images, cells.y)
    before = {found.code: found for found in report.findings}
    after = {found.code: found for found in word_findings(report.findings)}
    assert after["A204"].text == before["A204"].text
    assert "--group-pattern" in after["A204"].remedy
    assert "list_images" not in after["A204"].message


# Python in a text: a keyword, a name with an underscore, a call, a class, X and y.
PYTHON = re.compile(
    r"(?<![-\w])[a-z_]+=|\b[a-z]+_[a-z_]+|\b\w+\((?!s\))\w*[,)=]|\b[A-Z][a-z]+[A-Z]\w+|\bnp\.|\b[Xy]\b"
)
KEPT = re.compile(r"\bTensorFlow\b|\bbalanced_accuracy\b")
KINDS = {name for name in exceptions.__all__ if name.endswith(("Error", "Warning"))} | {"refuse"}
CHECKS = {"check_count", "check_number", "check_option", "check_image_size", "check_value_range"}
# Errors that no command shows, and why. Names of parameters, codes, and beginnings of modules.
NOT_SHOWN = {
    "No command sets these; their defaults are valid.": {
        *("callbacks", "class_weight", "dense_units", "dropout", "early_stopping"),
        *("image_shape", "kernel_size", "learning_rate", "precision", "schedule", "verbose"),
        *("tta", "weight_decay"),
        *("validation_fraction", "channels", "page", "value_range", "max_pixels", "verify"),
        *("max_store_bytes", "transform", "confidence_level", "n_resamples", "max_bytes"),
        *("sample_weight", "by", "format", "limit", "y_val", "ax", "max_pictures"),
        *("min_density", "flagged_fraction"),
        *("search-splits-patients", "search-cv-not-splitter", "calibration-loses-groups"),
        *("search-without-refit", "one-target-needed", "validation-pair-incomplete"),
    },
    "The command has checked this itself, or passes what is right by its type.": {
        *("labels-missing", "groups-missing", "groups-kind", "label-codes", "target_names"),
        *("test_y", "test-images-missing", "train_groups", "training-groups-alone", "proba"),
        *("positive-class-unknown", "positive-class-unclear", "positive-class-unnamed", "without"),
        *("estimator", "model", "other", "nested", "search", "metric", "method", "positive"),
        *("leakage-without-patients", "leakage-needs-all-images", "report-ending", "no-folds"),
        *("cv-rows-invalid", "cv-without-folds", "cv-not-tested-once", "cv-tests-one-class"),
        *("cv-unknown", "cv-cannot-split", "site-unknown", "frozen-estimator", "classes", "paths"),
        *("image-shapes-differ", "channels-first", "image-axes", "row-length", "pixels", "path"),
        *("sources-not-paths", "search-not-saved", "label-without-column", "names-and-numbers"),
        *(
            "classes-without-labels",
            "folds-not-repeatable",
            "candidates",
            "history",
            *("best_epoch", "images-masked", "codes-without-names"),
            "images",
            *("image-layout", "stain-needs-color", "stain-needs-uint8"),
            *("cam-layer-unknown", "fill", "patch_size"),
            *("augmentation", "augmentation-negative", "versions", "n_versions"),
            *("detector-channels", "detector-needs-uint8", "too-few-images-to-compare"),
        ),
    },
    "No command calls these, or with constants only.": {
        *("inspection/", "metrics/", "datasets/_synthetic.py", "datasets/_cohort.py"),
        *("report/document/_sklearn_search.py", "report/document/_search_results.py"),
        *("report/render/_thumbnails.py", "persistence/_onnx_file.py", "neural_network/_onnx.py"),
        *("neural_network/_embedder.py", "neural_network/_feature_cache.py", "backbone"),
    },
    "The user sets an environment variable of this name.": {"CELLSK_THREADS"},
}
EXEMPT = set().union(*NOT_SHOWN.values())


class Raised(NamedTuple):
    """An error or a warning in the source: its place, parameter, code and texts."""

    place: str
    parameter: str | None
    codes: tuple[str, ...]
    said: str
    remedy: str

    @property
    def is_shown(self):
        """Whether a command can show it."""
        exempt = {self.parameter, *self.codes, *self.place.split(":")} & EXEMPT
        return not exempt and not any(self.place.startswith(place) for place in EXEMPT)


def read_text(node, constants=()):
    """Return the literal parts of a text. What an f-string fills in is a value of the user."""
    if isinstance(node, ast.FormattedValue):
        return "1"
    if isinstance(node, ast.Name) and node.id in constants:
        return read_text(constants[node.id], constants)
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    parts = ast.iter_child_nodes(node) if node is not None else ()
    return "".join(read_text(part, constants) for part in parts)


def read_constants(node):
    """Return the texts of which a parameter is one."""
    parts = ast.walk(node) if isinstance(node, ast.Constant | ast.IfExp) else ()
    return [one.value for one in parts if isinstance(getattr(one, "value", None), str)]


def list_raised(path):
    """Yield each error and warning that a module makes, and each check of a named argument."""
    tree = ast.parse(path.read_text("utf-8"))
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if name not in KINDS | CHECKS:
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        order = ("parameter",) if name in CHECKS else ("rule", "got", "remedy")
        given |= dict(zip(order, node.args, strict=False))
        texts = {key: read_text(given.get(key), constants) for key in ("rule", "got", "remedy")}
        parameter, *_ = (*read_constants(given.get("parameter")), None)
        yield Raised(
            f"{path.relative_to(SOURCE).as_posix()}:{node.lineno}",
            parameter,
            tuple(read_constants(given.get("code"))),
            f"{texts['rule']} {texts['got']}",
            texts["remedy"],
        )


SHOWN = [
    raised
    for path in sorted(SOURCE.rglob("*.py"))
    for raised in list_raised(path)
    if raised.is_shown
]


def has_words(codes, table):
    """Return whether each code has words of the command line."""
    return bool(codes) and set(codes) <= table.keys()


def find_python(text):
    """Return what is Python in a text."""
    return PYTHON.findall(KEPT.sub("", text))


def test_errors_that_a_command_can_show_name_no_python():
    """Their parameters are options, and rules and remedies have no Python, or other words.

    If this fails, give the code an entry in RULES or REMEDIES, or the parameter one in OPTIONS; or
    add one of them to NOT_SHOWN, if no command can show the error.
    """
    problems = {}
    for raised in SHOWN:
        name = raised.parameter
        known = name is None or name in OPTIONS or name.startswith("--")
        said = [] if has_words(raised.codes, RULES) else find_python(raised.said)
        remedy = [] if has_words(raised.codes, REMEDIES) else find_python(raised.remedy)
        if said or remedy or not known:
            problems[raised.place] = (name, raised.codes, said, remedy)
    assert problems == {}


def test_exemptions_are_needed():
    """An exemption that no error needs any more is removed."""
    raised = [one for path in SOURCE.rglob("*.py") for one in list_raised(path)]
    places = [one.place for one in raised]
    used = {name for one in raised for name in (one.parameter, *one.codes)}
    assert [
        name for name in EXEMPT - used if not any(place.startswith(name) for place in places)
    ] == []


def test_findings_name_no_python():
    """The texts are the same for all readers. The remedies may have words of the command line."""
    problems = {}
    for path in sorted((SOURCE / "audit").glob("_*findings.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "make_finding":
                code, text, remedy = (read_text(argument) for argument in node.args[:3])
                found = find_python(text)
                found += [] if code in FINDING_REMEDIES else find_python(remedy)
                if found:
                    problems[f"{path.stem}:{node.lineno}"] = (code, found)
    assert problems == {}

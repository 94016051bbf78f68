"""Tests of encoded and decoded values, and of forged trees."""

import copy
import json
import math

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from cellsk.exceptions import ModelFileError
from cellsk.persistence import load_model
from cellsk.persistence._arrays import read_array, write_array
from cellsk.persistence._classes import find_class, name_class
from cellsk.persistence._decoder import Decoder
from cellsk.persistence._encoder import Encoder


def there_and_back(value):
    """Encode a value as an attribute, through JSON, and decode it."""
    scaler, encoder = StandardScaler(), Encoder()
    scaler.value_ = value
    tree = json.loads(json.dumps(encoder.encode_root(scaler), allow_nan=False))
    return Decoder(encoder.members, 2**20).decode_root(tree).value_


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(2**70),
        0.1,
        math.inf,
        -math.inf,
        "ä\ud800\0",
        [1, [2.5, None]],
        (1, ("a", [])),
        {"a": 1, 2: "b", True: (None,), None: {}},
        {"$": "estimator"},
        Bunch(a=1, b=[2]),
        slice(1, None, 2),
        np.float32(0.1),
        np.int64(-3),
        np.bool_(True),
        np.str_("é"),
        np.dtype("<f4"),
        np.float64,
        float,
        object,
    ],
    ids=repr,
)
def test_value_comes_back_with_its_type(value):
    """Values are equal, and have the same types at each level."""
    back = there_and_back(value)
    assert type(back) is type(value)
    assert repr(back) == repr(value)


def test_nan_comes_back():
    """NaN comes back, as a float and as a NumPy scalar."""
    assert math.isnan(there_and_back(math.nan))
    assert np.isnan(there_and_back(np.float64("nan")))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.asfortranarray(np.random.default_rng(0).normal(size=(3, 4))),
        np.arange(10.0)[::2],
        np.array(2.5),
        np.zeros((0, 3)),
        np.array([[True], [False]]),
        np.array(["a", "äöü", ""]),
        np.array(["ab"], dtype=">U2"),
        np.arange(3, dtype=">f4"),
        np.array(["a", None, 1, (1, 2)], dtype=object),
        np.array([["x0"], ["x1"]], dtype=object),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_array_comes_back_bit_by_bit(array):
    """Shape, dtype, order of memory and values; and it can be written to."""
    back = there_and_back(array)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tolist() == array.tolist()
    assert back.flags.f_contiguous == array.flags.f_contiguous or array.ndim == 1
    assert back.flags.writeable


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        b"bytes",
        1j,
        np.datetime64("2020-01-01"),
        np.array([1j]),
        np.longdouble(1),
        np.ma.array([1, 2]),
        np.zeros(2, dtype=[("a", int)]),
        np.array([object()]),
        {(1, 2): 3},
        1 << 5000,
        np.random.default_rng(0),
        StandardScaler,
        len,
        range(3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_without_a_form_is_refused(value):
    """The attribute and the type are named."""
    with pytest.raises(ModelFileError, match=r"written as JSON and arrays.*StandardScaler\.value_"):
        there_and_back(value)


def test_value_that_holds_itself_is_refused():
    """A list that contains itself is refused."""
    value = []
    value.append(value)
    with pytest.raises(ModelFileError, match="nested too deeply"):
        there_and_back(value)


def test_estimator_that_holds_itself_comes_back():
    """An estimator is encoded once, and later by its number."""
    scaler, encoder = StandardScaler(), Encoder()
    scaler.self_, scaler.other_ = scaler, [StandardScaler()] * 2
    back = Decoder({}, 2**20).decode_root(encoder.encode_root(scaler))
    assert back.self_ is back
    assert back.other_[0] is back.other_[1]


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "cellsk.cli.main",
        "cellsk.persistence.load_model",
        "cellsk.neural_network.build_cnn",
        "cellsk.neural_network._classifier.CellClassifier",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.preprocessing.np",
        "sklearn.preprocessing.normalize",
        "sklearn.pipeline._BasePipeline",
        "sklearn.datasets.fetch_openml",
        "sklearn.experimental.enable_halving_search_cv",
        "sklearn.externals.array_api_compat",
        "sklearn.base.BaseEstimator",
        "sklearn.utils.Bunch",
        "sklearn.linear_model.LogisticRegression.fit",
        "sklearn.calibration.LinearSVC",
        "sklearn.ensemble.BaseEnsemble",
        "sklearn.impute.IterativeImputer",
        "sklearn..StandardScaler",
        "sklearn.preprocessing.StandardScaler\n",
        "",
        None,
        7,
        ["sklearn"],
    ],
)
def test_class_outside_the_allow_list_is_refused(name, members, forge):
    """Modules, functions, private and abstract classes, re-exports and foreign names."""
    tree = {"$": "estimator", "number": 0, "class": name, "params": {}, "attributes": {}}
    parts = {"manifest.json": members["manifest.json"], "estimator.json": json.dumps(tree).encode()}
    with pytest.raises(ModelFileError, match="estimators of cellsk and scikit-learn only"):
        load_model(forge(parts))


def test_every_public_estimator_has_its_name():
    """Names of scikit-learn's estimators lead back to their classes."""
    from sklearn.utils.discovery import all_estimators

    experimental = {"HalvingGridSearchCV", "HalvingRandomSearchCV", "IterativeImputer"}
    for name, kind in all_estimators():
        if name not in experimental:
            assert find_class(name_class(kind)) is kind
    assert name_class(BaseEstimator) is None


def scaler_tree(**changes):
    """Return the tree of a scaler, changed."""
    return {**Encoder().encode_root(StandardScaler()), **changes}


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"$": "list"},
        {"$": "root"},
        {"$": []},
        {"$": "same", "number": 0},
        {"$": "tuple", "items": 3},
        {"$": "dict", "items": [[[], 1]]},
        {"$": "scalar", "dtype": "O", "value": 1},
        {"$": "scalar", "dtype": "<U999999999", "value": "a"},
        {"$": "dtype", "value": "V8"},
        {"$": "type", "name": "eval"},
        {"$": "type", "dtype": "f16"},
        {"$": "metric", "name": "check_scoring"},
        {"$": "metric", "name": ["accuracy_score"]},
        {"$": "requests", "methods": {}},
        {"$": "array", "member": "../array"},
        {"$": "object_array", "shape": [10**9, 10**9], "items": []},
        {"$": "object_array", "shape": [-1], "items": [1]},
        {"$": "float", "value": "x"},
        scaler_tree(params=None),
        scaler_tree(number=[]),
        scaler_tree(attributes={"fit": 1}),
        scaler_tree(attributes={"__class__": 1}),
        scaler_tree(attributes={"_doc_link_module": "evil"}),
        scaler_tree(attributes={"not a name": 1}),
        scaler_tree(attributes={"memory": "//server/share"}),
        scaler_tree(attributes={"x": scaler_tree()}),
        scaler_tree(attributes={"_metadata_request": {"$": "requests", "methods": {"owner": {}}}}),
        scaler_tree(
            attributes={"_metadata_request": {"$": "requests", "methods": {"fit": {"a": "1 2"}}}}
        ),
        scaler_tree(network={"member": "network-0.keras", "settings": {}}),
        {"$": "dict", "items": []},
    ],
    ids=lambda tree: json.dumps(tree)[:40],
)
def test_tree_of_another_form_is_refused(tree):
    """Each forged tree gives a ModelFileError."""
    with pytest.raises(ModelFileError, match=r"must|may hold"):
        Decoder({}, 2**20).decode_root(tree)


def test_tree_too_deep_is_refused():
    """The tree is bounded in depth."""
    nested = 1
    for _ in range(150):
        nested = [nested]
    with pytest.raises(ModelFileError, match="nested too deeply"):
        Decoder({}, 2**20).decode_root(scaler_tree(attributes={"x": nested}))


def test_member_without_a_place_is_refused():
    """Each member is used."""
    with pytest.raises(ModelFileError, match=r"must be used.*'array-9\.npy'"):
        Decoder({"array-9.npy": b""}, 2**20).decode_root(scaler_tree())


def npy(header, body=b""):
    """Return a .npy file with this header."""
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


class Evil:
    """Code that a pickle would run."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('code ran')",))


def test_array_of_pickled_objects_is_refused(tmp_path):
    """No pickle is ever opened."""
    path = tmp_path / "evil.npy"
    np.save(path, np.array([Evil()]), allow_pickle=True)
    with pytest.raises(ModelFileError, match=r"numbers, booleans or text.*object"):
        read_array(path.read_bytes())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", bytes(8)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", bytes(8)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", bytes(8)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", bytes(16)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 10**30)}"),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 1" + "0" * 30 + ")}"),
        npy("{'descr': '|V8', 'fortran_order': False, 'shape': (1,)}", bytes(8)),
        npy("{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,)}", bytes(8)),
        npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", bytes(8)),
        npy("__import__('os').system('true')"),
        npy("{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", b"\x02"),
        npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", b"\xff" * 4),
        npy("{'descr': '<U0', 'fortran_order': False, 'shape': (9,)}"),
    ],
)
def test_array_with_a_hostile_header_is_refused(data):
    """The header is compared with the size before memory is allocated."""
    with pytest.raises(ModelFileError, match=r"must be \.npy members"):
        read_array(data)


def test_array_flipped_bytes_is_refused_or_an_array():
    """Damaged data give no other error."""
    data, generator = write_array(np.arange(6.0).reshape(2, 3)), np.random.default_rng(0)
    for position in generator.integers(0, len(data), 300):
        edited = bytearray(data)
        edited[position] ^= 1 << int(generator.integers(8))
        try:
            assert isinstance(read_array(bytes(edited)), np.ndarray)
        except ModelFileError:
            continue


def places(node, path=()):
    """Yield the path of each value in a tree."""
    for key, child in node.items() if isinstance(node, dict) else enumerate(node):
        yield (*path, key)
        if isinstance(child, dict | list):
            yield from places(child, (*path, key))


@pytest.mark.filterwarnings("ignore")  # of versions, and of numbers that make no sense
def test_tree_with_any_value_anywhere_is_refused_or_an_estimator():
    """Forged files with correct digests give no other error."""
    X, y = np.arange(12.0).reshape(6, 2), np.arange(6) % 2
    scaled = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    model = CalibratedClassifierCV(FrozenEstimator(scaled), method="isotonic", cv=3).fit(X, y)
    encoder = Encoder()
    tree = encoder.encode_root(model)
    values = [None, True, -1, 10**30, 1.5, "", "../x", [], {}, [[]], {"$": "same", "number": 0}]
    refused = 0
    for path in places(tree):
        for value in values:
            edited = copy.deepcopy(tree)
            node = edited
            for key in path[:-1]:
                node = node[key]
            node[path[-1]] = value
            try:
                assert isinstance(
                    Decoder(encoder.members, 2**20).decode_root(edited), BaseEstimator
                )
            except ModelFileError:
                refused += 1
    assert refused > 500

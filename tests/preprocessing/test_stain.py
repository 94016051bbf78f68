"""StainNormalizer: the papers' steps, drawn stains, images without stain, and bad input."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import DictionaryLearning
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from cellsk import ImageReader, StainNormalizer
from cellsk.exceptions import InputError, InputTypeError, StainWarning
from cellsk.preprocessing._stain_vectors import find_vahadane_stains, to_density

METHODS = ("macenko", "reinhard", "vahadane")
# Hematoxylin and eosin by Ruifrok and Johnston (2001).
H_AND_E = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])
MIN_DENSITY = 0.15


def measure_angles(found, expected):
    """Return the angle between each pair of vectors, in degrees."""
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return np.degrees(np.arccos(np.clip((found * expected).sum(axis=1) / lengths, -1, 1)))


def draw_stains(rng):
    """Return two random unit vectors with at least 20 degrees between them, more red first."""
    while True:
        stains = rng.uniform(0.05, 1, (2, 3))
        stains /= np.linalg.norm(stains, axis=1, keepdims=True)
        if stains[0] @ stains[1] < np.cos(np.radians(20)):
            return stains[np.argsort(-stains[:, 0])]


def draw_images(rng, stains, n_images=1, size=48, largest=1.0):
    """Return images of these stains: a third of the pixels has the first only, a third the other.

    The concentrations have the same distribution in each image, up to ``largest``.
    """
    amounts = rng.beta(1.2, 2.5, (n_images, size, size, 2)) * largest
    kind = rng.integers(3, size=amounts.shape[:3])
    amounts[kind == 0, 0] = 0
    amounts[kind == 1, 1] = 0
    levels = 10 ** -(amounts @ stains)
    return np.clip(np.rint(256 * levels - 1), 0, 255).astype(np.uint8)


@pytest.fixture
def images():
    """Six images of hematoxylin and eosin."""
    rng = np.random.default_rng(0)
    return draw_images(rng, H_AND_E / np.linalg.norm(H_AND_E, axis=1, keepdims=True), 6)


@pytest.fixture
def other_images():
    """Five images of other stains, and of other concentrations."""
    rng = np.random.default_rng(1)
    return draw_images(rng, draw_stains(rng), 5, largest=0.7)


def find_stained(image):
    """Return the optical densities of the stained pixels of an image, and of all its pixels."""
    density = -np.log10((image.reshape(-1, 3).astype(float) + 1) / 256)
    return density[np.linalg.norm(density, axis=1) >= MIN_DENSITY], density


def fit_macenko(image):
    """Return stains and maximal concentrations by the steps of the paper, one after the other."""
    stained, _ = find_stained(image)
    plane = np.linalg.svd(stained, full_matrices=False)[2][:2]
    if plane[0].sum() < 0:
        plane[0] = -plane[0]
    projected = stained @ plane.T
    angles = np.arctan2(projected[:, 1], projected[:, 0])
    ends = np.percentile(angles, [1, 99])
    stains = np.array([np.cos(end) * plane[0] + np.sin(end) * plane[1] for end in ends])
    stains = np.clip(stains, 0, None)
    stains = np.array([stain / np.linalg.norm(stain) for stain in stains])
    if stains[0, 0] < stains[1, 0]:
        stains = stains[::-1]
    concentrations = np.linalg.lstsq(stains.T, stained.T, rcond=None)[0]
    return stains, np.percentile(concentrations, 99, axis=1)


def normalize_macenko(image, target_stains, target_maximum):
    """Return the image with the stains of the target, as floats."""
    stains, maximum = fit_macenko(image)
    _, density = find_stained(image)
    concentrations = np.linalg.lstsq(stains.T, density.T, rcond=None)[0]
    scaled = concentrations / maximum[:, np.newaxis] * target_maximum[:, np.newaxis]
    return (256 * 10 ** -(target_stains.T @ scaled) - 1).T.reshape(image.shape)


def to_ruderman(levels):
    """Return l, alpha and beta of each pixel, by the formulas of the paper."""
    red, green, blue = levels.T
    cones = [
        0.3811 * red + 0.5783 * green + 0.0402 * blue,
        0.1967 * red + 0.7244 * green + 0.0782 * blue,
        0.0241 * red + 0.1288 * green + 0.8444 * blue,
    ]
    long, middle, short = np.log10(cones)
    return np.array(
        [
            (long + middle + short) / np.sqrt(3),
            (long + middle - 2 * short) / np.sqrt(6),
            (long - middle) / np.sqrt(2),
        ]
    )


def from_ruderman(axes):
    """Return the levels of red, green and blue."""
    lightness, alpha, beta = axes / np.sqrt([[3], [6], [2]])
    cones = 10 ** np.array(
        [lightness + alpha + beta, lightness + alpha - beta, lightness - 2 * alpha]
    )
    matrix = [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]]
    return np.linalg.solve(matrix, cones).T


@pytest.mark.parametrize("method", ["macenko", "vahadane"])
@pytest.mark.parametrize("seed", range(5))
def test_fit_random_stains_are_found(method, seed):
    """The stains of drawn images are found. Sparsity brings Vahadane's a little closer."""
    rng = np.random.default_rng(seed)
    stains = draw_stains(rng)
    found = StainNormalizer(method=method).fit(draw_images(rng, stains, 3))
    angles = measure_angles(found.stains_, stains)
    assert angles.max() < (0.5 if method == "macenko" else 3.5)
    assert np.linalg.norm(found.stains_, axis=1) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_macenko_literal_steps_give_the_same(seed):
    """Statistics and pixels equal those of the paper's steps in double precision."""
    rng = np.random.default_rng(seed)
    first, second = draw_images(rng, draw_stains(rng)), draw_images(rng, draw_stains(rng))
    normalizer = StainNormalizer().fit(first)
    stains, maximum = fit_macenko(first[0])
    assert measure_angles(normalizer.stains_, stains).max() < 0.01
    assert normalizer.max_concentrations_ == pytest.approx(maximum, rel=1e-3)
    expected = np.clip(normalize_macenko(second[0], stains, maximum), 0, 255)
    assert np.abs(normalizer.transform(second)[0] - expected).max() < 1


def test_reinhard_literal_steps_give_the_same(images, other_images):
    """Stained pixels equal those of the paper's formulas in double precision."""
    levels = [(image.reshape(-1, 3) + 1.0) / 256 for image in (images[0], other_images[0])]
    stained = [np.linalg.norm(np.log10(level), axis=1) >= MIN_DENSITY for level in levels]
    target = to_ruderman(levels[0][stained[0]])
    axes = to_ruderman(levels[1][stained[1]])
    ratio = target.std(axis=1, keepdims=True) / axes.std(axis=1, keepdims=True)
    moved = (axes - axes.mean(axis=1, keepdims=True)) * ratio + target.mean(axis=1, keepdims=True)
    expected = np.clip(256 * from_ruderman(moved) - 1, 0, 255)
    normalizer = StainNormalizer(method="reinhard").fit(images[:1])
    found = normalizer.transform(other_images[:1]).reshape(-1, 3)[stained[1]]
    assert np.abs(found - expected).max() < 1


@pytest.mark.parametrize("seed", range(3))
def test_vahadane_equals_dictionary_learning(seed):
    """The stains are those of scikit-learn's factorization, with the same weight and start."""
    rng = np.random.default_rng(seed)
    image = draw_images(rng, draw_stains(rng), size=24)[0]
    stained, _ = find_stained(image)
    is_stained = np.linalg.norm(find_stained(image)[1], axis=1) >= MIN_DENSITY
    found = find_vahadane_stains(to_density(image)[:, is_stained])
    learned = DictionaryLearning(
        2,
        alpha=0.1 / np.log(10),
        fit_algorithm="cd",
        positive_code=True,
        positive_dict=True,
        dict_init=fit_macenko(image)[0],
        max_iter=500,
        tol=1e-8,
    ).fit(stained)
    expected = learned.components_[np.argsort(-learned.components_[:, 0])]
    assert measure_angles(found, expected).max() < 0.1


@pytest.mark.parametrize("method", METHODS)
def test_transform_other_stain_gets_the_target(method, images, other_images):
    """After normalization, images of other stains have the statistics of the training images."""
    normalizer = StainNormalizer(method=method).fit(images)
    changed = StainNormalizer(method=method).fit(normalizer.transform(other_images))
    before = StainNormalizer(method=method).fit(other_images)
    if method == "reinhard":
        errors = [np.abs(one.means_ - normalizer.means_).max() for one in (before, changed)]
        assert changed.deviations_ == pytest.approx(normalizer.deviations_, abs=0.02)
    else:
        errors = [
            measure_angles(one.stains_, normalizer.stains_).max() for one in (before, changed)
        ]
        assert changed.max_concentrations_ == pytest.approx(
            normalizer.max_concentrations_, rel=0.05
        )
    assert errors[1] < errors[0] / 3


@pytest.mark.parametrize("method", ["macenko", "reinhard"])
def test_transform_target_image_stays(method, images):
    """An image with the target's statistics keeps its pixels, up to rounding."""
    changed = StainNormalizer(method=method).fit(images[:1]).transform(images[:1])
    assert np.abs(changed.astype(int) - images[:1]).max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_transform_is_the_same_in_any_batch_and_threads(method, images, other_images):
    """The result of an image depends neither on the others nor on the number of threads."""
    X = np.concatenate([images, other_images] * 4)  # several blocks
    normalizer = StainNormalizer(method=method).fit(X)
    whole = normalizer.transform(X)
    threads = StainNormalizer(method=method, n_jobs=2).fit(X)
    assert np.array_equal(threads.transform(X), whole)
    for name in ("stains_", "means_"):
        assert np.array_equal(getattr(threads, name, 0), getattr(normalizer, name, 0))
    assert np.array_equal(normalizer.transform(X[3:4]), whole[3:4])
    assert np.array_equal(normalizer.transform(np.asfortranarray(X[::-1]))[::-1], whole)


def make_unstained():
    """Return images without two stains, by name."""
    rng = np.random.default_rng(0)
    gray = rng.integers(30, 230, (32, 32, 1)).repeat(3, axis=2)
    made = {
        "white": np.full((32, 32, 3), 255),
        "black": np.zeros((32, 32, 3)),
        "background": rng.integers(240, 256, (32, 32, 3)),
        "pink": np.full((32, 32, 3), (220, 120, 180)),
        "pink noise": np.array([200, 100, 160]) + rng.integers(-1, 2, (32, 32, 3)),
        "gray": gray,
        "gray noise": np.clip(gray + rng.normal(0, 3, (32, 32, 3)), 0, 255),
        "saturated": np.where(gray < 128, 0, 255),
        "one dark pixel": np.where(np.arange(3072).reshape(32, 32, 3) < 3, 0, 255),
    }
    return {name: image.astype(np.uint8)[np.newaxis] for name, image in made.items()}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", make_unstained())
def test_transform_image_without_two_stains_stays(method, name, images):
    """No hue is invented where there is none."""
    image = make_unstained()[name]
    changed = StainNormalizer(method=method).fit(images).transform(image)
    assert np.array_equal(changed, image)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_transform_tiny_image_is_defined(method, size, images):
    """Images of a few pixels raise nothing, and warn of nothing."""
    rng = np.random.default_rng(0)
    tiny = rng.integers(0, 256, (20, size, size + 1, 3), dtype=np.uint8)
    changed = StainNormalizer(method=method).fit(images).transform(tiny)
    assert changed.shape == tiny.shape
    assert changed.dtype == np.uint8


@pytest.mark.parametrize("method", METHODS)
def test_transform_pure_dyes_are_defined(method, images):
    """Pixels that absorb one channel only, and black ones, raise nothing."""
    dyes = np.array([[0, 255, 255], [255, 0, 255], [255, 255, 0], [0, 0, 0]], dtype=np.uint8)
    drawn = dyes[np.random.default_rng(0).integers(4, size=(3, 16, 16))]
    changed = StainNormalizer(method=method).fit(images).transform(drawn)
    assert changed.shape == drawn.shape


def test_transform_white_background_keeps_white(images, other_images):
    """The background of a stained image keeps white with each method."""
    half = other_images.copy()
    half[:, :20] = 255
    for method in METHODS:
        changed = StainNormalizer(method=method).fit(images).transform(half)
        assert (changed[:, :20] == 255).all()
        assert not np.array_equal(changed[:, 20:], half[:, 20:])


def test_transform_large_image_is_changed_in_chunks(images, other_images):
    """A tiled image has the statistics of one tile, and each tile becomes the same."""
    tiled = np.tile(other_images[:1], (1, 8, 8, 1))  # 384 x 384, in three chunks
    normalizer = StainNormalizer().fit(images)
    changed = normalizer.transform(tiled)
    one = normalizer.transform(other_images[:1])
    assert np.abs(changed.astype(int) - np.tile(one, (1, 8, 8, 1))).max() <= 1


def test_transform_read_only_map_is_not_changed(tmp_path, images):
    """The store of a reader gives maps that cannot be written."""
    np.save(tmp_path / "X.npy", images)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    changed = StainNormalizer().fit(mapped).transform(mapped)
    assert type(changed) is np.ndarray
    assert np.array_equal(mapped, images)


def test_fit_few_foreign_images_do_not_move_the_target(images, other_images):
    """The target is a median over images."""
    mixed = np.concatenate([images, other_images[:2]])
    alone = StainNormalizer().fit(images)
    assert measure_angles(StainNormalizer().fit(mixed).stains_, alone.stains_).max() < 2


def test_fit_unstained_images_are_left_out(images):
    """Blank images do not define the target, and more than half of them give a warning."""
    blank = np.full_like(images, 255)
    some = StainNormalizer().fit(np.concatenate([images, blank[:3]]))
    assert some.n_stained_ == 6
    assert np.array_equal(some.stains_, StainNormalizer().fit(images).stains_)
    with pytest.warns(StainWarning, match=r"two stains\. Got 2 of 8.*Look at them"):
        StainNormalizer().fit(np.concatenate([images[:2], blank]))


def test_fit_no_stained_image_raises():
    """Without stain there is no target."""
    match = r"At least one training image must show two stains\. Got 4 images"
    with pytest.raises(InputError, match=match):
        StainNormalizer().fit(np.full((4, 8, 8, 3), 255, dtype=np.uint8))


def test_fit_again_with_another_method_forgets_the_first(images):
    """Only the attributes of the last fit are there."""
    normalizer = StainNormalizer().fit(images)
    normalizer.set_params(method="reinhard")
    with pytest.raises(NotFittedError):
        normalizer.transform(images)
    normalizer.fit(images)
    assert not hasattr(normalizer, "stains_")
    assert normalizer.means_.shape == normalizer.deviations_.shape == (3,)


@pytest.mark.parametrize(
    ("X", "kind", "match"),
    [
        (np.zeros((2, 8, 8, 1), np.uint8), InputError, "Got 1 channel. Gray images have no stain"),
        (np.zeros((2, 8, 8, 4), np.uint8), InputError, r"Got 4 channels\. Pass red"),
        (np.zeros((2, 8, 8, 3)), InputTypeError, r"dtype uint8\. Got values of float64\. Pass \("),
        (np.zeros((2, 192), np.uint8), InputError, r"Got shape \(2, 192\)"),
        (np.zeros((0, 8, 8, 3), np.uint8), InputError, r"Got shape \(0, 8, 8, 3\)"),
        (["a.png", "b.png"], InputTypeError, r"Got an array of <U5\. Put a reader in front"),
        ([np.zeros((2, 2, 3)), np.zeros((3, 2, 3))], InputError, "images that differ in size"),
    ],
)
def test_other_input_is_refused(X, kind, match):
    """Each error has a remedy."""
    with pytest.raises(kind, match=match):
        StainNormalizer().fit(X)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"method": "ruifrok"}, "method must be one of 'macenko', 'reinhard', 'vahadane'"),
        ({"min_density": 0}, r"min_density must be a number in \(0, 4\)"),
    ],
)
def test_bad_parameter_is_refused(parameters, match, images):
    """Parameters are checked in fit."""
    with pytest.raises(InputError, match=match):
        StainNormalizer(**parameters).fit(images)


def test_sklearn_contract(images):
    """Tags, clone and set_output do what scikit-learn expects of a transformer of images."""
    normalizer = StainNormalizer(method="vahadane")
    assert clone(normalizer).method == "vahadane"
    assert not get_tags(normalizer).input_tags.two_d_array
    with pytest.raises(NotFittedError):
        normalizer.transform(images)
    pipeline = make_pipeline(ImageReader(), normalizer).set_output(transform="default")
    assert pipeline[-1] is normalizer
    with pytest.raises(InputError, match="images are arrays with four axes"):
        normalizer.set_output(transform="pandas")
    found = StainNormalizer().fit_transform(images)
    assert np.array_equal(found, StainNormalizer().fit(images).transform(images))


def test_real_patches_get_closer_in_hue(pcam):
    """The mean difference of blue and red varies less between real patches after normalization."""
    paths = sorted(map(str, (pcam / "valid" / "1").glob("*.jpg")))[:60]
    X = ImageReader().transform(paths)
    for method in METHODS:
        changed = StainNormalizer(method=method).fit_transform(X)
        before, after = (images.mean(axis=(1, 2)) for images in (X, changed))
        assert np.ptp(after[:, 2] - after[:, 0]) < np.ptp(before[:, 2] - before[:, 0]) / 2

"""Near-duplicates: turned, flipped and encoded copies are found; other pictures are not."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn

from benchmarks.duplicates import CHANGES as DAMAGE
from benchmarks.duplicates import cut_cell, draw_depth
from cellsk.audit import audit_images
from cellsk.audit._duplicates import cover_pairs, merge_groups
from cellsk.audit._fingerprints import measure_images
from cellsk.audit._near_duplicates import (
    _hash_spectrum,
    _split_spectrum,
    _turn,
    find_near_duplicates,
    verify_pairs,
)
from cellsk.audit._textures import measure_textures
from cellsk.datasets import list_images, make_cells


def turn(image, number):
    """Return an image under one of the eight symmetries of the square."""
    turned = np.rot90(image, number % 4)
    return np.ascontiguousarray(turned[::-1] if number > 3 else turned)


def compress(image, quality):
    """Return an image after JPEG compression."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def resize(image, size):
    """Return a resized image."""
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR))


CHANGES = {
    "nothing": lambda image: image,
    "jpeg 75": lambda image: compress(image, 75),
    "jpeg 30": lambda image: compress(image, 30),
    "smaller": lambda image: resize(image, 64),
    "larger": lambda image: resize(image, 224),
    "brighter": lambda image: np.clip(image * 1.05 + 5, 0, 255).astype(np.uint8),
    "gray": lambda image: np.asarray(Image.fromarray(image).convert("L").convert("RGB")),
}


@pytest.fixture(scope="module")
def patches(pcam):
    """150 different real patches that are not empty."""
    paths = list_images(pcam / "valid").paths[::10]
    images = {image.tobytes(): image for image in map(np.asarray, map(Image.open, paths))}
    return [image for image in images.values() if image.std() > 20]


@pytest.mark.parametrize("change", CHANGES)
def test_near_copies_of_patches_are_found(patches, change):
    """At least 99 of 100 changed and turned copies are found, and no false pair."""
    copies = [turn(CHANGES[change](patch), row % 8) for row, patch in enumerate(patches)]
    prints = measure_images([*patches, *copies])
    pairs = find_near_duplicates(prints.thumbnail).rows
    n_patches = len(patches)
    assert (pairs[:, 1] - pairs[:, 0] == n_patches).all()
    assert len(pairs) >= 0.99 * n_patches


def test_near_different_pictures_are_not_paired():
    """Similar but different gradients, spots and noise are not paired."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:48, :48]
    images = []
    for _ in range(200):
        row, column, width = [*rng.uniform(8, 40, 2), rng.uniform(4, 10)]
        spot = 150 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / width**2)
        images.append(np.clip(230 - spot + rng.normal(0, 4, spot.shape), 0, 255).astype(np.uint8))
    assert len(find_near_duplicates(measure_images(images).thumbnail).rows) == 0


@pytest.fixture(scope="module")
def cells():
    """1,000 different segmented gray cells, of 50 x 50 pixels, of 40 patients."""
    drawn = make_cells(
        1000, n_patients=40, image_size=(50, 50), style="single_cell", random_state=0
    )
    drawn.thumbnails = measure_images(list(drawn.images)).thumbnail
    return drawn


def test_near_segmented_cells_are_not_paired(cells):
    """Cells that share outline, background and shading are different cells."""
    report = audit_images(cells.images, cells.y, cells.groups)
    assert report.near_duplicate_sets == []


COPIES = {
    "jpeg 75": lambda image: compress(image, 75),
    "larger": lambda image: resize(image, 53),
    "brighter": lambda image: np.clip(image * 1.05 + 5, 0, 255).astype(np.uint8),
    "darker, smaller, jpeg 75": lambda image: compress(
        resize((image * 0.95).astype(np.uint8), 48), 75
    ),
}


@pytest.mark.parametrize("change", COPIES)
def test_near_copies_of_segmented_cells_are_found(cells, change):
    """At least 99 of 100 changed and turned copies are found among 1,000 look-alike cells."""
    images = cells.images[:200, ..., 0]
    copies = [turn(COPIES[change](image), row % 8) for row, image in enumerate(images)]
    thumbnails = np.concatenate([cells.thumbnails, measure_images(copies).thumbnail])
    pairs = find_near_duplicates(thumbnails).rows
    assert (pairs[:, 1] - pairs[:, 0] == len(cells.images)).all()
    assert len(pairs) >= 198


@pytest.mark.parametrize("contrast", [1.0, 0.3])
def test_near_copies_of_cells_without_clear_texture_are_found(patches, contrast):
    """Copies that lost some texture agree better than the look-alikes of the cell."""
    rng = np.random.default_rng(0)
    cells = [cut_cell(patch, contrast, draw_depth(rng)) for patch in patches]
    thumbnails = measure_images(cells).thumbnail
    for change in ("JPEG 50", "x 0.9 and back", "8% brighter"):
        copies = [turn(DAMAGE[change](cell), row % 8) for row, cell in enumerate(cells[:100])]
        everything = np.concatenate([thumbnails, measure_images(copies).thumbnail])
        pairs = find_near_duplicates(everything).rows
        assert (pairs[:, 1] - pairs[:, 0] == len(cells)).all(), change
        assert len(pairs) >= 99, change


def draw_disc(rng, size=50, noise=0.0, background=0.0, radius=(20, 23.5)):
    """Draw a round cell without any texture, shaded towards its edge."""
    y, x = np.mgrid[:size, :size] + 0.5
    row, column = size / 2 + rng.normal(0, 0.4, 2)
    depth = rng.uniform(*radius) - np.hypot(y - row, (x - column) * rng.uniform(0.95, 1.05))
    shade = 1 - 0.5 * np.exp(-np.clip(depth, 0, None) / rng.uniform(2, 6))
    disc = np.where(depth > 0, rng.uniform(90, 160) * shade, background)
    return np.clip(np.rint(disc + rng.normal(0, noise, disc.shape)), 0, 255).astype(np.uint8)


BACKGROUNDS = {
    "black": {},
    "noise": {"noise": 2.0},
    "white": {"background": 230.0, "noise": 1.0},
    "small": {"radius": (6, 8)},
}


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_near_smooth_discs_are_not_paired(background):
    """Discs without texture prove nothing, so hardly any of them is named."""
    rng = np.random.default_rng(0)
    discs = [draw_disc(rng, **BACKGROUNDS[background]) for _ in range(250)]
    assert len(np.unique(find_near_duplicates(measure_images(discs).thumbnail).rows)) <= 4


def test_near_turned_smooth_discs_are_found():
    """A lossless copy has the same pixels, so it needs no texture."""
    rng = np.random.default_rng(0)
    discs = [draw_disc(rng, noise=1) for _ in range(100)]
    images = [*discs, *(turn(disc, row % 8) for row, disc in enumerate(discs))]
    pairs = verify_pairs(measure_images(images).thumbnail, np.arange(200).reshape(2, 100).T)
    assert len(pairs.rows) == 100


def test_near_cropped_cells_are_compared_inside(cells):
    """Cells that touch the frame are not compared by their outlines; tissue is, as a whole."""
    images = cells.images[:50, ..., 0]
    cropped = [image[np.ix_(image.any(axis=1), image.any(axis=0))] for image in images]
    assert not measure_textures(measure_images(cropped).thumbnail).whole.any()
    tissue = make_cells(20, image_size=(50, 50), random_state=0).images
    assert measure_textures(measure_images(tissue).thumbnail).whole.all()


def test_near_flat_images_are_never_paired():
    """Images of empty glass are not duplicates."""
    rng = np.random.default_rng(0)
    images = np.clip(240 + rng.normal(0, 2, (50, 32, 32)), 0, 255).astype(np.uint8)
    assert len(find_near_duplicates(images).rows) == 0


def test_near_spectrum_turns_are_those_of_the_picture():
    """Signs and transposition give the spectra of the eight turned images."""
    image = np.random.default_rng(0).normal(size=(8, 8))
    made = list(_turn(dctn(image, norm="ortho")[np.newaxis]))
    for number in range(8):
        wanted = dctn(turn(image, number), norm="ortho")
        assert sum(np.allclose(spectrum[0], wanted) for spectrum in made) == 1


def test_near_hash_is_the_same_under_symmetries_and_never_widens():
    """Hashes of turned pictures are equal, and hash distances never exceed picture distances."""
    images = np.random.default_rng(0).integers(0, 256, (30, 32, 32), dtype=np.uint8)
    coarse, _ = _split_spectrum(images)
    hashes = _hash_spectrum(coarse)
    assert hashes.shape == (30, 14)
    for number in range(8):
        turned, _ = _split_spectrum(np.stack([turn(image, number) for image in images]))
        assert np.allclose(_hash_spectrum(turned), hashes, atol=1e-5)
    distances = np.linalg.norm(hashes[:, None] - hashes[None], axis=-1)
    pictures = np.linalg.norm((coarse[:, None] - coarse[None]).reshape(30, 30, -1), axis=-1)
    assert (distances <= pictures + 1e-5).all()


def test_near_many_copies_of_one_picture_form_one_set():
    """A set may have more copies than the number of compared neighbors."""
    base = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    noise = np.random.default_rng(1).integers(0, 3, (60, 48, 48), dtype=np.uint8)
    thumbnails = measure_images(list(np.minimum(base, 250) + noise)).thumbnail
    sets = cover_pairs(thumbnails, find_near_duplicates(thumbnails).rows)
    assert [len(members) for members in sets] == [60]


def test_near_pairs_are_not_chained_into_sets():
    """Pictures that change step by step are in sets whose images look like one of them."""
    rng = np.random.default_rng(0)
    first, last = rng.integers(30, 220, (2, 32, 32))
    steps = [first + (last - first) * step / 12 for step in range(13)]
    thumbnails = np.rint(steps).astype(np.uint8)
    pairs = np.stack([np.arange(12), np.arange(1, 13)], axis=1)
    pairs = verify_pairs(thumbnails, pairs).rows
    assert len(pairs) == 12
    sets = cover_pairs(thumbnails, pairs)
    assert max(len(members) for members in sets) < 13
    for members in sets:
        assert any(
            all(len(verify_pairs(thumbnails, np.array([[one, other]])).rows) for other in members)
            for one in members
        )
    for one, other in pairs:
        assert any(one in members and other in members for members in sets)


def test_thumbnail_of_turned_image_is_turned():
    """Averaging over areas does not depend on direction, in odd and small sizes too."""
    for size in (7, 32, 50, 97):
        image = np.random.default_rng(size).integers(0, 256, (size, size, 3), dtype=np.uint8)
        upright = measure_images([image]).thumbnail[0].astype(int)
        for number in range(8):
            turned = measure_images([turn(image, number)]).thumbnail[0]
            assert np.abs(turned - turn(upright, number)).max() <= 1


def test_groups_joined_by_many_sets_keep_unlike_names():
    """Chains of sets join groups; long names are shortened and stay different."""
    groups = np.array(["A", "B", "C", "D", "E", "F", "G"])
    merged = merge_groups(groups, 7, [np.array([0, 1]), np.array([1, 2]), np.array([2, 3])])
    assert merged.tolist() == ["A+3 more"] * 4 + ["E", "F", "G"]

"""The store of decoded pixels: the same images as without, even if its files are damaged."""

import errno
import os
import stat
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from joblib import Parallel, delayed
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from cellsk import CellClassifier
from cellsk.exceptions import ImageReadError, StoreWarning
from cellsk.preprocessing import ImageReader, _pixel_file, _reader, _store, _store_files

SIZE = 3 * 8 * 10
# One process that reads. It is given a pipe, the folder of the store, paths, and where to stop.
READ = """
import time
from cellsk.preprocessing import ImageReader, _reader
decode, seen = _reader.decode_image, []
def count(source, **settings):
    seen.append(source)
    if len(seen) == stop:
        pipe.send("writing")
        time.sleep(600)
    return decode(source, **settings)
_reader.decode_image = count
pipe.send("ready")
pipe.recv()
images = ImageReader(store=folder).transform(paths)
pipe.send([len(seen), type(images).__name__, images.tobytes()])
"""


def draw(seed):
    """Return random RGB pixels."""
    return np.random.default_rng(seed).integers(0, 256, (8, 10, 3), dtype=np.uint8)


def write(path, seed):
    """Write random pixels as a file without compression, so all files have the same size."""
    Image.fromarray(draw(seed)).save(path)
    return str(path)


@pytest.fixture
def paths(tmp_path):
    """Return the paths of eight BMP files, the n-th drawn from seed n."""
    folder = tmp_path / "cells"
    folder.mkdir()
    return [write(folder / f"c{seed}.bmp", seed) for seed in range(8)]


@pytest.fixture
def folder(tmp_path):
    """Return the path of the store, which does not exist yet."""
    return tmp_path / "store"


@pytest.fixture
def decoded(monkeypatch):
    """Return a list that grows with every file that is decoded."""
    real, seen = _reader.decode_image, []
    monkeypatch.setattr(_reader, "decode_image", lambda x, **kw: seen.append(x) or real(x, **kw))
    return seen


@pytest.fixture
def new_process(monkeypatch):
    """Return a function that makes this process forget which files it has checked."""
    return lambda: monkeypatch.setattr(_pixel_file, "_checked", set())


def list_names(folder, suffix):
    """Return the names of the files of a store that end in ``suffix``."""
    return sorted(name for name in os.listdir(folder) if name.endswith(suffix))


def find_pixel_file(folder):
    """Return the only pixel file of a store."""
    (name,) = list_names(folder, ".pixels")
    return folder / name


@pytest.fixture
def start(processes):
    """Return a function that starts a process, which reads after `let_read`."""
    started = []

    def start_process(folder, paths, stop=0):
        pipe, other = processes.Pipe()
        names = {"pipe": other, "folder": folder, "paths": paths, "stop": stop}
        process = processes.Process(target=exec, args=(READ, names))
        process.start()
        other.close()
        started.append(process)
        return process, pipe

    yield start_process
    for process in started:
        process.kill()
        process.join()


def receive(pipe):
    """Return what a process sends next."""
    assert pipe.poll(60), "the process sends nothing"
    return pipe.recv()


def wait_until_ready(*pipes):
    """Wait until all processes, which start side by side, have imported cellsk."""
    for pipe in pipes:
        assert receive(pipe) == "ready"


def let_read(pipe):
    """Let a process read that is ready."""
    pipe.send("go")


def finish(pipe):
    """Return how many files a process has decoded, and its images."""
    n_decoded, kind, pixels = receive(pipe)
    assert kind == "memmap"
    return n_decoded, np.frombuffer(pixels, np.uint8).reshape(-1, 8, 10, 3)


def test_store_gives_the_same_pixels_and_decodes_once(paths, folder, decoded):
    """The second time, no file is decoded. The result is a read-only map."""
    reader = ImageReader(store=folder)
    first, second = reader.transform(paths), reader.transform(paths)
    assert decoded == paths
    plain = ImageReader().transform(paths)
    for images in (first, second):
        assert isinstance(images, np.memmap)
        assert not images.flags.writeable
        assert images.flags.c_contiguous
        assert (images.dtype, images.shape) == (plain.dtype, plain.shape)
        assert np.array_equal(images, plain)


def test_store_lists_share_what_they_have_in_common(paths, folder, decoded):
    """A fold in another order, with repeated images, decodes only images that no list holds."""
    reader = ImageReader(store=folder)
    reader.transform(paths[:5])
    decoded.clear()
    fold = [paths[seed] for seed in (6, 3, 4, 3, 7, 0)]
    assert np.array_equal(reader.transform(fold), [draw(seed) for seed in (6, 3, 4, 3, 7, 0)])
    assert decoded == [paths[6], paths[7]]


def test_store_separates_readers(paths, folder, tmp_path):
    """Readers with different settings do not share pixels."""
    pages = [Image.fromarray(np.full((8, 10), value, np.uint16)) for value in (100, 200)]
    stack = tmp_path / "stack.tif"
    pages[0].save(stack, save_all=True, append_images=pages[1:])
    for settings in [{"page": 0}, {"page": 1}, {"page": 1, "value_range": (0, 4095)}]:
        plain = ImageReader(**settings).transform([stack])
        assert np.array_equal(ImageReader(**settings, store=folder).transform([stack]), plain)
    for settings in [{}, {"channels": 1}, {"image_size": (4, 6)}, {"image_size": (6, 4)}]:
        plain = ImageReader(**settings).transform(paths)
        assert np.array_equal(ImageReader(**settings, store=folder).transform(paths), plain)
    with pytest.raises(ImageReadError, match="more than the limit of 10"):
        ImageReader(max_pixels=10, store=folder).transform(paths)


@pytest.mark.parametrize("keep_time", [False, True])
def test_store_sees_changed_file_of_the_same_size(paths, folder, keep_time):
    """New contents are read, even if a program has set the old time again."""
    reader = ImageReader(store=folder)
    reader.transform(paths)
    before = os.stat(paths[2])
    write(paths[2], 99)
    assert os.stat(paths[2]).st_size == before.st_size
    if keep_time:
        os.utime(paths[2], ns=(before.st_atime_ns, before.st_mtime_ns))
    assert np.array_equal(reader.transform(paths)[2], draw(99))


def test_store_does_not_keep_what_changes_meanwhile(paths, folder, monkeypatch):
    """A list with a file that changes meanwhile is read without the store."""
    real = _reader.decode_image

    def decode_and_touch(source, **settings):
        pixels = real(source, **settings)
        os.utime(source, ns=(0, 0))
        return pixels

    monkeypatch.setattr(_reader, "decode_image", decode_and_touch)
    images = ImageReader(store=folder).transform(paths)
    assert np.array_equal(images, ImageReader().transform(paths))
    assert images.flags.writeable
    assert list_names(folder, ".pixels") + list_names(folder, ".draft") == []


def test_store_knows_relative_paths_by_their_folder(tmp_path, folder, monkeypatch):
    """The same name in another folder is another image, even with the same times."""
    monkeypatch.setattr(_store, "_take_stamp", lambda source: (0, 0, 0))
    reader, found = ImageReader(store=folder), []
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        monkeypatch.chdir(tmp_path / str(seed))
        write("a.bmp", seed)
        found.append(reader.transform(["a.bmp"])[0])
    assert np.array_equal(found, [draw(1), draw(2)])


@pytest.mark.parametrize("place", [0, 20, 4096, 4096 + 3 * SIZE, -100, -2])
def test_store_replaces_damaged_file(paths, folder, decoded, new_process, place):
    """The next process finds a flipped bit in header, pixels, keys or checksums."""
    reader = ImageReader(store=folder)
    plain = np.array(reader.transform(paths))
    pixel_file = find_pixel_file(folder)
    data = bytearray(pixel_file.read_bytes())
    data[place] ^= 4
    pixel_file.write_bytes(data)
    new_process()
    assert np.array_equal(reader.transform(paths), plain)
    assert decoded[len(paths) :] in ([paths[0]], [paths[3]], paths)
    decoded.clear()
    new_process()
    assert np.array_equal(reader.transform(paths), plain)
    assert not decoded


@pytest.mark.parametrize("size", [0, 50, 5000, 10**5])
def test_store_replaces_file_of_wrong_size(paths, folder, size):
    """A file that is too short or too long is replaced."""
    reader = ImageReader(store=folder)
    plain = np.array(reader.transform(paths))
    os.truncate(find_pixel_file(folder), size)
    assert np.array_equal(reader.transform(paths), plain)
    assert find_pixel_file(folder).stat().st_size == _pixel_file.file_size(plain.shape)


def test_store_does_not_copy_damaged_rows(paths, folder, decoded):
    """Undamaged images of a damaged file are used, and the others are decoded."""
    reader = ImageReader(store=folder)
    reader.transform(paths)
    with find_pixel_file(folder).open("r+b") as file:
        file.seek(4096 + 3 * SIZE)
        file.write(b"\0" * SIZE)
    decoded.clear()
    assert np.array_equal(reader.transform(paths[2:5]), [draw(seed) for seed in (2, 3, 4)])
    assert decoded == [paths[3]]


def test_store_ignores_file_of_another_list(paths, folder):
    """An undamaged file with a wrong name is not used."""
    reader = ImageReader(store=folder)
    reader.transform(paths[:4])
    first = find_pixel_file(folder)
    reader.transform(paths[4:])
    (second,) = {folder / name for name in list_names(folder, ".pixels")} - {first}
    os.replace(second, first)
    assert np.array_equal(reader.transform(paths[:4]), [draw(seed) for seed in range(4)])


@pytest.mark.skipif(os.name == "nt", reason="links and pipes are POSIX")
def test_store_follows_no_link_and_waits_for_no_pipe(paths, folder, tmp_path):
    """Links and pipes in the folder are replaced or ignored."""
    reader = ImageReader(store=folder)
    plain = np.array(reader.transform(paths))
    pixel_file = find_pixel_file(folder)
    os.replace(pixel_file, tmp_path / "elsewhere")
    for plant in (
        lambda: pixel_file.symlink_to(tmp_path / "elsewhere"),
        lambda: os.mkfifo(pixel_file),
    ):
        plant()
        os.mkfifo(folder / f"{'0' * 32}.pixels")
        assert np.array_equal(reader.transform(paths), plain)
        assert stat.S_ISREG(pixel_file.lstat().st_mode)
        pixel_file.unlink()
        os.unlink(folder / f"{'0' * 32}.pixels")


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_store_is_for_its_user_alone(paths, folder):
    """Only the owner can read the pixels, and a tag tells backup programs to skip them."""
    ImageReader(store=folder).transform(paths)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(find_pixel_file(folder).stat().st_mode) == 0o600
    assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886")


def test_store_removes_the_least_recently_used_list(paths, folder):
    """The limit holds. Other files in the folder and recently used lists stay."""
    one = _pixel_file.file_size((2, 8, 10, 3))
    reader = ImageReader(store=folder, max_store_bytes=2 * one)
    folder.mkdir()
    (folder / "notes.pixels").write_bytes(b"x" * 10_000)
    reader.transform(paths[0:2])
    oldest = find_new_name(folder, set())
    reader.transform(paths[2:4])
    middle = find_new_name(folder, {oldest})
    reader.transform(paths[0:2])  # used again
    reader.transform(paths[4:6])
    left = set(list_names(folder, ".pixels"))
    assert len(left) == 3
    assert {oldest, "notes.pixels"} < left
    assert middle not in left


def find_new_name(folder, known):
    """Return the name of the only pixel file that is not in ``known``."""
    (name,) = set(list_names(folder, ".pixels")) - known - {"notes.pixels"}
    return name


def test_store_keeps_a_bounded_number_of_lists(paths, folder, monkeypatch):
    """The number of files is limited."""
    monkeypatch.setattr(_store_files, "_MAX_FILES", 3)
    reader = ImageReader(store=folder)
    for path in paths:
        reader.transform([path])
    assert len(list_names(folder, ".pixels")) == 3


@pytest.mark.skipif(os.name == "nt", reason="open files cannot be removed there at all")
def test_store_does_not_remove_mapped_lists(paths, folder):
    """Lists in use stay, and a list without space is read into memory."""
    one = _pixel_file.file_size((2, 8, 10, 3))
    reader = ImageReader(store=folder, max_store_bytes=one)
    images = reader.transform(paths[0:2])
    view, pixel_file = images[1:], find_pixel_file(folder)
    del images
    other = reader.transform(paths[2:4])
    assert not isinstance(other, np.memmap)
    assert find_pixel_file(folder) == pixel_file
    assert np.array_equal(view[0], draw(1))
    assert np.array_equal(other, [draw(2), draw(3)])
    del view
    assert isinstance(reader.transform(paths[2:4]), np.memmap)
    assert find_pixel_file(folder) != pixel_file


def test_store_reads_too_large_list_into_memory(paths, folder):
    """A list above the limit is read without the store, and removes no other list."""
    reader = ImageReader(store=folder, max_store_bytes=6000)
    reader.transform(paths[:2])
    pixel_file = find_pixel_file(folder)
    images = reader.transform(paths)
    assert not isinstance(images, np.memmap)
    assert images.flags.writeable
    assert np.array_equal(images, ImageReader().transform(paths))
    assert find_pixel_file(folder) == pixel_file


def test_store_on_full_disk_warns_and_reads(paths, folder, monkeypatch):
    """The images are read, and no incomplete file stays."""
    real = _pixel_file.PixelDraft.add

    def add(draft, index, pixels):
        if index == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(draft, index, pixels)

    monkeypatch.setattr(_pixel_file.PixelDraft, "add", add)
    with pytest.warns(
        StoreWarning, match=r"Got 'no space left on device' .* Free some space, name"
    ):
        images = ImageReader(store=folder).transform(paths)
    assert np.array_equal(images, ImageReader().transform(paths))
    assert list_names(folder, ".pixels") + list_names(folder, ".draft") == []


def test_store_larger_than_files_may_be_warns_and_reads(paths, folder):
    """The images are read if the system does not allow files of this size."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.warns(StoreWarning, match="are read without it"):
            images = ImageReader(store=folder).transform(paths)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert np.array_equal(images, ImageReader().transform(paths))
    assert list_names(folder, ".pixels") + list_names(folder, ".draft") == []


def test_store_where_nothing_can_be_written_warns_and_reads(paths):
    """The images are read if the folder cannot be created."""
    with pytest.warns(
        StoreWarning, match=r"must be a folder that can be written. .*'/proc/cellsk'"
    ):
        images = ImageReader(store="/proc/cellsk").transform(paths)
    assert np.array_equal(images, ImageReader().transform(paths))


def test_store_that_is_a_file_raises(paths, tmp_path):
    """The error names the file."""
    with pytest.raises(NotADirectoryError, match=r"store must be a folder. Got the file .*c0.bmp"):
        ImageReader(store=paths[0]).transform(paths)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"store": 5}, TypeError, r"store must be the path of a folder, or None. Got 5"),
        ({"store": True}, TypeError, r"Got True"),
        ({"store": ""}, ValueError, r"Got ''. Pass '.' for the current folder"),
        ({"max_store_bytes": 0}, ValueError, r"max_store_bytes must be .* at least 1, in bytes"),
        ({"max_store_bytes": 1e9}, TypeError, r"Got 1000000000.0"),
    ],
)
def test_store_parameter_wrong_raises_in_fit_and_transform(paths, settings, error, message):
    """The constructor stores any value; fit and transform raise an error."""
    reader = ImageReader(**settings)
    for method in (reader.fit, reader.transform):
        with pytest.raises(error, match=message):
            method(paths)


def test_store_of_bytes_keeps_nothing(paths, folder):
    """Bytes have no path and no time, so a list with bytes is read without the store."""
    mixed = [Path(paths[0]).read_bytes(), *paths[1:]]
    assert np.array_equal(
        ImageReader(store=folder).transform(mixed), ImageReader().transform(paths)
    )
    assert not folder.exists()


def test_store_raises_the_errors_of_a_reader_without_store(paths, folder, tmp_path):
    """Unreadable files and mixed sizes raise the same errors, and no list is kept."""
    (tmp_path / "cut.bmp").write_bytes(Path(paths[0]).read_bytes()[:100])
    Image.new("RGB", (3, 4)).save(tmp_path / "small.bmp")
    small = os.fspath(tmp_path / "small.bmp")
    ImageReader(store=folder).transform([small])  # the store holds it, with its size
    pixel_file = find_pixel_file(folder)
    wrong = [
        [*paths, os.fspath(tmp_path / "cut.bmp")],
        [*paths, os.fspath(tmp_path / "absent.bmp")],
        [os.fspath(tmp_path / "cut.bmp")],
        [*paths, "a\0b"],
        [*paths, small],
    ]
    for X in wrong:
        with pytest.raises(ValueError, match="image") as plain:
            ImageReader().transform(X)
        with pytest.raises(ValueError, match="image") as stored:
            ImageReader(store=folder).transform(X)
        assert type(stored.value) is type(plain.value)
        assert str(stored.value) == str(plain.value)
    assert find_pixel_file(folder) == pixel_file
    assert list_names(folder, ".draft") == []


def test_store_switch_turns_every_store_off(paths, folder, monkeypatch):
    """CELLSK_STORE=off writes nothing, even if the parameter is set."""
    monkeypatch.setenv("CELLSK_STORE", "off")
    images = ImageReader(store=folder).transform(paths)
    assert not isinstance(images, np.memmap)
    assert not folder.exists()
    monkeypatch.setenv("CELLSK_STORE", "no")
    with pytest.raises(
        ValueError, match=r"CELLSK_STORE must be one of 'on', 'off', or not set. Got 'no'"
    ):
        ImageReader(store=folder).transform(paths)


def test_store_shows_progress_only_when_it_reads(paths, folder, capfd):
    """A bar appears while files are decoded, but not for copied rows or maps."""
    reader = ImageReader(store=folder, verbose=1)
    reader.transform(paths)
    assert "Reading images" in capfd.readouterr().err
    reader.transform(paths)
    assert capfd.readouterr() == ("", "")


def test_store_writes_with_the_memory_of_one_image(paths, folder):
    """All pixels are never in memory, neither the first nor the second time."""
    reader = ImageReader(image_size=(100, 100), store=folder)
    reader.transform(paths)
    tracemalloc.start()
    for _ in range(2):
        tracemalloc.reset_peak()
        result = reader.transform(paths * 50)
        assert tracemalloc.get_traced_memory()[1] < result.nbytes / 10
    tracemalloc.stop()
    assert np.array_equal(result[-8:], ImageReader(image_size=(100, 100)).transform(paths))


def test_store_in_threads_gives_each_the_same(paths, folder, monkeypatch):
    """One thread writes the file, and the others wait for it."""
    decode, draft, decoded, drafts = _reader.decode_image, _store.PixelDraft, [], []

    def decode_slowly(source, **settings):
        time.sleep(0.02)  # so all threads start before the first one ends
        decoded.append(source)
        return decode(source, **settings)

    monkeypatch.setattr(_reader, "decode_image", decode_slowly)
    monkeypatch.setattr(_store, "PixelDraft", lambda *args: drafts.append(args) or draft(*args))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ImageReader(store=folder).transform, [paths] * 4))
    assert decoded == paths
    assert len(drafts) == 1
    assert all(np.array_equal(images, ImageReader().transform(paths)) for images in found)


def test_store_written_by_processes_at_once_decodes_each_list_once(paths, folder, start):
    """One of two processes with the same list decodes it. An overlapping list is correct too."""
    lists = (paths, paths, paths[:1:-1])
    pipes = [pipe for _, pipe in [start(folder, one) for one in lists]]
    wait_until_ready(*pipes)
    for pipe in pipes:
        let_read(pipe)
    *same, (_, other) = [finish(pipe) for pipe in pipes]
    plain = ImageReader().transform(paths)
    assert all(np.array_equal(images, plain) for _, images in same)
    assert np.array_equal(other, plain[:1:-1])
    counts = sorted(count for count, _ in same)
    assert counts in ([0, 2], [0, 8])  # whether the overlapping list was first or not
    assert list_names(folder, ".draft") == []


def test_store_survives_a_process_killed_while_writing(paths, folder, start):
    """The waiting process continues, and the file of the killed one is removed."""
    (dying, of_dying), (_, of_waiting) = start(folder, paths, stop=4), start(folder, paths)
    wait_until_ready(of_dying, of_waiting)
    let_read(of_dying)
    assert receive(of_dying) == "writing"
    assert len(list_names(folder, ".draft")) == 1
    let_read(of_waiting)
    assert not of_waiting.poll(0.5)
    dying.kill()
    dying.join()
    n_decoded, images = finish(of_waiting)
    assert n_decoded == 8
    assert np.array_equal(images, ImageReader().transform(paths))
    assert list_names(folder, ".draft") == []


def test_store_map_goes_to_workers_by_name(paths, folder):
    """joblib sends the name of the mapped file, not its pixels."""
    images = ImageReader(store=folder).transform(paths)
    found = Parallel(n_jobs=2)(delayed(describe)(images[row:]) for row in (0, 3))
    assert found == [("memmap", 8, images.tobytes()), ("memmap", 5, images[3:].tobytes())]
    assert find_pixel_file(folder) == Path(images.filename)


def describe(images):
    """Return kind, length and contents of an array, in a worker."""
    return type(images).__name__, len(images), images.tobytes()


def test_store_in_search_gives_the_scores_of_a_reader_without_store(paths, folder):
    """Worker processes share the store in a pipeline that takes paths."""

    def search(store):
        pipeline = Pipeline(
            [
                ("reader", ImageReader(store=store)),
                ("rows", FunctionTransformer(np.reshape, kw_args={"shape": (-1, SIZE)})),
                ("classifier", LogisticRegression()),
            ]
        )
        grid = {"classifier__C": [1e-3, 1.0], "reader__channels": [3]}
        y = [0, 1] * 4
        return GridSearchCV(pipeline, grid, cv=2, n_jobs=2, scoring="neg_log_loss").fit(paths, y)

    plain, stored = search(None), search(folder)
    for name in ("split0_test_score", "split1_test_score"):
        assert np.array_equal(plain.cv_results_[name], stored.cv_results_[name])
    assert np.array_equal(plain.predict_proba(paths), stored.predict_proba(paths))
    assert len(list_names(folder, ".pixels")) == 3  # two folds and the whole list


def test_store_feeds_the_network_the_same_numbers(paths, folder):
    """A classifier fitted on the map predicts the same as one fitted on the array."""
    y = [0, 1] * 4
    classifier = CellClassifier(
        filters=(2,), dense_units=2, epochs=2, early_stopping=False, random_state=0
    )
    reader = ImageReader(store=folder)
    plain = clone(classifier).fit(ImageReader().transform(paths), y)
    stored = clone(classifier).fit(reader.transform(paths), y)
    for X in (reader.transform(paths), np.array(reader.transform(paths))):
        assert np.array_equal(plain.predict_proba(X), stored.predict_proba(X))


def test_store_survives_clone_and_set_params(folder):
    """The store is a parameter like others."""
    reader = ImageReader(store=folder, max_store_bytes=10**6)
    assert clone(reader).get_params() == reader.get_params()
    assert clone(reader).store == folder
    assert reader.set_params(store=None).store is None

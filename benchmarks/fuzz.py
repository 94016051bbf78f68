"""Damaged images and model files, and killed writers: counts of what happens.

Seeds of each kind are changed at random places, with a fixed seed. Each batch runs in its own
process with limits of memory, so that a crash is counted and the next batch begins. The script
fails if a file gives another error than cellsk's own, takes more than 10 seconds or ends the
process, or if a killed writer leaves a file that is not complete. It needs a POSIX system.

    python -m benchmarks.fuzz --json fuzz.json
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._tables import Columns, make_parser, publish

COLUMNS: Columns = (
    ("what", "name", ""),
    ("tries", "n_tries", ",d"),
    ("read", "read", ",d"),
    ("refused", "refused", ",d"),
    ("other errors", "error", ",d"),
    ("slow", "slow", ",d"),
    ("crashes", "crash", ",d"),
)
FAILURES = ("error", "slow", "crash")
SLOW_SECONDS = 10
MEMORY_BYTES = 3 * 2**30  # above what a process has when it begins
BATCH = 200
COUNTS = {"files": 35, "stores": 21, "images": 12_000, "models": 5_400}
SHORT_COUNTS = {"files": 3, "stores": 3, "images": 200, "models": 40}
ODD_VALUES: tuple[Any, ...] = (None, True, -1, 0, 2**31, 2**61 - 1, 1e300, "", "x", [], {}, [[]])

Random = random.Random


# Damage -----------------------------------------------------------------------------


def damage_bytes(data: bytes, rng: Random) -> bytes:
    """Change, remove, insert or repeat some bytes."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        place = rng.randrange(len(changed) or 1)
        match rng.randrange(6):
            case 0:
                changed[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                changed[place : place + 4] = rng.choice(
                    (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\1\0\0")
                )
            case 2:
                del changed[place : place + rng.choice((1, 4, 100))]
            case 3:
                changed[place:place] = rng.randbytes(rng.choice((1, 4, 100)))
            case 4:
                changed[place:place] = changed[place : place + rng.choice((10, 100, 1000))]
            case _:
                if rng.random() < 0.2:
                    del changed[place:]
    return bytes(changed)


def damage_tree(tree: Any, rng: Random) -> Any:
    """Replace one value of a tree of JSON, remove it, or copy it to another place."""
    places: list[tuple[Any, Any]] = []
    pending = [tree]
    for node in pending:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        places += [(node, key) for key in keys]
        pending += [node[key] for key in keys if isinstance(node[key], dict | list)]
    node, key = rng.choice(places)
    other, source = rng.choice(places)
    match rng.randrange(3):
        case 0:
            node[key] = rng.choice(ODD_VALUES)
        case 1:
            del node[key]
        case _:
            node[key] = json.loads(json.dumps(other[source]))
    return tree


# Seeds ------------------------------------------------------------------------------


def draw_images() -> list[bytes]:
    """Return a small file of each kind of pixels and compression."""
    from PIL import Image

    rng = np.random.default_rng(0)
    color = Image.fromarray(rng.integers(0, 256, (40, 32, 3), dtype=np.uint8))
    gray = color.convert("L")
    kinds: list[tuple[Any, str, dict[str, Any]]] = [
        (color, "JPEG", {}),
        (color, "JPEG", {"progressive": True}),
        (gray, "JPEG", {"restart_marker_rows": 1}),
        (color.convert("CMYK"), "JPEG", {}),
        (color, "PNG", {}),
        (color.convert("RGBA"), "PNG", {}),
        (color.convert("P"), "PNG", {"transparency": 3}),
        (Image.fromarray(np.asarray(gray, np.uint16) * 257), "PNG", {}),
        (color, "TIFF", {}),
        (color, "TIFF", {"compression": "tiff_lzw"}),
        (color, "TIFF", {"compression": "tiff_adobe_deflate"}),
        (color, "TIFF", {"compression": "jpeg"}),
        (Image.fromarray(np.asarray(gray, np.float32) / 255), "TIFF", {}),
        (gray, "TIFF", {"save_all": True, "append_images": [gray] * 4}),
        (gray, "PNG", {"save_all": True, "append_images": [gray.rotate(90)]}),
        (color, "BMP", {}),
        (gray.convert("1"), "BMP", {}),
    ]
    files = []
    for image, kind, options in kinds:
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        files.append(stream.getvalue())
    return files


def write_model(path: Path, _: Random) -> str:
    """Fit a small network and write its model file."""
    from cellsk import CellClassifier, save_model

    images = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    labels = np.array(["benign", "malignant"])[np.arange(12) % 2]
    classifier = CellClassifier(filters=(2,), dense_units=2, epochs=1, early_stopping=False)
    save_model(classifier.fit(images, labels), path)
    return "read"


def read_members(data: bytes) -> dict[str, bytes]:
    """Return the members of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack_members(members: dict[str, bytes]) -> bytes:
    """Return a zip of members, with right digests if it has a manifest."""
    if "manifest.json" in members:
        manifest = json.loads(members["manifest.json"])
        others = {name: data for name, data in members.items() if name != "manifest.json"}
        manifest["sha256"] = {name: sha256(data).hexdigest() for name, data in others.items()}
        members = {"manifest.json": json.dumps(manifest).encode(), **others}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def damage_model(data: bytes, rng: Random) -> bytes:
    """Damage the file, or a part of it behind right digests."""
    members = read_members(data)
    network = next(name for name in members if name.endswith(".keras"))
    parts = read_members(members[network])
    match rng.randrange(6):
        case 0:
            return damage_bytes(data, rng)
        case 1 | 2:
            tree = damage_tree(json.loads(members["estimator.json"]), rng)
            members["estimator.json"] = json.dumps(tree).encode()
        case 3 | 4:
            tree = damage_tree(json.loads(parts["config.json"]), rng)
            parts["config.json"] = json.dumps(tree).encode()
        case _:
            name = rng.choice(["model.weights.h5", "metadata.json"])
            parts[name] = damage_bytes(parts[name], rng)
    return pack_members({**members, network: pack_members(parts)})


# Tries ------------------------------------------------------------------------------


def try_image(seeds: list[bytes], rng: Random) -> str:
    """Read a damaged image as evaluate does."""
    from cellsk._codec import DecodeError, decode_image

    data = damage_bytes(rng.choice(seeds), rng)
    try:
        decode_image(data)
    except DecodeError:
        return "refused"
    return "read"


def try_model(seed: bytes, folder: Path, rng: Random) -> str:
    """Load a damaged model file."""
    from cellsk import load_model
    from cellsk.exceptions import ModelFileError

    path = folder / f"{os.getpid()}.cellsk"
    path.write_bytes(damage_model(seed, rng))
    try:
        load_model(path)
    except ModelFileError:
        return "refused"
    return "read"


def run_batch(attempt: Callable[[Random], str], start: int, stop: int) -> Iterator[str]:
    """Yield the outcome of each try, which a forked process finds out."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            _work(attempt, start, stop, writer)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writer)
    with open(reader, encoding="utf-8") as lines:
        outcomes = lines.read().splitlines()
    _, status = os.waitpid(pid, 0)
    yield from outcomes
    if status:
        print(f"try {start + len(outcomes)}: the process ended with {status}", file=sys.stderr)
        yield "slow" if os.WTERMSIG(status) == signal.SIGXCPU else "crash"
        if (again := start + len(outcomes) + 1) < stop:
            yield from run_batch(attempt, again, stop)


def _work(attempt: Callable[[Random], str], start: int, stop: int, writer: int) -> None:
    """Write a line for each try."""
    with open("/proc/self/statm", encoding="ascii") as sizes:
        size = int(sizes.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    for number in range(start, stop):
        used = int(time.process_time())
        resource.setrlimit(resource.RLIMIT_CPU, (used + 3 * SLOW_SECONDS, resource.RLIM_INFINITY))
        begin = time.process_time()
        try:
            outcome = attempt(Random(number))
        except Exception as error:
            print(f"try {number}: {type(error).__name__}: {error}"[:500], file=sys.stderr)
            outcome = "error"
        if time.process_time() - begin > SLOW_SECONDS:
            outcome = "slow"
        os.write(writer, f"{outcome}\n".encode())


def run_tries(name: str, attempt: Callable[[Random], str], count: int) -> dict[str, Any]:
    """Return the row of a kind of files."""
    outcomes: Counter[str] = Counter()
    for start in range(0, count, BATCH):
        outcomes.update(run_batch(attempt, start, min(start + BATCH, count)))
    row = {key: outcomes[key] for key in ("read", "refused", *FAILURES)}
    return {"name": name, "n_tries": count, **row}


# Kills ------------------------------------------------------------------------------


def kill_writer(write: Callable[[], Any], delay: float) -> None:
    """Run a writer again and again in another process, and kill it after a while."""
    pid = os.fork()
    if pid == 0:
        while True:
            write()
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def write_file(path: Path) -> None:
    """Write a large file in many parts."""
    from cellsk._files import whole_file

    with whole_file(path) as draft, draft.open("wb") as stream:
        for _ in range(200):
            stream.write(bytes(10_000))


def kill_file_writers(folder: Path, count: int) -> dict[str, Any]:
    """Kill writers of one file. It must be absent or complete, and its drafts must go."""
    path = folder / "file"
    outcomes: Counter[str] = Counter()
    for number in range(count):
        kill_writer(partial(write_file, path), Random(number).uniform(0.005, 0.1))
        complete = not path.exists() or path.stat().st_size == 2_000_000
        write_file(path)
        clean = [item.name for item in folder.iterdir() if item.name.startswith(".file")] == []
        outcomes["read" if complete and clean else "error"] += 1
    return _describe_kills("killed writers of a file", count, outcomes)


def kill_store_writers(folder: Path, count: int) -> dict[str, Any]:
    """Kill readers that write a store. The next reader must get the right pixels."""
    from cellsk import ImageReader, make_cells
    from cellsk._codec import encode_image

    cells = make_cells(60, image_size=(32, 32), random_state=0)
    paths = [str(folder / f"{index}.png") for index in range(60)]
    for path, image in zip(paths, cells.images, strict=True):
        encode_image(image, path)
    store, outcomes = folder / "store", Counter[str]()
    reader = ImageReader(store=store)
    for number in range(count):
        rng = Random(number)
        write = partial(_store_some, reader, paths, rng)
        kill_writer(write, rng.uniform(0.005, 0.15))
        chosen = Random(number).sample(range(len(paths)), 40)
        pixels = ImageReader(store=store).transform([paths[index] for index in chosen])
        outcomes["read" if np.array_equal(pixels, cells.images[chosen]) else "error"] += 1
    return _describe_kills("killed writers of a store", count, outcomes)


def _store_some(reader: Any, paths: list[str], rng: Random) -> None:
    reader.transform(rng.sample(paths, 40))


def _describe_kills(name: str, count: int, outcomes: Counter[str]) -> dict[str, Any]:
    return {"name": name, "n_tries": count, **{key: outcomes[key] for key in ("read", *FAILURES)}}


def fuzz_images(folder: Path, count: int) -> dict[str, Any]:
    """Read damaged images."""
    return run_tries("damaged images", partial(try_image, draw_images()), count)


def fuzz_models(folder: Path, count: int) -> dict[str, Any]:
    """Load damaged model files."""
    import scikeras.wrappers  # noqa: F401  # once, not in each process

    model = folder / "model.cellsk"
    list(run_batch(partial(write_model, model), 0, 1))
    attempt = partial(try_model, model.read_bytes(), folder)
    return run_tries("damaged model files", attempt, count)


KINDS = {
    "files": kill_file_writers,
    "stores": kill_store_writers,
    "images": fuzz_images,
    "models": fuzz_models,
}


def main() -> None:
    """Run all kinds, print one table, and fail if anything else than an own error came."""
    parser = make_parser(__doc__, repeats=1)
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    counts, rows = SHORT_COUNTS if options.short else COUNTS, []
    for kind in options.kinds:
        with tempfile.TemporaryDirectory() as work:
            rows.append(KINDS[kind](Path(work), counts[kind]))
    publish("fuzz", options, COLUMNS, rows, about={"seed": 0})
    if any(row[key] for row in rows for key in FAILURES):
        sys.exit(1)


if __name__ == "__main__":
    main()

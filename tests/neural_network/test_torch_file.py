"""Files of PyTorch are read as arrays, and nothing that they ask for is run."""

import os
import pickle
import struct
import time

import numpy as np
import pytest

from cellsk.exceptions import InputError
from cellsk.neural_network.networks._torch_file import read_torch_file

RULE = r"A file of weights must hold plain tensors, as torch\.save wrote it before version 1\.6"
BEGIN = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001))
ORDER = pickle.dumps({"protocol_version": 1001, "little_endian": True}, 2)
STATE, REBUILD = b"ccollections\nOrderedDict\n", b"ctorch._utils\n_rebuild_tensor_v2\n"
FLOATS = b"ctorch\nFloatStorage\n"


def plain(value):
    """Return the operations that make a number, a text, or a tuple of them."""
    return pickle.dumps(value, 2)[2:-1].replace(b"q\x00", b"")


def operations(*parts):
    """Return a pickle of these operations."""
    return b"\x80\x02" + b"".join(parts) + b"."


def storage(key="7", count=6, dtype=FLOATS, kind="storage", view=None):
    """Return the operations of a storage."""
    about = [plain(kind), dtype, plain(key), plain("cpu"), plain(count), plain(view)]
    return b"(" + b"".join(about) + b"tQ"


def tensor(shape=(2, 3), strides=(3, 1), offset=0, stored=None, rebuild=REBUILD):
    """Return the operations of a tensor."""
    rest = (offset, shape, strides, False)
    stored = storage() if stored is None else stored
    rest = b"".join(
        b"(" + b"".join(map(plain, r)) + b"t" if type(r) is tuple else plain(r) for r in rest
    )
    return rebuild + b"(" + stored + rest + STATE + b")R" + b"tR"


def state(*tensors, after=b""):
    """Return the pickle of a dictionary of tensors."""
    items = b"".join(plain(f"weight_{n}") + one for n, one in enumerate(tensors))
    return operations(STATE, b")R(", items, b"u", after)


def numbers(count=6, stored=None):
    """Return the numbers of a storage, with their count."""
    values = np.arange(count, dtype="<f4").tobytes()
    return struct.pack("<q", count if stored is None else stored) + values


def file(tensors=None, keys=("7",), tail=None):
    """Return a whole file."""
    tensors = state(tensor()) if tensors is None else tensors
    tail = numbers() if tail is None else tail
    return BEGIN + ORDER + tensors + pickle.dumps(list(keys), 2) + tail


def test_read_torch_file_returns_arrays():
    """Rows, columns and a part of the same numbers, by name."""
    parts = [tensor(), tensor(strides=(1, 2)), tensor((2,), (1,), 3), tensor((), (), 5)]
    arrays = read_torch_file(file(state(*parts)))
    assert list(arrays) == [f"weight_{n}" for n in range(4)]
    np.testing.assert_array_equal(arrays["weight_0"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(arrays["weight_1"], [[0, 2, 4], [1, 3, 5]])
    np.testing.assert_array_equal(arrays["weight_2"], [3, 4])
    assert arrays["weight_3"] == 5
    assert arrays["weight_0"].dtype == np.float32
    assert not arrays["weight_0"].flags.writeable


def test_read_torch_file_leaves_out_the_state_of_modules():
    """PyTorch adds the versions of its modules to the dictionary."""
    metadata = pickle.dumps({"_metadata": {"": {"version": 1}}}, 2)[2:-1]
    arrays = read_torch_file(file(state(tensor(), after=metadata + b"b")))
    assert list(arrays) == ["weight_0"]


class Evil:
    """A pickle that runs a function when it is loaded."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def evil_pickles(path):
    """Return pickles that would make a file, in several ways."""
    command = f"touch {path}"
    return {
        "system": pickle.dumps(Evil(os.system, command), 2),
        "eval": pickle.dumps(Evil(eval, f"open({str(path)!r}, 'w')"), 2),
        "open": pickle.dumps(Evil(open, str(path), "w"), 2),
        "protocol 4": pickle.dumps(Evil(os.system, command), 4),
        "instance": operations(b"(", plain(command), b"ios\nsystem\n"),
        "object": operations(b"(cos\nsystem\n", plain(command), b"o"),
        "new": operations(b"cos\nsystem\n(", plain(command), b"t\x81"),
        "dotted": operations(b"ctorch\nos.system\n(", plain(command), b"tR"),
        "lookup": operations(b"cbuiltins\ngetattr\n(", plain(command), b"tR"),
        "extension": b"\x80\x02\x82\x01.",
        "in a tensor": state(tensor(rebuild=b"cos\nsystem\n")),
        "as storage": state(tensor(stored=storage(dtype=b"cos\nsystem\n"))),
        "other rebuild": state(tensor(rebuild=b"ctorch._utils\n_rebuild_parameter\n")),
        "own class": operations(b"ccellsk\nload_model\n(", plain("/etc/passwd"), b"tR"),
    }


@pytest.mark.parametrize("kind", evil_pickles(""))
def test_read_torch_file_runs_nothing(kind, tmp_path):
    """Real pickles that run code are refused, wherever they are in the file."""
    path = tmp_path / "evil"
    evil = evil_pickles(path)[kind]
    for data in (evil, BEGIN + evil, BEGIN + ORDER + evil, file(evil)):
        with pytest.raises(InputError, match=RULE):
            read_torch_file(data)
    assert not path.exists()


DAMAGED = {
    "empty": b"",
    "text": b"no weights",
    "zip": b"PK\x03\x04" + bytes(100),
    "magic": pickle.dumps(1, 2) + file(),
    "order": BEGIN + pickle.dumps({"little_endian": False}, 2) + state(tensor()),
    "cut": file()[:-1],
    "more": file() + b"0",
    "count": file(tail=numbers(stored=5)),
    "negative count": file(tail=numbers(stored=-6)),
    "large count": file(state(tensor(stored=storage(count=2**60)))),
    "keys": file(keys=()),
    "other key": file(keys=("8",)),
    "key twice": file(keys=("7", "7")),
    "list": file(operations(b"](", tensor(), b"e")),
    "number": file(state(plain(1))),
    "large tensor": file(state(tensor(shape=(2**40, 3)))),
    "repeated": file(state(tensor(shape=(7,), strides=(0,)))),
    "outside": file(state(tensor(strides=(4, 1)))),
    "offset": file(state(tensor(offset=1))),
    "negative offset": file(state(tensor(offset=-1))),
    "negative strides": file(state(tensor(strides=(3, -1)))),
    "axes": file(state(tensor(shape=(6,), strides=(3, 1)))),
    "bool": file(state(tensor(shape=(True, 3)))),
    "view": file(state(tensor(stored=storage(view=("a", 0, 1))))),
    "kind": file(state(tensor(stored=storage(kind="module")))),
    "name": file(state(tensor(stored=storage(key="../evil")))),
    "attributes": file(state(REBUILD + pickle.dumps({"__defaults__": (1,)}, 2)[2:-1] + b"b")),
    "class": file(state(STATE + pickle.dumps({"update": 1}, 2)[2:-1] + b"b")),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_read_torch_file_damaged_is_refused(kind):
    """Each with the same rule, and a remedy."""
    with pytest.raises(InputError, match=RULE + r".*Install the package of the weights again\."):
        read_torch_file(DAMAGED[kind])


BOMBS = {
    "place": BEGIN + operations(plain(1), b"r\xff\xff\xff\x7f"),
    "text": BEGIN + operations(b"X\xff\xff\xff\x7f"),
    "number": BEGIN + operations(b"\x8b\xff\xff\xff\x7f"),
    "lists": BEGIN + operations(b"]" * 3_000_000),
    "long": BEGIN + operations(plain("a" * 2**23)),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_read_torch_file_is_bounded(kind):
    """Small files that would take gigabytes, or many seconds."""
    start = time.process_time()
    with pytest.raises(InputError, match=RULE):
        read_torch_file(BOMBS[kind])
    assert time.process_time() - start < 5


def test_read_torch_file_flipped_bytes_are_refused_or_read():
    """Damage never gives another error."""
    data, generator = file(), np.random.default_rng(0)
    for _ in range(300):
        edited = bytearray(data)
        edited[generator.integers(len(data))] ^= 1 << generator.integers(8)
        try:
            assert read_torch_file(bytes(edited))
        except InputError:
            continue

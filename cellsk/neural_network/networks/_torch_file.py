"""Weights in PyTorch's files before version 1.6, read without PyTorch and without running code.

Such a file is five pickles and then the numbers. Before a pickle is loaded, each of its operations
is compared with a closed list. Loading it can then only name the classes of another closed list.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk.exceptions import InputError

__all__ = ["read_torch_file"]

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_OPERATIONS = re.compile(
    "PROTO|STOP|MARK|GLOBAL|REDUCE|BUILD|BINPERSID|NONE|NEWTRUE|NEWFALSE"
    "|BININT|BININT1|BININT2|LONG1|BINUNICODE|BINPUT|LONG_BINPUT|BINGET|LONG_BINGET"
    "|EMPTY_DICT|EMPTY_LIST|EMPTY_TUPLE|TUPLE|TUPLE1|TUPLE2|TUPLE3"
    "|SETITEM|SETITEMS|APPEND|APPENDS"
)
_MAX_PICKLE_BYTES, _MAX_OPERATIONS = 2**22, 10**6
_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
_KEY = re.compile(r"[0-9]{1,20}", re.ASCII)


class _Storage(NamedTuple):
    """The place of numbers in the file, which several tensors may share."""

    key: str
    dtype: str
    size: int


class _Tensor(NamedTuple):
    """A tensor whose numbers are not read yet."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _TensorBuilder:
    """The place of ``torch._utils._rebuild_tensor_v2`` in a file. It takes no attributes."""

    __slots__ = ()

    def __call__(
        self, storage: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any, hooks: Any
    ) -> _Tensor:
        """Return the tensor of these arguments.

        Raises
        ------
        InputError
            If it has another form.
        """
        sizes = (offset, *shape, *strides)
        if type(storage) is not _Storage or not all(type(n) is int and n >= 0 for n in sizes):
            raise _refuse("a tensor of another form")
        # Each number at most once, so that a small file does not become a large array.
        if len(shape) != len(strides) or len(shape) > 8 or math.prod(shape) > storage.size:
            raise _refuse("a tensor that is larger than its numbers")
        return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _State(OrderedDict):
    """The place of ``collections.OrderedDict`` in a file. It takes no state."""

    def __setstate__(self, state: Any) -> None:
        """Leave out the state, which holds the versions of PyTorch's modules."""


def read_torch_file(data: bytes) -> dict[str, NDArray]:
    """Return the arrays of a file that ``torch.save`` wrote before version 1.6, by name.

    Parameters
    ----------
    data : bytes
        The file. It must hold one dictionary of tensors.

    Returns
    -------
    arrays : dict of str to ndarray
        Read-only views of ``data``.

    Raises
    ------
    InputError
        If it is another kind of file, is damaged, or asks for another class or function.
    """
    try:
        return _read(data)
    except InputError:
        raise
    except Exception:  # a pickle can fail in too many ways to list
        raise _refuse("a damaged one") from None


def _read(data: bytes) -> dict[str, NDArray]:
    file = io.BytesIO(data)
    if _load(file) != _MAGIC or _load(file) != _PROTOCOL:
        raise _refuse("a file of another kind")
    if _load(file)["little_endian"] is not True:
        raise _refuse("numbers in another order of bytes")
    tensors, keys = _load(file), _load(file)
    if type(tensors) is not _State or not all(type(value) is _Tensor for value in tensors.values()):
        raise _refuse("something else than one dictionary of tensors")
    places = _find_numbers(data, file.tell(), keys, tensors)
    return {str(name): _view(data, tensor, places) for name, tensor in tensors.items()}


def _load(file: io.BytesIO) -> Any:
    """Load the next pickle, after a check of each of its operations."""
    start, memo = file.tell(), 0
    window = io.BytesIO(file.getbuffer()[start : start + _MAX_PICKLE_BYTES])
    for count, (operation, value, _) in enumerate(pickletools.genops(window)):
        if not _OPERATIONS.fullmatch(operation.name) or count > _MAX_OPERATIONS:
            raise _refuse(f"the operation {operation.name}, or too many of them")
        # Python makes room for all places up to this one.
        if operation.name.endswith("BINPUT") and (value or 0) > (memo := memo + 1):
            raise _refuse(f"a value in place {value}")
    end = start + window.tell()
    loaded = _Unpickler(io.BytesIO(file.getbuffer()[start:end])).load()
    file.seek(end)
    return loaded


class _Unpickler(pickle.Unpickler):
    """Loads a pickle that names no other class than those of tensors."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the replacement of a class or function.

        Raises
        ------
        InputError
            If it is not one of those.
        """
        if (module, name) == ("collections", "OrderedDict"):
            return _State
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _TensorBuilder()
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise _refuse(f"'{module[:50]}.{name[:50]}'")

    def persistent_load(self, pid: Any) -> _Storage:
        """Return the place of numbers.

        Raises
        ------
        InputError
            If it is described in another way.
        """
        kind, dtype, key, _, count, view = pid
        if kind != "storage" or dtype not in _DTYPES.values() or view is not None:
            raise _refuse("numbers of another kind")
        if type(key) is not str or not _KEY.fullmatch(key) or type(count) is not int or count < 0:
            raise _refuse("numbers in an unknown place")
        return _Storage(key, dtype, count)


def _find_numbers(
    data: bytes, start: int, keys: Any, tensors: Mapping[Any, _Tensor]
) -> dict[str, int]:
    """Return where the numbers of each storage begin. Each has its count in front of it."""
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if sorted(keys) != sorted(storages):
        raise _refuse("other numbers than those of its tensors")
    places = {}
    for key in keys:
        count = int.from_bytes(data[start : start + 8], "little")
        if count != storages[key].size:
            raise _refuse(f"{count:,} numbers where {storages[key].size:,} are described")
        places[key] = start + 8
        start += 8 + count * np.dtype(storages[key].dtype).itemsize
    if start != len(data):
        raise _refuse(f"{len(data):,} bytes where {start:,} are described")
    return places


def _view(data: bytes, tensor: _Tensor, places: Mapping[str, int]) -> NDArray:
    dtype = np.dtype(tensor.storage.dtype)
    start = places[tensor.storage.key]
    numbers = memoryview(data)[start : start + tensor.storage.size * dtype.itemsize]
    steps = [step * dtype.itemsize for step in tensor.strides]
    # NumPy refuses what lies outside of these bytes.
    return np.ndarray(tensor.shape, dtype, numbers, tensor.offset * dtype.itemsize, steps)


def _refuse(got: str) -> InputError:
    return InputError(
        "A file of weights must hold plain tensors, as torch.save wrote it before version 1.6",
        got,
        "Install the package of the weights again.",
        code="weights-file",
    )

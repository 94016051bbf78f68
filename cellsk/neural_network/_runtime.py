"""The process of a fit: threads, seeds, and the messages of TensorFlow."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from cellsk._config import read_threads
from cellsk.exceptions import OutOfMemoryError, ThreadsWarning

__all__ = [
    "draw_seeds",
    "explain_memory_errors",
    "set_threads",
    "silence_retracing",
    "start_tensorflow",
]


def start_tensorflow() -> None:
    """Import TensorFlow and run one operation, without its start-up lines.

    These lines come from C++ and follow no log level. If the start fails, they are shown.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as lines:
        try:
            os.dup2(lines.fileno(), 2)  # inside try, so that an interruption restores it
            set_threads()
            import tensorflow as tf

            tf.constant(0) + 1
        except Exception:
            lines.seek(0)
            os.write(terminal, lines.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def set_threads() -> None:
    """Set the number of threads of TensorFlow to ``CELLSK_THREADS``, before it computes.

    The number that joblib gives to a worker is not used. The number of threads decides the order
    in which gradients are summed, and a search must give the numbers of a single fit.

    Raises
    ------
    InputError
        If the variable is not a positive whole number.

    Warns
    -----
    ThreadsWarning
        If TensorFlow already computes with another number.
    """
    count = read_threads()
    if count is None:
        return
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    except RuntimeError:
        used = _count_threads_in_use()
        if used == {count}:
            return
        warnings.warn(
            ThreadsWarning(
                "must be set before TensorFlow begins to compute",
                f"{count}, after it had begun with {' and '.join(map(str, sorted(used)))}",
                "Set it where the program starts.",
                parameter="CELLSK_THREADS",
                code="threads-too-late",
            ),
            stacklevel=2,
        )


def _count_threads_in_use() -> set[int]:
    """Return the sizes of the two pools of TensorFlow. Without a setting, 0, it takes all cores."""
    import tensorflow as tf

    threading = tf.config.threading
    sizes = {
        "TF_NUM_INTRAOP_THREADS": threading.get_intra_op_parallelism_threads(),
        "TF_NUM_INTEROP_THREADS": threading.get_inter_op_parallelism_threads(),
    }
    return {
        size or int(os.environ.get(name) or 0) or _count_cores() for name, size in sizes.items()
    }


def _count_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def draw_seeds(random_state: Any, count: int) -> list[int]:
    """Return ``count`` independent seeds, without a change of global random state.

    The same int gives the same seeds. A ``RandomState`` is advanced, as in scikit-learn. None
    draws seeds from the operating system.
    """
    if random_state is np.random:  # as scikit-learn reads it: the global RandomState
        random_state = check_random_state(random_state)
    if isinstance(random_state, np.random.RandomState):
        entropy: int | None = int(random_state.randint(np.iinfo(np.int32).max))
    elif random_state is None:
        entropy = None
    else:
        check_random_state(random_state)  # refuses what scikit-learn refuses
        entropy = int(random_state)
    return [int(word) for word in np.random.SeedSequence(entropy).generate_state(count)]


@contextmanager
def silence_retracing() -> Iterator[None]:
    """Hide TensorFlow's advice on tracing in the body."""
    import tensorflow as tf

    logger = tf.get_logger()
    logger.addFilter(_not_about_retracing)
    try:
        yield
    finally:
        logger.removeFilter(_not_about_retracing)


@contextmanager
def explain_memory_errors() -> Iterator[None]:
    """Replace TensorFlow's error for too little memory by one that names a remedy.

    Raises
    ------
    OutOfMemoryError
        If TensorFlow runs out of memory in the body.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise OutOfMemoryError(
            "The network and its batches must fit into memory",
            "a network or a batch that does not fit",
            "Pass smaller images, fewer filters or dense_units, or a smaller batch_size.",
            code="network-too-large",
        ) from error


def _not_about_retracing(record: logging.LogRecord) -> bool:
    """TensorFlow warns about many traces, but each trainer is traced once on purpose."""
    return "retracing" not in record.getMessage()

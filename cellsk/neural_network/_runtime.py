"""What a fit needs from the process, without leaving a trace in it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from cellsk._config import read_threads
from cellsk.exceptions import ThreadsWarning

__all__ = ["draw_seeds", "memory_in_words", "quiet_tracing", "set_threads"]


def set_threads() -> None:
    """Give TensorFlow as many threads as the environment says; it must not have begun yet.

    Not as many as joblib grants to a worker: the number of threads decides in which order
    gradients are summed, and a search must give the numbers of a single fit.

    Raises
    ------
    InputError
        When the variable is not a positive whole number.

    Warns
    -----
    ThreadsWarning
        When TensorFlow has begun with another number.
    """
    count = read_threads()
    if count is None:
        return
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    except RuntimeError:
        warnings.warn(
            ThreadsWarning(
                "must be set before TensorFlow begins to compute",
                f"{count}, after it had begun with another number of threads",
                "Set it where the program starts.",
                parameter="CELLSK_THREADS",
                code="threads-too-late",
            ),
            stacklevel=2,
        )


def draw_seeds(random_state: Any, count: int) -> list[int]:
    """Return ``count`` independent seeds, without touching any global state.

    The same int gives the same seeds; a ``RandomState`` is advanced, as scikit-learn
    does; None draws from the operating system.
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
def quiet_tracing() -> Iterator[None]:
    """Train without TensorFlow's advice on tracing."""
    import tensorflow as tf

    logger = tf.get_logger()
    logger.addFilter(_not_about_retracing)
    try:
        yield
    finally:
        logger.removeFilter(_not_about_retracing)


@contextmanager
def memory_in_words() -> Iterator[None]:
    """Turn TensorFlow's word for too little memory into Python's, with a way out.

    Raises
    ------
    MemoryError
        When the body runs out of memory in TensorFlow.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(
            "The network and its batches must fit into memory. They do not. "
            "Pass smaller images, fewer filters or dense_units, or a smaller batch_size."
        ) from error


def _not_about_retracing(record: logging.LogRecord) -> bool:
    """Each trainer is traced once, by design: TensorFlow takes that for a mistake."""
    return "retracing" not in record.getMessage()

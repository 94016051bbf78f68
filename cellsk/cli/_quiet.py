"""TensorFlow's start-up lines, kept off the terminal."""

from __future__ import annotations

import os
import sys
import tempfile

__all__ = ["start_tensorflow"]


def start_tensorflow() -> None:
    """Import TensorFlow and run one operation, without its start-up lines.

    They come from C++ and obey no log level. If the start fails, they are shown.
    """
    from cellsk.neural_network import set_threads

    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as lines:
        try:
            os.dup2(lines.fileno(), 2)  # within: an interruption must not leave it so
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

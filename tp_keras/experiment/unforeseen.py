"""Unforeseen exceptions: one line for the user, and the traceback in a file to report."""

import platform
import shlex
import sys
import tempfile
import traceback

import tensorflow as tf

import tp_keras

LONGEST = 120  # characters of the error's own words
MEMORY = (MemoryError, tf.errors.ResourceExhaustedError)


def describe(error: Exception) -> str:
    """Writes the traceback to a file of its own; returns the line for the user."""
    if isinstance(error, MEMORY):
        what = "the memory does not suffice (smaller: data.load.batch_size, or the network)"
    else:
        text = " ".join(str(error).split())
        text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
        what = f"not foreseen ({type(error).__name__}: {text})"
    return f"{what}; {_traceback_written(error)}"


def _traceback_written(error):
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="tp_keras_", suffix=".txt", delete=False
        ) as file:
            file.write(f"{shlex.join(sys.argv)}\n{_versions()}\n\n")
            traceback.print_exception(error, file=file)
    except OSError as reason:
        return f"its traceback cannot be written ({reason.strerror}): --verbosity=1 shows it"
    return f"please report it with {file.name}, which holds the traceback"


def _versions():
    return (
        f"tp_keras {tp_keras.__version__}, TensorFlow {tf.__version__}, "
        f"Python {platform.python_version()}, {platform.platform()}"
    )

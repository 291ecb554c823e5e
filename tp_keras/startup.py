"""Imports TensorFlow, with what has to be settled before: its settings, and its silence."""

import contextlib
import os
import sys

# TensorFlow's notes hide the lines that matter; ask for them with the variable itself
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Off by default on processors without AVX-512, where it halves the time of large products too;
# TensorFlow reads it once, so `tp_keras` has to be imported before `tensorflow` and `keras`
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def standard_error_closed():
    """Within, nothing reaches standard error, not even from C++."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


# While it is imported, TensorFlow 2.21 writes notes that no log level holds back
with (
    standard_error_closed()
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"
    else (contextlib.nullcontext())
):
    import tensorflow as tf

# TensorFlow 2.21's pass over control edges loses some of those from the read of a weight to its
# update: on a busy machine an adjoint then meets weights of the next step (BUILD.md, Requirements)
tf.config.optimizer.set_experimental_options({"dependency_optimization": False})

# On NVIDIA's newer cards TensorFlow would round what float32 products read to 10 bits (TF32), and
# targets are differences of activations that are nearly equal; on a CPU it changes nothing
tf.config.experimental.enable_tensor_float_32_execution(False)

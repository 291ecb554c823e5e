"""Deep networks that learn without backpropagation, in TensorFlow and Keras."""

import os

# TensorFlow's start-up notes hide the lines that matter; ask for them with the variable itself
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Off by default on processors without AVX-512, where it halves the time of large products too;
# TensorFlow reads it once, so `tp_keras` has to be imported before `tensorflow` and `keras`
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from tp_keras import architectures, feedback, layers, learners, objectives, optimizers, schedules
from tp_keras.network import Network

__version__ = "0.1.0"

__all__ = [
    "Network",
    "architectures",
    "feedback",
    "layers",
    "learners",
    "objectives",
    "optimizers",
    "schedules",
]

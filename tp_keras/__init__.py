"""Deep networks that learn without backpropagation, in TensorFlow and Keras."""

import tp_keras.startup  # noqa: F401, before anything else imports TensorFlow
from tp_keras import (
    architectures,
    data,
    diagnostics,
    feedback,
    layers,
    learners,
    objectives,
    optimizers,
    schedules,
)
from tp_keras.network import Network

__version__ = "0.2.0"

__all__ = [
    "Network",
    "architectures",
    "data",
    "diagnostics",
    "feedback",
    "layers",
    "learners",
    "objectives",
    "optimizers",
    "schedules",
]

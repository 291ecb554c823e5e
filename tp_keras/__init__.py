"""Deep networks that learn without backpropagation, in TensorFlow and Keras."""

import tp_keras.startup  # noqa: F401, before anything else imports TensorFlow
from tp_keras import (
    architectures,
    diagnostics,
    feedback,
    feedback_rules,
    layers,
    learners,
    objectives,
    optimizers,
    schedules,
)
from tp_keras.convert import convert, plain
from tp_keras.network import Network

__version__ = "0.1.0"

__all__ = [
    "Network",
    "architectures",
    "convert",
    "diagnostics",
    "feedback",
    "feedback_rules",
    "layers",
    "learners",
    "objectives",
    "optimizers",
    "plain",
    "schedules",
]

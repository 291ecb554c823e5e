"""Deep networks that learn without backpropagation, in TensorFlow and Keras."""

from tp_keras.commands import end_without_traceback, needs_tensorflow

__version__ = "0.2.0"

end_without_traceback()

if needs_tensorflow():  # all but `tp-keras report` and its like
    import tp_keras.startup  # noqa: F401, before anything else imports TensorFlow
    from tp_keras import (
        architectures,
        data,
        diagnostics,
        experiment,
        feedback,
        feedback_rules,
        layers,
        learners,
        objectives,
        optimizers,
        schedules,
    )
    from tp_keras.conversion import convert, plain
    from tp_keras.network import Network

__all__ = [
    "Network",
    "architectures",
    "convert",
    "data",
    "diagnostics",
    "experiment",
    "feedback",
    "feedback_rules",
    "layers",
    "learners",
    "objectives",
    "optimizers",
    "plain",
    "schedules",
]

"""The decorator of every learning rule."""

import gin
import keras
import numpy as np

LARGEST = 1e30  # of a rule's numbers; beyond it float32 soon has none


def rule(name):
    """Registers a learning rule with gin and Keras, and gives it its name in results and tables.

        @rule("dtp")
        class DTP(InverseLearner):

    Args:
      name: The name in `result.json` and tables; gin's is the class' own, `@DTP`.
    """

    def register(cls):
        cls.rule_name = name
        gin.register(module="tp_keras.learners")(cls)
        return keras.saving.register_keras_serializable(package="tp_keras")(cls)

    return register


def at_least(name, value, least):
    """Returns the value of a rule's argument.

    Raises:
      ValueError: If it is not a finite number of at least `least`; None is what was not given.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not least <= value <= LARGEST:
        raise ValueError(f"`{name}` must be a number of at least {least}, received {value!r:.60}")
    return value


def integer(name, value):
    """Returns the value of a rule's argument; raises ValueError where it is no integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"`{name}` must be an integer, received {value!r:.60}")
    return int(value)

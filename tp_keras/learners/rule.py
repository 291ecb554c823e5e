"""The decorator of every learning rule."""

import gin
import keras


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

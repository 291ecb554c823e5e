"""A Keras model as the network of an experiment."""

import gin
import keras

from tp_keras.conversion import convert
from tp_keras.network import Network

# Rules that the layers themselves carry out; the others see a model as a chain of blocks
BY_LAYERS = ("fa", "sign_symmetry", "kolen_pollack")


@gin.register(module="tp_keras.architectures")
def keras_model(input_shape, classes, builder, rule=None):
    """Builds a Keras model and makes a `Network` of it.

    Args:
      input_shape: Shape of one image, `(height, width, channels)`.
      classes: Number of classes.
      builder: Called with both, returns a Sequential or Functional model, such as `resnet20`.
      rule: None cuts the model into blocks wherever one tensor alone flows on and a layer with a
        matrix follows. "fa", "sign_symmetry" or "kolen_pollack" converts the model and leaves it in
        one piece: its layers carry the rule out, under the learner of that name.

    Returns:
      A `Network`.

    Raises:
      ValueError: If `rule` is another, `builder` returns no Keras model, or the model cannot be
        cut or converted.
    """
    if rule is not None and rule not in BY_LAYERS:
        raise ValueError(
            f"keras_model.rule must be one of {', '.join(BY_LAYERS)}, or None, received {rule!r}"
        )
    model = builder(input_shape=input_shape, classes=classes)
    if not isinstance(model, keras.Model) or isinstance(model, Network):
        raise ValueError(
            "keras_model.builder must return a Sequential or Functional Keras model, received "
            f"{type(model).__name__}"
        )
    return Network.of(model) if rule is None else Network.of(convert(model, rule), at=())

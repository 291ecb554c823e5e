"""What the output layer learns: a loss, its gradient, its target and an error to report."""

import gin
import keras
import tensorflow as tf


class Objective:
    """What an output learns; a subclass gives `loss`, `delta`, `target`, `error`, `in_words`."""

    unit = "%"  # of `error`

    @property
    def errors(self):
        """What is measured beside the loss: functions of (a, y) by the metric's name."""
        return {"error": self.error}

    def check(self, network):
        """Raises ValueError where it does not fit the output of `network`."""

    def labels(self, y, shape, dtype):
        """Returns labels `(batch, *shape)` of what the data holds.

        Args:
          y: Labels shaped like the output.
          shape: Shape of one output.
          dtype: dtype of the output.

        Raises:
          ValueError: If the labels have another shape.
        """
        if tuple(y.shape[1:]) != tuple(shape):
            raise ValueError(
                f"`y` must have the shape (batch, {', '.join(map(str, shape))}), received "
                f"{tuple(y.shape)}"
            )
        return tf.cast(y, dtype)

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@gin.register(module="tp_keras.objectives")
@keras.saving.register_keras_serializable(package="tp_keras")
class SoftmaxCrossEntropy(Objective):
    """Cross-entropy of a softmax layer against one-hot labels `(batch, classes)`.

    Args:
      top5: Whether the top-5 error is measured beside the error.
    """

    def __init__(self, top5=False):
        self.top5 = top5

    def check(self, network):
        _check_activation(self, network, "softmax")
        classes = network.shapes[network.depth][-1]
        if self.top5 and classes < 6:
            raise ValueError(
                "SoftmaxCrossEntropy.top5 needs at least 6 classes: of fewer the label is always "
                f"among five, received {classes}"
            )

    @property
    def errors(self):
        return {**super().errors, **({"top5_error": self.top5_error} if self.top5 else {})}

    def labels(self, y, shape, dtype):
        """Returns one-hot labels of one-hot ones, or of class numbers `(batch,)`, `(batch, 1)`."""
        is_number = len(y.shape) == 1 or tuple(y.shape[1:]) == (1,) != tuple(shape)
        if not is_number:
            return super().labels(y, shape, dtype)
        return tf.one_hot(tf.reshape(tf.cast(y, tf.int32), (-1,)), shape[-1], dtype=dtype)

    def loss(self, a, y):
        """The loss of each example, `(batch,)`, from the output's pre-activation."""
        return tf.nn.softmax_cross_entropy_with_logits(y, a)

    def delta(self, a, y):
        """The gradient of the loss with respect to the output's pre-activation."""
        return tf.nn.softmax(a) - y

    def target(self, y):
        """Returns the output at which the loss is smallest."""
        return y

    def error(self, a, y):
        """100 for each misclassified example, else 0: the mean is the error in percent."""
        return 100.0 * tf.cast(tf.argmax(a, -1) != tf.argmax(y, -1), tf.float32)

    def top5_error(self, a, y):
        """100 for each example whose class is not among the five likeliest, else 0."""
        found = tf.math.in_top_k(tf.argmax(y, -1), tf.cast(a, tf.float32), k=5)
        return 100.0 * tf.cast(~found, tf.float32)

    def in_words(self, error):
        """Returns a mean of `error` as text with its unit."""
        return f"error {error:.2f} %"

    def get_config(self):
        return {"top5": self.top5}


@gin.register(module="tp_keras.objectives")
@keras.saving.register_keras_serializable(package="tp_keras")
class SquaredError(Objective):
    """Squared distance of a linear output to `y`, summed over units: the autoencoder's loss."""

    unit = "squared error"

    def check(self, network):
        _check_activation(self, network, "linear")

    def loss(self, a, y):
        """The loss of each example, `(batch,)`."""
        return tf.reduce_sum(tf.square(a - y), -1)

    def delta(self, a, y):
        """The gradient of the loss with respect to the output's pre-activation."""
        return 2.0 * (a - y)

    def target(self, y):
        """Returns the output at which the loss is smallest."""
        return y

    def error(self, a, y):
        """Returns the loss: a reconstruction has no error rate."""
        return self.loss(a, y)

    def in_words(self, error):
        """Returns a mean of `error` as text with its unit."""
        return f"squared error {error:.4g}"


def _check_activation(objective, network, name):
    """Raises ValueError where the network does not end in the activation of that name."""
    last = network.f[network.depth]
    while getattr(last, "layers", None):
        last = last.layers[-1]
    found = getattr(last, "activation", keras.activations.linear)
    if isinstance(last, keras.layers.Softmax):
        found = keras.activations.softmax
    if found is not keras.activations.get(name):
        raise ValueError(
            f"{type(objective).__name__} needs a network whose last layer's activation is {name}, "
            f"received {keras.activations.serialize(found)}"
        )

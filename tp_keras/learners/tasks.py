"""What an output learns, by an objective of ours or by a Keras loss, in one form."""

import inspect
import re

import keras
import tensorflow as tf

from tp_keras.record import like


class ObjectiveTask:
    """An objective of `tp_keras.objectives`, which reads the pre-activation a[L].

    Args:
      objective: The objective.
      network: The network that learns it.
    """

    def __init__(self, objective, network):
        objective.check(network)
        self.objective, self.shape = objective, network.shapes[network.depth]
        self.errors = objective.errors

    def labels(self, y, dtype):
        """Returns labels shaped like the output, of class numbers or one-hot."""
        return self.objective.labels(y, self.shape, dtype)

    def error(self, record, y, weighted=True):
        """Returns the error of a[L], of each example."""
        error = self.objective.delta(record.a[record.network.depth], y)
        return record.scaled(error) if weighted else error

    def losses(self, a, h, y, sample_weight):
        """Returns the loss of each example, `(batch,)`, and None, the weight of each in a mean."""
        loss = self.objective.loss(a, y)
        return (loss if sample_weight is None else loss * tf.cast(sample_weight, loss.dtype)), None

    def target(self, y):
        """Returns the output that the loss is least at."""
        return self.objective.target(y)

    def require_target(self, rule):
        """Raises ValueError where no label is an output: an objective always has one."""


class KerasTask:
    """A Keras loss, as `compile` takes it.

    Args:
      loss: A name, a function, or a `keras.losses.Loss`.
      network: The network that learns it.
    """

    errors = {}  # what is measured is said by `metrics`

    def __init__(self, loss, network):
        self.loss, self.shape = as_loss(loss), network.shapes[network.depth]
        self.dtype = network.stack[-1].variable_dtype

    def labels(self, y, dtype):
        return y

    def error(self, record, y, weighted=True):
        L = record.network.depth
        weight = record.sample_weight if weighted else None
        with record.tape:
            loss = self.loss(y, record.h[L], weight)
        scale = record.scale if weighted else 1.0
        factor = replicas() * tf.cast(record.examples, loss.dtype) * like(scale, loss.dtype)
        return record.tape.gradient(loss, record.a[L], factor)

    def losses(self, a, h, y, sample_weight):
        """Returns the batch's mean loss, and how many examples it stands for."""
        examples = tf.cast(tf.shape(h)[0], h.dtype)
        loss = replicas() * self.loss(y, h, sample_weight)
        return tf.where(examples > 0, loss, tf.zeros_like(loss)), examples

    def target(self, y):
        if isinstance(self.loss, keras.losses.SparseCategoricalCrossentropy):
            return tf.one_hot(
                tf.reshape(tf.cast(y, tf.int32), (-1, *self.shape[:-1])),
                self.shape[-1],
                dtype=self.dtype,
            )
        return tf.reshape(tf.cast(y, self.dtype), (-1, *self.shape))

    def require_target(self, rule):
        if not isinstance(self.loss, LEAST_AT_THE_LABEL):
            raise ValueError(
                f"{rule} needs a loss that is least where the output is the label, such as "
                f"categorical_crossentropy or mean_squared_error, received {self.loss.name}; DTP "
                "takes any loss"
            )
        if getattr(self.loss, "from_logits", False):
            raise ValueError(
                f"{rule} needs an output that a label can be: end the network in a softmax or "
                "sigmoid in place of from_logits=True"
            )


LEAST_AT_THE_LABEL = (
    keras.losses.SparseCategoricalCrossentropy,
    keras.losses.CategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
    keras.losses.BinaryCrossentropy,
    keras.losses.BinaryFocalCrossentropy,
    keras.losses.KLDivergence,
    keras.losses.MeanSquaredError,
    keras.losses.MeanAbsoluteError,
    keras.losses.MeanSquaredLogarithmicError,
    keras.losses.Huber,
    keras.losses.LogCosh,
)


class FunctionLoss(keras.losses.Loss):
    """A loss of a function of (y_true, y_pred), reduced as Keras reduces its own."""

    def __init__(self, function):
        # A scope of TensorFlow's graph, which can neither be <lambda> nor begin with _
        name = re.sub("[^A-Za-z0-9]+", "_", getattr(function, "__name__", "")).strip("_")
        super().__init__(name=name or None)
        self.function = function

    def call(self, y_true, y_pred):
        if len(y_true.shape) == len(y_pred.shape) - 1 and y_pred.shape[-1] == 1:
            y_true = tf.expand_dims(y_true, -1)
        return self.function(y_true, y_pred)


def replicas():
    """Among how many replicas Keras' losses divide their mean."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def as_loss(loss):
    """Returns the `keras.losses.Loss` that a name, a class, a function or an object stands for."""
    found = keras.losses.get(loss)
    if inspect.isclass(found):
        found = found()
    if isinstance(found, keras.losses.Loss):
        return found
    name = "".join(part.capitalize() for part in getattr(found, "__name__", "").split("_"))
    own = getattr(keras.losses, name, None)
    # Keras' functions have their class, which knows what the loss is least at
    if own is not None and getattr(keras.losses, found.__name__, None) is found:
        return own()
    return FunctionLoss(found)

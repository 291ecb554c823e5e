"""The two layers by which direct feedback alignment (DFA) runs through a Keras model."""

import math

import keras
import tensorflow as tf

from tp_keras.layers.random_signs import RandomSigns
from tp_keras.layers.stock import take_activation, with_activation

ACTIVATIONS = (keras.layers.Activation, keras.layers.Softmax)


@keras.saving.register_keras_serializable(package="tp_keras")
class Landing(keras.layers.Layer):
    """Returns its input, and stops the error that comes back from above."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x):
        return tf.stop_gradient(x)

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="tp_keras")
class DirectFeedback(keras.layers.Wrapper):
    """The output layer of a model, whose error delta[L] also goes to h[l] as B[l] delta[L].

    Reads `[x, h[1], ..., h[n]]`, tensors `(batch, ...)`, and returns `layer(x)`. delta[L] is the
    error of a[L], before the nonlinearity, which is the layer's activation, or the layer itself
    where it is an `Activation` or a `Softmax`.

    Args:
      layer: The output layer; its activation and activity regularizer move to this wrapper.
      feedback_storage, seed: How B is kept, see `tp_keras.feedback_rules.DFA`.
      activation: The nonlinearity of the output; None takes that of `layer`.

    Raises:
      ValueError: If the size of a tensor is not known when this is built.
    """

    def __init__(
        self, layer, feedback_storage="stored", seed=0, activation=None, *, name=None, **kwargs
    ):
        kwargs = {"trainable": layer.trainable, "dtype": layer.dtype_policy, **kwargs}
        kwargs.setdefault("autocast", layer.autocast)
        super().__init__(layer, name=name or layer.name, **kwargs)
        self.feedback_storage, self.seed = feedback_storage, seed
        self.activation = keras.activations.linear
        if not isinstance(layer, ACTIVATIONS):
            self.activation = take_activation(self, activation)
        self.supports_masking = layer.supports_masking

    def build(self, shapes):
        x, *h = shapes
        super().build(x)
        inputs = self._size(self.layer.compute_output_shape(x))
        dtype = "bfloat16" if self.feedback_storage == "stored_bfloat16" else None
        self.B = []
        for l, shape in enumerate(h, start=1):
            units = self._size(shape)
            if self.feedback_storage == "seeded":
                seed = (self.seed, l)
                B = RandomSigns(inputs, shape[1:], seed, dtype=self.dtype_policy)
            else:
                B = self.add_weight(
                    (inputs, units), dtype=dtype, trainable=False, name=f"feedback_{l}"
                )
            self.B.append(B)

    def _size(self, shape):
        if None in shape[1:]:
            raise ValueError(
                f"the sizes of all layers must be known for DFA, received {tuple(shape)} at the "
                f"output layer {self.name!r}: build the model on inputs of one shape"
            )
        return math.prod(shape[1:])

    def call(self, tensors):
        x, *h = tensors
        B = [b if isinstance(b, RandomSigns) else tf.convert_to_tensor(b) for b in self.B]

        @tf.custom_gradient
        def direct(a, *h):
            def land(delta):
                flat = tf.reshape(delta, (tf.shape(delta)[0], -1))
                return [delta, *(_land(flat, *pair) for pair in zip(B, h, strict=True))]

            return tf.identity(a), land

        if isinstance(self.layer, ACTIVATIONS):
            return self.layer(direct(x, *h))
        return self.activation(direct(self.layer(x), *h))

    def compute_output_shape(self, shapes):
        return self.layer.compute_output_shape(shapes[0])

    def compute_mask(self, inputs, previous_mask=None):
        return None if previous_mask is None else previous_mask[0]

    def plain(self):
        """Returns a new layer like `layer`, without weights, its activation inside."""
        if isinstance(self.layer, ACTIVATIONS):
            return type(self.layer).from_config(self.layer.get_config())
        return with_activation(self.layer, self.activation, self)

    def get_config(self):
        activation = keras.activations.serialize(self.activation)
        return {
            **super().get_config(),
            "feedback_storage": self.feedback_storage,
            "seed": self.seed,
            "activation": activation,
        }


def _land(delta, B, h):
    """B delta, shaped like h."""
    error = B(delta) if isinstance(B, RandomSigns) else tf.cast(delta, B.dtype) @ B
    return tf.cast(tf.reshape(error, tf.shape(h)), h.dtype)
